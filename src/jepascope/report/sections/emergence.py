"""Section of stage one: emergence over depth, and what the accuracy is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.numbers import ABSENT, Cell, count_range, finite, percent, percent_span
from jepascope.findings.selection import claim_layer, tokens_of
from jepascope.findings.selectivity import Reading, points, points_span, reading, worth
from jepascope.report.blocks import Block, Figure, Finding, Grid
from jepascope.report.charts.canvas import GREY, PURPLE, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import MIXED, SHORT, TOKENS, WITHOUT_ENCODER, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import counted, grid, percentage, share, share_cell, words
from jepascope.report.sections.declared import section

BASELINES = {encoder: label for encoder, (label, *_) in WITHOUT_ENCODER.items()}  # frame differences are the plainest reading of motion


@section("emergence", "Emergence over depth", needs=("probes",), absent="no dense probes (stage discover)")
def emergence_section(run: RunFolder, probes: pd.DataFrame) -> list[Block]:
    """Dense probe by layer beside untrained, control task, permuted labels, pixels and chance; the figures as a table below."""
    dense = chosen_probes(probes)
    if not (dense["encoder"] == "model").any():
        return []
    tokens = [name for name in TOKENS if (dense["tokens"] == name).any()]
    table = Grid(
        ("layer", *(f"{who}, {name} tokens" for name in tokens for who in ("trained", "untrained"))),
        _rows(run, dense, tokens),
        f"The same figures. Brackets: {run.confidence} (trained), range over seeds on the same clips (untrained). * the layer at which "
        "claims are made.",
    )
    return [*_worth(run, dense), Figure(_curves(dense), _caption(run, dense)), table, *_selectivity(run, dense), *_baselines(run, dense)]


def _curves(dense: pd.DataFrame) -> Drawing:
    """Trained, with intervals; untrained twins, control tasks and permuted labels, each the range over seeds; pixels and chance."""
    by = {str(encoder): rows for encoder, rows in dense.groupby("encoder")}
    model, at = by["model"], ("layer", "accuracy")
    more: Any = {"share": True, "around": "band"}
    series = []
    for who, rows in (("trained", model), ("untrained", by.get("untrained", model[:0]))):
        for tokens, (label, look) in TOKENS.items():
            own, name = rows[rows["tokens"] == tokens], f"{who}, {label}"
            if own.empty:
                continue
            thin = replace(look, dash=SHORT, hollow=True, width=1.1)
            trained = who == "trained"
            series.append(
                Series.of(own, *at, name, look, says="top", **more) if trained else Series.spread(own, *at, name, thin, share=True)
            )
    if "control_task" in by:
        look = Look(PURPLE, "x", MIXED, width=1.2)
        series.append(Series.spread(by["control_task"], *at, "control task", look, fill=PURPLE, share=True))
    if "permuted" in by:
        look = Look(GREY, dash="", hatch="/////")
        series.append(Series.spread(by["permuted"], *at, "permuted labels", look, around="hatched", says="range", share=True))
    plain = [
        Level(float(by[encoder]["accuracy"].max()), label, dash, color, share=True)
        for encoder, (label, color, dash) in WITHOUT_ENCODER.items()
        if encoder in by
    ]
    chance = Level(float(model["chance"].mean()), "chance", share=True)
    x, y = layers(model["layer"]), Axis("probe accuracy", limits=(0, 1.03))
    return draw("emergence", "Dense-probe accuracy by layer", [Panel(series, [*plain, chance])], x, y)


def _seeds(dense: pd.DataFrame, encoder: str) -> int:
    return int(dense[dense["encoder"] == encoder]["seed"].nunique())


def _worth(run: RunFolder, dense: pd.DataFrame) -> tuple[Block, ...]:
    model = dense[dense["encoder"] == "model"]
    tokens, layer = tokens_of(run, model), claim_layer(run, model)
    at = reading(dense, layer, tokens)
    plain = {name: dense[dense["encoder"] == encoder]["accuracy"].max() for encoder, name in BASELINES.items()}
    found = {name: float(value) for name, value in plain.items() if finite(value)}
    if at is None:
        return ()
    number = run.summary.get("kind") == "numeric" and run.table("values") is not None
    whose = f" {run.variable.capitalize()} is a number: whether it is read is judged by its value, below, and not by these classes."
    return (Finding(worth(at, run.noun, tokens, layer, run.confidence, found) + whose * number),)


def _caption(run: RunFolder, dense: pd.DataFrame) -> str:
    plain = "".join(f"{name}, " for encoder, name in BASELINES.items() if (dense["encoder"] == encoder).any())
    text = (
        f"Share of test clips whose {run.noun} a dense (L2 multinomial) probe names correctly, by layer. n = "
        f"{count_range(dense['n'])} test clips. Coloured bands: {run.confidence} of the proportion. Control: the same architecture with "
        f"fresh weights ({_seeds(dense, 'untrained')} seeds; dashed line the mean, grey band the range), {plain}and chance. "
    )
    if tasks := _seeds(dense, "control_task"):
        text += (
            f"Control task: the same probe on labels that are a random function of other factors ({tasks} seeds; line the "
            "mean, band the range), high where those factors are encoded; the distance to it is the selectivity. "
        )
    if draws := _seeds(dense, "permuted"):
        text += f"Hatched: range over {draws} draws of permuted fit labels. "
    return text + "Penalty chosen by cross-validation inside the fit split."


def _rows(run: RunFolder, dense: pd.DataFrame, tokens: list[str]) -> tuple[tuple[Cell | str, ...], ...]:
    rows = []
    for layer in _layers(dense):
        read = [reading(dense, layer, name) for name in tokens]
        pairs = [(ABSENT, ABSENT) if at is None else (accuracy_cell(at), mean_range(at.untrained)) for at in read]
        rows.append((_mark(run, layer), *(cell for pair in pairs for cell in pair)))
    return tuple(rows)


def _layers(dense: pd.DataFrame) -> list[int]:
    return sorted({int(value) for value in dense[dense["encoder"] == "model"]["layer"]})


def _mark(run: RunFolder, layer: int) -> str:
    return f"{layer}*" if layer == run.best_layer else str(layer)


def _selectivity(run: RunFolder, dense: pd.DataFrame) -> tuple[Grid, ...]:
    """Control task, selectivity and permuted labels by layer, where they were run."""
    null = dense[dense["encoder"].isin(["control_task", "permuted"])]
    if null.empty:
        return ()
    tokens = tokens_of(run, null)
    rows: list[tuple[Cell | str, ...]] = []
    for layer in _layers(dense):
        at = reading(dense, layer, tokens)
        if at is not None and (at.control or at.permuted):
            drawn = percent_span(min(at.permuted), max(at.permuted)) if at.permuted else ABSENT
            control = (mean_range(at.control), percent(at.control_chance))
            rows.append((_mark(run, layer), accuracy_cell(at), *control, selectivity_cell(at), drawn))
    caption = (
        f"What the accuracy is worth, {tokens} tokens. Selectivity: accuracy less that on the control task, in percentage points. "
        f"Brackets: {run.confidence} over clips (accuracy; selectivity, Newcombe's for two proportions), range over "
        f"{_seeds(dense, 'control_task')} control tasks, on the same clips, and over {_seeds(dense, 'permuted')} draws of permuted "
        "labels. * the layer at which claims are made."
    )
    head = ("layer", "accuracy", "control task", "its chance", "selectivity, points", "permuted labels")
    return (Grid(head, tuple(rows), caption),)


def accuracy_cell(at: Reading) -> Cell:
    """Accuracy with its interval."""
    return share_cell(at.accuracy, at.low, at.high)


def mean_range(draws: tuple[float, ...]) -> str:
    """Mean and range of accuracies over seeds; brackets only where there is a range, lest they look like an interval."""
    if not draws:
        return ABSENT
    mean = percent(sum(draws) / len(draws))
    return f"{mean} {alike}" if (alike := same_figure(draws, percent)) else f"{mean} {percent_span(min(draws), max(draws))}"


def same_figure(draws: Sequence[float], say: Callable[[float], str]) -> str:
    """What to say instead of a range over seeds that shows no width; empty where it does."""
    if len({say(draw) for draw in draws}) > 1:
        return ""
    return "(1 seed)" if len(draws) == 1 else f"({len(draws)} seeds alike)"


def selectivity_cell(at: Reading) -> Cell | str:
    """Selectivity with its interval over clips."""
    return Cell(f"{points(at.selectivity)} {points_span(*at.interval)}", repr(at.selectivity)) if finite(at.selectivity) else ABSENT


def _baselines(run: RunFolder, dense: pd.DataFrame) -> list[Block]:
    """What the same probe reads with no encoder at all."""
    rows = dense[dense["encoder"].isin(list(BASELINES))]
    columns = (
        words("what the probe sees", made=lambda row: BASELINES[row["encoder"]]),
        share("accuracy"),
        percentage("chance"),
        counted("n", "n"),
    )
    return (
        [grid(rows, columns, f"The same probe on the clips themselves, without an encoder. Brackets: {run.confidence}.")]
        if len(rows)
        else []
    )
