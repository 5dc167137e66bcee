"""Stage two in the report: sections say what the tables say, and claims stay those of the linear probe."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sections_said import best, edit, made, tell, words

from jepascope.findings.numbers import percent, percent_span, with_interval
from jepascope.report.blocks import flat
from jepascope.report.folder import read_run
from jepascope.report.sections.calibration import angle_errors, calibration_section
from jepascope.report.sections.curves import curves_section
from jepascope.report.sections.forecasts import forecasts_section
from jepascope.report.sections.headline import headline
from jepascope.report.sections.intervention import effects_section, map_section
from jepascope.report.sections.isolation import isolation_section
from jepascope.report.sections.matching import matching_section
from jepascope.report.sections.reads import reads_section


@pytest.mark.slow
@pytest.mark.drawn
def test_claims_stay_those_of_the_linear_probe_however_many_judges_there_are(copied: Path) -> None:
    sections = (map_section, effects_section, matching_section)
    before = read_run(copied)
    for table in ("ce", "effects"):
        edit(copied, table, lambda t: t[t["judge"] == "probe"])
    after = read_run(copied)
    for section in sections:
        many, one = section(before), section(after)
        assert [drawing.svg for drawing in many.drawings] == [drawing.svg for drawing in one.drawings]
        said = words(many)
        assert all(
            str(cell) in said for block in flat(one.blocks) for row in getattr(block, "rows", ()) for cell in row if "\n" not in str(cell)
        )


@pytest.mark.slow
def test_effects_stand_beside_those_by_every_other_judge(complete: Path) -> None:
    said = words(made(complete, effects_section))
    for row in best(complete, "ce", control="subspace").to_dict("records"):
        assert with_interval(row["value"], row["low"], row["high"]) in said
    assert "By the small MLP, outside the draws of every control: 3 of 3" in said
    assert "Not used: the checkpoint's own classifier (this encoder has no task head)." in said


@pytest.mark.slow
def test_a_finder_that_is_not_clear_of_a_control_by_another_judge_is_named_with_it(copied: Path) -> None:
    def close(table: pd.DataFrame) -> pd.DataFrame:
        where = (table["judge"] == "predictor") & (table["control"] == "variance") & (table["finder"] == "l1_probe")
        return table.assign(difference_low=table["difference_low"].mask(where, -1.0))

    edit(copied, "ce", close)
    said = words(effects_section(read_run(copied)))
    assert (
        "By the encoder's own predictor, outside the draws of every control: 2 of 3; not l1_probe (variance-matched: not told apart)"
        in said
    )


def test_accuracy_kl_and_angle_stand_beside_those_of_the_controls(complete: Path) -> None:
    said = words(made(complete, effects_section))
    rows = best(complete, "ce", judge="probe")
    for row in rows[rows["control"] != "subspace"].to_dict("records"):
        assert with_interval(row["kl"], row["kl_low"], row["kl_high"]) in said
        assert with_interval(row["angle_error"], row["angle_error_low"], row["angle_error_high"]) in said
    draws = best(complete, "effects", judge="probe", finder="diff_means", edit="ablate", control="variance")
    shares = draws.groupby("draw")["correct"].mean()
    assert f"{percent(draws['correct'].mean())} {percent_span(shares.min(), shares.max())}" in said


def test_layers_with_every_control_are_not_called_short_of_them(complete: Path) -> None:
    said = words(made(complete, map_section))
    assert "layers with every edit and control as well (ce.parquet): 2" in said


def test_forecasts_stand_beside_the_natural_reference_and_the_controls(complete: Path) -> None:
    said = words(made(complete, forecasts_section))
    table = pd.read_parquet(complete / "forecasts.parquet")
    for row in table[~table["control"].isin(["none", "persistence"])].to_dict("records"):
        assert with_interval(row["recovery"], row["recovery_low"], row["recovery_high"]) in said
        assert f"{percent(row['identified'])} {percent_span(row['identified_low'], row['identified_high'])}" in said
    assert "first 2 tubelets" in said and "It tells the two futures apart" in said
    assert "R is above every draw of random directions" in said


def test_a_predictor_that_cannot_tell_two_futures_apart_is_said_to_be_worth_little(copied: Path) -> None:
    natural = {"identified": 0.52, "identified_low": 0.41, "identified_high": 0.62}
    edit(
        copied, "forecasts", lambda t: t.assign(**{name: t[name].mask(t["control"] == "natural", value) for name, value in natural.items()})
    )
    assert "not told apart from a coin: this predictor cannot tell the two futures apart" in words(forecasts_section(read_run(copied)))


def test_a_forecast_is_held_against_repeating_the_last_latents(copied: Path) -> None:
    assert "the last latents hold already" not in words(forecasts_section(read_run(copied)))
    edit(copied, "forecasts", lambda t: t.assign(recovery_high=t["recovery_high"].mask(t["control"] == "persistence", 0.6)))
    assert "though not shown to forecast more than the last latents hold already" in words(forecasts_section(read_run(copied)))


def test_controls_that_were_left_out_are_named_as_controls_and_not_as_judges(copied: Path) -> None:
    tell(copied, skipped={"shuffled": "given: nothing shows what found it", "untrained": "their judges read no margin"})
    said = words(headline(read_run(copied)))
    assert "shuffled labels as control (given: nothing shows what found it)" in said
    assert "untrained twins as control (their judges read no margin)" in said and "as judge" not in said


def test_a_judge_that_was_skipped_is_named_with_its_reason(copied: Path) -> None:
    (copied / "forecasts.parquet").unlink()
    edit(copied, "ce", lambda ce: ce[ce["judge"] != "predictor"])
    why = "the checkpoint has no predictor"
    tell(copied, judges=["probe", "mlp"], skipped={"predictor": f"{why}.", "head": "no head"}, forecast=None, by_judge=None)
    assert words(forecasts_section(read_run(copied))).endswith(f"Not run: {why}.")
    said = words(headline(read_run(copied)))
    assert f"Not run: the encoder's own predictor as judge ({why}); the checkpoint's own classifier as judge (no head)." in said
    assert "By the encoder's own predictor" not in said


def test_the_headline_names_the_judges_their_verdicts_and_the_leaks(complete: Path) -> None:
    said = words(made(complete, headline))
    own = best(complete, "ce", judge="predictor", control="subspace", finder="diff_means").set_index("edit")
    for name, what in (("ablate", "ablation"), ("swap", "swap")):
        size = with_interval(*(float(own.loc[name, end]) for end in ("value", "low", "high")))
        assert f"By the encoder's own predictor: diff_means: {what} has an effect (CE {size})" in said
    assert "Judges: the linear probe, the small MLP, the encoder's own predictor" in said
    assert "also changes the read-out of size (share lost 0.310 [0.250, 0.370])" in said
    assert "refitted after the edit" not in said


def test_dose_curves_say_where_the_effect_leaves_its_controls(copied: Path) -> None:
    said = words(curves_section(read_run(copied)))
    assert "At every dose its interval lies above every draw of random and variance controls (3 draws each)" in said
    assert "less than the twin's change" in said and with_interval(0.45, 0.4, 0.5) in said
    edit(copied, "curves", lambda t: t.assign(high=t["high"].mask(t["control"] == "variance", 2.0)))
    said = words(curves_section(read_run(copied)))
    assert "At no dose does its interval lie above every draw" in said and "at no dose: class_pca, l1_probe" in said


def test_an_effect_is_followed_along_the_layers_and_a_fresh_probe_stands_beside_the_frozen_one(complete: Path) -> None:
    said = words(made(complete, reads_section))
    rows = best(complete, "reads", judge="probe", control="subspace", finder="diff_means", edit="ablate")
    for row in rows.to_dict("records"):
        assert with_interval(row["value"], row["low"], row["high"]) in said
    assert "fades along the layers" in said and "self-repair" in said
    for row in best(complete, "refits", control="subspace", read_layer=6).to_dict("records"):
        assert f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}" in said
    assert {drawing.name for drawing in made(complete, reads_section).drawings} == {"read-matrix", "refits"}


def test_cause_and_isolate_names_leaks_and_what_is_shown_unaffected(complete: Path) -> None:
    section = made(complete, isolation_section)
    said = words(section)
    assert "also changes the read-out of size (share lost 0.310 [0.250, 0.370]; above every draw of the random control" in said
    assert "the real twin, in which it did not change, 0.0200" in said
    assert "Shown to stay within ±0.1: speed" in said and "shape 0.080 [−0.070, 0.230]" in said
    alt = section.drawings[0].alt
    assert "position 0.500 (not readable)" in alt and "colour 0.0100 (equivalent to none)" in alt and "size 0.310" in alt


def test_a_leak_is_named_only_while_its_interval_is_clear_of_zero(copied: Path) -> None:
    size = {"low": -0.05, "high": 0.67}
    edit(copied, "isolation", lambda t: t.assign(**{name: t[name].mask(t["read"] == "size", value) for name, value in size.items()}))
    for section in (isolation_section, headline):
        said = words(section(read_run(copied)))
        assert "also changes" not in said and "is not shown to leak on any other factor" in said
        assert "undecided, neither a leak nor the absence of one is shown: size 0.310" in said.replace("Undecided", "undecided")


def test_a_leak_beside_the_interval_of_a_mean_draw_is_not_said_to_lie_beside_every_draw(copied: Path) -> None:
    """With ten draws and more the ends that a control has are those of its mean draw."""
    edit(copied, "isolation", lambda t: t.assign(draws=t["draws"].mask(t["control"].isin(["random", "variance"]), 20)))
    said = words(isolation_section(read_run(copied)))
    assert "; above the mean draw of the random control" in said and "every draw" not in said


def test_an_effect_that_is_clear_of_zero_but_not_of_controls_is_undecided_and_shown_beside_them(copied: Path) -> None:
    size, control = {"value": 0.22, "low": 0.15, "high": 0.28}, {"value": 0.25, "low": 0.18, "high": 0.33}

    def moved(t: pd.DataFrame) -> pd.DataFrame:
        own, null = ((t["read"] == "size") & (t["control"] == name) for name in ("subspace", "variance"))
        return t.assign(**{name: t[name].mask(own, size[name]).mask(null, control[name]) for name in size})

    edit(copied, "isolation", moved)
    said = words(isolation_section(read_run(copied)))
    assert "not shown to change" not in said and "size 0.220 [0.150, 0.280] (clear of zero; controls change it too: " in said
    assert "variance 0.250)" in said


def test_steering_errors_are_those_of_the_table_with_the_interval_of_the_summary(complete: Path) -> None:
    section = made(complete, calibration_section)
    rows = best(complete, "calibration", finder="diff_means", edit="steer", control="subspace")
    error = float(angle_errors(rows).mean())
    assert f"misses the requested one by {with_interval(error, 17.0, 23.0).replace(' [', '° [')}" in words(section)
    assert "90.0° read as" in section.drawings[0].alt and "random, rotate" in section.drawings[0].alt


def test_angles_are_apart_by_the_shorter_way_round() -> None:
    rows = pd.DataFrame({"requested": [350.0, 0.0, 90.0], "decoded": [10.0, 180.0, 90.0]})
    assert list(angle_errors(rows)) == [20.0, 180.0, 0.0]
