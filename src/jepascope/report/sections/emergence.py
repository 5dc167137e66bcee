"""Section of stage one: emergence over depth, and what the accuracy is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.numbers import ABSENT, Cell, count_range, finite, percent, percent_span, share_cell
from jepascope.findings.selection import claim_layer, tokens_of
from jepascope.findings.selectivity import Reading, points, points_span, reading, worth
from jepascope.report.blocks import Block, Figure, Finding, section
from jepascope.report.charts.canvas import GREY, PURPLE, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import MIXED, SHORT, TOKENS, WITHOUT_ENCODER, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, declared, grid, percentage, share, words

BASELINES = {encoder: label for encoder, (label, *_) in WITHOUT_ENCODER.items()}  # frame differences are the plainest reading of motion
CLAIMED = "* the layer at which claims are made."


@section("emergence", "Emergence over depth", needs=("probes",), absent="no dense probes (stage discover)")
def emergence_section(run: RunFolder, probes: pd.DataFrame) -> list[Block]:
    """Dense probe by layer beside untrained, control task, permuted labels, pixels and chance; the figures as a table below."""
    dense = chosen_probes(probes)
    if not (dense["encoder"] == "model").any():
        return []
    figure = Figure(_curves(dense), _caption(run, dense))
    return [*_worth(run, dense), figure, _grid(run, dense), *_selectivity(run, dense), *_baselines(run, dense)]


def _curves(dense: pd.DataFrame) -> Drawing:
    """Trained, with intervals; untrained twins, control tasks and permuted labels, each the range over seeds; pixels and chance."""
    by = {str(encoder): rows for encoder, rows in dense.groupby("encoder")}
    model, at = by["model"], ("layer", "accuracy")
    series = []
    for who, rows in (("trained", model), ("untrained", by.get("untrained", model[:0]))):
        for tokens, (label, look) in TOKENS.items():
            own, name = rows[rows["tokens"] == tokens], f"{who}, {label}"
            if own.empty:
                continue
            thin = replace(look, dash=SHORT, hollow=True, width=1.1)
            series.append(
                Series.of(own, *at, name, look, says="top", share=True, around="band")
                if who == "trained"
                else Series.spread(own, *at, name, thin, share=True)
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
    if at is None:
        return ()
    number = run.summary.get("kind") == "numeric" and run.table("values") is not None
    whose = f" {run.variable.capitalize()} is a number: whether it is read is judged by its value, below, and not by these classes."
    known = {name: float(value) for name, value in plain.items() if finite(value)}
    return (Finding(worth(at, run.noun, tokens, layer, run.confidence, known) + whose * number),)


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


def _readings(dense: pd.DataFrame, tokens: Sequence[str]) -> list[tuple[int, dict[str, Reading]]]:
    """By layer of the model, what its probes of each token selection read."""
    layers_of = sorted({int(value) for value in dense[dense["encoder"] == "model"]["layer"]})
    return [(layer, {name: at for name in tokens if (at := reading(dense, layer, name)) is not None}) for layer in layers_of]


def _grid(run: RunFolder, dense: pd.DataFrame) -> Block:
    tokens = [name for name in TOKENS if (dense["tokens"] == name).any()]

    def column(who: str, name: str, say: Callable[[Reading], Cell | str]) -> Column:
        return Column(f"{who}, {name} tokens", lambda row: say(row[1][name]) if name in row[1] else ABSENT)

    pairs = ((column("trained", name, accuracy_cell), column("untrained", name, lambda at: mean_range(at.untrained))) for name in tokens)
    columns = (words("layer", lambda row: run.marked(row[0])), *(column for pair in pairs for column in pair))
    caption = f"The same figures. Brackets: {run.confidence} (trained), range over seeds on the same clips (untrained). {CLAIMED}"
    return grid(_readings(dense, tokens), columns, caption)


def _selectivity(run: RunFolder, dense: pd.DataFrame) -> list[Block]:
    """Control task, selectivity and permuted labels by layer, where they were run."""
    null = dense[dense["encoder"].isin(["control_task", "permuted"])]
    if null.empty:
        return []
    tokens = tokens_of(run, null)
    read = [(layer, at[tokens]) for layer, at in _readings(dense, [tokens]) if tokens in at]
    columns = (
        words("layer", lambda row: run.marked(row[0])),
        Column("accuracy", lambda row: accuracy_cell(row[1])),
        Column("control task", lambda row: mean_range(row[1].control)),
        Column("its chance", lambda row: percent(row[1].control_chance)),
        Column("selectivity, points", lambda row: selectivity_cell(row[1])),
        Column("permuted labels", lambda row: percent_span(min(row[1].permuted), max(row[1].permuted)) if row[1].permuted else ABSENT),
    )
    caption = (
        f"What the accuracy is worth, {tokens} tokens. Selectivity: accuracy less that on the control task, in percentage points. "
        f"Brackets: {run.confidence} over clips (accuracy; selectivity, Newcombe's for two proportions), range over "
        f"{_seeds(dense, 'control_task')} control tasks, on the same clips, and over {_seeds(dense, 'permuted')} draws of permuted "
        f"labels. {CLAIMED}"
    )
    return [grid([row for row in read if row[1].control or row[1].permuted], columns, caption)]


def accuracy_cell(at: Reading) -> Cell:
    """Accuracy with its interval."""
    return share_cell(at.accuracy, at.low, at.high)


def mean_range(draws: Sequence[float], say: Callable[[float], str] = percent, span: Callable[[float, float], str] = percent_span) -> str:
    """Mean and range over seeds; brackets only where there is a range, lest they look like an interval."""
    if not len(draws):
        return ABSENT
    alike = "(1 seed)" if len(draws) == 1 else f"({len(draws)} seeds alike)"
    return f"{say(sum(draws) / len(draws))} {span(min(draws), max(draws)) if len(set(map(say, draws))) > 1 else alike}"


def selectivity_cell(at: Reading) -> Cell | str:
    """Selectivity with its interval over clips."""
    return Cell(f"{points(at.selectivity)} {points_span(*at.interval)}", repr(at.selectivity)) if finite(at.selectivity) else ABSENT


def _baselines(run: RunFolder, dense: pd.DataFrame) -> list[Block]:
    """What the same probe reads with no encoder at all."""
    rows = dense[dense["encoder"].isin(list(BASELINES))]
    columns = (
        words("what the probe sees", lambda row: BASELINES[row["encoder"]]),
        share("accuracy"),
        percentage("chance"),
        *declared("probes", "n"),
    )
    caption = f"The same probe on the clips themselves, without an encoder. Brackets: {run.confidence}."
    return [grid(rows, columns, caption)] if len(rows) else []
