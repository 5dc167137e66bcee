"""Section of stage one: emergence over depth, and what the accuracy is worth."""

from __future__ import annotations

import pandas as pd

from jepascope.report.blocks import Block, Figure, Finding, Grid, Section, not_run
from jepascope.report.figures.emergence import emergence
from jepascope.report.folder import RunFolder
from jepascope.report.numbers import ABSENT, Cell, count, count_range, finite, percent, percent_span
from jepascope.report.selection import claim_layer, tokens_of
from jepascope.report.selectivity import Reading, points, points_span, reading, worth

BASELINES = {"pixels": "raw pixels", "frame_differences": "frame differences"}  # the latter are the plainest reading of motion


def emergence_section(run: RunFolder) -> Section:
    """Dense probe by layer beside untrained, control task, permuted labels, pixels and chance; the figures as a table below."""
    title = "Emergence over depth"
    probes = run.table("probes")
    dense = None if probes is None else probes[(probes["probe"] == "dense") & probes["chosen"]]
    if dense is None or not (dense["encoder"] == "model").any():
        return not_run("emergence", title, "no dense probes (stage discover)")
    tokens = [name for name in ("all", "object") if (dense["tokens"] == name).any()]
    table = Grid(_head(dense, tokens), _rows(run, dense, tokens), _note(run, dense))
    figure = Figure(emergence(dense), _caption(run, dense))
    return Section("emergence", title, (*_worth(run, dense), figure, table, *_baselines(run, dense)))


def _seeds(dense: pd.DataFrame, encoder: str) -> int:
    return int(dense[dense["encoder"] == encoder]["seed"].nunique())


def _worth(run: RunFolder, dense: pd.DataFrame) -> tuple[Block, ...]:
    model = dense[dense["encoder"] == "model"]
    tokens, layer = tokens_of(run, model), claim_layer(run, model)
    at = reading(dense, layer, tokens)
    return () if at is None else (Finding(worth(at, run.variable, tokens, layer, run.confidence)),)


def _caption(run: RunFolder, dense: pd.DataFrame) -> str:
    plain = "".join(f"{name}, " for encoder, name in BASELINES.items() if (dense["encoder"] == encoder).any())
    text = (
        f"Share of test clips whose {run.variable} a dense (L2 multinomial) probe names correctly, by layer. n = "
        f"{count_range(dense['n'])} test clips. Coloured bands: {run.confidence} of the proportion. Control: the same architecture with "
        f"fresh weights ({_seeds(dense, 'untrained')} seeds; dashed line the mean, grey band the range), {plain}and chance. "
    )
    if tasks := _seeds(dense, "control_task"):
        text += (
            f"Control task: the same probe on random labels of the scenes' other factors ({tasks} seeds; line the mean, band the range); "
            "the distance to it is the selectivity. "
        )
    if draws := _seeds(dense, "permuted"):
        text += f"Hatched: range over {draws} draws of permuted fit labels. "
    return text + "Penalty chosen by cross-validation inside the fit split."


def _head(dense: pd.DataFrame, tokens: list[str]) -> tuple[str, ...]:
    head = ["layer"]
    for name in tokens:
        head += [f"trained, {name} tokens", f"untrained, {name} tokens"]
        if _has(dense, name, "control_task"):
            head += [f"control task, {name} tokens", "selectivity, points"]
        if _has(dense, name, "permuted"):
            head += ["permuted labels"]
    return tuple(head)


def _has(dense: pd.DataFrame, tokens: str, encoder: str) -> bool:
    return bool(((dense["tokens"] == tokens) & (dense["encoder"] == encoder)).any())


def _rows(run: RunFolder, dense: pd.DataFrame, tokens: list[str]) -> tuple[tuple[Cell | str, ...], ...]:
    rows = []
    for layer in sorted({int(value) for value in dense[dense["encoder"] == "model"]["layer"]}):
        cells: list[Cell | str] = [f"{layer}*" if layer == run.best_layer else str(layer)]
        for name in tokens:
            at = reading(dense, layer, name)
            cells.append(ABSENT if at is None else accuracy_cell(at))
            cells.append(ABSENT if at is None else mean_range(at.untrained))
            if _has(dense, name, "control_task"):
                cells += [ABSENT, ABSENT] if at is None else [mean_range(at.control), selectivity_cell(at)]
            if _has(dense, name, "permuted"):
                cells.append(percent_span(min(at.permuted), max(at.permuted)) if at is not None and at.permuted else ABSENT)
        rows.append(tuple(cells))
    return tuple(rows)


def accuracy_cell(at: Reading) -> Cell:
    """Accuracy with its interval."""
    return Cell(f"{percent(at.accuracy)} {percent_span(at.low, at.high)}", repr(at.accuracy) if finite(at.accuracy) else "")


def mean_range(draws: tuple[float, ...]) -> str:
    """Mean and range of accuracies."""
    return f"{percent(sum(draws) / len(draws))} {percent_span(min(draws), max(draws))}" if draws else ABSENT


def selectivity_cell(at: Reading) -> Cell | str:
    """Selectivity with its spread over control tasks."""
    return Cell(f"{points(at.selectivity)} {points_span(*at.spread)}", repr(at.selectivity)) if finite(at.selectivity) else ABSENT


def _note(run: RunFolder, dense: pd.DataFrame) -> str:
    note = f"The same figures. Brackets: {run.confidence} (trained), range over seeds (untrained{_others(dense)}). "
    if _seeds(dense, "control_task"):
        note += "Selectivity: accuracy less that on the control task, in percentage points. "
    return note + "* the layer at which claims are made."


def _others(dense: pd.DataFrame) -> str:
    named = (("control_task", ", control task, selectivity"), ("permuted", ", permuted labels"))
    return "".join(words for encoder, words in named if _seeds(dense, encoder))


def _baselines(run: RunFolder, dense: pd.DataFrame) -> tuple[Grid, ...]:
    """What the same probe reads with no encoder at all."""
    rows = tuple(
        (
            BASELINES[str(row["encoder"])],
            Cell(f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}", repr(float(row["accuracy"]))),
            percent(row["chance"]),
            count(row["n"]),
        )
        for row in dense[dense["encoder"].isin(list(BASELINES))].to_dict("records")
    )
    caption = f"The same probe on the clips themselves, without an encoder. Brackets: {run.confidence}."
    return (Grid(("what the probe sees", "accuracy", "chance", "n"), rows, caption),) if rows else ()
