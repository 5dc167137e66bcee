"""Stage one in the report: what the new tables say is what the page says, and a folder without them is still read."""

from __future__ import annotations

import html
import json
import re
import shutil
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sections_said import edit, words

from jepascope.errors import RunFolderError
from jepascope.findings.numbers import percent, percent_span, with_interval
from jepascope.report import build_report
from jepascope.report.folder import read_run
from jepascope.report.sections.emergence import emergence_section
from jepascope.report.sections.intervention import effects_section
from jepascope.report.sections.leaks import leaks
from jepascope.report.sections.others import others_section
from jepascope.report.sections.portability import portability
from jepascope.report.sections.published import published
from jepascope.report.sections.sparsity import l1_section
from jepascope.report.sections.token_map import token_section
from jepascope.report.sections.value import value_section
from jepascope.schema import parquet

NEW = {"values": value_section, "readings": value_section, "stability": l1_section, "frequencies": l1_section, "token_map": token_section}
EVIL = '<img src=x onerror="alert(1)">$x_1$\x00\x1b[31m a column of a labels file whose name goes on and on and on'
BEST, TOKENS = 4, "object"

Folder = Callable[..., Path]


def at_best(table: pd.DataFrame, **where: Any) -> pd.DataFrame:
    for column, value in {"layer": BEST, "tokens": TOKENS, **where}.items():
        table = table[table[column] == value]
    return table


@pytest.fixture(scope="module")
def whole(shared: Callable[..., Path], make_run: Folder) -> Path:
    """A run with every table, which tests read or copy."""
    return shared("stage-one", lambda folder: make_run(folder, outputs={"angle": "degrees"}))


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


@pytest.fixture(scope="module")
def strange(shared: Callable[..., Path], make_run: Folder) -> Path:
    """A numeric variable with a stranger's name and outputs, donors instead of twins, six finders."""
    six = ("diff_means", "lda", "l1_probe", "ridge_circle_pattern", "leace_pattern", "das")
    return shared("strange", lambda folder: make_run(folder, variable=EVIL, outputs={EVIL: EVIL, "y" * 300: ""}, finders=six))


def test_errors_of_clips_and_arcs_are_those_of_the_table(whole: Path) -> None:
    said, values = words(value_section(read_run(whole))), pd.read_parquet(whole / "values.parquet")
    for row in at_best(values, encoder="model").to_dict("records"):
        figures = with_interval(row["error"], row["low"], row["high"])
        assert figures in said and figures.replace(" [", "° [") in said  # in the table and in the sentence
    arcs = at_best(values, encoder="model", held_out="arcs").iloc[0]
    assert f"larger by {with_interval(arcs['gap'], arcs['gap_low'], arcs['gap_high'])}".replace(" [", "° [") in said
    assert "more than the 2.20° that a perfect circle would have" in said and "Held-out arcs of a perfect circle: 2.20°." in said
    assert "A circle: from the classes it was shown" in said and "p = 0.0040" in said
    assert "Error of the best constant guess: 90.0" in said


def test_one_untrained_twin_has_no_range(run: Path) -> None:
    assert " to " in words(value_section(read_run(run)))
    edit(run, "values", lambda t: t[t["seed"] <= 0])
    said = words(value_section(read_run(run)))
    assert "(1 seed)" in said and "1 seed, dotted" in said and not re.search(r"\((\S+) to \1\)", said)


def test_values_of_an_earlier_version_are_read_without_a_gap(run: Path) -> None:
    edit(run, "values", lambda t: t.drop(columns=["floor", "gap", "gap_low", "gap_high", "p_order"]))
    said = words(value_section(read_run(run)))
    assert "held-out arcs keep" in said and "perfect circle" not in said and "nan" not in said


