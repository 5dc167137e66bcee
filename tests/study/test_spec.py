"""A spec survives YAML unchanged, and its digest names it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from jepascope.clips.variables import VARIABLES
from jepascope.discovery import finders as discovery
from jepascope.discovery.finder_entry import FINDERS as CATALOG
from jepascope.errors import BadArgument, BadData
from jepascope.study.clips_asked import FOLDER_ONLY
from jepascope.study.ranks import most, rank_of, spanned
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import PRESETS, make_spec, read_spec, spec_values

OTHER: dict[str, Any] = {
    "model": "nano-wide",
    "clips": "circle",
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
    "ablate_to": "zero",
    "scope": "background",
    "part": "mlp",
    "swap_donor": "class",
    "edit_doses": (0.5,),
    "chapters": ("port",),
    "judges": ("probe",),
    "context": 1,
    "head_classes": {"disc": "round", "square": 3},
    "extra_controls": ("nuisance",),
    "subspace": "0123456789abcdef",
    "test_scenes": 48,
    "draws": 21,
    "draws_elsewhere": 4,
    "draws_beside": 30,
    "fits": 0,
    "doses": (0.1,),
    "port_clips": ("complex",),
    "peels": 0,
    "token_map": False,
    "stability_subsamples": 10,
    "permutations": 5,
    "control_seeds": 1,
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
    beside_files = {"labels", "labels_digest", "kind", "missing", *FOLDER_ONLY}  # see below, and test_videos
    assert OTHER.keys() == StudySpec.model_fields.keys() - beside_files
    beside = {"head_classes": {"variable": OTHER["variable"]}}  # pairs classes of that variable
    digests = {StudySpec(**{field: value, **beside.get(field, {})}).digest for field, value in OTHER.items()}
    assert len(digests) == len(OTHER)
    assert StudySpec().digest not in digests


def test_the_digest_is_of_what_the_spec_says_not_of_how_it_was_written() -> None:
    rest = {field: value for field, value in OTHER.items() if field != "clips"}
    assert StudySpec(**rest, clips="directions8").digest == StudySpec(**{**rest, "finders": ["l1_probe"]}).digest


@pytest.mark.parametrize("name", [None, "demo", "quick", "full"])
def test_presets_are_valid(name: str | None) -> None:
    values, source = spec_values(name)
    assert make_spec(values, source).model == "nano"


def test_an_empty_file_is_the_demo(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("")
    assert make_spec(read_spec(tmp_path / "spec.yaml"), "here") == StudySpec()


def test_a_refusal_names_source_field_and_value() -> None:
    with pytest.raises(BadArgument, match=r"^here: draws: .*whole number from 2 to 10,000 \(given: 1\)\.$"):
        make_spec({"draws": 1}, "here")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"draws": 1}, "draws: must be a whole number from 2 to 10,000 (given: 1)."),
    ({"draws": "many"}, "draws: must be a whole number from 2 to 10,000 (given: 'many')."),
    ({"draws": 2.5}, "draws: must be a whole number from 2 to 10,000 (given: 2.5)."),
    ({"draws": None}, "draws: must be a whole number from 2 to 10,000 (given: None)."),
    ({"context": "3"}, "context: must be a whole number from 1 to 1,024 (given: '3')."),
    ({"seed": 2**31}, "seed: must be a whole number from 0 to 2,147,483,647 (given: 2147483648)."),
    ({"test_scenes": 7}, "test_scenes: must be a whole number of at least 8 (given: 7)."),
    ({"seconds": "long"}, "seconds: must be a number from 0.1 to 60 (given: 'long')."),
    ({"token_map": "maybe"}, "token_map: must be true or false (given: 'maybe')."),
    ({"model": 3}, "model: must be text (given: 3)."),
    ({"subspace": "x" * 65}, "subspace: must be text of at most 64 characters (given: '" + "x" * 59 + "...)."),
    ({"tokens": "objects"}, "tokens: must be all or object (given: 'objects'; did you mean object?)."),
    ({"ablate_to": "noise"}, "ablate_to: must be one of mean, zero, resample (given: 'noise')."),
    (
        {"edits": "swap"},
        "edits: must be a list of one or more of ablate, swap, steer, rotate, spline (given: 'swap'; did you mean [swap]?).",
    ),
    ({"edits": []}, "edits: must be a list of one or more of ablate, swap, steer, rotate, spline (given: [])."),
    ({"edits": ["ablate", "swop"]}, "edits: must be one of ablate, swap, steer, rotate, spline (given: 'swop'; did you mean swap?)."),
    ({"edits": ["swap", "swap"]}, "edits: names swap twice (given: ['swap', 'swap'])."),
    ({"doses": []}, "doses: must be a list of 1 to 50 numbers (given: [])."),
    ({"doses": ["a"]}, "doses: must be a number (given: 'a')."),
    ({"doses": [float("nan")]}, "doses: doses lie in (0, 10]; 1 is the whole edit (given: nan)."),
    ({"classes": [1]}, "classes: must be a list of 2 to 50 names (given: '1')."),
    ({"layers": "one"}, "layers: must be survey or all, or a list of whole numbers (given: 'one')."),
    ({"layers": {"a": 1}}, "layers: must be survey or all, or a list of whole numbers (given: {'a': 1})."),
    ({"head_classes": [1, 2]}, "head_classes: must be pairs of a class and a label of the head, such as {E: 3, W: 4} (given: [1, 2])."),
    (
        {"head_classes": {"E": 1.5, "N": 2}},
        "head_classes: must be pairs of a class and a label of the head, such as {E: 3, W: 4} (given: 1.5).",
    ),
    ({"head_classes": {"Q": 1, "E": 2}}, "head_classes: direction has no class 'Q'; classes are E, NE, N, NW, W, SW, S, SE."),
    ({"seconds": 2}, "seconds: it is about real videos, and clips is the set 'directions8'; leave it out, or give a folder."),
    ({"edits": ["rotate"], "variable": "shape"}, "edits: rotate turns an angle, and shape is none; use steer."),
    ({"fnders": ["lda"]}, "there is no field 'fnders' (did you mean finders?); fields are model, "),
]


@pytest.mark.parametrize(("values", "said"), WRONG)
def test_a_refusal_says_what_a_field_may_hold(values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadArgument) as refusal:
        make_spec(values, "here")
    assert str(refusal.value).startswith(f"here: {said}")
    with pytest.raises(BadArgument) as refusal:  # the public class says the same
        StudySpec(**values)
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize("field", StudySpec.model_fields)
def test_no_field_is_refused_in_the_words_of_the_library_that_checks_it(field: str) -> None:
    for wrong in (object(), [], [[]], {}, {"a": None}, " ", -1, 1.5, 10**12, float("nan"), None, True, b"\xff", ["x"] * 60, [None]):
        try:
            make_spec({field: wrong}, "here")
        except BadArgument as error:
            assert not re.search(r"[Ii]nput|valid|Value error|type=|pydantic|the spec: |: .*\?\.", str(error)), str(error)
            assert f"here: {field}: " in str(error) or f"'{wrong}'" in str(error)


def test_a_refusal_names_the_option_by_which_a_field_was_given() -> None:
    with pytest.raises(BadArgument, match=r"^--set head_classes: direction has no class 'Q'"):
        make_spec({"head_classes": {"Q": 1, "E": 2}, "draws": 5}, "preset 'quick'", {"head_classes": "--set head_classes"})
    with pytest.raises(BadArgument, match=r"^--rank: rank 9 is more than diff_means allows"):
        make_spec({"rank": 9}, "preset 'demo'", {"rank": "--rank"})


def test_paths_and_numpy_arrays_are_taken(tmp_path: Path) -> None:
    path = labels_file(tmp_path)
    assert labelled(path).digest == StudySpec(labels=path, variable="kind", clips_per_class=10).digest  # type: ignore[arg-type]
    spec = StudySpec(doses=np.array([0.5, 1.0]), draws=np.int64(7), finders=np.array(["lda"]), model=tmp_path)  # type: ignore[arg-type]
    assert (spec.doses, spec.draws, spec.finders, spec.model) == ((0.5, 1.0), 7, ("lda",), str(tmp_path))


# finders and ranks

FINDERS = tuple(CATALOG.own)
UP_TO_WIDTH = ("within_pca", "inlp", "inlp_pattern", "das")
OF_VALUES = ("ridge_circle", "ridge_circle_pattern")


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_finder_has_a_rank_for_every_variable_it_is_allowed_for(finder: str, name: str) -> None:
    variable, full = VARIABLES[name], len(VARIABLES[name].classes) - 1
    if finder in OF_VALUES and variable.kind == "categorical":
        with pytest.raises(BadArgument, match=f"{finder} needs a variable with values, and '{name}' is categorical"):
            make_spec({"variable": name, "finders": [finder]}, "here")
        return
    spec = make_spec({"variable": name, "finders": [finder]}, "here")
    allowed = {"direction": 2, "colour": 2, "position": 2}.get(name, 1) if finder in OF_VALUES else full
    assert 1 <= spec.rank_of(finder) == min(full, allowed) <= full == spec.full_rank


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_spec_allows_the_ranks_that_the_finders_give(name: str) -> None:
    variable, width = VARIABLES[name], 96
    for finder in FINDERS:
        if not (finder in OF_VALUES and variable.kind == "categorical"):
            limit = most(finder, variable)
            assert (width - 1 if limit is None else limit) == discovery.max_rank(finder, len(variable.classes), width, variable.width)


@pytest.mark.parametrize("finder", FINDERS)
def test_a_rank_above_what_the_classes_span_needs_a_finder_that_goes_higher(finder: str) -> None:
    values = {"finders": [finder], "rank": 8}
    if finder in UP_TO_WIDTH:
        assert make_spec(values, "here").rank_of(finder) == 8
        return
    limit = 2 if finder in OF_VALUES else 7
    with pytest.raises(BadArgument, match=f"rank 8 is more than {finder} allows: at most {limit} .*within_pca"):
        make_spec(values, "here")
    assert make_spec({**values, "rank": limit}, "here").rank_of(finder) == limit


def test_one_finder_that_cannot_refuses_the_rank_for_all() -> None:
    with pytest.raises(BadArgument, match="rank 3 is more than ridge_circle allows: at most 2"):
        make_spec({"finders": ["diff_means", "ridge_circle"], "rank": 3}, "here")


def test_finders_that_coincide_by_a_theorem_span_one_subspace() -> None:
    direction = VARIABLES["direction"]
    assert spanned(["diff_means", "class_pca", "lda_pattern"], None, direction) == 7
    assert spanned(["diff_means", "class_pca", "lda"], None, direction) == 14
    assert spanned(["diff_means", "class_pca"], 3, direction) == 6  # below full rank they differ
    assert spanned(["diff_means", "ridge_circle"], None, direction) == 9
    assert all(most(finder, direction) == rank_of(finder, None, direction) for finder in FINDERS if finder not in UP_TO_WIDTH)


# labels of one's own

SCENES = 80


def labels_file(folder: Path, name: str = "labels.csv", change: str = "") -> Path:
    path = folder / name
    rows = [f"{i},{('cat', 'dog', 'owl')[i % 3]},{i * 0.5}" for i in range(SCENES)]
    path.write_text("\n".join(["scene,kind,weight", *rows]) + "\n" + change)
    return path


def labelled(path: Path, **values: Any) -> StudySpec:
    return make_spec({"labels": str(path), "variable": "kind", "clips_per_class": 10, **values}, "here")


def test_a_column_of_a_labels_file_is_a_variable(tmp_path: Path) -> None:
    spec = labelled(labels_file(tmp_path))
    assert (spec.state_variable.classes, spec.class_count, spec.full_rank) == (("cat", "dog", "owl"), 3, 2)
    assert labelled(labels_file(tmp_path), variable="weight").state_variable.kind == "numeric"


def test_the_digest_is_of_what_the_labels_say_not_of_where_they_lie(tmp_path: Path) -> None:
    here, there = labelled(labels_file(tmp_path)), labelled(labels_file(tmp_path, "copy.csv"))
    assert here.digest == there.digest
    other = labelled(labels_file(tmp_path, "other.csv", "\n"))
    assert other.digest != here.digest and other.labels_digest != here.labels_digest


def test_a_spec_finds_its_labels_beside_it(tmp_path: Path) -> None:
    labels_file(tmp_path)
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump({"labels": "labels.csv", "variable": "kind", "clips_per_class": 10}))
    spec = make_spec(read_spec(tmp_path / "spec.yaml"), "here")
    assert spec.digest == labelled(tmp_path / "labels.csv").digest
    (tmp_path / "again.yaml").write_text(spec.to_yaml())
    assert make_spec(read_spec(tmp_path / "again.yaml"), "here").digest == spec.digest


def test_labels_that_changed_since_the_spec_was_made_are_refused(tmp_path: Path) -> None:
    path = labels_file(tmp_path)
    values = labelled(path).model_dump()
    labels_file(tmp_path, change="\n")
    with pytest.raises(BadArgument, match="not the labels file that the spec was made with"):
        make_spec(values, "here")


def test_a_variable_that_is_no_column_lists_the_columns(tmp_path: Path) -> None:
    path = labels_file(tmp_path)
    with pytest.raises(BadArgument, match="no label column 'sort'; it has kind, weight"):
        labelled(path, variable="sort")
    with pytest.raises(BadArgument, match=r"'speed' is a factor .* name a column of .* \(kind, weight\)"):
        labelled(path, variable="speed")
    with pytest.raises(BadArgument, match="variable: there is no such variable; known are direction"):
        make_spec({"variable": "kind"}, "here")
    with pytest.raises(BadArgument, match="labels_digest is given without labels"):
        make_spec({"labels_digest": "0"}, "here")


def test_labels_of_other_clips_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="80 scenes, but 320 of the study's 400 are missing, first scene 80"):
        labelled(labels_file(tmp_path), clips_per_class=50)


def test_das_needs_twins_and_labels_have_none(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="das is trained on twins, and none can be rendered for the labels 'kind'"):
        labelled(labels_file(tmp_path), finders=["das"])
