"""The predictor's context and the task head as a judge: what is refused, what is left out and said."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from controls_named import OF_FORMULA
from jepascope.activations.site import Site
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.encoders.label_pairs import proposed_pairs
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument
from jepascope.intervention.run import read_unedited
from jepascope.runs import load_run
from jepascope.study.checks import validate_for_encoder
from jepascope.study.intervene.command import intervened_spec, run_intervene
from jepascope.study.intervene.judges import StudyJudges
from jepascope.study.intervene.scenes import early_encoder, head_judge, head_scenes, scenes_at
from jepascope.study.probe import probed_spec
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec
from tiny import captures_in

sys.path.insert(0, str(Path(__file__).parents[1] / "encoders"))
from encoders_at_hand import save_classifier


@pytest.mark.parametrize("context", [0, 2, 9])
def test_a_context_that_leaves_no_future_is_refused_with_those_that_do(context: int, tiny_encoder: VJepa2Encoder) -> None:
    with pytest.raises(BadArgument, match=rf"needs 1 to 1 of the 2 tubelets as context.*not {context}\. Set context"):
        early_encoder(tiny_encoder, context)
    assert early_encoder(tiny_encoder, 1).card.frames == 2


LABELS = ("Moving left", "Moving right", "Moving up", "Moving down")
OF_SSV2 = (
    "Pushing something from left to right",
    "Turning the camera left while filming something",
    "Pushing something from right to left",
    "Opening something",
)
PAIRS: dict[str, str | int] = {"W": "Moving left", "E": 1, "N": "Moving up"}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> VJepa2Encoder:
    folder = tmp_path_factory.mktemp("classifier") / "tiny"
    save_classifier(folder, LABELS)
    return load_encoder(str(folder))


def headed(tiny_spec: StudySpec, pairs: dict[str, str | int] | None) -> StudySpec:
    return make_spec({**tiny_spec.model_dump(), "head_classes": pairs, "model": "tiny"}, "here")


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ({"W": "Moving left", "left": "Moving right"}, r"direction has no class 'left'; classes are E, NE"),
        ({"W": "Moving left", "E": "right"}, r"the head has no label 'right'; did you mean 'Moving right'\?"),
        ({"W": "Moving left", "E": "flying"}, r"the head has no label 'flying'\.$"),
        ({"W": "Moving left", "E": 4}, r"the head has labels 0\.\.3, not 4"),
        ({"W": "Moving left", "E": -1}, "a label of the head is its name, or its number from 0"),
        ({"W": "Moving left", "E": "Moving left"}, "two classes the same label"),
    ],
)
def test_pairs_that_the_head_or_the_variable_does_not_have_are_refused(
    pairs: dict[str, str | int], said: str, tmp_path: Path, tiny_spec: StudySpec, classifier: VJepa2Encoder
) -> None:
    with pytest.raises(BadArgument, match=said):
        head_judge(captures_in(tmp_path, headed(tiny_spec, pairs), classifier))


def test_one_pair_alone_is_refused_by_the_spec(tiny_spec: StudySpec) -> None:
    for pairs in ({}, {"W": "Moving left"}):
        with pytest.raises(BadArgument, match=r"^here: head_classes: pairs at least two"):
            headed(tiny_spec, pairs)


def test_a_head_without_pairs_is_left_out_and_said(tmp_path: Path, tiny_spec: StudySpec, classifier: VJepa2Encoder) -> None:
    said = StudyJudges(captures_in(tmp_path, headed(tiny_spec, None), classifier), 1).skipped
    assert said == {"head": "no classes are paired with the head's labels (head_classes); `jepascope models tiny` proposes pairs"}


def test_the_head_judges_scenes_that_it_can_name_with_twins_that_it_can_name(
    tmp_path: Path, tiny_spec: StudySpec, classifier: VJepa2Encoder
) -> None:
    captures = captures_in(tmp_path, headed(tiny_spec, PAIRS), classifier)
    judge = head_judge(captures)
    named = [name for name in captures.classes if name in PAIRS]
    assert [LABELS[column] for column in judge.columns] == [PAIRS[name] if name != "E" else "Moving right" for name in named]
    scenes = head_scenes(captures, scenes_at(captures, 1))
    shown, wanted = (part.clips.factors["direction"].tolist() for part in (scenes.source, scenes.twin))
    assert [named[label] for label in scenes.label] == shown and [named[target] for target in scenes.target] == wanted
    assert set(shown) == set(named) and all(a != b for a, b in zip(shown, wanted, strict=True))
    # everything but the direction is shared
    kept = ["scene", "speed", "size", "shape", "hue"]
    pd.testing.assert_frame_equal(scenes.source.clips.factors[kept], scenes.twin.clips.factors[kept])
    unedited = read_unedited(classifier, Site(1), scenes, [judge])
    with torch.inference_mode():
        theirs = classifier.head_logits(classifier.run(classifier.embed(scenes.twin.clips.video()), 0))
    torch.testing.assert_close(next(iter(unedited.twin.values())), theirs[:, list(judge.columns)], atol=1e-6, rtol=1e-5)


def test_where_swaps_take_from_donors_the_head_judges_with_donors_that_it_can_name(
    tmp_path: Path, tiny_spec: StudySpec, classifier: VJepa2Encoder
) -> None:
    spec = make_spec({**headed(tiny_spec, PAIRS).model_dump(), "swap_donor": "class"}, "here")
    captures = captures_in(tmp_path, spec, classifier)
    named = [name for name in captures.classes if name in PAIRS]
    scenes = head_scenes(captures, scenes_at(captures, 1))
    shown, taken = (part.clips.factors for part in (scenes.source, scenes.twin))
    assert scenes.donor == "class" and set(shown["direction"]) == set(named)
    assert [named[label] for label in scenes.label] == shown["direction"].tolist()
    assert [named[target] for target in scenes.target] == taken["direction"].tolist()
    assert (shown["scene"].to_numpy() != taken["scene"].to_numpy()).all() and set(taken["scene"]) <= set(shown["scene"])


@pytest.mark.slow
def test_of_as_many_labels_as_something_something_has_a_proposed_pair_judges_and_its_margins_are_claimed(
    tmp_path: Path, tiny_spec: StudySpec
) -> None:
    labels = (*(f"Doing something {number}" for number in range(90)), *OF_SSV2, *(f"Showing something {number}" for number in range(80)))
    assert len(labels) == 174
    save_classifier(tmp_path / "ssv2", labels)
    (pairs,) = proposed_pairs(labels, DIRECTION_NAMES)
    summary = run_study(headed(tiny_spec, dict(pairs)), tmp_path / "run", load_encoder(str(tmp_path / "ssv2")))
    assert "head" in summary["judges"]
    (claim,) = (claim for claim in load_run(tmp_path / "run").claims if claim["name"] == "by its own task head")
    assert claim["verdict"] != "not run" and "own classifier" in claim["sentence"] and claim["evidence"][0]["key"]["judge"] == "head"


@pytest.mark.slow
def test_the_head_of_a_classifier_is_a_judge_of_a_study(tmp_path: Path, tiny_spec: StudySpec, classifier: VJepa2Encoder) -> None:
    spec = headed(tiny_spec, PAIRS)
    changed = intervened_spec(spec, 1, {}, None)
    summary = run_intervene(tmp_path / "run", spec, changed, classifier)
    assert summary["judges"] == ["probe", "mlp", "predictor", "head"] and "head" not in summary["skipped"]
    (folder,) = (tmp_path / "run").glob("intervene-*")
    effects = pd.read_parquet(folder / "effects.parquet")
    head = effects[effects["judge"] == "head"]
    assert head["scene"].nunique() == len(PAIRS) * (tiny_spec.test_scenes // 8) and set(head["target"]) == {0, 1, 2}
    assert set(head["control"]) == {*OF_FORMULA} and np.isfinite(head["kl"]).all()
    assert head["numerator_direct"].isna().all()


def test_what_the_encoder_does_not_have_is_said_before_there_is_a_folder(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, classifier: VJepa2Encoder
) -> None:
    for changes, encoder, message in (
        ({"scope": "time:2"}, tiny_encoder, r"Clips of 2 tubelets \(0\.\.1\) have no tokens 'time:2'"),
        ({"scope": "time:1-0"}, tiny_encoder, "no token selection 'time:1-0'"),
        ({"context": 2}, tiny_encoder, "2 tubelets"),
        ({"head_classes": {"W": "Moving left", "E": "flying"}}, classifier, "no label 'flying'"),
    ):
        spec = make_spec({**tiny_spec.model_dump(), **changes}, "here")
        with pytest.raises(BadArgument, match=message):
            run_intervene(tmp_path / "run", spec, intervened_spec(spec, 1, {}, None), encoder)
        with pytest.raises(BadArgument):
            run_study(spec, tmp_path / "run", encoder)
    assert not (tmp_path / "run").exists()


def test_what_a_judge_that_is_left_out_would_need_is_not_asked_for(tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    bare = VJepa2Encoder.from_config(tiny_encoder.model.config, seed=0, name="bare", predictor=False)
    validate_for_encoder(make_spec({**tiny_spec.model_dump(), "context": 9, "head_classes": {"W": 1, "E": 2}}, "here"), bare)


def test_the_predictor_does_not_judge_an_edit_of_what_it_is_not_shown(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    for scope, shown in (("time:0", True), ("time:1", False), ("time:0-1", False)):
        spec = make_spec({**tiny_spec.model_dump(), "scope": scope}, "here")
        said = StudyJudges(captures_in(tmp_path / scope, spec, tiny_encoder), 1).skipped
        assert ("predictor" not in said) == shown
        assert shown or said["predictor"] == f"it is shown the first 1 tubelet(s) alone, and the edited tokens ({scope}) lie later"


def test_a_run_that_rotates_can_be_probed_for_what_cannot_be_rotated(tiny_spec: StudySpec) -> None:
    values = {"edits": ("ablate", "rotate"), "swap_donor": "twin", "head_classes": {"E": 0, "W": 1}}
    probed = probed_spec(make_spec({**tiny_spec.model_dump(), **values}, "here"), "size", None)
    assert (probed.variable, probed.edits, probed.swap_donor, probed.head_classes) == ("size", ("ablate",), None, None)
