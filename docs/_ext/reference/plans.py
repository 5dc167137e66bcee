"""What a study would cost, as ``jepascope plan`` says it where the site is built."""

from __future__ import annotations

import shlex

from typer.testing import CliRunner

from jepascope.cli import app

WIDE = {"COLUMNS": "110", "TERM": "dumb"}


def plan(*words: str) -> str:
    """``jepascope plan`` with these words, and what it prints. RuntimeError where it refuses them."""
    printed = CliRunner().invoke(app, ["plan", *words], env=WIDE)
    if printed.exit_code:
        raise RuntimeError(f"jepascope plan {shlex.join(words)}: {printed.output}")
    return f"```bash\njepascope plan {shlex.join(words)}\n```\n\n```text\n{printed.stdout.strip()}\n```"
