"""The report of stage three: portability, degeneracy and other models, of whole, older, damaged, small and large folders."""

from __future__ import annotations

import re
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sections_said import edit, made, tell, words
from synthetic_stage_three import degeneracy, peeling, transport, verdicts, with_stage_three, write_port
from synthetic_study import BEST, FINDERS
from synthetic_transfers import portability_table

from jepascope.errors import RunFolderError
from jepascope.findings.copies import peeling_words
from jepascope.findings.numbers import percent, percent_span, shown, with_interval
from jepascope.portability.verdict import VERDICTS
from jepascope.report import carried_measures
from jepascope.report.blocks import Grid, Heading, Section, flat
from jepascope.report.folder import read_run
from jepascope.report.sections.degeneracy import MOST_PANELS, degeneracy_section, pair_parts
from jepascope.report.sections.portability import across_models, portability
from jepascope.schema import TABLES

SECTIONS = (portability, degeneracy_section, across_models)


def names(section: Section) -> set[str]:
    return {drawing.name for drawing in section.drawings}


def headings(section: Section) -> list[str]:
    return [block.text for block in flat(section.blocks) if isinstance(block, Heading)]


def only(run: Path, table: str, **where: Any) -> None:
    """Keep the rows of one kind."""

    def kept(frame: pd.DataFrame) -> pd.DataFrame:
        for column, value in where.items():
            frame = frame[frame[column] == value]
        return frame

    edit(run, table, kept)


@pytest.mark.slow
def test_every_part_has_its_figure_with_a_description_and_a_caption(ported: Path) -> None:
    wanted = {
        portability: {"sas-matrix", "angles", "angles-elsewhere", "sas-rce", "rce-dose", "across-layers", "sas-nulls"},
        degeneracy_section: {"degeneracy", "degeneracy-curve"},
        across_models: {"port-1-cka", "port-1-transport"},
    }
    for make, figures in wanted.items():
        section = made(ported, make)
        assert names(section) == figures
        assert all(len(drawing.alt) > 60 and not re.search(r"\bnan\b", drawing.alt) for drawing in section.drawings)
        assert "nan" not in words(section).split()


def test_readings_stand_beside_sas_with_their_chance(ported: Path) -> None:
    said = words(made(ported, portability))
    table = pd.read_parquet(ported / "portability.parquet")
    for row in table[table["metric"] == "readings"].head(20).to_dict("records"):
        assert with_interval(row["value"], row["low"], row["high"]) in said
    assert (
        "Of 11 pairs that lie apart" in said and "2 read nearly the same numbers" in said and "no sign of two copies" in said
    )  # with l1_probe: readings 0.9 at SAS 0.3
    assert "exact law of random subspaces, no simulation" in said


def test_floors_have_intervals_and_the_difference_to_them_is_paired(ported: Path) -> None:
    said = words(made(ported, portability))
    table = pd.read_parquet(ported / "portability.parquet")
    row = table[(table["metric"] == "rce") & (table["across"] == "layer") & (table["dose"] == 0.5)].iloc[0]
    assert with_interval(row["floor_variance"], row["floor_variance_low"], row["floor_variance_high"]) in said
    assert f"Δ [{shown(row['excess_low'])}, {shown(row['excess_high'])}]" in said


def test_simple_to_complex_is_a_part_of_its_own(ported: Path) -> None:
    section = made(ported, portability)
    assert headings(section)[:3] == ["Alignment", "Retained effect", "Across layers"]
    assert headings(section)[3:] == ["Simple → complex: directions8 to complex", "Other clips: directions8 to circle"]
    said, readout = words(section), pd.read_parquet(ported / "carried_readout.parquet")
    for row in readout.to_dict("records"):
        assert f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}" in said
    assert "The read-out trained on directions8 clips is right for 45.0" in said and "48.1\u00a0% of what theirs has above chance" in said
    assert "It carries over above chance, not told apart from their own." in said  # circle


def test_an_older_folder_has_its_portability_and_says_what_was_not_run(older: Path) -> None:
    section = made(older, portability)
    assert {"sas-matrix", "angles", "sas-rce", "rce-dose"} == names(section)
    assert "readings" not in words(section) and "exact law" not in words(section) and "Across layers" not in headings(section)
    assert "Not run: no test of pairs and no peeling" in words(made(older, degeneracy_section))
    assert "jepascope port RUN nano-wide" in words(made(older, across_models))


