"""What the page says that larger presets would add to a study."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from jepascope.report.folder import RunFolder
from jepascope.report.sections.provenance import larger
from jepascope.study.spec_file import PRESETS, make_spec


def folder(spec: str) -> RunFolder:
    return RunFolder(path=Path("run"), summary={}, provenance={}, spec=spec, tables={})


def dumped(**values: object) -> str:
    return yaml.safe_dump(make_spec(values, "test").model_dump(mode="json"))


def test_what_is_left_to_larger_presets_is_named_with_both_counts() -> None:
    full, paper = larger(folder(dumped()))
    assert f"draws {PRESETS['full']['draws']} (60 here)" in full and "test_scenes 80 (40 here)" in full and "finder" not in full
    assert "the finder class_pca" in paper and "l1_probe" not in paper


def test_a_study_as_large_has_nothing_left() -> None:
    assert larger(folder(dumped(**PRESETS["paper"]))) == []
    assert len(larger(folder(dumped(**PRESETS["full"])))) == 1


@pytest.mark.parametrize("spec", ["", "[1, 2]", "draws: many\nfinders: 3", "a: [", "draws: !!python/object/apply:os.system ['true']"])
def test_a_spec_that_says_nothing_is_passed_over(spec: str) -> None:
    assert larger(folder(spec)) == []
