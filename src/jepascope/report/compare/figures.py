"""From runs to the drawings of their comparison, with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.numbers import count_range
from jepascope.findings.selection import comparable, finders_of, tokens_of
from jepascope.report.blocks import Figure
from jepascope.report.charts import beside_controls
from jepascope.report.charts.beside_controls import Row
from jepascope.report.charts.canvas import SERIES, Drawing
from jepascope.report.charts.curves import ZERO, Axis, Level, Panel, Series, draw, key
from jepascope.report.charts.looks import CONTROLS, DOTTED, Look, numbered
from jepascope.report.compare.reading import Compared

MOST_LINES = len(SERIES)  # there are no more looks that can be told apart
MOST_GROUPS = 10


def accuracy_figure(runs: list[Compared]) -> Figure | None:
    """Dense probe of every run over relative depth."""
    curves = [curve for place, run in enumerate(runs[:MOST_LINES]) for curve in _accuracy(run, place)]
    if not curves:
        return None
    n = count_range([run.measured.accuracy.n for run in runs if run.measured.accuracy is not None])
    caption = (
        f"Share of test clips whose class a dense probe names correctly, at each run's own tokens. n = {n} test clips; bands: "
        f"{_level(runs)}. Control: chance, dotted (it differs where the number of classes does); untrained twins are in the table. "
        f"Layers are set to one scale: 0 is the patch embedding, 1 the last block.{_cut(runs, MOST_LINES)}"
    )
    y = Axis("probe accuracy", limits=(0, 1.03))
    return Figure(_over_depth("compared-accuracy", "Dense-probe accuracy over relative depth", curves, "chance", y), caption)


def _accuracy(run: Compared, place: int) -> list[Series]:
    probes = run.folder.table("probes")
    if probes is None or not run.study.depth:
        return []
    rows = chosen_probes(probes, encoder="model", tokens=tokens_of(run.folder, probes))
    return _curve(run, place, rows.assign(beside=rows["chance"]), "accuracy", share=True) if len(rows) else []


def _curve(run: Compared, place: int, rows: pd.DataFrame, value: str, share: bool) -> list[Series]:
    """A run's values over relative depth, a ring around its best layer, and dotted what they are held against."""
    assert run.study.depth
    rows, look = rows.assign(depth=rows["layer"] / run.study.depth), numbered(place)
    best = rows[rows["layer"] == run.measured.best_layer]
    ring = Look(look.color, "o", "", hollow=True, size=11)
    return [
        Series.of(best, "depth", value, "", ring, ends=(), says=""),
        Series.of(rows, "depth", value, run.name, look, around="band", says="top", share=share),
        Series.of(rows, "depth", "beside", "", replace(look, dash=DOTTED, hollow=True, width=1, size=2.5), ends=(), says=""),
    ]


def _over_depth(name: str, title: str, curves: list[Series], beside: str, y: Axis, levels: Sequence[Level] = ()) -> Drawing:
    keys = [key(beside, Look(dash=DOTTED, width=1)), key("best layer", Look(marker="o", dash="", hollow=True, size=9))]
    x = Axis("relative depth (layer over number of blocks)", "relative depth", limits=(-0.03, 1.03))
    return draw(name, title, [Panel([*curves, *keys], levels)], x, y, height=3.9, also=f"Dotted: {beside}")


def effect_figure(runs: list[Compared]) -> Figure | None:
    """CE of ablation with all controls, for the first finder that every run has, else for each run's own first."""
    first = [next(iter(run.measured.ce), "") for run in runs]
    shared = next((name for name in runs[0].measured.ce if all(name in run.measured.ce for run in runs)), None)
    names = [shared or own for own in first]
    rows = []
    for run, finder in list(zip(runs, names, strict=True))[:MOST_GROUPS]:
        own, controls = run.measured.ce.get(finder, {}).get("ablate"), run.measured.ce_ratio.get(finder, {})
        by = {name: curve.control for name, curve in controls.items()} | ({} if own is None else {"subspace": own})
        bars = {name: asdict(each) for name, each in by.items() if name in CONTROLS}
        rows += [Row.of(run.name if shared else f"{run.name}, {finder}", bars)] if bars else []
    if not rows:
        return None
    scenes, draws = (count_range([getattr(run.measured, name) for run in runs]) for name in ("test_scenes", "draws"))
    caption = (
        f"Share of the clean margin that ablation takes away at each run's best layer (judge: the probe, dose 1). n = {scenes} test "
        f"scenes; lines: {_level(runs)}, with fewer than 10 draws of a control the range of its draws. Control: the four matched "
        f"ones, mean of {draws} draws.{_cut(runs, MOST_GROUPS)}"
    )
    title = f"Ablating the {shared or 'first'} subspace beside its controls, run by run"
    label = "causal effect of ablation (1 = the whole margin)"
    return Figure(beside_controls.draw("compared-effects", title, [beside_controls.Panel(rows)], label, bars=True), caption)


def layers_figure(runs: list[Compared]) -> Figure | None:
    """CE of ablation by the layer that is edited, where more than one was."""
    found = [one for place, run in enumerate(runs) if (one := _layers(run, place)) is not None]
    if not found:
        return None
    finders = list(dict.fromkeys(finder for finder, _, _ in found))
    n, draws = count_range([run.measured.test_scenes for run in runs]), count_range([many for _, many, _ in found])
    caption = (
        f"Ablation of the {' or '.join(finders)} subspace of each layer, read at the last layer (judge: the probe, dose 1). n = {n} test "
        f"scenes; bands: {_level(runs)}. Control: random directions of the same rank, mean of {draws} draws, dotted. Subspaces are found "
        f"anew at each layer.{_cut(runs, MOST_LINES)}"
    )
    curves = [series for _, _, curve in found for series in curve]
    title, y = "Effect of ablation over the relative depth of the edit", Axis("causal effect of ablation")
    return Figure(_over_depth("compared-layers", title, curves, "random directions", y, [ZERO]), caption)


def _layers(run: Compared, place: int) -> tuple[str, float, list[Series]] | None:
    """The first finder, its fewest draws at a layer, and its curve (none beyond the first MOST_LINES)."""
    table = run.folder.table("ce")
    if table is None or not run.study.depth:
        return None
    rows = comparable(run.folder, table)
    rows = rows[rows["edit"] == "ablate"]
    finder = next(iter(finders_of(run.folder, rows)), "")
    rows = rows[rows["finder"] == finder]
    own, random = rows[rows["control"] == "subspace"], rows[rows["control"] == "random"]
    if own["layer"].nunique() < 2 or own["value"].isna().all():
        return None
    beside = own["layer"].map(dict(zip(random["layer"], random["value"], strict=True))).astype(float)
    curve = _curve(run, place, own.assign(beside=beside), "value", share=False) if place < MOST_LINES else []
    return finder, float(random["draws"].min()), curve


def _level(runs: list[Compared]) -> str:
    return ", ".join(dict.fromkeys(run.folder.confidence for run in runs))


def _cut(runs: list[Compared], most: int) -> str:
    return f" Only the first {most} of {len(runs)} runs are drawn." if len(runs) > most else ""