def test_the_compass_says_what_each_true_angle_is_read_as(whole: Path) -> None:
    alt = next(drawing.alt for drawing in value_section(read_run(whole)).drawings if drawing.name == "compass-0")
    clips = pd.read_parquet(whole / "readings.parquet").query("held_out == 'clips'")
    north = np.exp(1j * clips[np.isclose(clips["true"], np.pi / 2)]["predicted"]).mean()
    assert f"90.0° read as {np.degrees(np.angle(north)):.1f}° (length {abs(north):.2f})" in alt


def test_selectivity_is_accuracy_less_the_mean_control_task(whole: Path) -> None:
    said = words(emergence_section(read_run(whole)))
    dense = at_best(pd.read_parquet(whole / "probes.parquet"), probe="dense", chosen=True)
    by = {str(name): rows["accuracy"] for name, rows in dense.groupby("encoder")}
    own = float(by["model"].iloc[0])
    assert f"Selectivity is {100 * (own - by['control_task'].mean()):.1f} percentage points" in said
    assert percent_span(by["permuted"].min(), by["permuted"].max()) in said


def test_stable_coordinates_are_counted_from_their_frequencies(whole: Path) -> None:
    said = words(l1_section(read_run(whole)))
    often = at_best(pd.read_parquet(whole / "frequencies.parquet"))["frequency"]
    row = at_best(pd.read_parquet(whole / "stability.parquet"), chosen=True).iloc[0]
    held = int((often >= 0.9 - 1e-9).sum())
    assert f"{held} coordinates ({percent(held / len(often))}) are stable" in said and percent(row["stable"]) == percent(held / len(often))
    assert f"{percent(row['support'])} {percent_span(row['support_low'], row['support_high'])}" in said


def test_the_token_map_names_the_best_token_and_counts_those_above_the_null(whole: Path) -> None:
    section = token_section(read_run(whole))
    table = pd.read_parquet(whole / "token_map.parquet")
    best, above = table.loc[table["accuracy"].idxmax()], int((table["accuracy"] > table["null"]).sum())
    assert f"{above} of {len(table)} tokens" in words(section)
    assert f"t = {best['t']}, row {best['row']}, column {best['column']}, with {percent(best['accuracy'])}" in words(section)
    assert sum(int(n) for n in re.findall(r"t \d+: (\d+) tokens", section.drawings[0].alt)) == above


@pytest.mark.parametrize("table", NEW)
def test_a_missing_or_empty_table_is_not_run_and_a_damaged_one_is_refused(run: Path, table: str) -> None:
    path, section = run / f"{table}.parquet", NEW[table]
    before = words(section(read_run(run)))
    edit(run, table, lambda t: t.iloc[:0])
    empty = words(section(read_run(run)))
    whole = path.read_bytes()
    path.unlink()
    assert words(section(read_run(run))) == empty != before
    assert "Not run" in empty or table in ("readings", "frequencies")  # these only leave out a figure
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet' is damaged"):
        read_run(run)
    path.write_bytes(whole)
    edit(run, table, lambda t: t.drop(columns="layer"))
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet has no column 'layer'"):
        read_run(run)


def test_a_table_too_large_to_be_one_is_refused_before_it_is_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MOST_CELLS", 100)
    with pytest.raises(RunFolderError, match=r"values, more than any study writes"):
        read_run(run)


@pytest.mark.parametrize("place", [-1, 10**9])
def test_tokens_that_lie_nowhere_are_not_drawn(run: Path, place: int) -> None:
    edit(run, "token_map", lambda t: t.assign(row=t["row"].where(t["token"] != 3, place)))
    assert "the places in token_map.parquet are not those of tokens" in words(token_section(read_run(run)))


@pytest.mark.slow
def test_figures_that_do_not_exist_are_said_to_be_missing(run: Path) -> None:
    edit(run, "values", lambda t: t.assign(low=np.nan, high=np.nan, r2=np.nan))
    edit(run, "stability", lambda t: t.assign(support_low=np.nan, support_high=np.nan, permuted_support=np.nan, false_bound=np.nan))
    edit(run, "token_map", lambda t: t.assign(null=np.nan))
    edit(run, "probes", lambda t: t[~t["encoder"].isin(["control_task", "permuted"])])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = html.unescape(build_report(run).read_text(encoding="utf-8"))
    assert "No null was drawn" in text and "No bound on false ones holds here" in text and "n/a" in text
    assert "Selectivity is" not in text and "control task" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.S)


