"""Stage two as a study writes it: its tables, who judges and who does not and why, and controls on request."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.clips.planted import planted_clips
from jepascope.clips.presets import directions8
from jepascope.clips.variables import VARIABLES
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.load import load_encoder
from jepascope.encoders.planted.encoder import SITE
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadData
from jepascope.findings.summary import BESIDE
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.judges import margin
from jepascope.intervention.run import read_unedited
from jepascope.planted.bench import PlantedBench, planted_benches
from jepascope.portability.alignment import sas
from jepascope.study.captures import Captures
from jepascope.study.checks import validate_for_encoder
from jepascope.study.folder import Run
from jepascope.study.intervene.command import intervened_spec, run_intervene
from jepascope.study.intervene.judges import JudgeSet, StudyJudges
from jepascope.study.intervene.requested import _in_units_of, fixed_controls, self_swaps
from jepascope.study.intervene.scenes import early_encoder, head_judge, head_scenes, same_class_draws, scenes_at
from jepascope.study.probe import probed_spec
from jepascope.study.progress import Silent
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec

sys.path.insert(0, str(Path(__file__).parents[1] / "encoders"))
from encoders_at_hand import save_classifier

DEPTH = 3
EFFECT = ["numerator", "numerator_direct", "denominator", "correct", "correct_before", "kl", "angle_error", "angle_error_before"]
KEYS = ["layer", "tokens", "finder", "rank", "edit", "control", "draw", "dose", "judge", "read_layer", "read", "scene", "target"]
FIGURE = ["value", "low", "high", "n"]
COLUMNS: dict[str, list[str]] = {
    "effects": [*KEYS, *EFFECT],
    "witnesses": [*KEYS, *EFFECT],
    "ce": [
        *("layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge", *FIGURE, "draws"),
        *("difference", "difference_low", "difference_high", "excess_low", "excess_high"),
        *("ratio", "ratio_low", "ratio_high", "ratio_is_bound", "percentile", "p", "p_holm", "p_floor"),
        *("direct", "direct_low", "direct_high", "accuracy", "accuracy_before", "kl", "kl_low", "kl_high"),
        *("angle_error", "angle_error_low", "angle_error_high", "angle_error_before", "read_layer", "read"),
    ],
    "curves": ["layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge", *FIGURE, "draws"],
    "doses": ["layer", "finder", "rank", "edit", "norm", "norm_twin", "shift", "shift_low", "shift_high", "n"],
    "reads": [
        *("layer", "read_layer", "tokens", "finder", "rank", "edit", "control", "judge", "draws", *FIGURE),
        *("accuracy", "accuracy_before"),
    ],
    "refits": ["layer", "read_layer", "finder", "rank", "control", "draw", "judge", "accuracy", "low", "high", "n", "chance"],
    "isolation": [
        *("layer", "finder", "rank", "found_for", "edit", "control", "read", *FIGURE, "draws", "accuracy", "accuracy_before"),
        *("readable", "equivalence_low", "equivalence_high", "equivalent", "margin"),
    ],
    "calibration": ["layer", "finder", "rank", "edit", "control", "draw", "scene", "source", "requested", "decoded"],
    "forecasts": [
        *("layer", "tokens", "context", "finder", "rank", "edit", "control", "dose", "draws"),
        *("recovery", "recovery_low", "recovery_high", "identified", "identified_low", "identified_high"),
        *("angle_error", "angle_error_low", "angle_error_high", "n"),
    ],
}


@pytest.fixture
def table(finished_run: Path) -> Callable[[str], pd.DataFrame]:
    return lambda name: pd.read_parquet(finished_run / f"{name}.parquet")


@pytest.fixture
def summary(finished_run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((finished_run / "summary.json").read_text())
    return found


@pytest.mark.parametrize("name", COLUMNS)
def test_a_finished_run_has_the_table(name: str, table: Callable[[str], pd.DataFrame]) -> None:
    found = table(name)
    assert list(found.columns) == COLUMNS[name]
    assert len(found)


# who judges what


def test_effects_are_of_the_studys_variable_at_the_last_layer_and_witnesses_of_everything_else(table) -> None:
    effects, witnesses = table("effects"), table("witnesses")
    assert set(effects["read"]) == {""} and set(effects["read_layer"]) == {DEPTH}
    assert ((witnesses["read"] != "") | (witnesses["read_layer"] < DEPTH)).all()
    assert (witnesses["read_layer"] >= witnesses["layer"]).all()
    assert set(witnesses["read"]) <= {"", *VARIABLES} - {"direction"}
    assert set(witnesses["control"]) <= {"subspace", "random", "variance"}


def test_every_judge_reads_every_edit_and_control_where_the_claim_is_made_and_the_probe_alone_elsewhere(
    table, summary, tiny_spec: StudySpec
) -> None:
    effects, best = table("effects"), summary["best_layer"]
    here, there = effects[effects["layer"] == best], effects[effects["layer"] != best]
    judged = here.groupby(["judge", "edit", "control"])["draw"].nunique()
    for judge in ("probe", "mlp", "predictor"):
        for edit in ("ablate", "swap", "steer"):
            controls = judged.loc[judge, edit]
            assert controls.to_dict() == {"subspace": 1, **dict.fromkeys(("random", "variance", "shuffled", "norm"), tiny_spec.draws)}
    assert set(zip(there["judge"], there["edit"], there["control"], strict=True)) == {
        ("probe", "ablate", "subspace"),
        ("probe", "ablate", "random"),
    }
    assert set(there["layer"]) == {0, 1, 2} - {best} and summary["full_layers"] == [best]


def test_who_was_asked_and_who_was_not_and_why_is_said(summary: dict[str, Any]) -> None:
    assert summary["judges"] == ["probe", "mlp", "predictor"]
    assert summary["skipped"] == {"head": "this encoder has no task head"}
    assert list(summary["by_judge"]) == summary["judges"]
    assert summary["by_judge"]["probe"]["diff_means"].keys() == {"ablate", "swap", "steer"}
    ratios = summary["ratio_by_judge"]["predictor"]["diff_means"]["swap"]
    assert ratios.keys() == {"random", "variance", "shuffled", "norm"}
    assert all(one.keys() == {"value", "low", "high", "bound", *BESIDE} for one in ratios.values())


def captures_of(folder: Path, spec: StudySpec, encoder: Any) -> Captures:
    run = Run.open(folder, spec)
    run.close()
    return Captures.of_run(run, encoder, Silent())


def test_judges_that_cannot_be_had_are_named_with_the_reason(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    headless = "this encoder has no task head"
    bare = VJepa2Encoder.from_config(tiny_encoder.model.config, seed=0, name="bare", predictor=False)
    assert StudyJudges(captures_of(tmp_path / "bare", tiny_spec, bare), 1).skipped == {
        "predictor": "this encoder has no predictor",
        "head": headless,
    }
    short = StudyJudges(captures_of(tmp_path / "short", tiny_spec, tiny_encoder.at(2, 16)), 1).skipped
    assert short == {"predictor": "clips of one tubelet have no future", "head": headless}
    alone = tiny_spec.model_copy(update={"judges": ("probe",)})
    assert StudyJudges(captures_of(tmp_path / "alone", alone, bare), 1).skipped == {}
    path = tmp_path / "mine.csv"
    pd.DataFrame({"scene": range(80), "coin": ["heads", "tails"] * 40}).to_csv(path, index=False)
    mine = make_spec({**tiny_spec.model_dump(), "labels": str(path), "variable": "coin"}, "here")
    said = StudyJudges(captures_of(tmp_path / "mine", mine, tiny_encoder), 1).skipped
    assert said["predictor"].startswith("no twin can be rendered for coin") and said["head"] == headless


# what the tables say of each other


def test_reads_end_at_the_last_layer_with_what_the_table_of_effects_says(table, summary) -> None:
    reads, ce = table("reads"), table("ce")
    assert (reads["read_layer"] >= reads["layer"]).all() and set(reads["edit"]) == {"ablate", "swap"}
    assert set(reads["judge"]) == {"probe", "mlp"} and set(reads["control"]) == {"subspace", "random"}
    key = ["layer", "finder", "edit", "control", "judge"]
    for layer, rows in reads[reads["judge"] == "probe"].groupby("layer"):
        assert set(rows["read_layer"]) == set(range(int(layer), DEPTH + 1))
    both = reads[reads["read_layer"] == DEPTH].merge(ce, on=key, suffixes=("", "_ce"))
    assert len(both) == (reads["read_layer"] == DEPTH).sum()
    for name in ("value", "low", "high", "accuracy", "accuracy_before"):
        np.testing.assert_array_equal(both[name], both[f"{name}_ce"])


def test_dose_curves_meet_the_effects_at_dose_one_and_a_swap_is_the_natural_dose(table, tiny_spec: StudySpec, summary) -> None:
    curves, ce, doses = table("curves"), table("ce"), table("doses")
    assert set(curves["dose"]) == set(tiny_spec.doses) and set(curves["control"]) == {"subspace", "random", "variance"}
    assert set(curves["layer"]) == {summary["best_layer"]} == set(doses["layer"])
    key = ["layer", "finder", "edit", "control", "judge", "dose"]
    own = curves[curves["control"] == "subspace"].merge(ce, on=key, suffixes=("", "_ce"))
    assert len(own) == 3
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(own[name], own[f"{name}_ce"], rtol=1e-4)
    swap = doses[doses["edit"] == "swap"].iloc[0]
    assert swap["shift"] == pytest.approx(1) and swap["norm"] == swap["norm_twin"]


def test_refits_hold_clean_ablated_and_random_at_every_later_layer(table, summary, tiny_spec: StudySpec) -> None:
    refits, best = table("refits"), summary["best_layer"]
    for control, finder in (("clean", ""), ("subspace", "diff_means"), ("random", "diff_means")):
        rows = refits[(refits["control"] == control) & (refits["draw"] == 0)]
        assert set(rows["finder"]) == {finder}
        assert set(zip(rows["judge"], rows["read_layer"], strict=True)) == {
            *(("probe", layer) for layer in range(best, DEPTH + 1)),
            ("mlp", DEPTH),
        }
    assert (refits["n"] == tiny_spec.test_scenes).all() and (refits["chance"] == 1 / 8).all()
    assert ((refits["low"] <= refits["accuracy"]) & (refits["accuracy"] <= refits["high"])).all()
    said = summary["refit"]["diff_means"]
    ce = table("ce").query("layer == @best and judge == 'probe' and edit == 'ablate' and control == 'subspace'").iloc[0]
    assert said["frozen"] == ce["accuracy"] and said["clean"] == ce["accuracy_before"]  # the fresh probe of clean clips is the judge


def test_isolation_has_every_variable_in_both_roles(table, summary, tiny_spec: StudySpec) -> None:
    isolation, ce = table("isolation"), table("ce").query("judge == 'probe' and control == 'subspace'")
    read = set(isolation["read"])
    assert read <= set(VARIABLES) and "direction" in read and len(read) > 3
    assert set(isolation[isolation["edit"] == "swap"]["found_for"]) == {"direction"}
    ablated = isolation[isolation["edit"] == "ablate"]
    assert set(ablated["found_for"]) == read
    other = ablated[ablated["found_for"] != "direction"]
    assert set(other["control"]) == {"subspace", "random"} and set(other["finder"]) == {"diff_means"}
    mine = isolation[isolation["found_for"] == "direction"]
    assert set(mine["control"]) == {"subspace", "random", "variance", "twin"}
    twin = mine[mine["control"] == "twin"]
    assert set(twin["edit"]) == {"swap"} and set(twin["finder"]) == {""} and set(twin["read"]) == read - {"direction"}
    within = (isolation["equivalence_low"] > -isolation["margin"]) & (isolation["equivalence_high"] < isolation["margin"])
    assert (isolation["equivalent"].astype(bool) == within).all()
    ce = ce[ce["layer"] == summary["best_layer"]].set_index("edit")["value"]
    diagonal = mine[(mine["read"] == "direction") & (mine["control"] == "subspace")].set_index("edit")["value"]
    assert diagonal["ablate"] == ce["ablate"] or (np.isnan(diagonal["ablate"]) and np.isnan(ce["ablate"]))


def test_a_twins_own_crosstalk_is_what_read_outs_of_shared_factors_lose(
    table, tiny_spec, tiny_encoder, finished_run: Path, tmp_path
) -> None:
    """The row of control ``twin`` from clean forwards of clips and twins alone."""
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    captures = captures_of(run, tiny_spec, tiny_encoder)
    rows = table("isolation").query("control == 'twin'").set_index("read")
    name = next(name for name in rows.index if np.isfinite(rows.loc[name, "value"]))
    y = torch.tensor(captures.judge.clips.labels(name)[0])
    folds = min(captures.folds, int(torch.bincount(y).min()))
    probe = dense_probes({DEPTH: captures.judge.pooled(DEPTH)}, y, captures.scenes(captures.judge), folds, seed=tiny_spec.seed)[DEPTH].probe
    labels = torch.tensor(captures.test.clips.labels(name)[0])
    clean, twin = (margin(probe.logits(part.pooled(DEPTH)).double(), labels) for part in (captures.test, captures.twins))
    assert rows.loc[name, "value"] == pytest.approx(float((clean - twin).sum() / clean.sum()), rel=1e-3)
    assert rows.loc[name, "accuracy"] == pytest.approx(float(probe.accuracy(captures.twins.pooled(DEPTH), labels)))


def test_calibration_asks_every_scene_for_every_angle(table, tiny_spec: StudySpec) -> None:
    calibration = table("calibration")
    angles = calibration[["source", "requested", "decoded"]]
    assert ((angles >= 0) & (angles <= 360)).all(axis=None)
    none = calibration[calibration["control"] == "none"]
    assert len(none) == tiny_spec.test_scenes and (none["requested"] == none["source"]).all() and set(none["edit"]) == {""}
    steered = calibration[calibration["control"] != "none"]
    assert sorted(steered["requested"].round(6).unique()) == pytest.approx([30.0 * i for i in range(12)], abs=1e-4)
    assert set(steered["edit"]) == {"steer", "rotate"} and set(steered["finder"]) == {"diff_means", "circle"}
    per = steered.groupby(["finder", "edit", "control", "draw"])["scene"].size()
    assert (per == 12 * tiny_spec.test_scenes).all()


def test_a_circle_lies_in_the_span_of_the_class_means(table) -> None:
    """Eight directions, as many clips of each: the fitted axes are combinations of class means, so both subspaces hold all of the step."""
    own = table("calibration").query("control == 'subspace'")
    means, circle = (own[own["finder"] == finder].reset_index(drop=True) for finder in ("diff_means", "circle"))
    apart = (means["decoded"] - circle["decoded"] + 180) % 360 - 180
    assert apart.abs().max() < 0.1


def test_forecasts_stand_beside_what_the_twins_own_beginning_gives(table, summary, tiny_spec: StudySpec) -> None:
    forecasts, effects = table("forecasts"), table("effects").query("judge == 'predictor'")
    references = forecasts[forecasts["finder"] == ""]
    assert references["control"].tolist() == ["natural", "none", "persistence"]  # once, though every edit has them
    assert set(forecasts["context"]) == {1} == {summary["forecast"]["context"]}
    own = forecasts.query("edit == 'swap' and control == 'subspace'").iloc[0]
    rows = effects.query("edit == 'swap' and control == 'subspace'")
    assert own["identified"] == pytest.approx(rows["correct"].mean())
    recovery = references.set_index("control").loc["natural", "recovery"]
    assert own["recovery"] / recovery == pytest.approx(rows["numerator"].sum() / rows["denominator"].sum(), rel=1e-4)
    assert effects["numerator_direct"].isna().all() and effects["kl"].isna().all()


# labels of one's own


@pytest.mark.slow
def test_of_labels_of_ones_own_there_is_no_future_and_no_twin(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    path, factors = tmp_path / "mine.csv", directions8(0, per_class=10).factors
    axis = np.where(factors["direction"].str.len() == 2, "diagonal", "straight")
    pd.DataFrame({"scene": factors["scene"], "axis": axis}).to_csv(path, index=False)
    values = {"token_map": False, "untrained_seeds": 0, "stability_subsamples": 0, "permutations": 1, "best_layer": 1, "layers": (1,)}
    spec = make_spec({**tiny_spec.model_dump(), **values, "labels": str(path), "variable": "axis"}, "here")
    summary = run_study(spec, tmp_path / "run", tiny_encoder)
    assert summary["skipped"]["predictor"].startswith("no twin can be rendered for axis") and summary["swap_donor"] == "class"
    assert summary["judges"] == ["probe", "mlp"] and summary["forecast"] == {} == summary["calibration"]
    found = {name: pd.read_parquet(tmp_path / "run" / f"{name}.parquet") for name in COLUMNS}
    assert all(list(found[name].columns) == columns for name, columns in COLUMNS.items())
    assert "twin" not in set(found["isolation"]["control"]) and len(found["forecasts"]) == 0 == len(found["calibration"])
    assert set(found["isolation"]["read"]) - {"axis"} <= set(VARIABLES) and len(set(found["isolation"]["read"])) > 3
    assert found["effects"]["angle_error"].isna().all()


# stopped on the way

STAGE_TWO = ("effects", "matching", "witnesses", "forecasts", "ce", "reads", "isolation", "curves", "doses", "calibration", "refits")
STOPS = (
    "swap at layer 1 with every control",
    "capture beginnings of twins",
    "steer at layer 1, by the predictor",
    "ablate at layer 2",
    "doses of swap at layer 1",
    "steer to 12 angles",
    "capture tokens of judge clips",
    "refit read-outs after ablation",
)


class Stopping(Silent):
    """Presses Ctrl-C at the first report of a piece of work."""

    def __init__(self, what: str) -> None:
        self.what, self.hit = what, False

    def start(self, what: str) -> Callable[[int, int], None]:
        def tick(done: int, total: int) -> None:
            if what.startswith(self.what):
                self.hit = True
                raise KeyboardInterrupt

        return tick


@pytest.mark.slow
def test_stage_two_stopped_in_every_part_ends_with_equal_tables(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path, summary
) -> None:
    assert summary["best_layer"] == 1
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    for name in STAGE_TWO:
        (run / f"{name}.parquet").unlink()
    for name in ("parts", "activations"):
        shutil.rmtree(run / name)
    for stop in STOPS:
        progress = Stopping(stop)
        with pytest.raises(KeyboardInterrupt):
            run_study(tiny_spec, run, tiny_encoder, progress)
        assert progress.hit, stop
        assert not list(run.rglob("*.tmp"))
    run_study(tiny_spec, run, tiny_encoder)
    for name in STAGE_TWO:
        assert (run / f"{name}.parquet").read_bytes() == (finished_run / f"{name}.parquet").read_bytes(), name


@pytest.mark.slow
@pytest.mark.parametrize("lost", STAGE_TWO)
def test_a_table_of_stage_two_that_was_deleted_comes_back_equal(
    lost: str, tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / f"{lost}.parquet").unlink()
    run_study(tiny_spec, run, tiny_encoder)
    assert (run / f"{lost}.parquet").read_bytes() == (finished_run / f"{lost}.parquet").read_bytes()


# the predictor's context and the task head


@pytest.mark.parametrize("context", [0, 2, 9])
def test_a_context_that_leaves_no_future_is_refused_with_those_that_do(context: int, tiny_encoder: VJepa2Encoder) -> None:
    with pytest.raises(BadArgument, match=rf"needs 1 to 1 of the 2 tubelets as context.*not {context}\. Set context"):
        early_encoder(tiny_encoder, context)
    assert early_encoder(tiny_encoder, 1).card.frames == 2


LABELS = ("Moving left", "Moving right", "Moving up", "Moving down")
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
        head_judge(captures_of(tmp_path, headed(tiny_spec, pairs), classifier))


def test_one_pair_alone_is_refused_by_the_spec(tiny_spec: StudySpec) -> None:
    for pairs in ({}, {"W": "Moving left"}):
        with pytest.raises(BadArgument, match=r"^here: head_classes: pairs at least two"):
            headed(tiny_spec, pairs)


def test_a_head_without_pairs_is_left_out_and_said(tmp_path: Path, tiny_spec: StudySpec, classifier: VJepa2Encoder) -> None:
    said = StudyJudges(captures_of(tmp_path, headed(tiny_spec, None), classifier), 1).skipped
    assert said == {"head": "no classes are paired with the head's labels (head_classes)"}


def test_the_head_judges_scenes_that_it_can_name_with_twins_that_it_can_name(
    tmp_path: Path, tiny_spec: StudySpec, classifier: VJepa2Encoder
) -> None:
    captures = captures_of(tmp_path, headed(tiny_spec, PAIRS), classifier)
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


@pytest.mark.slow
def test_the_head_of_a_classifier_is_a_judge_of_a_study(tmp_path: Path, tiny_spec: StudySpec, classifier: VJepa2Encoder) -> None:
    spec = headed(tiny_spec, PAIRS)
    changed = intervened_spec(spec, 1, {}, None)
    summary = run_intervene(tmp_path / "run", spec, changed, classifier)
    assert summary["judges"] == ["probe", "mlp", "predictor", "head"] and summary["skipped"] == {}
    (folder,) = (tmp_path / "run").glob("intervene-*")
    effects = pd.read_parquet(folder / "effects.parquet")
    head = effects[effects["judge"] == "head"]
    assert head["scene"].nunique() == len(PAIRS) * (tiny_spec.test_scenes // 8) and set(head["target"]) == {0, 1, 2}
    assert set(head["control"]) == {"subspace", "random", "variance", "shuffled", "norm"} and np.isfinite(head["kl"]).all()
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
        said = StudyJudges(captures_of(tmp_path / scope, spec, tiny_encoder), 1).skipped
        assert ("predictor" not in said) == shown
        assert shown or said["predictor"] == f"it is shown the first 1 tubelet(s) alone, and the edited tokens ({scope}) lie later"


def test_a_run_that_rotates_can_be_probed_for_what_cannot_be_rotated(tiny_spec: StudySpec) -> None:
    values = {"edits": ("ablate", "rotate"), "swap_donor": "twin", "head_classes": {"E": 0, "W": 1}}
    probed = probed_spec(make_spec({**tiny_spec.model_dump(), **values}, "here"), "size", None)
    assert (probed.variable, probed.edits, probed.swap_donor, probed.head_classes) == ("size", ("ablate",), None, None)


# controls on request


@pytest.fixture(scope="module")
def planted() -> dict[str, PlantedBench]:
    return {name: planted_benches([(name, 0)], fit=12, judge=6, test=4)[0] for name in ("clean", "decoy")}


def standing_in(one: PlantedBench, extra: tuple[str, ...] = ()) -> Captures:
    """A planted network where the study's functions expect a study."""
    captures = Captures.__new__(Captures)
    captures.spec = make_spec({"extra_controls": extra}, "here")
    captures.encoder = one.encoder
    captures.__dict__["fit"] = capture(one.encoder, planted_clips(0, 12, 6, 4).split("fit"), batch=64)
    return captures


