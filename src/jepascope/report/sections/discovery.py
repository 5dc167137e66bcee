"""Sections of stage one: emergence over depth and the L1 path."""

from __future__ import annotations

import pandas as pd

from jepascope.report.blocks import Block, Figure, Grid, Paragraph, Section, not_run
from jepascope.report.figures.emergence import emergence
from jepascope.report.figures.l1_path import l1_path, support_by_layer
from jepascope.report.folder import RunFolder
from jepascope.report.numbers import ABSENT, Cell, count, count_range, finite, percent, percent_span
from jepascope.report.selection import tokens_of

BASELINES = {"pixels": "raw pixels", "frame_differences": "frame differences"}  # the latter are the plainest reading of motion


def emergence_section(run: RunFolder) -> Section:
    """Dense probe by layer beside untrained, pixels and chance; the figures as a table below."""
    title = "Emergence over depth"
    probes = run.table("probes")
    dense = None if probes is None else probes[(probes["probe"] == "dense") & probes["chosen"]]
    if dense is None or dense.empty:
        return not_run("emergence", title, "no dense probes (stage discover)")
    seeds = dense[dense["encoder"] == "untrained"]["seed"].nunique()
    plain = "".join(f"{name}, " for encoder, name in BASELINES.items() if (dense["encoder"] == encoder).any())
    caption = (
        f"Share of test clips whose {run.summary['variable']} a dense (L2 multinomial) probe names correctly, by layer. n = "
        f"{count_range(dense['n'])} test clips. "
        f"Coloured bands: {run.confidence} of the proportion. Control: the same architecture with fresh weights"
        f" ({seeds} seeds; dashed line the mean, grey band the range), {plain}and chance. "
        "Penalty chosen by cross-validation inside "
        "the fit split."
    )
    rows = []
    tokens = [name for name in ("all", "object") if (dense["tokens"] == name).any()]
    for layer in sorted({int(value) for value in dense[dense["encoder"] == "model"]["layer"]}):
        cells: list[Cell | str] = [f"{layer}*" if layer == run.best_layer else str(layer)]
        for name in tokens:
            at = dense[(dense["layer"] == layer) & (dense["tokens"] == name)]
            model, untrained = at[at["encoder"] == "model"], at[at["encoder"] == "untrained"]["accuracy"]
            if model.empty:
                cells.append(ABSENT)
            else:
                row = model.iloc[0]
                exact = repr(float(row["accuracy"])) if finite(float(row["accuracy"])) else ""
                cells.append(Cell(f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}", exact))
            spread = percent_span(float(untrained.min()), float(untrained.max()))
            cells.append(f"{percent(float(untrained.mean()))} {spread}" if len(untrained) else ABSENT)
        rows.append(tuple(cells))
    head = ("layer", *(f"{who}, {name} tokens" for name in tokens for who in ("trained", "untrained")))
    table = Grid(
        head,
        tuple(rows),
        f"The same figures. Brackets: {run.confidence} (trained), range over seeds (untrained). * the layer at which claims are made.",
    )
    return Section("emergence", title, (Figure(emergence(dense), caption), table, *_baselines(run, dense)))


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


def l1_section(run: RunFolder) -> Section:
    """Accuracy and support along the path at the best layer, support by layer."""
    title = "Sparsity: the L1 path"
    probes = run.table("probes")
    sparse = None if probes is None else probes[(probes["probe"] == "l1") & (probes["encoder"] == "model")]
    if probes is None or sparse is None or sparse.empty:
        return not_run("l1", title, "no L1 probes (stage discover)")
    tokens = tokens_of(run, sparse)
    layers = {int(value) for value in sparse["layer"]}
    layer = run.best_layer if run.best_layer in layers else max(layers)
    path = sparse[(sparse["layer"] == layer) & (sparse["tokens"] == tokens)]
    blocks: list[Block] = [
        Figure(
            l1_path(path, int(layer)),
            f"Layer {layer}, {tokens} tokens. Above: test accuracy, n = {count_range(path['n'])} clips, band {run.confidence}; dotted: "
            "chance. Below: support, the share of "
            "coordinates with a non-zero weight for any class. The vertical line is the sparsest probe within one standard error of the "
            "best cross-validated accuracy.",
        )
    ]
    chosen = sparse[sparse["chosen"]]
    if not chosen.empty:
        blocks.append(
            Figure(
                support_by_layer(chosen),
                "Support at the one-standard-error choice, by layer; share of coordinates of a probe of the fit clips, "
                "one fit each (no interval).",
            )
        )
    low, high = path["support"].min(), path["support"].max()
    blocks.append(
        Paragraph(
            f"Support depends on the basis and on the penalty: at layer {layer} it runs from {percent(low)} to {percent(high)} along "
            "this path. It is not a dimension; "
            f"the class means of {_classes(run, path)} span one dimension less than there are classes."
        )
    )
    return Section("l1", title, tuple(blocks))


def _classes(run: RunFolder, path: object) -> str:
    chance = float(path["chance"].mean())  # type: ignore[index]
    return f"{run.summary['variable']} ({count(1 / chance)} classes)" if finite(chance) and chance > 0 else str(run.summary["variable"])
