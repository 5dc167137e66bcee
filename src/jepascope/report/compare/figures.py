"""From runs to the drawings of their comparison, with captions."""

from __future__ import annotations

from math import nan

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.numbers import count_range
from jepascope.findings.selection import comparable, finders_of, tokens_of
from jepascope.report.blocks import Block, Figure, Section
from jepascope.report.compare.reading import Compared
from jepascope.report.figures.compare import MOST_LINES, Bars, Curve, effect_by_run, over_depth
from jepascope.report.figures.effect_bars import LOOKS

MOST_GROUPS = 10


def figures_section(runs: list[Compared]) -> Section | None:
    """Accuracy over relative depth; ablation beside its controls; ablation by the layer edited."""
    made = (accuracy_figure(runs), effect_figure(runs), layers_figure(runs))
    blocks: tuple[Block, ...] = tuple(figure for figure in made if figure is not None)
    return Section("figures", "Figures", blocks) if blocks else None


def accuracy_figure(runs: list[Compared]) -> Figure | None:
    """Dense probe of every run over relative depth."""
    curves = [curve for place, run in enumerate(runs) if (curve := _accuracy(run, place)) is not None]
    if not curves:
        return None
    n = count_range([run.measured.accuracy.n for run in runs if run.measured.accuracy is not None])
    caption = (
        f"Share of test clips whose class a dense probe names correctly, at each run's own tokens. n = {n} test clips; bands: "
        f"{_level(runs)}. Control: chance, dotted (it differs where the number of classes does); untrained twins are in the table. "
        f"Layers are set to one scale: 0 is the patch embedding, 1 the last block.{_cut(len(runs))}"
    )
    return Figure(
        over_depth(curves, "compared-accuracy", "Dense-probe accuracy over relative depth", "probe accuracy", "chance", True), caption
    )


def _accuracy(run: Compared, place: int) -> Curve | None:
    probes, depth = run.folder.table("probes"), run.study.depth
    if probes is None or not depth:
        return None
    rows = chosen_probes(probes, encoder="model", tokens=tokens_of(run.folder, probes)).sort_values("layer")
    return None if rows.empty else _curve(run, place, depth, rows, "accuracy", rows["chance"])


def _curve(run: Compared, place: int, depth: int, rows: pd.DataFrame, value: str, beside: pd.Series[float]) -> Curve:
    depths, values, low, high, held = (
        [float(number) for number in column] for column in (rows["layer"] / depth, rows[value], rows["low"], rows["high"], beside)
    )
    return Curve(run.name, place, depths, values, low, high, held, run.measured.best_layer / depth)


def effect_figure(runs: list[Compared]) -> Figure | None:
    """CE of ablation with all controls, for the first finder that every run has, else for each run's own first."""
    first = [next(iter(run.measured.ce), "") for run in runs]
    shared = next((name for name in runs[0].measured.ce if all(name in run.measured.ce for run in runs)), None)
    names = [shared or own for own in first]
    groups: list[tuple[str, Bars]] = []
    for run, finder in list(zip(runs, names, strict=True))[:MOST_GROUPS]:
        bars = _bars(run, finder)
        if bars:
            groups.append((run.name if shared else f"{run.name}, {finder}", bars))
    if not groups:
        return None
    scenes, draws = (count_range([getattr(run.measured, name) for run in runs]) for name in ("test_scenes", "draws"))
    left = f" Only the first {MOST_GROUPS} of {len(runs)} runs are drawn." if len(runs) > MOST_GROUPS else ""
    caption = (
        f"Share of the clean margin that ablation takes away at each run's best layer (judge: the probe, dose 1). n = {scenes} test "
        f"scenes; lines: {_level(runs)}, with fewer than 10 draws of a control the range of its draws. Control: the four matched "
        f"ones, mean of {draws} draws.{left}"
    )
    return Figure(effect_by_run(groups, shared or "first"), caption)


def _bars(run: Compared, finder: str) -> Bars:
    own = run.measured.ce.get(finder, {}).get("ablate")
    controls = run.measured.ce_ratio.get(finder, {})
    bars = {} if own is None else {"subspace": (own.value, own.low, own.high)}
    beside = {name: one.control for name, one in controls.items()}
    return bars | {name: (one.value, one.low, one.high) for name, one in beside.items() if name in LOOKS}


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
        f"anew at each layer.{_cut(len(runs))}"
    )
    curves = [curve for _, _, curve in found]
    title = "Effect of ablation over the relative depth of the edit"
    return Figure(over_depth(curves, "compared-layers", title, "causal effect of ablation", "random directions", False), caption)


def _layers(run: Compared, place: int) -> tuple[str, float, Curve] | None:
    """The first finder, its fewest draws at a layer, and its curve."""
    table, depth = run.folder.table("ce"), run.study.depth
    if table is None or not depth:
        return None
    rows = comparable(run.folder, table)
    rows = rows[rows["edit"] == "ablate"]
    finder = next(iter(finders_of(run.folder, rows)), "")
    rows = rows[rows["finder"] == finder].sort_values("layer")
    own, random = rows[rows["control"] == "subspace"], rows[rows["control"] == "random"]
    if own["layer"].nunique() < 2 or own["value"].isna().all():
        return None
    at = dict(zip(random["layer"], random["value"], strict=True))
    beside = pd.Series([at.get(layer, nan) for layer in own["layer"]], dtype=float)
    return finder, float(random["draws"].min()), _curve(run, place, depth, own, "value", beside)


def _level(runs: list[Compared]) -> str:
    return ", ".join(dict.fromkeys(run.folder.confidence for run in runs))


def _cut(many: int) -> str:
    return f" Only the first {MOST_LINES} of {many} runs are drawn." if many > MOST_LINES else ""
