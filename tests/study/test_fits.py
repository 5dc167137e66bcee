"""What is found anew in a study: in clips of new seeds, with a part left out, or not at all, which is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.findings.effect import Effect
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.refits import LEFT_OUT, NEW, Again
from jepascope.intervention.refits import Refits as Read
from jepascope.stats import EffectRatio, Interval
from jepascope.study.intervene.anew import found_anew
from jepascope.study.intervene.fits import Refits
from jepascope.study.refusals import FieldRefused
from jepascope.study.spec import StudySpec
from tiny import captures_in


def table(run: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(run / f"{name}.parquet")


def test_every_edit_has_fits_of_both_splits_beside_pca(finished_run: Path, tiny_spec: StudySpec) -> None:
    fits = table(finished_run, "fits")
    assert set(fits["how"]) == {NEW} and set(fits["fit"]) == set(range(tiny_spec.fits))
    found = fits.groupby(["judge", "edit", "control", "part"])["fit"].nunique()
    for edit in ("ablate", "swap", "steer"):
        assert found[("probe", edit)].to_dict() == dict.fromkeys(
            [("subspace", "fit"), ("subspace", "judge"), ("top_pca", "fit")], tiny_spec.fits
        )
        assert set(found[("predictor", edit)].index) == {("subspace", "fit"), ("top_pca", "fit")}, "it is not fitted"
    other = fits[(fits["part"] == "fit") & (fits["control"] == "subspace")].groupby(["judge", "edit"])["value"].nunique()
    assert (other == tiny_spec.fits).all()


def test_intervals_of_the_encoder_hold_those_of_the_one_subspace() -> None:
    """Of the effect, and of what it is beside a control; the control's own interval is of its draws."""
    rng, scenes = np.random.default_rng(0), 40
    where = {"layer": 1, "tokens": "all", "finder": "lda", "rank": 2, "edit": "swap", "dose": 1.0, "judge": "probe"}
    rows = []
    for control, draws, mean in (("subspace", 1, 0.5), ("carried", 20, 0.1), ("top_pca", 1, 0.3)):
        for draw in range(draws):
            at = {**where, "read_layer": 3, "read": "", "control": control, "draw": draw, "denominator": 1.0, "scene": range(scenes)}
            rows.append(pd.DataFrame({**at, "numerator": mean + rng.normal(0, 0.02) + rng.normal(0, 0.1, scenes)}))
    effects = pd.concat(rows, ignore_index=True)
    anew = rng.normal(0.5, 0.05, 10)
    made = [{**where, "how": NEW, "part": "fit", "control": "subspace", "fit": fit, "value": value} for fit, value in enumerate(anew)]
    ce = ce_table(effects, resamples=500, fits=pd.DataFrame(made)).set_index("control")
    own, one = ce.loc["subspace"], ce_table(effects, resamples=500).set_index("control")
    assert (own["one_low"], own["one_high"]) == (one.loc["subspace", "low"], one.loc["subspace", "high"])
    assert own["low"] < own["one_low"] < own["value"] < own["one_high"] < own["high"]
    for name in ("difference", "excess", "ratio"):
        beside, before = ce.loc["carried"], one.loc["carried"]
        assert beside[f"{name}_low"] < before[f"{name}_low"] == beside[f"one_{name}_low"]
    pd.testing.assert_series_equal(ce.loc["carried", ["value", "low", "high"]], one.loc["carried", ["value", "low", "high"]])
    assert Effect.of(own.to_dict()).of_encoder and not Effect.of(one.loc["subspace"].to_dict()).of_encoder


def test_a_lower_bound_over_fits_is_its_own_value_and_the_lower_one() -> None:
    """Of an effect beside a control that cannot be told from zero: its least value over fits, over the most that the control may do."""
    nothing = Interval(np.nan, np.nan, np.nan, 40)
    bound, effect = Interval(8.0, 8.0, np.inf, 40), Interval(0.5, 0.4, 0.6, 40)
    compared = EffectRatio(effect, Interval(0.01, -0.03, 0.05, 40), effect, nothing, bound, True, 100.0, 0.05, 20)
    columns = Again({("subspace", "fit"): np.array([0.45, 0.5, 0.55, 0.4, 0.6])}).against(compared, "random")
    assert columns["ratio"] == columns["ratio_low"] < 8.0 == columns["one_ratio_low"] and columns["ratio_high"] == np.inf


def test_the_control_that_is_found_anew_as_well_is_compared_fit_by_fit() -> None:
    """Where both move together the difference does not move: only scenes are left."""
    where = {
        "layer": 1,
        "tokens": "all",
        "finder": "lda",
        "rank": 2,
        "edit": "swap",
        "dose": 1.0,
        "judge": "probe",
        "how": NEW,
        "part": "fit",
    }
    moved = np.array([0.1, -0.1, 0.05, 0.0, -0.05])
    rows = [
        {**where, "control": control, "fit": fit, "value": base + by}
        for control, base in (("subspace", 0.5), ("top_pca", 0.3))
        for fit, by in enumerate(moved)
    ]
    again = Read(pd.DataFrame(rows)).of({**where, "read": ""})
    assert again.effect(Interval(0.5, 0.4, 0.6, 40))["low"] < 0.3
    (together,) = again.refitted("top_pca")
    assert together.error == pytest.approx(0, abs=1e-12) and again.refitted("random")[0].error == pytest.approx(moved.std(ddof=1))
    assert Read(None).of({**where, "read": ""}).effect(Interval(0.5, 0.4, 0.6, 40)) == {}


def test_what_is_not_to_be_made_again_is_left_out_in_parts(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    captures = captures_in(tmp_path, tiny_spec.model_copy(update={"swap_donor": "class"}), tiny_encoder)
    how, parts = found_anew(captures, 1)
    assert how == NEW and len(parts) == tiny_spec.fits
    assert len({tuple(part.fit.x[0, :3].tolist()) for part in parts}) == len(parts)
    captures.spec = captures.spec.model_copy(update={"fits": 0})
    assert found_anew(captures, 1)[1] == []


def test_finders_that_take_a_search_each_time_are_not_found_anew_but_for_the_first(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    captures = captures_in(tmp_path, tiny_spec.model_copy(update={"finders": ("das",)}), tiny_encoder)
    said: list[str] = []
    captures.progress.say = said.append  # type: ignore[method-assign]

    class Found:
        found_by = object()
        rank = 2

    refits = Refits.__new__(Refits)
    refits.captures, refits.subspaces = captures, {"das": Found()}  # type: ignore[dict-item]
    assert refits._findable() == [] and "das is not found anew, which takes a search each time" in said[0]


def test_fewer_than_five_are_refused_in_a_sentence() -> None:
    with pytest.raises(FieldRefused, match="a spread over fewer than 5 says too little; ask for 5 or more, or for 0"):
        StudySpec(fits=3)
    assert StudySpec(fits=0).fits == 0


def test_too_few_scenes_of_a_class_are_said(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, monkeypatch) -> None:
    """Of clips that cannot be made again; split judge of a tiny study has three of a class."""
    captures = captures_in(tmp_path, tiny_spec, tiny_encoder)
    said: list[str] = []
    captures.progress.say = said.append  # type: ignore[method-assign]
    monkeypatch.setattr(StudySpec, "renewable", False)
    assert found_anew(captures, 1) == (LEFT_OUT, [])
    assert "a class has 3 scene(s) in split fit or judge, and 6 are the fewest" in said[-1]