def test_on_a_decoy_network_the_largest_axes_are_the_decoy_and_nuisance_is_neither_plane(planted: dict[str, PlantedBench]) -> None:
    one = planted["decoy"]
    truth = Subspace(one.encoder.causal, one.mean)
    draws = fixed_controls(standing_in(one, ("top_pca", "nuisance")), SITE, truth, one.covariance)
    found = {draw.name: draw.basis for draw in draws}
    assert list(found) == ["top_pca", "nuisance"]
    assert sas(found["top_pca"], one.encoder.inert) > 0.95
    assert sas(found["nuisance"], one.encoder.inert) < 0.2 and sas(found["nuisance"], one.encoder.causal) < 0.3
    for draw in draws:
        torch.testing.assert_close(draw.basis.T @ draw.basis, torch.eye(2), atol=1e-5, rtol=0)
        assert draw.matched.rank == 2 and draw.matched.variance_target == pytest.approx(
            float(torch.trace(truth.basis.double().T @ one.covariance @ truth.basis.double()))
        )
        assert draw.matched.overlap == pytest.approx(sas(draw.basis, truth.basis), abs=1e-5)
    # the most variance that two directions of pooled activations hold
    assert draws[0].matched.pooled_variance >= max(draws[1].matched.pooled_variance, draws[0].matched.pooled_variance_target)
    assert fixed_controls(standing_in(one), SITE, truth, one.covariance) == []


