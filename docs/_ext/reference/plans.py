"""What a study would cost, as ``jepascope plan`` says it where the site is built."""

from __future__ import annotations

import json
import shlex
from typing import Any

from typer.testing import CliRunner

from jepascope.cli import app
from reference.markdown import plain, table


def plan(*words: str) -> str:
    """``jepascope plan`` with these words, and all that it says."""
    steps = _asked(words)["steps"]
    counts = ((plain(step["name"]), f"{step['forwards']:,}", f"{step['block_passes']:,}") for step in steps)
    return f"{cost(*words)}\n\n{table('step | forwards | block passes', counts)}"


def cost(*words: str) -> str:
    """The same without the steps."""
    command = shlex.join(["jepascope", "plan", *words])
    notes = "\n".join(f"- {plain(note)}" for note in _asked(words)["notes"])
    return f"```bash\n{command}\n```\n\n{notes}"


def _asked(words: tuple[str, ...]) -> dict[str, Any]:
    """RuntimeError where it refuses them."""
    printed = CliRunner().invoke(app, ["plan", *words, "--json"])
    if printed.exit_code:
        raise RuntimeError(f"jepascope plan {shlex.join(words)}: {printed.output}")
    return dict(json.loads(printed.stdout))