def test_a_single_pair_is_enough(ported_copy: Path) -> None:
    edit(ported_copy, "portability", lambda t: t[(t["across"] == "finder") & t["a"].isin(FINDERS[:2]) & t["b"].isin(FINDERS[:2])])
    edit(ported_copy, "verdicts", lambda t: t.head(1))
    only(ported_copy, "degeneracy", a=FINDERS[0], b=FINDERS[1])
    edit(ported_copy, "peeling", lambda t: t[t["stage"] == 1])
    assert {"sas-matrix", "sas-rce"} <= names(portability(read_run(ported_copy)))
    section = degeneracy_section(read_run(ported_copy))
    assert names(section) == {"degeneracy", "degeneracy-curve"} and "Of 1 pairs" not in words(section)


@pytest.mark.slow
def test_many_pairs_stay_readable(ported_copy: Path) -> None:
    finders = tuple(f"finder_{number}" for number in range(9))
    with_stage_three(portability_table(finders), finders).to_parquet(ported_copy / "portability.parquet")
    degeneracy(finders).to_parquet(ported_copy / "degeneracy.parquet")
    verdicts(finders).to_parquet(ported_copy / "verdicts.parquet")
    folder = read_run(ported_copy)
    port, tested = portability(folder), degeneracy_section(folder)
    pairs = len(list(combinations(finders, 2)))
    assert f"Of {pairs * 2} transfers across finder" in words(port) and "more pairs are in portability.parquet" in words(port)
    assert f"{pairs - MOST_PANELS} more pairs are in the tables" in words(tested) and f"Of {pairs} pairs:" in words(tested)
    for section in (port, tested):
        assert len(section.blocks) < 40
        assert all(len(block.rows) < 80 for block in flat(section.blocks) if isinstance(block, Grid))
        assert all(len(drawing.alt) < 12_000 for drawing in section.drawings)


def emptied(frame: pd.DataFrame, keep: tuple[str, ...] = ("layer", "rank", "dose", "stage", "index")) -> pd.DataFrame:
    """No number is known but those that say what a row is about."""
    return frame.assign(**{name: np.nan for name in frame.select_dtypes("number").columns.difference(keep)})


@pytest.mark.slow
def test_missing_numbers_are_said_to_be_missing(ported_copy: Path) -> None:
    for table in ("portability", "angles", "carried_readout", "degeneracy", "verdicts", "peeling"):
        edit(ported_copy, table, emptied)
    for table in ("similarity", "transport"):
        keep = ("layer", "rank", "dose", "source_layer", "target_layer")
        edit(ported_copy / "port-0123abcd", table, lambda frame, keep=keep: emptied(frame, keep))
    for make in SECTIONS:
        section = make(read_run(ported_copy))
        assert "n/a" in words(section) and "nan" not in words(section).lower().split()


def test_without_the_test_of_pairs_the_curve_still_stands_and_the_other_way_round(ported_copy: Path) -> None:
    tell(ported_copy, degeneracy=None)
    curve = (ported_copy / "peeling.parquet").rename(ported_copy.parent / "peeling")
    section = degeneracy_section(read_run(ported_copy))
    assert names(section) == {"degeneracy"} and not headings(section)
    shutil.copy(curve, ported_copy / "peeling.parquet")
    for name in ("verdicts", "degeneracy"):
        (ported_copy / f"{name}.parquet").unlink()
    section = degeneracy_section(read_run(ported_copy))
    assert names(section) == {"degeneracy-curve"} and headings(section) == ["Degeneracy curve"]


@pytest.mark.parametrize("table", ["portability", "carried_readout", "degeneracy", "verdicts", "peeling"])
def test_a_damaged_table_is_refused_by_name(ported_copy: Path, table: str) -> None:
    path = ported_copy / f"{table}.parquet"
    whole = pd.read_parquet(path)
    whole.drop(columns="layer").to_parquet(path)
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet has no column 'layer'"):
        read_run(ported_copy)
    path.write_bytes(b"PAR1")
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet' is damaged"):
        read_run(ported_copy)
    path.unlink()
    if TABLES[table].evidence:
        with pytest.raises(RunFolderError, match=rf"{table}\.parquet is missing although"):
            read_run(ported_copy)


