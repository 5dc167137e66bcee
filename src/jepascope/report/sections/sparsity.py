"""Section of stage one: the L1 path, and which of its coordinates are selected again on other clips."""

from __future__ import annotations

from math import isnan, nan

import pandas as pd

from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, number_cell, percent, percent_span, shown
from jepascope.findings.selection import claim_layer, tokens_of
from jepascope.report.blocks import Block, Figure, Finding, Grid, Paragraph, Section, not_run
from jepascope.report.figures.l1_path import ROUNDING, l1_path, selection_frequencies, support_by_layer
from jepascope.report.folder import RunFolder

SELDOM = "coordinates that a half selects no more often than the average one"


def l1_section(run: RunFolder) -> Section:
    """Accuracy and support along the path at the best layer, support by layer, and stability selection."""
    title = "Sparsity: the L1 path"
    probes = run.table("probes")
    sparse = None if probes is None else probes[(probes["probe"] == "l1") & (probes["encoder"] == "model")]
    if sparse is None or sparse.empty:
        return not_run("l1", title, "no L1 probes (stage discover)")
    tokens, layer = tokens_of(run, sparse), claim_layer(run, sparse)
    path = sparse[(sparse["layer"] == layer) & (sparse["tokens"] == tokens)]
    stability = run.table("stability")
    along = None if stability is None else _rows(stability, layer, tokens)
    halves = (
        ""
        if along is None
        else f" Band: the middle 95 % of {count_range(along['subsamples'])} random halves of the fit clips; triangles: mean "
    )
    halves += "" if along is None else "support of probes of permuted labels."
    blocks: list[Block] = [
        Figure(
            l1_path(path, layer, along),
            f"Layer {layer}, {tokens} tokens. Above: test accuracy, n = {count_range(path['n'])} clips, band {run.confidence}; dotted: "
            "chance. Below: support, the share of "
            "coordinates with a non-zero weight for any class. The vertical line is the strongest penalty within one standard error of the "
            f"best cross-validated accuracy.{halves}",
        )
    ]
    chosen = sparse[sparse["chosen"]]
    picked = None if stability is None else stability[stability["chosen"]]
    if not chosen.empty:
        what = "one fit each (no interval)" if picked is None else "one fit each; band: the middle 95 % of random halves of the fit clips"
        blocks.append(
            Figure(
                support_by_layer(chosen, picked),
                f"Support at the one-standard-error choice, by layer; share of coordinates of a probe of the fit clips, {what}."
                + ("" if picked is None else " Stable: selected in at least the threshold's share of halves. Control: permuted labels."),
            )
        )
    low, high = path["support"].min(), path["support"].max()
    blocks.append(
        Paragraph(
            f"Support depends on the basis and on the penalty: at layer {layer} it runs from {percent(low)} to {percent(high)} along "
            f"this path. It is not a dimension; the class means of {_classes(run)} span at most one dimension less than there are classes."
        )
    )
    return Section("l1", title, (*blocks, *_stable(run, layer, tokens)))


def _rows(table: pd.DataFrame, layer: int, tokens: str) -> pd.DataFrame | None:
    part = table[(table["layer"] == layer) & (table["tokens"] == tokens)]
    return None if part.empty else part


def _classes(run: RunFolder) -> str:
    classes = run.summary.get("classes")
    return f"{run.variable} ({count(classes)} classes)" if finite(classes) else run.variable


def _stable(run: RunFolder, layer: int, tokens: str) -> list[Block]:
    """Stability selection: words and frequencies at the layer of the claims, a table of all layers."""
    table, frequencies = run.table("stability"), run.table("frequencies")
    chosen = None if table is None else table[table["chosen"] & (table["tokens"] == tokens)].sort_values("layer")
    if chosen is None or chosen.empty:
        return [Paragraph("Not run: no stability selection (stage discover), so which coordinates other clips would select is not known.")]
    at = chosen[chosen["layer"] == layer]
    blocks: list[Block] = []
    if not at.empty:
        row = {str(key): value for key, value in at.iloc[0].items()}
        often = None if frequencies is None else _rows(frequencies, layer, tokens)
        threshold = float(row["threshold"])
        held = nan if often is None else float((often["frequency"] >= threshold - ROUNDING).sum())
        blocks.append(Finding(stable_words(row, held, layer, tokens)))
        if often is not None:
            caption = (
                f"Layer {layer}, {tokens} tokens: share of {count(row['subsamples'])} random halves of the fit clips in which the L1 probe "
                f"at the one-standard-error choice gives a coordinate a non-zero weight; n = {len(often)} coordinates. Dashed: the "
                "threshold of a stable coordinate. Control: the support of permuted labels, in the table."
            )
            blocks.append(Figure(selection_frequencies(often["frequency"], threshold, layer), caption))
    return [*blocks, _grid(run, chosen, tokens)]


