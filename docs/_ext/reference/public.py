"""The public names of ``import jepascope as js``, by the folder that each is of."""

from __future__ import annotations

import inspect
from collections import defaultdict

import jepascope as js

TITLES = {
    "clips": "Clips",
    "encoders": "Encoders",
    "activations": "Activations",
    "discovery": "Find",
    "intervention": "Intervene",
    "study": "Stages and studies",
    "runs": "Finished runs",
    "sweeps": "Sweeps",
    "report": "Report",
    "errors": "Errors",
}
"""In the order in which data flows."""


def public() -> str:
    """What autodoc is to show, folder by folder. RuntimeError for a public name of no folder that is known here."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for name, home in js._homes().items():
        by_folder[home.split(".")[1]].append(f"jepascope.{name}")
    by_folder["clips"] += [f"jepascope.clips.{name}" for name in js.clips.__all__ if name.islower() and name not in js._homes()]
    by_folder["study"].append("jepascope.runs.study")
    if by_folder.keys() - TITLES.keys():
        raise RuntimeError(f"These folders have public names and no title: {by_folder.keys() - TITLES.keys()}")
    return "\n\n".join(f"## {title}\n\n" + "\n\n".join(map(_documented, by_folder[folder])) for folder, title in TITLES.items())


def _documented(path: str) -> str:
    module, _, name = path.rpartition(".")
    value = getattr(__import__(module, fromlist=[name]), name)
    directive = "autoclass" if inspect.isclass(value) else "autofunction"
    members = "   :members:\n" if inspect.isclass(value) else ""
    return f"```{{eval-rst}}\n.. {directive}:: {path}\n{members}```"