def test_every_verdict_that_a_study_can_give_is_explained_in_the_study_s_own_words(ported: Path) -> None:
    said = words(made(ported, degeneracy_section))
    assert all(name in said and what in said for name, what in VERDICTS.items())
    # a refit tells what a linear read-out still finds, and decides nothing
    assert not any(word in what for what in VERDICTS.values() for word in ("erased", "fresh probe", "refit"))


def test_each_pair_has_its_verdict_its_reason_and_its_numbers(ported: Path) -> None:
    said = words(made(ported, degeneracy_section))
    for row in pd.read_parquet(ported / "verdicts.parquet").to_dict("records"):
        assert f"{row['a']} and {row['b']}: {row['verdict']}. S{row['reason'][1:]}." in said
        for name in ("a_alone", "b_alone", "surplus", "readings", "rce", "whole"):
            assert with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"]) in said
        assert f"{percent(row['refit_accuracy'])} {percent_span(row['refit_low'], row['refit_high'])} chance 12.5" in said
    assert "Of 3 pairs: 1 parts of one; 1 redundant by correlation; 1 undecided." in said


def test_parts_are_found_in_whichever_order_they_are_stored(ported: Path) -> None:
    (drawing,) = (one for one in made(ported, degeneracy_section).drawings if one.name == "degeneracy")
    assert "a without b 0.700 [0.630, 0.770]" in drawing.alt and "b without a 0.600 [0.530, 0.670]" in drawing.alt
    table = degeneracy(FINDERS)
    for rows in (table, table.iloc[::-1]):
        here, back = pair_parts(rows, *FINDERS[:2]), pair_parts(rows, FINDERS[1], FINDERS[0])
        for part, other in (("a without b", "b without a"), ("b", "a"), ("whole", "whole")):
            assert sorted(here[part]["value"]) == sorted(back[other]["value"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.8, 0.6, 0.12), "2 stages lie above both controls, and stage 3 meets its control (CE 0.120 [0.060, 0.180])"),
        ((0.8, 0.12), "once the first subspace is gone, no other is found that carries the variable"),
        ((0.8, 0.6), "the curve has not met its control, and there may be more"),
        ((0.1,), "no copy is counted"),
    ],
)
def test_a_curve_without_a_verdict_is_put_in_words(values: tuple[float, ...], said: str) -> None:
    assert said in peeling_words(peeling(values, verdict="", reason="", copies=np.nan), "das", {})


def test_copies_are_counted_in_words(ported: Path) -> None:
    said = "Peeling off subspaces of das: degenerate, 2 copies. 2 subspace(s) of das lie above their controls."
    assert said in words(made(ported, degeneracy_section))
    rows = peeling(verdict="", reason="", copies=np.nan)
    told = {"degeneracy": {"peeling": {"finder": "das", "copies": 1, "verdict": "not degenerate", "reason": "<i>one</i>"}}}
    assert "das: not degenerate, one copy. <i>one</i>." in peeling_words(rows, "das", told)
    assert "stages lie above" in peeling_words(rows, "inlp", told)  # the summary speaks of another finder


def test_the_other_model_has_its_chance_levels_and_floors(ported: Path) -> None:
    section = made(ported, across_models)
    said, folder = words(section), ported / "port-0123abcd"
    assert headings(section) == ["port-0123abcd: nano and nano-wide"] and "Synthetic headline of 0123abcd" in said
    alike = pd.read_parquet(folder / "similarity.parquet")
    for row in alike[alike["metric"] != "cka"].to_dict("records"):
        assert with_interval(row["label_chance"], row["label_low"], row["label_high"]) in said
    assert said.count("the two share more than the class") == 2  # the third pair is the first one turned round
    assert "CCA, in sample" in said and "nano → nano-wide: 8 of 8 carried subspaces have more effect than every floor" in said
    assert "nano-wide → nano: 4 of 4" in said
    carried = pd.read_parquet(folder / "transport.parquet")
    row = carried[(carried["used"] == "carried") & (carried["dose"] == 0.5)].iloc[0]
    assert with_interval(row["rce"], row["rce_low"], row["rce_high"]) in said
    assert "nano layer 4 to nano-wide layer 5 chosen (both)" in section.drawings[0].alt


