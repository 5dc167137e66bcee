"""The terms that reports explain."""

from __future__ import annotations

from jepascope.findings.glossary import glossary as terms


def glossary() -> str:
    """Every term with its sentence, as a definition list; terms that mean the same stand together."""
    by_meaning: dict[str, list[str]] = {}
    for term, meaning in terms().items():
        by_meaning.setdefault(meaning, []).append(term)
    entries = sorted((names, meaning) for meaning, names in by_meaning.items())
    return "```{glossary}\n" + "\n\n".join("\n".join(names) + f"\n  {meaning}" for names, meaning in entries) + "\n```"
