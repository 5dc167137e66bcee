"""One HTML file of a run: data, engine and view inline, behind a policy under which nothing else runs and nothing is asked of any host."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from jepascope.explore.export import Exported

ENGINE = ("product", "pack", "network", "clips", "edits", "judges", "study", "worker")
"""What workers run too, in this order."""
VIEW = ("dom", "source", "remote", "state", "player", "dial", "tokens", "plane", "reads", "controls", "scenes", "python", "main")


def render(exported: Exported) -> str:
    """The page. Strings of the run stand in JSON alone, and are shown as text."""
    assets = files("jepascope.explore") / "assets"
    engine, view = (_joined(names) for names in (ENGINE, VIEW))
    policy = {
        "default-src": "'none'",
        "script-src": f"{_digest(engine)} {_digest(view)}",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "worker-src": "blob:",
        **({"connect-src": "'self'"} if exported.meta["mode"] == "server" else {}),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    loader = FunctionLoader(lambda name: (assets / name).read_text(encoding="utf-8"))
    template = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).get_template(
        "explore.html.j2"
    )
    return template.render(
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        css=Markup((assets / "explore.css").read_text(encoding="utf-8")),
        meta=_in_script(exported.meta | {"packs": {name: header for name, (header, _) in exported.packs.items()}}),
        packs={name: contents for name, (_, contents) in exported.packs.items()},
        engine=Markup(engine),
        view=Markup(view),
        title=f"{exported.meta['variable']} in {exported.meta['model']}",
    )


def _joined(names: Sequence[str]) -> str:
    assets = files("jepascope.explore") / "assets"
    return "\n" + "\n".join((assets / f"{name}.js").read_text(encoding="utf-8") for name in names)


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _in_script(value: Any) -> Markup:
    """JSON in which nothing can end the script that it stands in."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