def test_runs_of_one_encoder_have_the_tables_of_portability(ported_copy: Path) -> None:
    shutil.rmtree(ported_copy / "port-0123abcd")
    write_port(ported_copy, "0456cdef", "subspaces")
    section = across_models(read_run(ported_copy))
    assert {"port-1-angles", "port-1-sas-rce", "port-1-rce-dose"} == names(section)
    assert "diff_means in place of diff_means (other run)" in words(section) and "across run" in words(section)


def test_a_damaged_port_folder_is_named_and_the_rest_is_shown(ported_copy: Path) -> None:
    (ported_copy / "port-0123abcd").rename(ported_copy / "port-00000000")
    broken = write_port(ported_copy, "ffff0000")
    (broken / "transport.parquet").write_bytes(b"PAR1")
    missing = write_port(ported_copy, "ffff0001")
    (missing / "similarity.parquet").unlink()
    strange = write_port(ported_copy, "ffff0002")
    tell(strange, kind="<b>kind</b>")
    tell(write_port(ported_copy, "ffff0003"), headline=3)
    (ported_copy / "port-empty").mkdir()
    section = across_models(read_run(ported_copy))
    said = words(section)
    for name in ("port-ffff0000", "port-ffff0001", "port-ffff0002", "port-ffff0003", "port-empty"):
        assert f"{name} cannot be read" in said
    assert "has no 'kind' that this version knows" in said and "or delete port-empty" in said and "'headline' is not a text" in said
    assert "port-1-cka" in names(section)


def test_a_port_folder_needs_nothing_from_its_summary_but_its_kind(ported_copy: Path) -> None:
    tell(ported_copy / "port-0123abcd", a=["no", "mapping"], b=None, pairs=None, headline=None)
    only(ported_copy / "port-0123abcd", "similarity", metric="cca")
    (ported_copy / "port-0123abcd" / "transport.parquet").unlink()
    transport(("lda",)).head(0).to_parquet(ported_copy / "port-0123abcd" / "transport.parquet")
    section = across_models(read_run(ported_copy))
    assert "unknown" in words(section) and not names(section) and "held-out CCA" in words(section)


@pytest.mark.drawn
@pytest.mark.slow
def test_strange_names_are_bounded_and_drawn(ported_copy: Path) -> None:
    evil = "<script>$x_1$</script>" * 9
    folder = ported_copy / "port-0123abcd"
    for table, columns in (("similarity", ["source", "target"]), ("transport", ["source", "target", "finder", "choice"])):
        edit(folder, table, lambda t, at=columns: t.assign(**t[at].replace(dict.fromkeys(("nano", "diff_means", "both"), evil))))
    edit(ported_copy, "verdicts", lambda t: t.assign(a=evil, reason=evil * 8))
    edit(ported_copy, "portability", lambda t: t.assign(a=t["a"].str.replace("diff_means", evil, regex=False)))
    for make in SECTIONS:
        section = make(read_run(ported_copy))
        assert all("<script" not in drawing.svg for drawing in section.drawings) and evil * 8 not in words(section)


def test_layers_are_read_from_the_names(ported: Path) -> None:
    section = made(ported, portability)
    (drawing,) = (one for one in section.drawings if one.name == "across-layers")
    table = pd.read_parquet(ported / "portability.parquet")
    row = table[(table["a"] == "diff_means (layer 6)") & (table["metric"] == "sas")].iloc[0]
    assert f"{shown(row['value'])} at layer 6" in drawing.alt and f"at layer {BEST}" not in drawing.alt


def test_a_judge_that_does_not_read_gives_no_verdict_on_copies(ported_copy: Path) -> None:
    assert "judge not shown to read" not in {one.verdict for one in carried_measures.degeneracy(read_run(ported_copy))}
    tell(ported_copy, judge_reading={"probe": {"accuracy": 0.2, "low": 0.1, "high": 0.4, "n": 40, "chance": 0.125, "reads": False}})
    run = read_run(ported_copy)
    assert {one.verdict for one in carried_measures.degeneracy(run)} == {"judge not shown to read"}
    section = degeneracy_section(run)
    assert "Not told: the judge is not shown to read the variable (20.0" in words(section)
    assert len(section.blocks) == 1
