"""YAML as people write it: names of classes, columns and files are the text that stands there, whatever YAML takes it for.

YAML makes a number of 00 and a truth value of yes; as the name of a class each means itself.
"""

from __future__ import annotations

from typing import Any

import yaml

TEXTS = ("model", "clips", "variable", "labels", "subspaces_from")  # fields that are one name
LISTS = ("classes", "missing")  # fields that are a list of names
PAIRS = "head_classes"  # by the names of classes


def read_fields(text: str) -> Any:
    """What a YAML text holds, by field. Raises as yaml does."""
    values = yaml.safe_load(text)
    if not isinstance(values, dict):
        return values
    texts = yaml.load(text, yaml.BaseLoader)  # data only, as safe_load: every scalar is its text
    return {field: _named(str(field), value, texts.get(str(field))) for field, value in values.items()}


def read_value(field: str, text: str) -> Any:
    """What the text of one field holds. Raises as yaml does."""
    return _named(field, yaml.safe_load(text), yaml.load(text, yaml.BaseLoader))


def _named(field: str, value: Any, text: Any) -> Any:
    if field in TEXTS and value is not None and isinstance(text, str):
        return text
    if field in LISTS and isinstance(value, list):
        return text
    if field == PAIRS and isinstance(value, dict) and len(value) == len(text):
        return dict(zip(text, value.values(), strict=True))
    return value