def test_a_clip_of_the_same_class_has_nothing_to_swap_in(planted: dict[str, PlantedBench]) -> None:
    one = planted["clean"]
    truth = {"truth": Subspace(one.encoder.causal, one.mean)}
    context, depth = InterventionContext(one.encoder, one.site, one.scenes, [one.judge], one.covariance, one.mean), one.encoder.card.depth
    judges = JudgeSet({("probe", depth): one.judge}, {}, depth)
    swapped = self_swaps(standing_in(one), context, truth, pd.DataFrame(), judges)
    assert set(swapped["control"]) == {"self_swap"} and swapped["draw"].nunique() == 10
    real, _ = context.edit(truth, {}, ("swap",))
    own, itself = (rows["numerator"].sum() / rows["denominator"].sum() for rows in (real, swapped))
    assert own == pytest.approx(1, abs=0.02) and abs(itself) < 0.1
    first = swapped[swapped["draw"] == 0]
    np.testing.assert_array_equal(first["denominator"], real["denominator"])  # in the same units
    assert first["target"].tolist() == real["target"].tolist()


def test_donors_of_the_same_class_are_other_clips_of_it_and_no_assignment_is_drawn_twice() -> None:
    clips = directions8(per_class=6)
    labels = clips.labels("direction")[0]
    drawn = same_class_draws(clips, "direction", 10, seed=2)
    assert len(drawn) == 10 == len({rows.tobytes() for rows in drawn})
    for rows in drawn:
        assert (rows != np.arange(len(labels))).all() and (labels[rows] == labels).all()
    again, other = (same_class_draws(clips, "direction", 10, seed) for seed in (2, 3))
    assert all((one == two).all() for one, two in zip(drawn, again, strict=True))
    assert any((one != two).any() for one, two in zip(drawn, other, strict=True))


