"""``compare`` as a test: paired over scenes, runs that differ in seed counted together, corrected, and silent where scenes differ."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sections_said import edit, tell, words
from side_by_side import provide

from jepascope.findings.numbers import interval_words
from jepascope.report.compare.arms import Arm, apart, arms_of, matched, pairs_of
from jepascope.report.compare.chapters import chapters_of, title_of
from jepascope.report.compare.comparison import Comparison
from jepascope.report.compare.page import to_json
from jepascope.report.compare.reading import Compared, read_runs
from jepascope.report.compare.scenes import measured_by_scene
from jepascope.report.compare.tested import ComparisonTables, comparison_tables
from jepascope.report.compare.tested_words import grids, sentences
from jepascope.report.folder import read_run
from jepascope.report.terminal import grid_table
from jepascope.stats import holm

Copies = Callable[..., Compared]


@pytest.fixture
def copies(two: tuple[Path, Path], tmp_path: Path) -> Copies:
    """``copies(name, of=0, model="synthetic", seed=3, numerator=0.9)``: one of the two runs by another name, model, seed, with effects
    times so much."""

    def made(name: str, of: int = 0, model: str = "synthetic", seed: int = 0, numerator: float = 1.0, **summary: Any) -> Compared:
        folder = Path(shutil.copytree(two[of], tmp_path / name))
        provide(folder, model, seed, width=96, depth=6, grid=[8, 4, 4], frames=16, size=32)
        told = json.loads((folder / "provenance.json").read_text())
        (folder / "provenance.json").write_text(json.dumps(told | {"encoder": {**told["encoder"], "digest": model}}))
        tell(folder, model=model, **summary)
        if numerator != 1:
            edit(folder, "effects", lambda e: e.assign(numerator=e["numerator"] * np.where(e["control"] == "subspace", numerator, 1.0)))
        (run,), _ = read_runs([folder])
        return run

    return made


def row(tests: ComparisonTables, quantity: str = "CE of swap") -> dict[str, Any]:
    (found,) = tests.comparisons[tests.comparisons["quantity"] == quantity].to_dict("records")
    return {str(name): value for name, value in found.items()}


def test_a_runs_scenes_sum_to_the_effect_that_its_table_states(compared: Comparison) -> None:
    for run in compared.runs:
        by_quantity = {(one.quantity, one.finder): one for one in run.scenes}
        for finder, edits in run.measured.ce.items():
            assert by_quantity["CE of swap", finder].share.value == pytest.approx(edits["swap"].value)
            assert by_quantity["CE of ablation", finder].share.value == pytest.approx(edits["ablate"].value)
            beyond = by_quantity["CE of ablation beyond its closest control", finder]
            closest = beyond.share.control
            assert closest is not None and beyond.control == "variance"
            assert beyond.share.value == pytest.approx(
                edits["ablate"].value - closest.sum() / len(closest) / beyond.share.denominator.sum()
            )


def test_what_is_read_scene_by_scene_is_what_the_tables_state(finished_run: Path) -> None:
    run = read_run(finished_run)
    by_quantity = {one.quantity: one for one in measured_by_scene(run)}
    ce, values = run.table("ce"), run.table("values")
    assert ce is not None and values is not None
    accuracy = by_quantity["accuracy of the judge"]
    own = ce[(ce["layer"] == run.best_layer) & (ce["edit"] == "ablate") & (ce["judge"] == "probe") & (ce["control"] == "subspace")]
    assert accuracy.share.value == pytest.approx(own["accuracy_before"].iloc[0]) and accuracy.bounds == (0, 1)
    read = values[(values["layer"] == run.best_layer) & (values["encoder"] == "model") & (values["held_out"] == "clips")]
    (stated,) = read.loc[read["tokens"] == run.summary["tokens"], ["output", "unit", "error"]].to_dict("records")
    error = by_quantity[f"error of {stated['output']}"]
    assert error.share.value == pytest.approx(stated["error"], rel=1e-4) and error.unit == stated["unit"] == "degrees"


@pytest.mark.slow
def test_one_effect_on_one_set_of_scenes_does_not_differ_and_a_halved_one_does(copies: Copies) -> None:
    same = comparison_tables([copies("one"), copies("two", model="other")])
    assert row(same)["value"] == 0 and row(same)["p"] == 1
    halved = row(comparison_tables([copies("three"), copies("four", model="other", numerator=0.5)]))
    assert halved["value"] == pytest.approx(halved["a_value"] / 2) and halved["low"] > 0
    assert halved["p_holm"] < 0.05 and (halved["n"], halved["runs"], halved["of"]) == (80, 1, "these fits")


@pytest.mark.slow
def test_p_is_corrected_over_all_that_is_compared(copies: Copies) -> None:
    tests = comparison_tables([copies("one"), copies("two", 1, "other"), copies("three", 1, "third", numerator=0.9)])
    p = tests.comparisons["p"].to_numpy()
    assert len(p) == 3 * 4  # two edits, each with and without its closest control, for three pairs
    assert tests.comparisons["p_holm"].to_numpy() == pytest.approx(holm(p))
    assert (tests.comparisons["p_holm"] >= tests.comparisons["p"]).all() and (tests.comparisons["p_holm"] > tests.comparisons["p"]).any()


@pytest.mark.slow
def test_runs_that_differ_in_seed_alone_are_one_group(copies: Copies) -> None:
    runs = [
        copies("a0"),
        copies("a1", seed=1),
        copies("b0", 1, "other"),
        copies("b1", 1, "other", seed=1),
        copies("b2", 1, "other", seed=2),
    ]
    arms = arms_of(runs)
    assert [[run.name for run in arm.runs] for arm in arms] == [["a0", "a1"], ["b0", "b1", "b2"]]
    assert [(one.name, other.name) for one, other in matched(*arms)] == [("a0", "b0"), ("a1", "b1")]
    tests = comparison_tables(runs)
    effect, second = row(tests), [run.measured.ce["diff_means"]["swap"].value for run in runs]
    assert (effect["runs"], effect["n"], effect["of"]) == (2, 160, "the encoders")
    assert effect["value"] == pytest.approx(np.mean([second[0] - second[2], second[1] - second[3]]))
    over = tests.over_runs[(tests.over_runs["group"] == arms[1].name) & (tests.over_runs["quantity"] == "CE of swap")].iloc[0]
    assert over["runs"] == 3 and over["value"] == pytest.approx(np.mean(second[2:]))
    assert over["least"] == pytest.approx(min(second[2:])) and over["largest"] == pytest.approx(max(second[2:]))


@pytest.mark.slow
def test_a_claim_holds_in_as_many_runs_as_say_so(copies: Copies) -> None:
    runs = [copies("a0"), copies("a1", seed=1), copies("a2", seed=2)]
    edit(runs[2].folder.path, "ce", lambda ce: ce.assign(low=ce["low"] - 2, high=ce["high"] + 2))
    runs[2] = read_runs([runs[2].folder.path])[0][0]
    holds = comparison_tables(runs).holds.set_index("claim")
    assert (holds.loc["used", "runs"], holds.loc["used", "holds"]) == (3, 2)
    for name, said in holds.iterrows():
        verdicts = [claim.verdict for run in runs for claim in run.claims if claim.name == name]
        assert said["holds"] == verdicts.count("shown") and said["runs"] == len(verdicts) - verdicts.count("not run")
    (sentence,) = sentences(comparison_tables(runs), 3)
    assert "used in 2 of 3" in sentence


def test_a_run_again_is_no_further_evidence(copies: Copies) -> None:
    run = copies("one")
    again = Path(shutil.copytree(run.folder.path, run.folder.path.parent / "again"))
    runs = [run, read_runs([again])[0][0]]
    assert len(arms_of(runs)) == 1 and len(arms_of(runs)[0].runs) == 1
    assert sentences(comparison_tables(runs), 2) == ["All runs are one study run again: there is nothing to test."]
    assert "One run is tested against nothing" in sentences(comparison_tables(runs[:1]), 1)[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"variable": "speed"}, "different variables, direction and speed"),
        pytest.param({"seed": 7}, "different scenes (seeds 0 and 7)", marks=pytest.mark.slow),
        pytest.param({"clips": "circle"}, "different scenes (clips directions8 and circle)", marks=pytest.mark.slow),
        pytest.param({"splits": {"fit": 10, "test": 6}}, "different scenes (not recorded and 16 clips)", marks=pytest.mark.slow),
    ],
)
def test_what_cannot_be_paired_says_why_in_one_line(copies: Copies, change: dict[str, Any], said: str) -> None:
    tests = comparison_tables([copies("one"), copies("two", 1, "other", **change)])
    assert sentences(tests, 2) == [f"one and two: not comparable: {said}."]
    assert len(tests.comparisons) == 1 and isnan(tests.comparisons["p"].iloc[0]) and grids(tests) == []


@pytest.mark.slow
def test_a_folder_without_scenes_is_named(copies: Copies) -> None:
    run, other = copies("one"), copies("two", 1, "other")
    for table in ("ce", "effects", "matching"):
        (other.folder.path / f"{table}.parquet").unlink()
    tell(other.folder.path, ce=None)
    older = read_runs([other.folder.path])[0][0]
    assert measured_by_scene(older.folder) == ()
    assert apart(run, older).startswith("no effects scene by scene in two")


@pytest.mark.slow
def test_swaps_from_other_donors_are_not_compared(copies: Copies) -> None:
    tests = comparison_tables([copies("one", swap_donor="twin"), copies("two", 1, "other", swap_donor="class")])
    assert set(tests.comparisons["quantity"]) == {"CE of ablation", "CE of ablation beyond its closest control"}


def test_many_groups_stand_beside_the_first(compared: Comparison) -> None:
    arms = [Arm((compared.runs[0],)) for _ in range(6)]
    assert len(pairs_of(arms)) == 5 and len(pairs_of(arms[:5])) == 10


def test_page_terminal_and_json_print_the_same_rows(compared: Comparison, tmp_path: Path) -> None:
    page = " ".join(words(section) for chapter in chapters_of(compared) for section in chapter.sections)
    out = io.StringIO()
    for made in compared.tables_of_tests:
        Console(file=out, width=200).print(grid_table(made))
    data = json.loads(json.dumps(to_json(compared, tmp_path), allow_nan=False))["comparisons"]
    assert len(data) == len(compared.tests.comparisons) == 4
    for line in compared.tests.comparisons.to_dict("records"):
        assert interval_words(line) in page and interval_words(line) in out.getvalue()
        assert any(entry["value"] == line["value"] and entry["p_holm"] == line["p_holm"] for entry in data)
    assert all(sentence in page for sentence in compared.findings)


def test_the_same_runs_give_the_same_numbers(compared: Comparison) -> None:
    pd.testing.assert_frame_equal(comparison_tables(compared.runs).comparisons, compared.tests.comparisons)


@pytest.mark.slow
def test_the_page_opens_with_what_came_out(copies: Copies) -> None:
    runs = [copies("one"), copies("two", model="other", numerator=0.5), copies("three", model="third", seed=7)]

    def page(*of: Compared) -> tuple[str, list[str], list[str]]:
        comparison = Comparison(list(of), [], None)
        chapters = chapters_of(comparison)
        opening = [getattr(block, "text", block.kind) for block in chapters[0].opening]
        return title_of(comparison), [chapter.anchor for chapter in chapters], opening

    title, anchors, opening = page(*runs[:2])
    assert title.startswith("one and two differ in CE of ") and anchors == ["differ", "side-by-side"]
    assert opening[0].startswith("one and two differ in CE of ") and opening[-1] == "figure"
    title, _, opening = page(runs[0], runs[2])
    assert title == "one and three are not comparable: different scenes (seeds 0 and 7)"
    assert opening == ["one and three: not comparable: different scenes (seeds 0 and 7)."]
    assert page(runs[0])[:2] == ("one", ["side-by-side"])
