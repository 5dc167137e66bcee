"""A run folder whose names and words were chosen by somebody who means harm."""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.schema import TABLES

HARMFUL = (
    "<script>alert('ran')</script>",
    "\"><img src=x onerror=alert('ran')>",
    "' onmouseover='alert(1)' x='",
    "</style></svg></title><script>alert(1)</script>",
    "javascript:alert(1)",
    "W" * 400,
    "מימין לשמאל \u202e מה זה \u2066",
    "🧪🎥" * 12,
    "{{ 7 * 7 }} {% raw %} $x_1$ &amp; %s",
    "a\u0000b\u0007\ud83d",
)
"""Markup, script, no place to break a line, right to left, emoji, templates, what no file should hold."""

OURS = {
    *("edit", "control", "judge", "tokens", "encoder", "probe", "metric", "across", "held_out", "read", "part", "how"),
    *("unit", "verdict", "type_columns", "choice", "map", "kind"),
}
"""Columns of words that are jepascope's own: what they hold is told apart by them."""


def made_hostile(run: Path) -> None:
    """Put harmful words before every name in the folder that a stranger chose: in all tables alike, and wherever the JSON files hold it."""
    harm, names = cycle(HARMFUL), {}

    def harmful(word: str) -> str:
        if word and word not in names:
            names[word] = f"{next(harm)} {word}".encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
        return names.get(word, word)

    def everywhere(value: Any) -> Any:
        if isinstance(value, dict):
            return {names.get(key, key): everywhere(part) for key, part in value.items()}
        if isinstance(value, list):
            return [everywhere(part) for part in value]
        return names.get(value, value) if isinstance(value, str) else value

    for name, table in TABLES.items():
        path = run / f"{name}.parquet"
        if path.exists():
            frame = pd.read_parquet(path)
            told = [column.name for column in table if column.holds_words and column.name not in OURS and column.name in frame]
            frame.assign(**{name: frame[name].map(harmful) for name in told}).to_parquet(path, index=False)
    summary = json.loads((run / "summary.json").read_text())
    for key in ("model", "clips", "variable", "headline", "stimuli_caption"):
        summary[key] = harmful(str(summary.get(key, key)))
    summary["film"] |= {key: harmful(summary["film"][key]) for key in ("clip", "partner")}
    (run / "summary.json").write_text(json.dumps(everywhere(summary)))
    told = json.loads((run / "provenance.json").read_text())
    (run / "provenance.json").write_text(json.dumps({key: harmful(part) if isinstance(part, str) else part for key, part in told.items()}))
    (run / "spec.yaml").write_text("\n".join(f"{key}: {json.dumps(word)}" for key, word in zip("abcdefghij", HARMFUL, strict=True)))
