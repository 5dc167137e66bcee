"""Every kind of page that jepascope writes, made small: from synthetic run folders, a scorecard of one network, a record of a benchmark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
from hostile import HARMFUL, made_hostile
from PIL import Image
from sections_said import tell
from side_by_side import provide
from synthetic_run import make_run

from blank_figure import words_only
from jepascope.bench.kinds.abstraction import averages, told_apart
from jepascope.bench.systems.measure import SCORES
from jepascope.planted.scorecard import scorecard
from jepascope.report.bench.page import build_bench
from jepascope.report.build import build_report
from jepascope.report.compare.comparison import compare_runs
from jepascope.report.compare.page import build_compare
from jepascope.report.planted import build_planted
from jepascope.report.sweep.page import build_sweep
from jepascope.study.sweep.cells import Cell
from jepascope.study.sweep.run import Outcome

FINDERS = ("diff_means", "class_pca")


def run_of(folder: Path) -> Path:
    """A run with every table, and a clip beside its twin."""
    run = make_run(folder, outputs={"angle": "degrees"}, stage_three=True, finders=FINDERS)
    frames = np.random.default_rng(0).integers(0, 255, (48, 8 * 96), dtype=np.uint8)
    Image.fromarray(frames).save(run / "figures" / "film.png")
    tell(run, film={"frames": 8, "clip": "right", "partner": "left"})
    return run


def report(folder: Path) -> Path:
    """Of a run with every table."""
    return build_report(run_of(folder))


def strangers(folder: Path) -> Path:
    """The same run, named by somebody who means harm."""
    run = run_of(folder)
    made_hostile(run)
    return build_report(run)


def compare(folder: Path) -> Path:
    """Two encoders on the same scenes, and a third run of another seed."""
    runs = [make_run(folder / name, seed=at) for at, name in enumerate(("first", "second", "third"))]
    for at, (run, model) in enumerate(zip(runs, ("synthetic", "other", "synthetic"), strict=True)):
        provide(run, model, seed=at // 2, width=96, depth=6, grid=[8, 4, 4], frames=16, size=32)
        told = json.loads((run / "provenance.json").read_text())
        (run / "provenance.json").write_text(json.dumps(told | {"encoder": {**told["encoder"], "digest": model}}))
    return build_compare(compare_runs(runs, "paper"), folder)


def planted(folder: Path) -> Path:
    """One network, one finder."""
    scorecard(("clean",), ("diff_means",), draws=2, peels=0).write(folder)
    return build_planted(folder)


def bench(folder: Path) -> Path:
    """Three explanations of one system."""
    rows = [
        {"system": "s", "condition": name, "valid": name == "valid", "seed": run, "n": 4, **dict.fromkeys(SCORES, value + 0.01 * run)}
        for name, value in (("valid", 1.0), ("fail", 0.0), ("same", 1.0))
        for run in range(4)
    ]
    table = pd.DataFrame(rows).assign(IIAMetric=float("nan"))
    record = {"benchmark": "abstraction", "question": "Are valid explanations told from invalid ones?", "settings": {"runs": 4}}
    record |= {"pairs": told_apart(table), "explanations": averages(table), "scores": list(SCORES), "theirs": ["IIAMetric"]}
    folder.mkdir()
    (folder / "bench.json").write_text(json.dumps({**record, "left_out": {"a": "b"}, "confidence": 0.95}))
    return build_bench(folder)


DRAWN = "report"
"""The page whose figures are drawn, which takes longer than all else; those of the others are blank."""


def sweep(folder: Path) -> Path:
    """One study that nobody ran, and one with harmful names that could not be."""
    refused = Cell({"model": HARMFUL[0], "variable": HARMFUL[5]}, "odd", None, " ".join(HARMFUL[:8]))
    folder.mkdir()
    return build_sweep([Outcome(refused, "failed", refused.refused), Outcome(Cell({"model": "nano"}, "nano", None), "waiting")], folder)


PAGES: dict[str, Callable[[Path], Path]] = {one.__name__: one for one in (report, strangers, compare, planted, bench, sweep)}


def written(name: str, folder: Path) -> None:
    """``folder``/page.html. What makes it is checked by other tests."""
    folder.mkdir()
    with nullcontext() if name == DRAWN else words_only():
        made = PAGES[name](folder / "made")
    shutil.copy(made, folder / "page.html")