@pytest.mark.slow
@pytest.mark.drawn
def test_a_strange_variable_is_escaped_bounded_and_well_formed(strange: Path) -> None:
    text = build_report(strange).read_text(encoding="utf-8")
    assert "<img src=x" not in text and "&lt;img src=x" in text and "\x00" not in text and "\x1b" not in text
    shown = html.unescape(text)
    assert "y" * 61 not in re.sub(r"<pre.*?</pre>", "", shown, flags=re.S)
    for path in (strange / "figures").glob("*.svg"):
        ElementTree.parse(path)


def test_a_numeric_variable_is_read_by_its_r_squared(strange: Path) -> None:
    said, values = words(value_section(read_run(strange))), pd.read_parquet(strange / "values.parquet")
    for row in at_best(values, encoder="model").to_dict("records"):
        assert with_interval(row["r2"], row["r2_low"], row["r2_high"]) in said
    assert "compass" not in said and "degrees" not in said
    assert "R²" in words(token_section(read_run(strange)))


def test_nothing_is_said_of_directions_or_twins_where_the_variable_has_none(strange: Path) -> None:
    folder = read_run(strange)
    assert "not run: the published figures are about the direction of motion" in words(published(folder)).lower()
    assert "displacement is last position minus first" not in words(leaks(folder))
    said = words(effects_section(folder))
    assert "real twin" not in said and "a clip of that class" in said and "No twin of a clip exists" in said


def test_the_transfers_of_six_finders_are_counted_not_listed(strange: Path) -> None:
    section = portability(read_run(strange))
    assert " has RCE " not in words(section) and "Of 30 transfers across finder" in words(section)
    assert {"angles", "rce-dose", "sas-matrix"} <= {drawing.name for drawing in section.drawings}


def test_other_variables_stand_in_one_table_and_a_damaged_one_says_so(run: Path, write_probed: Callable[..., Path]) -> None:
    speed = write_probed(run, "speed", {"speed": "pixels"})
    write_probed(run, "shape", {})
    write_probed(run, EVIL.replace("\x00", ""), {EVIL: "degrees"})
    broken = write_probed(run, "size", {})
    (broken / "probes.parquet").write_bytes(b"PAR1")
    (run / "probe-nothing").mkdir()
    section = others_section(read_run(run))
    said = words(section)
    dense = at_best(pd.read_parquet(speed / "probes.parquet"), probe="dense", chosen=True, encoder="model").iloc[0]
    assert f"speed 4 {BEST} {TOKENS} {percent(dense['accuracy'])} {percent_span(dense['low'], dense['high'])}" in said
    assert "size cannot be read: 'probes.parquet' is damaged" in said and "nothing cannot be read: summary.json is missing" in said
    assert "\x1b" not in said and said.count("Delete probe-") == 2
    assert "direction (this study)" in said and len(section.blocks) == 2


def test_an_older_folder_says_what_was_not_run(make_run: Folder, tmp_path: Path) -> None:
    folder = read_run(make_run(tmp_path / "older"))
    for section in (value_section(folder), token_section(folder), others_section(folder)):
        assert "Not run:" in words(section) and not section.drawings
    assert "no stability selection" in words(l1_section(folder)) and "one fit each (no interval)" in words(l1_section(folder))


@pytest.mark.drawn
@pytest.mark.slow
def test_the_whole_page_is_the_same_every_time(run: Path, write_probed: Callable[..., Path]) -> None:
    write_probed(run, "colour", {"hue": "degrees"})
    first = build_report(run).read_bytes()
    assert build_report(run).read_bytes() == first
    summary = json.loads((run / "summary.json").read_text())
    assert summary["variable"] == "direction" and first.count(b"<figure id=") >= 16
