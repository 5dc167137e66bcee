"""``label``: measured directions of motion for a folder of videos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from jepascope.cli.app import MATERIAL, Json, app
from jepascope.cli.terminal import answered, console

SHOWN = 10  # files that cannot be used, on the screen


@app.command(
    rich_help_panel=MATERIAL,
    epilog="Examples:  jepascope label my-videos   |   jepascope label my-videos --out directions.csv --sheet sheet.png   |   "
    "jepascope label my-videos --seconds 2 --per-source 20 --json",
)
@answered
def label(
    folder: Annotated[Path, typer.Argument(help="Folder of videos, in folders below it as well.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file, one row a window; usable as a labels file.")] = Path("labels.csv"),
    seconds: Annotated[float, typer.Option("--seconds", help="Length of a window.")] = 1.0,
    stride: Annotated[
        float | None, typer.Option("--stride", help="Seconds from one window's start to the next; default: its length.")
    ] = None,
    per_source: Annotated[
        int | None, typer.Option("--per-source", help="Windows of one video at most, spread over it; default: all.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Measure the whole frame; default: the middle square, which is what clips show.")
    ] = False,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Contact sheet (PNG): windows with arrows, or why they have none.")] = None,
    json_: Json = False,
) -> None:
    """Measure which way videos move: optical flow, the camera's motion taken away, and no label where that is not clear.

    Stopped with Ctrl-C, the same command goes on after the last file that was finished.
    """
    from jepascope.cli.label_files import write_labels
    from jepascope.clips.video.windows import Cutting

    record = write_labels(folder, out, Cutting(seconds, stride, per_source), whole, sheet)
    if json_:
        typer.echo(json.dumps(record))
    else:
        _print(record)


def _print(record: dict[str, Any]) -> None:
    """How many windows were labelled, how many were not and why, and what could not be read."""
    from rich.table import Table

    from jepascope.clips.motion.label import REASONS

    out, windows = console(), record["windows"]
    out.print(
        f"{windows:,} windows of {record['videos']:,} files: {record['labelled']:,} labelled, {windows - record['labelled']:,} not.",
        markup=False,
    )
    if record["labelled"]:
        out.print("Directions: " + ", ".join(f"{name} {count:,}" for name, count in record["directions"].items()), markup=False)
    table = Table("not labelled", "windows", "why", box=None, pad_edge=False, header_style="bold")
    for reason, count in record["abstained"].items():
        table.add_row(reason, f"{count:,}", REASONS[reason])
    if record["abstained"]:
        out.print(table)
    if record["refused"]:
        out.print(f"{sum(refusal['files'] for refusal in record['refused'])} files, or parts of them, are not used:", markup=False)
        for refusal in record["refused"][:SHOWN]:
            count = f" ({refusal['files']} files)" if refusal["files"] > 1 else ""
            out.print(f"  '{refusal['file']}' {refusal['reason']}{count}", markup=False)
        if len(record["refused"]) > SHOWN:
            out.print(f"  and {len(record['refused']) - SHOWN} more (--json lists all)", markup=False)
    out.print(f"Written: {', '.join(record['written'])}", markup=False)
