"""The terms that reports explain."""

from __future__ import annotations

from jepascope.findings.glossary import GLOSSARY


def glossary() -> str:
    """Every term with its sentence, as a definition list; terms that mean the same stand together."""
    entries = ("\n".join(term.words) + f"\n  {term.meaning}" for term in GLOSSARY)
    return "```{glossary}\n" + "\n\n".join(entries) + "\n```"
