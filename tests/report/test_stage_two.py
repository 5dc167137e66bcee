"""Stage two in the report: sections say what the tables say, whatever they lack, and claims stay those of the linear probe."""

from __future__ import annotations

import json
import re
import shutil
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jepascope.errors import RunFolderError
from jepascope.report import build_report
from jepascope.report.blocks import Section
from jepascope.report.folder import RunFolder, read_run
from jepascope.report.numbers import percent, percent_span, with_interval
from jepascope.report.sections.calibration import angle_errors, calibration_section
from jepascope.report.sections.curves import curves_section
from jepascope.report.sections.effect_map import map_section
from jepascope.report.sections.forecasts import forecasts_section
from jepascope.report.sections.headline import headline
from jepascope.report.sections.intervention import effects_section
from jepascope.report.sections.isolation import isolation_section
from jepascope.report.sections.matching import matching_section
from jepascope.report.sections.reads import reads_section

Folder = Callable[..., Path]

SECTIONS: dict[str, tuple[Callable[[RunFolder], Section], str]] = {
    "forecasts": (forecasts_section, "no forecasts by the predictor"),
    "curves": (curves_section, "no dose curves"),
    "reads": (reads_section, "no read-outs at later layers"),
    "isolation": (isolation_section, "no read-outs of other factors"),
    "calibration": (calibration_section, "no steering to requested angles"),
}
"""The section that a table is for, and what it says where the table is missing."""

PARTS = {table: section for table, (section, _) in SECTIONS.items()} | {"doses": curves_section, "refits": reads_section}
"""The section that every table is a part of."""


@cache
def made(run: Path, section: Callable[[RunFolder], Section]) -> Section:
    """A section of a folder that no test changes, drawn once."""
    return section(read_run(run))


def words(section: Section) -> str:
    """Everything that a section says, drawings left out."""
    said = [section.title]
    for block in section.blocks:
        said += [str(getattr(block, name)) for name in ("text", "caption") if hasattr(block, name)]
        for row in getattr(block, "rows", ()):
            said += [str(cell) for cell in row]
    return " ".join(said)


def edit(run: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = run / f"{table}.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)


def tell(run: Path, **keys: Any) -> None:
    """Change keys of the summary; None leaves one out."""
    path = run / "summary.json"
    summary = json.loads(path.read_text()) | keys
    path.write_text(json.dumps({key: value for key, value in summary.items() if value is not None}))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make_run: Folder) -> Path:
    """A run with every table, which tests read or copy."""
    return make_run(tmp_path_factory.mktemp("stage-two") / "run", outputs={"angle": "degrees"}, stage_two=True)


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory, make_run: Folder) -> Path:
    """A folder of the version before this one."""
    return make_run(tmp_path_factory.mktemp("older") / "run")


def best(run: Path, table: str, **where: Any) -> pd.DataFrame:
    frame = pd.read_parquet(run / f"{table}.parquet")
    for column, value in {"layer": 4, **where}.items():
        frame = frame[frame[column] == value]
    return frame


@pytest.mark.parametrize("section", [map_section, effects_section, matching_section])
def test_claims_stay_those_of_the_linear_probe_however_many_judges_there_are(run: Path, section: Callable[[RunFolder], Section]) -> None:
    many = section(read_run(run))
    for table in ("ce", "effects"):
        edit(run, table, lambda t: t[t["judge"] == "probe"])
    one = section(read_run(run))
    assert [drawing.svg for drawing in many.drawings] == [drawing.svg for drawing in one.drawings]
    said = words(many)
    assert all(str(cell) in said for block in one.blocks for row in getattr(block, "rows", ()) for cell in row)


def test_effects_stand_beside_those_by_every_other_judge(whole: Path) -> None:
    said = words(made(whole, effects_section))
    for row in best(whole, "ce", control="subspace").to_dict("records"):
        assert with_interval(row["value"], row["low"], row["high"]) in said
    assert "By the small MLP, outside the draws of every control: 3 of 3" in said
    assert "Not used: the checkpoint's own classifier (this encoder has no task head)." in said


