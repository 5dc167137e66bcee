"""Section: what can be read without motion."""

from __future__ import annotations

from jepascope.report.blocks import Finding, Grid, Paragraph, Section, not_run
from jepascope.report.folder import RunFolder
from jepascope.report.numbers import Cell, count, finite, percent, percent_span

WHY = (
    "A single end frame must leak something: displacement is last position minus first, so with a centred path the first position points "
    "away from the motion and the last position "
    "along it. The two cannot both be independent of direction while the midpoint is. Shuffled and averaged frames keep the set of positions "
    "and lose its order: they still show the axis of the motion but not which way along it, so a perfect reader of them names one of two "
    "opposite directions and is right half of the time. Above 50 % the way along the axis would leak; between chance and 50 % the axis does."
)


def leaks(run: RunFolder) -> Section:
    """Every baseline that has no motion left to read, with its verdict."""
    title, table = "Leak check", run.table("leaks")
    if table is None:
        return not_run("leaks", title, "no leak check in this run folder")
    rows = []
    for row in table.to_dict("records"):
        leak = bool(row["leak"])
        exact = repr(float(row["accuracy"])) if finite(row["accuracy"]) else ""
        rows.append(
            (
                str(row["baseline"]).replace("_", " "),
                Cell(f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}", exact),
                percent(row["chance"]),
                count(row["n"]),
                Cell("leaks" if leak else "at chance" if row["low"] <= row["chance"] <= row["high"] else "below chance", strong=leak),
            )
        )
    found = int(table["leak"].sum())
    verdict = (
        f"{found} of {len(table)} baselines read the {run.summary['variable']} above chance."
        if found
        else f"None of {len(table)} baselines reads above chance."
    )
    grid = Grid(
        ("what the probe sees", "accuracy", "chance", "n", "verdict"),
        tuple(rows),
        f"Probe accuracy on test clips whose motion was taken away. Brackets: {run.confidence}.",
    )
    return Section("leaks", title, (Finding(verdict), grid, Paragraph(WHY)))
