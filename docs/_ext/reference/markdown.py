"""Tables and plain text as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: str, rows: Iterable[Sequence[str]]) -> str:
    """``head``: the names of its columns with bars between them."""
    lines = [f"| {head} |", "|---" * (head.count("|") + 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows])


def plain(text: str) -> str:
    """A sentence of the product's in which no character is markup; what stands in backticks is code."""
    parts = text.replace("``", "`").split("`")
    return "`".join(part if place % 2 else re.sub(r"([<>*\[\]$_])", r"\\\1", part) for place, part in enumerate(parts))


def code(value: object) -> str:
    """A value as YAML would have it; nothing for one that is not given."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{', '.join(map(str, value))}`" if isinstance(value, list | tuple) else f"`{value}`"