def test_few_scenes_of_a_class_give_few_draws_and_one_gives_none() -> None:
    clips = directions8(per_class=6)
    labels = clips.labels("direction")[0]
    two = clips.select(np.flatnonzero(labels == 3)[:2])
    assert [rows.tolist() for rows in same_class_draws(two, "direction", 10, seed=0)] == [[1, 0]]
    with pytest.raises(BadData, match=r"another clip of the same class, and direction 'NW' has one; take more test scenes"):
        same_class_draws(clips.select(np.flatnonzero(labels == 3)[:1]), "direction", 10, seed=0)


def rows_of(numerators: list[float], denominators: list[float], control: str = "subspace") -> pd.DataFrame:
    said = {"layer": 1, "finder": "one", "edit": "swap", "control": control, "draw": 0, "dose": 1.0, "judge": "probe", "read_layer": 3}
    return pd.DataFrame({**said, "scene": range(len(numerators)), "numerator": numerators, "denominator": denominators})


def test_an_untrained_twins_effect_is_its_own_in_the_trained_encoders_units() -> None:
    trained = rows_of([1.0, 2.0, 3.0, 2.0], [2.0, 3.0, 4.0, 3.0])
    theirs = rows_of([0.1, 0.3, 0.2, 0.2], [0.5, 0.4, 0.6, 0.5])
    found = _in_units_of(trained, theirs, seed=2)
    assert found["denominator"].tolist() == trained["denominator"].tolist()
    assert found["numerator"].sum() / found["denominator"].sum() == pytest.approx(0.8 / 2.0)
    assert set(found["control"]) == {"untrained"} and set(found["draw"]) == {2} and found["numerator_direct"].isna().all()
    nothing_read = rows_of([0.1, 0.3, 0.2, 0.2], [0.5, -0.4, 0.6, -0.5])
    assert _in_units_of(trained, nothing_read, seed=0).empty
    assert _in_units_of(trained.assign(edit="steer"), theirs, seed=0).empty
