"""RCE over re-fits: what makes its interval wider, what leaves it, and where no ratio is left."""

from __future__ import annotations

from math import hypot, isnan

import numpy as np
import pandas as pd
import pytest

from jepascope.portability.rce_anew import SEED, EffectsAnew, over_fits
from jepascope.stats import FEWEST_GROUPS, Refitted

NATIVE = np.array([0.50, 0.55, 0.45, 0.52, 0.48, 0.51])
USED = np.array([0.25, 0.30, 0.20, 0.27, 0.26, 0.22])
READ = np.array([0.49, 0.51, 0.50, 0.52, 0.48, 0.50])
ROW = {
    **{"metric": "rce", "across": "finder", "a": "lda", "b": "diff_means", "layer": 2, "edit": "ablate", "rank": 2, "dose": 1.0},
    **{"value": 0.5, "low": 0.44, "high": 0.57, "n": 40, "floor_variance": 0.1, "excess_low": 0.33, "excess_high": 0.48},
}


def fits(native: np.ndarray = NATIVE, used: np.ndarray = USED, judge: str = "probe") -> pd.DataFrame:
    """Re-fits of two finders, and both read by read-outs trained anew; controls and another judge beside them."""
    parts = {("diff_means", "fit"): native, ("lda", "fit"): used, ("diff_means", "judge"): READ, ("lda", "judge"): READ[::-1]}
    rows = [
        {"finder": finder, "part": part, "fit": number, "value": value}
        for (finder, part), values in parts.items()
        for number, value in enumerate(values)
    ]
    own = pd.DataFrame(rows).assign(
        layer=2, tokens="all", rank=2, edit="ablate", dose=1.0, how="new clips", control="subspace", judge=judge
    )
    return pd.concat([own, own.assign(control="top_pca", value=9.0), own.assign(judge="predictor", value=7.0)], ignore_index=True)


def test_across_finders_fits_and_read_outs_are_added_to_the_scenes() -> None:
    (row,) = over_fits([ROW], fits())
    reach = hypot(Refitted(USED / NATIVE).reach(), Refitted(READ[::-1] / READ).reach())
    assert (row["value"], row["one_low"], row["one_high"]) == (0.5, 0.44, 0.57)
    assert [row["low"], row["high"]] == pytest.approx([0.5 - hypot(0.06, reach), 0.5 + hypot(0.07, reach)])
    assert [row["excess_low"], row["excess_high"]] == pytest.approx([0.4 - hypot(0.07, reach), 0.4 + hypot(0.08, reach)])


def test_a_finder_in_place_of_itself_has_other_clips_in_every_fit() -> None:
    """Each beside the next: the same fit on both sides would have no spread at all."""
    (row,) = over_fits([ROW | {"across": SEED, "a": "diff_means (other seed)"}], fits())
    reach = Refitted(np.roll(NATIVE, -1) / NATIVE).reach()
    assert reach > 0.1 and row["low"] == pytest.approx(0.5 - hypot(0.06, reach))


@pytest.mark.parametrize(
    "row", [{"across": "layer", "a": "lda (layer 1)"}, {"across": "clip set", "b": "diff_means (circle)"}, {"edit": "swap"}, {"dose": 0.5}]
)
def test_what_was_not_found_anew_stays_as_it_is(row: dict[str, object]) -> None:
    assert over_fits([ROW | row], fits()) == [ROW | row]


def test_too_few_fits_and_a_native_effect_without_an_interval_change_nothing() -> None:
    few = fits()
    assert over_fits([ROW], few[few["fit"] < FEWEST_GROUPS - 1]) == [ROW]
    assert over_fits([ROW], few[:0]) == [ROW]
    unread = ROW | {"value": np.nan, "low": np.nan, "high": np.nan}
    assert "one_low" not in over_fits([unread], few)[0]


def test_a_native_effect_that_a_fit_does_not_have_gives_no_ratio() -> None:
    (row,) = over_fits([ROW], fits(native=np.array([0.5, 0.5, -0.01, 0.5, 0.5, 0.5])))
    assert all(isnan(float(str(row[name]))) for name in ("value", "low", "high", "excess_low", "excess_high"))
    assert row["one_low"] == 0.44


def test_other_judges_and_controls_are_left_out() -> None:
    assert EffectsAnew.of(fits(judge="mlp")).values == {}
