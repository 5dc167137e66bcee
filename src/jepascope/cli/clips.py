"""``clips``: a clip set as pictures, videos, a table and a leak check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from jepascope.cli.app import MATERIAL, Json, app
from jepascope.cli.terminal import answered, console
from jepascope.errors import BadArgument

FORMATS = ("sheet", "gif", "mp4", "table", "leaks")
MOST_PER_CLASS = 10_000
MOST_PIXELS = 1 << 25  # of one clip: frames x size x size


@app.command(
    rich_help_panel=MATERIAL,
    epilog="Examples:  jepascope clips   |   jepascope clips complex --format sheet,gif --twins   |   "
    "jepascope clips circle --format leaks --seed 3   |   jepascope clips complex --format mp4 --limit 24 --out /tmp/look   |   "
    "jepascope clips directions8 --variable speed --twins",
)
@answered
def clips(
    name: Annotated[str, typer.Argument(help="directions8, circle or complex.")] = "directions8",
    seed: Annotated[int, typer.Option("--seed", help="Draws the scenes.")] = 0,
    per_class: Annotated[int, typer.Option("--per-class", help="Clips of each of the eight directions; at least 5.")] = 50,
    frames: Annotated[int, typer.Option("--frames", help="Frames of a clip.")] = 16,
    size: Annotated[int, typer.Option("--size", help="Pixels a side; at least 8.")] = 64,
    variable: Annotated[
        str, typer.Option("--variable", help="direction, speed, position, size, shape or colour: whose classes and twins are shown.")
    ] = "direction",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; default: runs/clips-NAME.")] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="Of sheet (PNG), gif (one clip a class), mp4 (lossless, one file a clip), table (CSV of all factors), "
            "leaks (can direction be read without motion?), with commas.",
        ),
    ] = "sheet,table",
    limit: Annotated[int, typer.Option("--limit", help="Clips that are written as mp4: the first of each class, then the second, ...")] = 8,
    twins: Annotated[
        bool, typer.Option("--twins", help="Show counterfactual twins beside: the same scene with another value of the variable.")
    ] = False,
    json_: Json = False,
) -> None:
    """Render a clip set: contact sheet, GIF, MP4, factor table, leak check."""
    _check(seed, per_class, frames, size, limit)
    formats = _formats(format_, variable)
    from jepascope.cli.clip_files import write_clips
    from jepascope.clips.presets import preset

    clip_set = preset(name, seed, per_class=per_class, frames=frames, size=size)
    folder = out or Path("runs") / f"clips-{name}"
    record = write_clips(clip_set, variable, formats, folder, limit, twins, {"seed": seed, "per_class": per_class})
    if json_:
        typer.echo(json.dumps({"folder": str(folder.resolve()), **record}))
    else:
        _print(record, folder)


def _check(seed: int, per_class: int, frames: int, size: int, limit: int) -> None:
    """Refuses numbers that no clips can be made from, by the option's name."""
    if seed < 0:
        raise BadArgument(f"--seed {seed}: a seed is a whole number from 0 on.")
    if not 5 <= per_class <= MOST_PER_CLASS:
        raise BadArgument(f"--per-class {per_class}: give 5 (to fill three splits) to {MOST_PER_CLASS:,} clips of each direction.")
    if frames < 1:
        raise BadArgument(f"--frames {frames}: a clip has at least one frame.")
    if size < 8:
        raise BadArgument(f"--size {size}: a frame has at least 8 pixels a side.")
    if frames * size**2 > MOST_PIXELS:
        raise BadArgument(
            f"--frames {frames} --size {size}: one clip would have {frames * size**2:,} pixels, and {MOST_PIXELS:,} are the most; "
            "ask for fewer frames or a smaller size."
        )
    if limit < 1:
        raise BadArgument(f"--limit {limit}: write at least one clip, or leave mp4 out of --format.")


def _formats(given: str, variable: str) -> tuple[str, ...]:
    from jepascope.clips.variables import variable_named

    variable_named(variable)
    formats = tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
    strange = [part for part in formats if part not in FORMATS]
    if strange or not formats:
        what = f"there is no format '{strange[0]}'" if strange else "no format is given"
        raise BadArgument(f"--format: {what}; give some of {', '.join(FORMATS)}, with commas.")
    if "leaks" in formats and variable != "direction":
        raise BadArgument(f"--format leaks: a single frame may well show {variable}; the leak check is for --variable direction.")
    return formats


def _print(record: dict[str, Any], folder: Path) -> None:
    """What the set holds, what the leak check found, and where files lie."""
    from rich.table import Table

    out, splits = console(), ", ".join(f"{count} {split}" for split, count in record["splits"].items())
    out.print(
        f"{record['name']}, seed {record['seed']}: {sum(record['splits'].values())} clips ({splits}) of {record['frames']} frames, "
        f"{record['size']} × {record['size']} pixels.",
        markup=False,
    )
    out.print(f"{record['variable']}: " + ", ".join(f"{label} {count}" for label, count in record["classes"].items()), markup=False)
    table = Table("factor", "in these clips", "what it is", box=None, pad_edge=False, header_style="bold")
    for column, held in record["factors"].items():
        span = ", ".join(map(str, held["values"])) if "values" in held else f"{held['low']:.3g} to {held['high']:.3g}"
        table.add_row(column, span, held["meaning"])
    out.print(table)
    if "leaks" in record:
        _print_leaks(record["leaks"])
    if "mp4" in record:
        out.print(
            f"mp4: {record['mp4']['files']} files, lossless ({record['mp4']['codec']}); each was read back and equals the pixels rounded "
            "to 8 bits.",
            markup=False,
        )
    if record["removed"]:
        out.print(f"Removed {len(record['removed'])} files of other clips that this command had written there before.", markup=False)
    videos = sum(file.startswith("mp4/") for file in record["written"])
    files = [file for file in record["written"] if not file.startswith("mp4/")] + ([f"mp4/ ({videos} files)"] if videos else [])
    out.print(f"Files in {folder.resolve()}: {', '.join(files)}", markup=False)


def _print_leaks(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("what the probe sees", "accuracy, %", "95 %", "chance, %", "explained, %", "n", "verdict"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        shares = (row["accuracy"], row["low"], row["high"], row["chance"], row["explained"])
        accuracy, low, high, chance, explained = (f"{100 * share:.1f}" for share in shares)
        span = f"{low} to {high}"
        table.add_row(row["baseline"].replace("_", " "), accuracy, span, chance, explained, str(row["n"]), row["verdict"])
    out = console()
    out.print(table)
    out.print(
        "A dense probe of grey pixels, trained on fit clips and scored on n test clips; interval: Wilson. Explained: what the position "
        "in an end frame gives away of the direction, and the 50 % that the axis of the motion does in shuffled or averaged frames.",
        markup=False,
    )