def test_a_finder_that_is_not_clear_of_a_control_by_another_judge_is_named_with_it(run: Path) -> None:
    def close(table: pd.DataFrame) -> pd.DataFrame:
        where = (table["judge"] == "predictor") & (table["control"] == "variance") & (table["finder"] == "l1_probe")
        return table.assign(difference_low=table["difference_low"].mask(where, -1.0))

    edit(run, "ce", close)
    said = words(effects_section(read_run(run)))
    assert (
        "By the encoder's own predictor, outside the draws of every control: 2 of 3; not l1_probe (variance-matched: not told apart)"
        in said
    )


def test_accuracy_kl_and_angle_stand_beside_those_of_the_controls(whole: Path) -> None:
    said = words(made(whole, effects_section))
    rows = best(whole, "ce", judge="probe")
    for row in rows[rows["control"] != "subspace"].to_dict("records"):
        assert with_interval(row["kl"], row["kl_low"], row["kl_high"]) in said
        assert with_interval(row["angle_error"], row["angle_error_low"], row["angle_error_high"]) in said
    draws = best(whole, "effects", judge="probe", finder="diff_means", edit="ablate", control="variance")
    shares = draws.groupby("draw")["correct"].mean()
    assert f"{percent(draws['correct'].mean())} {percent_span(shares.min(), shares.max())}" in said


def test_layers_with_every_control_are_not_called_short_of_them(whole: Path) -> None:
    said = words(made(whole, map_section))
    assert "layers with every edit and control as well (ce.parquet): 2" in said


def test_forecasts_stand_beside_the_natural_reference_and_the_controls(whole: Path) -> None:
    said = words(made(whole, forecasts_section))
    table = pd.read_parquet(whole / "forecasts.parquet")
    for row in table[~table["control"].isin(["none", "persistence"])].to_dict("records"):
        assert with_interval(row["recovery"], row["recovery_low"], row["recovery_high"]) in said
        assert f"{percent(row['identified'])} {percent_span(row['identified_low'], row['identified_high'])}" in said
    assert "first 2 tubelets" in said and "It tells the two futures apart" in said
    assert "R is above every draw of random directions" in said


def test_a_predictor_that_cannot_tell_two_futures_apart_is_said_to_be_worth_little(run: Path) -> None:
    natural = {"identified": 0.52, "identified_low": 0.41, "identified_high": 0.62}
    edit(run, "forecasts", lambda t: t.assign(**{name: t[name].mask(t["control"] == "natural", value) for name, value in natural.items()}))
    assert "not told apart from a coin: this predictor cannot tell the two futures apart" in words(forecasts_section(read_run(run)))


def test_a_judge_that_was_skipped_is_named_with_its_reason(run: Path) -> None:
    (run / "forecasts.parquet").unlink()
    why = "the checkpoint has no predictor"
    tell(run, judges=["probe", "mlp"], skipped={"predictor": f"{why}.", "head": "no head"}, forecast=None, by_judge=None)
    assert words(forecasts_section(read_run(run))).endswith(f"Not run: {why}.")
    said = words(headline(read_run(run)))
    assert f"Not run: the encoder's own predictor as judge ({why}); the checkpoint's own classifier as judge (no head)." in said
    assert "By the encoder's own predictor" not in said


def test_the_headline_names_the_judges_their_verdicts_and_the_leaks(whole: Path) -> None:
    said = words(made(whole, headline))
    own = best(whole, "ce", judge="predictor", control="subspace", finder="diff_means").set_index("edit")
    for name, what in (("ablate", "ablation"), ("swap", "swap")):
        size = with_interval(*(float(own.loc[name, end]) for end in ("value", "low", "high")))
        assert f"By the encoder's own predictor: diff_means: {what} has an effect (CE {size})" in said
    assert "Judges: the linear probe, the small MLP, the encoder's own predictor" in said
    assert "also changes the read-out of size (share lost 0.310 [0.250, 0.370])" in said
    assert "refitted after the edit" not in said


