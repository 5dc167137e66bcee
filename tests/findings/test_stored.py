"""JSON of a run folder is typed where it is read: other versions' keys pass, and a value of another type is one sentence that names it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jepascope.findings.stored import MODELS, typed

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("summary.json", {"best_layer": "3"}, "'best_layer' is not a layer"),
    ("summary.json", {"best_layer": True}, "'best_layer' is not a layer"),
    ("summary.json", {"best_layer": -1}, "'best_layer' is not a layer"),
    ("summary.json", {"layers": [0, 1.5]}, "'layers.1' is not a layer"),
    ("summary.json", {"model": 7}, "'model' is not a text"),
    ("summary.json", {"ce": {"lda": 0.5}}, "'ce.lda' is not an object"),
    ("summary.json", {"confidence": 95}, "'confidence' is not below 1"),
    ("summary.json", {"seconds": {"capture": "1"}}, "'seconds.capture' is not a number"),
    ("summary.json", {"skipped": ["head"]}, "'skipped' is not an object"),
    ("summary.json", {"footage": {"refused": [{"reason": "too short"}]}}, "it has no 'footage.refused.0.count'"),
    ("provenance.json", {"encoder": None}, "'encoder' is not an object"),
    ("provenance.json", {"command": 3}, "'command' is not a text"),
    ("claims.json", {}, "it has no 'claims'"),
    ("claims.json", {"claims": [{"sentence": 1}]}, "'claims.0.sentence' is not a text"),
    ("seconds.json", {"capture": None}, "'capture' is not a number"),
]


@pytest.mark.parametrize(("name", "values", "said"), WRONG)
def test_a_wrong_type_is_one_sentence_that_names_the_value(name: str, values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        typed(name, json.dumps(values).encode())


@pytest.mark.parametrize("name", [*MODELS, "another.json"])
def test_what_is_not_known_passes_and_nothing_is_changed(name: str) -> None:
    values = {"claims": []} if name == "claims.json" else {}
    values |= {} if name == "seconds.json" else {"of another version": [1, {"x": None}]}
    assert typed(name, json.dumps(values).encode()) == values


def test_numbers_that_do_not_exist_are_read() -> None:
    assert typed("summary.json", b'{"chance": null, "probe": {"dense": {"0": NaN, "1": 1}}}')["probe"]["dense"]["1"] == 1


ODD = (None, True, -1, 10**17, 2.5, float("nan"), "x", "x" * 5000, "\x1b[31m", [], [1], {}, {"a": None}, {"a": {"\nb": []}})


@pytest.mark.parametrize("name", MODELS)
def test_whatever_stands_there_passes_or_is_one_line(name: str) -> None:
    for field in [*MODELS[name].model_fields, "any"]:
        for value in ODD:
            try:
                typed(name, json.dumps({field: value}).encode())
            except ValueError as error:
                assert str(error).isprintable() and len(str(error)) < 150
