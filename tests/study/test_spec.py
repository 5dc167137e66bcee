"""A spec survives YAML unchanged, and its digest names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jepascope.errors import BadArgument
from jepascope.study.spec import PRESETS, StudySpec, make_spec, read_spec, spec_values

OTHER: dict[str, Any] = {
    "model": "nano-wide",
    "variable": "shape",
    "clips_per_class": 51,
    "frames": 16,
    "size": 64,
    "seed": 1,
    "tokens": "object",
    "finders": ("l1_probe",),
    "rank": 2,
    "layers": (1, 3),
    "best_layer": 2,
    "edits": ("ablate",),
    "test_scenes": 48,
    "draws": 21,
    "draws_elsewhere": 4,
    "doses": (0.1,),
    "untrained_seeds": 0,
    "folds": 4,
    "resamples": 999,
}
"""Another value than the default for every field that has more than one."""


@pytest.mark.parametrize("spec", [StudySpec(), StudySpec(**OTHER), *(StudySpec(**values) for values in PRESETS.values())])
def test_yaml_gives_the_same_spec_back(spec: StudySpec, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(spec.to_yaml())
    assert make_spec(read_spec(path), "here") == spec
    assert make_spec(read_spec(path), "here").digest == spec.digest


def test_every_field_changes_the_digest() -> None:
    assert OTHER.keys() == StudySpec.model_fields.keys() - {"clips"}  # there is one clip set so far
    digests = {StudySpec(**{field: value}).digest for field, value in OTHER.items()}
    assert len(digests) == len(OTHER)
    assert StudySpec().digest not in digests


def test_the_digest_is_of_what_the_spec_says_not_of_how_it_was_written() -> None:
    assert StudySpec(**OTHER, clips="directions8").digest == StudySpec(**{**OTHER, "finders": ["l1_probe"]}).digest


@pytest.mark.parametrize("name", [None, "demo", "quick", "full"])
def test_presets_are_valid(name: str | None) -> None:
    values, source = spec_values(name)
    assert make_spec(values, source).model == "nano"


def test_an_empty_file_is_the_demo(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("")
    assert make_spec(read_spec(tmp_path / "spec.yaml"), "here") == StudySpec()


def test_a_refusal_names_source_field_and_value() -> None:
    with pytest.raises(BadArgument, match=r"^here: draws: .*greater than or equal to 2 \(given: 1\)\.$"):
        make_spec({"draws": 1}, "here")