def test_dose_curves_say_where_the_effect_leaves_its_controls(run: Path) -> None:
    said = words(curves_section(read_run(run)))
    assert "At every dose its interval lies above every draw of random and variance controls (3 draws each)" in said
    assert "less than the twin's change" in said and with_interval(0.45, 0.4, 0.5) in said
    edit(run, "curves", lambda t: t.assign(high=t["high"].mask(t["control"] == "variance", 2.0)))
    said = words(curves_section(read_run(run)))
    assert "At no dose does its interval lie above every draw" in said and "at no dose: class_pca, l1_probe" in said


def test_an_effect_is_followed_along_the_layers_and_a_fresh_probe_stands_beside_the_frozen_one(whole: Path) -> None:
    said = words(made(whole, reads_section))
    rows = best(whole, "reads", judge="probe", control="subspace", finder="diff_means", edit="ablate")
    for row in rows.to_dict("records"):
        assert with_interval(row["value"], row["low"], row["high"]) in said
    assert "fades along the layers" in said and "self-repair" in said
    for row in best(whole, "refits", control="subspace", read_layer=6).to_dict("records"):
        assert f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}" in said
    assert {drawing.name for drawing in made(whole, reads_section).drawings} == {"read-matrix", "refits"}


def test_cause_and_isolate_names_leaks_and_what_is_shown_unaffected(whole: Path) -> None:
    section = made(whole, isolation_section)
    said = words(section)
    assert "also changes the read-out of size (share lost 0.310 [0.250, 0.370]; above every draw of the random control" in said
    assert "the real twin, in which it did not change, 0.0200" in said
    assert "Shown to stay within ±0.1: speed" in said and "shape 0.080 [−0.070, 0.230]" in said
    alt = section.drawings[0].alt
    assert "position 0.500 (not readable)" in alt and "colour 0.0100 (equivalent to none)" in alt and "size 0.310" in alt


def test_a_leak_is_named_only_while_its_interval_is_clear_of_zero(run: Path) -> None:
    size = {"low": -0.05, "high": 0.67}
    edit(run, "isolation", lambda t: t.assign(**{name: t[name].mask(t["read"] == "size", value) for name, value in size.items()}))
    for section in (isolation_section, headline):
        said = words(section(read_run(run)))
        assert "also changes" not in said and "is not shown to change the read-out of any other factor" in said
        assert "undecided, neither a leak nor the absence of one is shown: size 0.310" in said.replace("Undecided", "undecided")


def test_steering_errors_are_those_of_the_table_with_the_interval_of_the_summary(whole: Path) -> None:
    section = made(whole, calibration_section)
    rows = best(whole, "calibration", finder="diff_means", edit="steer", control="subspace")
    error = float(angle_errors(rows).mean())
    assert f"misses the requested one by {with_interval(error, 17.0, 23.0).replace(' [', '° [')}" in words(section)
    assert "90.0° read as" in section.drawings[0].alt and "random, rotate" in section.drawings[0].alt


def test_angles_are_apart_by_the_shorter_way_round() -> None:
    rows = pd.DataFrame({"requested": [350.0, 0.0, 90.0], "decoded": [10.0, 180.0, 90.0]})
    assert list(angle_errors(rows)) == [20.0, 180.0, 0.0]


@pytest.mark.parametrize("table", SECTIONS)
def test_an_older_folder_says_what_was_not_run(older: Path, table: str) -> None:
    section, said = SECTIONS[table]
    found = made(older, section)
    assert f"Not run: {said}" in words(found) and not found.drawings


def test_an_older_folder_says_so_of_judges_too(older: Path) -> None:
    said = words(made(older, headline))
    assert "Not run: the encoder's own predictor as judge; a read-out refitted after the edit; isolation of other factors." in said
    assert "Not run: any other judge." in words(made(older, effects_section))