def stable_words(row: dict[str, float], held: float, layer: int, tokens: str) -> str:
    """How many coordinates are stable, what the bound says of them, and what permuted labels get; ``held`` is NaN if not stored."""
    if isnan(held) and row["support"] > 0:
        held = float(round(row["stable"] * row["selected"] / row["support"]))  # selected / support is the width
    many = f"{count(held)} coordinates" if finite(held) and held != 1 else "1 coordinate" if finite(held) else "the coordinates"
    said = (
        f"At layer {layer} ({tokens} tokens) {many} ({percent(row['stable'])}) {'is' if held == 1 else 'are'} stable: selected in at least "
        f"{percent(row['threshold'])} of {count(row['subsamples'])} half-samples, where {shown(row['selected'])} are selected on average"
    )
    bound = row["false_bound"]
    if row["stable"] == 0:
        said = (
            f"At layer {layer} ({tokens} tokens) no coordinate is stable: none is selected in at least {percent(row['threshold'])} of "
            f"{count(row['subsamples'])} half-samples, though {shown(row['selected'])} are selected on average. The probe's support is a "
            "choice among coordinates that do as well"
        )
    elif not finite(bound):
        said += ". No bound on false ones holds here: too many coordinates are selected at once"
    elif finite(held) and bound >= held:
        said += f". The bound ({shown(bound)}) vouches for none: of {SELDOM}, as many may be among the stable (Shah & Samworth 2013)"
    else:
        said += f". Of {SELDOM}, at most {shown(bound)} are expected among the stable (Shah & Samworth 2013)"
    null, support = row["permuted_support"], row["support"]
    if finite(null) and finite(row["support_low"]):
        true = f"{percent(support)} {percent_span(row['support_low'], row['support_high'])}"
        said += f". Permuted labels get a support of {percent(null)} at the same penalty, "
        if null < row["support_low"]:
            said += f"below the middle 95 % of halves with true ones ({true})"
        elif null > row["support_high"]:
            said += f"above the middle 95 % of halves with true ones ({true})"
        else:
            said += f"within the middle 95 % of halves with true ones ({true}): the size of the support says nothing about the variable"
    return said + "."


def _grid(run: RunFolder, chosen: pd.DataFrame, tokens: str) -> Grid:
    rows = tuple(
        (
            f"{int(row['layer'])}*" if row["layer"] == run.best_layer else count(row["layer"]),
            Cell(f"{percent(row['support'])} {percent_span(row['support_low'], row['support_high'])}", repr(row["support"])),
            percent(row["permuted_support"]),
            number_cell(row["selected"]),
            Cell(percent(row["stable"]), repr(row["stable"]) if finite(row["stable"]) else ""),
            number_cell(row["false_bound"]) if finite(row["false_bound"]) else ABSENT,
            count(row["subsamples"]),
        )
        for row in chosen.to_dict("records")
    )
    head = ("layer", "support", "permuted labels", "selected", "stable", "bound", "half-samples")
    caption = (
        f"Stability selection at the one-standard-error choice, {tokens} tokens. Support: mean over half-samples, brackets their middle "
        "95 %. Selected: mean number of coordinates. Stable: share of coordinates selected in at least "
        f"{_thresholds(chosen)} of half-samples. "
        f"Bound: of {SELDOM}, at most so many are expected among the stable (Shah & Samworth 2013; n/a where it does not hold)."
    )
    return Grid(head, rows, caption)


def _thresholds(chosen: pd.DataFrame) -> str:
    return " or ".join(percent(value) for value in sorted(chosen["threshold"].dropna().unique())) or ABSENT
