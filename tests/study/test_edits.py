"""Stage two as a study writes it: its tables, and who judges and who does not and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from controls_named import OF_FORMULA, SCREENED
from jepascope.activations.capture import capture
from jepascope.clips.presets import directions8
from jepascope.clips.variables import VARIABLES
from jepascope.discovery.finders import find
from jepascope.discovery.probes.paths import dense_probes
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.findings.summary import BESIDE
from jepascope.intervention.circle import Circle
from jepascope.intervention.edit_entry import CALIBRATED
from jepascope.intervention.judges import margin
from jepascope.stats import MIN_DRAWS
from jepascope.study.captures import Captures
from jepascope.study.given import given_in
from jepascope.study.intervene.judges import StudyJudges
from jepascope.study.progress import Silent
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec
from tiny import captures_in

DEPTH = 3
EFFECT = ["numerator", "numerator_direct", "denominator", "correct", "correct_before", "kl", "angle_error", "angle_error_before"]
EFFECT += ["nearest", "nearest_before", "mahalanobis", "mahalanobis_before"]
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
        *("angle_error", "angle_error_low", "angle_error_high", "angle_error_before", "read_layer", "read", "correlation", "worth"),
        *(f"one_{of}{end}" for of in ("", "difference_", "excess_", "ratio_") for end in ("low", "high")),
    ],
    "screen": [
        *("layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge", "read_layer", "read", *FIGURE, "draws"),
        *("first_order", "slope", "correlation", "screened"),
    ],
    "first_order": [
        *("layer", "tokens", "finder", "edit", "control", "draw", "dose", "judge", "scene", "clip", "value", "expected", "many"),
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
            assert {**dict.fromkeys(OF_FORMULA, tiny_spec.draws), "subspace": 1, "top_pca": 1} == controls.drop(
                "untrained", errors="ignore"
            ).to_dict()
    controls = SCREENED
    assert set(zip(there["judge"], there["edit"], there["control"], strict=True)) == {
        ("probe", edit, control) for edit in ("ablate", "swap") for control in controls
    }
    assert set(there.groupby("control")["draw"].nunique().drop(["subspace", "top_pca"])) == {tiny_spec.draws_elsewhere}
    assert set(there["layer"]) == {0, 1, 2} - {best} and summary["full_layers"] == [best]


def test_who_was_asked_and_who_was_not_and_why_is_said(summary: dict[str, Any]) -> None:
    assert summary["judges"] == ["probe", "mlp", "predictor"]
    assert summary["skipped"].items() >= {"head": "this encoder has no task head"}.items()
    assert set(summary["skipped"]) <= {"head", "untrained"}, "of twins whose judges read a margin there are effects"
    assert list(summary["by_judge"]) == summary["judges"]
    assert summary["by_judge"]["probe"]["diff_means"].keys() == {"ablate", "swap", "steer"}
    ratios = summary["ratio_by_judge"]["predictor"]["diff_means"]["swap"]
    assert ratios.keys() == {*OF_FORMULA} - {"subspace"}
    assert all(one.keys() >= {"value", "low", "high", "bound", *BESIDE} for one in ratios.values())


def test_judges_that_cannot_be_had_are_named_with_the_reason(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    headless = "this encoder has no task head"
    bare = VJepa2Encoder.from_config(tiny_encoder.model.config, seed=0, name="bare", predictor=False)
    assert StudyJudges(captures_in(tmp_path / "bare", tiny_spec, bare), 1).skipped == {
        "predictor": "this encoder has no predictor",
        "head": headless,
    }
    short = StudyJudges(captures_in(tmp_path / "short", tiny_spec, tiny_encoder.at(2, 16)), 1).skipped
    assert short == {"predictor": "clips of one tubelet have no future", "head": headless}
    alone = tiny_spec.model_copy(update={"judges": ("probe",)})
    assert StudyJudges(captures_in(tmp_path / "alone", alone, bare), 1).skipped == {}
    path = tmp_path / "mine.csv"
    pd.DataFrame({"scene": range(80), "coin": ["heads", "tails"] * 40}).to_csv(path, index=False)
    mine = make_spec({**tiny_spec.model_dump(), "labels": str(path), "variable": "coin"}, "here")
    said = StudyJudges(captures_in(tmp_path / "mine", mine, tiny_encoder), 1).skipped
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
    captures = captures_in(run, tiny_spec, tiny_encoder)
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
    assert set(steered["edit"]) == set(CALIBRATED) and set(steered["finder"]) == {"diff_means", "circle"}
    per = steered.groupby(["finder", "edit", "control", "draw"])["scene"].size()
    assert (per == 12 * tiny_spec.test_scenes).all()


def test_a_circle_lies_in_the_span_of_the_class_means(tiny_encoder: VJepa2Encoder, tiny_spec: StudySpec) -> None:
    """Eight directions, as many clips of each: the fitted axes are combinations of class means."""
    activations = capture(tiny_encoder, directions8(0, per_class=10).at(tiny_encoder.card.frames, tiny_encoder.card.size))
    captures = Captures.over(tiny_encoder, activations, tiny_spec, 1, Silent())
    means = find("diff_means", given_in(captures, 1, finder="diff_means"), 7).basis
    values = captures.values(captures.fit)
    assert values is not None
    axes = torch.linalg.qr(Circle.fitted(captures.fit.pooled(1, tiny_spec.tokens), values).axes).Q
    torch.testing.assert_close(means @ (means.T @ axes), axes, atol=1e-4, rtol=0)


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


def test_the_screen_is_of_every_layer_and_control_and_says_which_layers_are_screened(table, summary, tiny_spec: StudySpec) -> None:
    screen, first_order, best = table("screen"), table("first_order"), summary["best_layer"]
    assert set(zip(screen["layer"], screen["control"], strict=True)) == {
        (layer, control) for layer in range(DEPTH) for control in SCREENED if control != "top_pca"
    }
    assert (screen["screened"] == ((screen["control"] != "subspace") & (screen["draws"] < MIN_DRAWS))).all()
    assert set(screen.loc[screen["layer"] != best, "draws"]) == {1, tiny_spec.draws_elsewhere}
    own = table("ce").query("judge == 'probe' and control == 'subspace'").set_index(["layer", "finder", "edit"])["value"]
    looked = screen[screen["control"] == "subspace"].set_index(["layer", "finder", "edit"])["value"]
    pd.testing.assert_series_equal(looked.sort_index(), own.sort_index())
    assert (first_order.loc[first_order["control"] != "subspace", "many"] > 0).all()
