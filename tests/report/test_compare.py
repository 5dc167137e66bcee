"""Several runs side by side: what is said of them follows from their tables, and strangers' names stay names."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console
from sections_said import edit, tell, words
from side_by_side import cells, provide

from jepascope.errors import BadArgument, RunFolderError
from jepascope.findings.numbers import percent, percent_span, with_interval
from jepascope.report.compare.comparison import Comparison, compare_runs
from jepascope.report.compare.differing import agreement, differences
from jepascope.report.compare.page import build_compare, place, to_json
from jepascope.report.compare.paper_table import columns, entries, paper_sections
from jepascope.report.compare.reading import Compared, names, read_runs, study_of
from jepascope.report.compare.table import table
from jepascope.report.compare.terminal import paper_tables, tables
from jepascope.report.folder import read_run
from jepascope.report.paper import PUBLISHED
from jepascope.schema import TABLES


def test_the_table_shows_what_the_run_folders_hold(compared: Comparison) -> None:
    shown = cells(table(compared.runs))
    for column, run in enumerate(compared.runs):
        probes, ce = (pd.read_parquet(run.folder.path / f"{name}.parquet") for name in ("probes", "ce"))
        at = probes[(probes["layer"] == 4) & probes["chosen"] & (probes["probe"] == "dense") & (probes["encoder"] == "model")]
        tokens = ce["tokens"].iloc[0]
        row = at[at["tokens"] == tokens].iloc[0]
        assert shown["dense accuracy"][column] == f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}"
        assert shown["chance"][column] == percent(row["chance"])
        own = ce[(ce["layer"] == 4) & (ce["edit"] == "ablate") & (ce["finder"] == "lda")]
        assert own.empty
        own = ce[(ce["layer"] == 4) & (ce["edit"] == "ablate") & (ce["control"] == "subspace") & (ce["finder"] == "diff_means")].iloc[0]
        assert shown["diff_means"][column] == with_interval(own["value"], own["low"], own["high"])
        assert shown["best layer (relative depth)"][column] == "4 of 6 (0.67)"
    assert shown["SAS of diff_means and class_pca"] == ["0.930", "0.930"]


def test_the_pair_compared_is_none_that_found_one_subspace(copy: Path) -> None:
    edit(copy, "portability", lambda p: p.assign(value=p["value"].where((p["metric"] != "sas") | (p["b"] != "class_pca"), 1.0)))
    (run,), _ = read_runs([copy])
    assert run.measured.sas is not None
    assert (run.measured.sas.a, run.measured.sas.b) == ("diff_means", "l1_probe")
    assert [(one.a, one.b) for one in run.measured.rce] == [("diff_means", "l1_probe"), ("l1_probe", "diff_means")]


def test_runs_that_agree_are_said_to(compared: Comparison) -> None:
    assert not differences(compared.runs)
    for what in ("variable", "clip set", "seed", "token selection", "rank"):
        assert what in agreement(compared.runs)


DIFFERENCES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"variable": "speed"}, "The variable differs: direction (first); speed (copy)"),
    ({"clips": "circle"}, "The clip set differs: directions8 (first); circle (copy)"),
    ({"tokens": "all"}, "The token selection differs"),
    ({"splits": {"fit": 10, "test": 6}}, "The number of clips differs: not recorded (first); 16 (copy)"),
    ({"swap_donor": "class"}, "What swaps take from differs: twin (first); class (copy)"),
    ({"confidence": 0.9}, "The level of the intervals differs"),
)


def test_a_difference_is_said_in_words(compared: Comparison, two: tuple[Path, Path]) -> None:
    first, folder = compared.runs[0], read_run(two[0])
    for change, said in DIFFERENCES:
        other = replace(first, name="copy", study=study_of(replace(folder, summary={**folder.summary, **change})))
        assert any(line.startswith(said) for line in differences([first, other])), differences([first, other])


def beside_first(compared: Comparison, copy: Path) -> list[Compared]:
    """The first run, and a changed copy of it."""
    (changed,), _ = read_runs([copy])
    return [compared.runs[0], changed]


def test_another_seed_and_few_draws_are_said(compared: Comparison, copy: Path) -> None:
    provide(copy, seed=7)
    edit(copy, "ce", lambda ce: ce.assign(draws=ce["draws"].where(ce["control"] == "subspace", 5)))
    said = " ".join(differences(beside_first(compared, copy)))
    assert "The seed differs: 0 (first); 7 (copy)" in said
    assert "Fewer than 20 draws of a control in copy (5): no effect there can be called outside" in said
    assert "there is no ratio" in said


def test_a_run_about_another_variable_stands_beside_nothing_published(compared: Comparison, copy: Path) -> None:
    tell(copy, variable="speed")
    runs = beside_first(compared, copy)
    assert [column.run for column in columns(runs[1:])] == [None, None]
    assert "about speed" in words(paper_sections(runs[1:])[0])


def test_a_folder_given_twice_counts_once(two: tuple[Path, Path]) -> None:
    runs, notes = read_runs([two[0], two[0] / ".." / "first"])
    assert [run.name for run in runs] == ["first"]
    assert len(notes) == 1
    assert "was given 2 times and counts once" in notes[0]


def test_runs_with_one_name_are_told_apart() -> None:
    paths = [Path("/a/demo"), Path("/b/demo"), Path("/c/x/demo"), Path("/d/x/demo"), Path("/e/wide")]
    assert names(paths) == ["a/demo", "b/demo", "x/demo (1)", "x/demo (2)", "wide"]
    assert len(names([Path("/" + "y" * 300)])[0]) <= 24


@pytest.mark.parametrize("missing", ["summary.json", "best_layer"])
def test_an_unfinished_run_is_refused_with_the_command_that_finishes_it(copy: Path, missing: str) -> None:
    if missing == "best_layer":
        tell(copy, best_layer=None)
    else:
        (copy / missing).unlink()
    with pytest.raises(RunFolderError, match=r"unfinished run.*jepascope run .*copy/spec.yaml --out .*copy"):
        read_runs([copy])


def test_a_stage_of_a_run_is_no_run(copy: Path) -> None:
    (copy / "intervene-12345678").mkdir()
    with pytest.raises(RunFolderError, match="one stage of a run; give the run folder itself"):
        read_runs([copy / "intervene-12345678"])


@pytest.mark.parametrize("name", ["ce", "probes", "portability"])
def test_a_damaged_or_missing_table_names_the_folder(copy: Path, name: str) -> None:
    (copy / f"{name}.parquet").write_bytes(b"PAR1 not a table")
    with pytest.raises(RunFolderError, match=f"copy/{name}.parquet' is damaged"):
        read_runs([copy])
    (copy / f"{name}.parquet").unlink()
    if name != "probes":
        with pytest.raises(RunFolderError, match=f"copy/{name}.parquet is missing"):
            read_runs([copy])


@pytest.mark.parametrize(
    "broken",
    [
        {"layers": "many", "splits": [1], "seconds": {"capture": "long"}, "classes": True},
        {"degeneracy": {"verdicts": "none", "peeling": 3}, "swap_donor": {}, "tokens": ["all"], "model": {"a": 1}, "classes": 1e300},
        pytest.param({"seconds": 4, "clips": None}, marks=pytest.mark.slow),
    ],
)
def test_a_summary_of_nonsense_is_one_sentence(copy: Path, broken: dict[str, Any]) -> None:
    for name, odd in (("summary", broken), ("provenance", {"encoder": [1, 2], "seed": "zero", "jepascope": {"x": 1}})):
        path = copy / f"{name}.json"
        sound = path.read_text()
        path.write_text(json.dumps(json.loads(sound) | odd))
        with pytest.raises(RunFolderError, match=rf"{name}\.json' is damaged \('\w+' is not an? [a-z ]+\)\. Make it again with: [^\n]+$"):
            compare_runs([copy], "paper")
        path.write_text(sound)


def test_what_the_summary_says_inside_its_objects_may_be_nonsense(copy: Path) -> None:
    odd = {"degeneracy": {"verdicts": "none", "peeling": 3}, "classes": None, "reading": {"read": 3}}
    (copy / "summary.json").write_text(json.dumps(json.loads((copy / "summary.json").read_text()) | odd))
    for name in ("degeneracy", "verdicts"):
        pd.DataFrame(columns=TABLES[name].names).to_parquet(copy / f"{name}.parquet")
    comparison = compare_runs([copy], "paper")
    json.dumps(to_json(comparison, copy), allow_nan=False)
    assert table(comparison.runs).rows


def test_verdicts_on_degeneracy_are_shown_where_there_are_some(compared: Comparison, copy: Path) -> None:
    verdict = {"a": "diff_means", "b": "class_pca", "verdict": "parts of one", "reason": "of one subspace"}
    peeling = {"finder": "l1_probe", "copies": 2, "stages": 3, "verdict": "copies", "reason": "two above their controls"}
    tell(copy, degeneracy={"verdicts": [verdict], "peeling": peeling})
    for name in ("degeneracy", "verdicts"):
        pd.DataFrame(columns=TABLES[name].names).to_parquet(copy / f"{name}.parquet")
    runs = beside_first(compared, copy)
    said = ["not run", "parts of one\npeeling l1_probe: copies (2 copies)"]
    assert cells(table(runs))["degeneracy"] == said
    last = entries(PUBLISHED[-1], columns(runs)[3:])[0]
    assert last.cells[0] == ("diff_means, class_pca: parts of one", "peeling l1_probe: copies (2 copies)")
    assert "degeneracy" not in cells(table(runs[:1]))


HOSTILE = "<script>alert('x')</script> $a_b$ [bold red]\x1b[31m\u202e & \ud800"


@pytest.mark.slow
def test_names_of_strangers_are_text_everywhere(two: tuple[Path, Path], tmp_path: Path) -> None:
    run = Path(shutil.copytree(two[0], tmp_path / "<b>[link=x]$y$"))
    tell(run, model=HOSTILE, variable="direction")
    edit(run, "ce", lambda ce: ce.assign(finder=ce["finder"].replace("diff_means", "<img src=x onerror=y>" + "z" * 500)))
    comparison = compare_runs([run, two[1]], "paper")
    page = build_compare(comparison, tmp_path / "out.html").read_text()
    body = page.split("</style>")[1]
    assert body.count("<script") == 1  # our own
    assert "<img" not in body
    assert "<b>[" not in body
    assert "&lt;script&gt;" in body
    assert "z" * 100 not in html.unescape(body)
    assert "\x1b" not in page
    shown = rendered([*tables(comparison.runs, 100), *paper_tables(comparison.runs, 100)])
    assert "\x1b" not in shown
    assert "[bold" in shown


def rendered(made: list[Any], width: int = 100) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    for one in made:
        console.print(one)
    return out.getvalue()


@pytest.mark.slow
def test_the_terminal_shows_every_run_in_100_columns(compared: Comparison) -> None:
    runs = [replace(compared.runs[0], name=f"number{i}") for i in range(4)]
    said = rendered([*tables(runs, 100), *paper_tables(runs, 100)])
    assert max(len(line) for line in said.splitlines()) <= 100
    assert all(f"number{i}" in said for i in range(4))
    own = runs[0].measured.ce["diff_means"]["swap"]
    assert said.count(with_interval(own.value, own.low, own.high)) >= 4
    assert "…" not in said


def test_the_page_is_one_file_with_described_figures(compared: Comparison, tmp_path: Path) -> None:
    page = build_compare(compared, tmp_path)
    assert page == tmp_path / "compare.html"
    text = page.read_text()
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", text)
    for name in ("compared-accuracy", "compared-effects", "compared-layers"):
        figure = text.split(f'id="figure-{name}"')[1].split("</figure>")[0]
        assert 'role="img" aria-label="' in figure
        assert re.search(r"n = \d+ test", figure)
        assert "95 % interval" in figure
        assert "Control:" in figure
        assert all(run.name in figure for run in compared.runs)
    assert text.index("What else differs between the runs") < text.index("<table")
    again = page.read_bytes()
    build_compare(compared, tmp_path)
    assert page.read_bytes() == again


def test_the_page_goes_over_no_file_of_another_making(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<title>mine</title>")
    (tmp_path / "notes").write_text("mine")
    for taken in ("report.html", "notes"):
        with pytest.raises(BadArgument, match=taken):
            place(tmp_path / taken)
    assert place(tmp_path) == tmp_path / "compare.html"
    assert place(tmp_path / "new") == tmp_path / "new" / "compare.html"
    assert place(tmp_path / "new.html") == tmp_path / "new.html"


RUN_KEYS = (
    "name path paper_encoder model width depth grid frames size encoder_digest clips clips_count variable classes labels_digest tokens "
    "seed swap_donor confidence spec_digest version best_layer relative_depth rank accuracy l1_support ce ce_ratio sas rce degeneracy "
    "leaks draws test_scenes seconds"
)


def test_the_keys_of_the_json_are_stable_and_its_numbers_exact(compared: Comparison, tmp_path: Path) -> None:
    data = json.loads(json.dumps(to_json(compared, tmp_path), allow_nan=False))
    assert set(data) == {
        "schema",
        "kind",
        "page",
        "runs",
        "notes",
        "differences",
        "findings",
        "paper",
        *("comparisons", "over_runs", "holds"),
    }
    assert data["paper"] is None
    for row, run in zip(data["runs"], compared.runs, strict=True):
        assert set(RUN_KEYS.split()) <= set(row)
        summary = json.loads((run.folder.path / "summary.json").read_text())
        assert row["ce"]["diff_means"]["ablate"] == pytest.approx(summary["ce"]["diff_means"]["ablate"])
        assert row["ce_ratio"]["diff_means"]["random"]["value"] == pytest.approx(summary["ce_ratio"]["diff_means"]["random"]["value"])
        assert row["seconds"] == pytest.approx(sum(summary["seconds"].values()))
        assert set(row["accuracy"]) >= {"value", "low", "high", "n", "chance", "untrained"}


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(BadArgument, match="Nothing to compare"):
        compare_runs([])
    with pytest.raises(BadArgument, match="no preset 'papers'"):
        compare_runs([], "papers")
