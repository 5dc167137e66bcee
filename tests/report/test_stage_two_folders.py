"""Stage two in the report: folders that lack something, hold no numbers or strange names, and labels of one's own."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sections_said import edit, made, tell, words

from jepascope.errors import RunFolderError
from jepascope.report import build_report
from jepascope.report.blocks import Section
from jepascope.report.folder import RunFolder, read_run
from jepascope.report.sections.calibration import calibration_section
from jepascope.report.sections.curves import curves_section
from jepascope.report.sections.forecasts import forecasts_section
from jepascope.report.sections.headline import headline
from jepascope.report.sections.intervention import effects_section
from jepascope.report.sections.isolation import isolation_section
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
def test_a_missing_table_costs_its_own_part_and_a_damaged_one_is_refused(complete: Path, copied: Path, table: str) -> None:
    path = copied / f"{table}.parquet"
    intact = path.read_bytes()
    edit(copied, table, lambda t: t.iloc[:0])
    left, before = PARTS[table](read_run(copied)), made(complete, PARTS[table])
    assert len(left.blocks) < len(before.blocks) and {d.name for d in left.drawings} <= {d.name for d in before.drawings}
    pd.DataFrame().to_parquet(path)
    assert read_run(copied).table(table) is None
    path.write_bytes(intact)
    edit(copied, table, lambda t: t.drop(columns="layer"))
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet has no column 'layer'"):
        read_run(copied)


def test_a_table_that_the_summary_reports_may_not_be_missing(copied: Path) -> None:
    (copied / "isolation.parquet").unlink()
    with pytest.raises(RunFolderError, match=r"isolation\.parquet is missing although summary\.json reports 'isolation'"):
        read_run(copied)


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
def test_numbers_that_do_not_exist_are_said_to_be_missing(copied: Path, some: bool) -> None:
    for table, columns in NUMBERS.items():
        kept = (lambda t: np.arange(len(t)) % 3 != 0) if some else (lambda t: np.zeros(len(t), dtype=bool))
        edit(copied, table, lambda t, columns=columns, kept=kept: t.assign(**{name: t[name].where(kept(t)) for name in columns}))
    folder = read_run(copied)
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


@pytest.mark.drawn
@pytest.mark.slow
def test_a_page_with_strange_names_is_whole_and_the_same_every_time(copied: Path) -> None:
    for table in ("ce", "effects", *PARTS):
        edit(copied, table, lambda t: t.assign(finder=t["finder"].replace("diff_means", EVIL)))
    edit(copied, "isolation", lambda t: t.assign(read=t["read"].replace("size", EVIL), found_for=t["found_for"].replace("size", EVIL)))
    tell(copied, skipped={EVIL: EVIL})
    first = build_report(copied).read_bytes()
    assert build_report(copied).read_bytes() == first
    text = first.decode()
    assert "<img src=x" not in text and "&lt;img src=x" in text and "\x00" not in text and "\x1b" not in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for path in (copied / "figures").glob("*.svg"):
        ElementTree.parse(path)