@pytest.mark.parametrize("table", PARTS)
def test_a_missing_table_costs_its_own_part_and_a_damaged_one_is_refused(whole: Path, run: Path, table: str) -> None:
    path = run / f"{table}.parquet"
    intact = path.read_bytes()
    edit(run, table, lambda t: t.iloc[:0])
    left, before = PARTS[table](read_run(run)), made(whole, PARTS[table])
    assert len(left.blocks) < len(before.blocks) and {d.name for d in left.drawings} <= {d.name for d in before.drawings}
    pd.DataFrame().to_parquet(path)
    assert read_run(run).table(table) is None
    path.write_bytes(intact)
    edit(run, table, lambda t: t.drop(columns="layer"))
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet has no column 'layer'"):
        read_run(run)


def test_a_table_that_the_summary_reports_may_not_be_missing(run: Path) -> None:
    (run / "isolation.parquet").unlink()
    with pytest.raises(RunFolderError, match=r"isolation\.parquet is missing although summary\.json reports 'isolation'"):
        read_run(run)


NUMBERS = {
    "curves": ("value", "low", "high"),
    "doses": ("norm", "norm_twin", "shift", "shift_low", "shift_high"),
    "reads": ("value", "low", "high", "accuracy"),
    "refits": ("accuracy", "low", "high"),
    "isolation": ("value", "low", "high", "equivalence_low", "equivalence_high", "margin"),
    "calibration": ("decoded",),
    "forecasts": ("recovery", "recovery_low", "recovery_high", "identified", "identified_low", "identified_high", "angle_error"),
    "ce": ("accuracy", "kl", "angle_error"),
}


@pytest.mark.slow
@pytest.mark.parametrize("some", [True, False])
def test_numbers_that_do_not_exist_are_said_to_be_missing(run: Path, some: bool) -> None:
    for table, columns in NUMBERS.items():
        kept = (lambda t: np.arange(len(t)) % 3 != 0) if some else (lambda t: np.zeros(len(t), dtype=bool))
        edit(run, table, lambda t, columns=columns, kept=kept: t.assign(**{name: t[name].where(kept(t)) for name in columns}))
    folder = read_run(run)
    sections = [section for section, _ in SECTIONS.values()] + [headline, effects_section]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = " ".join(words(section(folder)) for section in sections)
    assert "nan" not in said.lower().split() and (some or "also changes" not in said)


def test_labels_of_ones_own_have_no_twins_no_angles_and_one_finder_is_enough(make_run: Folder, tmp_path: Path) -> None:
    own = make_run(tmp_path / "own", variable="my label", outputs={"v": ""}, finders=("diff_means",), stage_two=True)
    tell(own, kind="categorical")
    folder = read_run(own)
    assert "Not run: “my label” is not an angle." in words(calibration_section(folder))
    said = words(isolation_section(folder))
    assert "Ablating the subspace of “my label”" in said and "Swapping" not in said and "real twin" not in said
    said = words(curves_section(folder))
    assert "the other finders" not in said and "no natural dose to compare with" in said and "the change to the donor" in said
    assert "real twin" not in words(effects_section(folder)) and "degrees" not in words(forecasts_section(folder))


EVIL = '<img src=x onerror="alert(1)">$x_1$\x00\x1b[31m a finder or factor whose name goes on and on and on'


@pytest.mark.slow
def test_a_page_with_strange_names_is_whole_and_the_same_every_time(run: Path) -> None:
    for table in ("ce", "effects", *PARTS):
        edit(run, table, lambda t: t.assign(finder=t["finder"].replace("diff_means", EVIL)))
    edit(run, "isolation", lambda t: t.assign(read=t["read"].replace("size", EVIL), found_for=t["found_for"].replace("size", EVIL)))
    tell(run, skipped={EVIL: EVIL})
    first = build_report(run).read_bytes()
    assert build_report(run).read_bytes() == first
    text = first.decode()
    assert "<img src=x" not in text and "&lt;img src=x" in text and "\x00" not in text and "\x1b" not in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for path in (run / "figures").glob("*.svg"):
        ElementTree.parse(path)
