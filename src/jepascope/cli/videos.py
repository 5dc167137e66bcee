"""``videos``: what a study of a folder of videos would have, and the command that runs it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jepascope.cli.app import DATA, MATERIAL, OUTPUT, STUDY, Json, app
from jepascope.cli.options import spec_from
from jepascope.cli.terminal import answered, bars, console, say
from jepascope.errors import BadArgument, quoted, setting

if TYPE_CHECKING:
    from jepascope.study.videos.overview import Overview

SHOWN = 12  # lines on what is not used, on the screen
ALONE = 5  # files of one reason that have a line each


@app.command(
    rich_help_panel=MATERIAL,
    epilog="Examples:  jepascope videos my-videos   |   jepascope videos my-videos --labels mine.csv --variable kind   |   "
    "jepascope videos sorted quick --sheet sheet.png   |   jepascope videos my-videos --set seconds=0.5 --json",
)
@answered
def videos(
    folder: Annotated[Path, typer.Argument(metavar="DIR", readable=False, help="A folder of videos, in folders below it as well.")],
    preset: Annotated[
        str | None, typer.Argument(metavar="SPEC", help="The preset or YAML file that the study is to begin with; default: demo.")
    ] = None,
    *,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="CSV of labels: file, start, end (seconds) and columns to study.", rich_help_panel=DATA)
    ] = None,
    variable: Annotated[
        str | None,
        typer.Option(
            "--variable",
            help="class (of folders, or a data set's own tables), direction (measured), or a column of --labels; default: classes where "
            "folders name some.",
            rich_help_panel=DATA,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Parts videos over splits.", rich_help_panel=DATA)] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any field of the spec: --set seconds=0.5. Repeatable.", rich_help_panel=STUDY)
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", help="Contact sheet (PNG): frames of what is used, a row a class and split.", rich_help_panel=OUTPUT),
    ] = None,
    json_: Json = False,
) -> None:
    """Say what a study of a folder of videos would have: videos and clips of each class and split, all that is refused, what would do.

    Looks through the folder as `jepascope run` does, and captures nothing. Exit code 1 where no study can be made.
    """
    from jepascope.study.spec_file import spec_values
    from jepascope.study.videos.overview import overview, usual_variable

    if sheet is not None and sheet.is_dir():
        raise BadArgument(f"'{sheet}' is a folder; give a PNG file with --sheet.")
    clips = str(folder) if folder.is_absolute() or len(folder.parts) > 1 or str(folder).startswith("~") else f"./{folder}"
    fields = {*spec_values(preset)[0], *(item.partition("=")[0].strip() for item in set_ or ())}
    why = ""
    if variable is None and labels is None and not fields & {"variable", "labels"}:
        variable, why = usual_variable(clips)
    given = {"clips": clips, "labels": None if labels is None else str(labels), "variable": variable, "seed": seed}
    with bars() as progress:
        seen = overview(spec_from(preset, given, set_), progress)
    command = run_line(preset, given, set_ or (), seen.changed) if seen.possible else ""
    if json_:
        written = None if sheet is None else _write_sheet(seen, sheet)
        typer.echo(json.dumps({**seen.stored(), "chosen": why, "command": command, "sheet": written}))
    else:
        say(*([why, ""] if why else []))
        _print(seen, command)
        if sheet is not None:
            say(f"Contact sheet: {_write_sheet(seen, sheet) or 'none was made, for no clip would be used.'}")
    if not seen.possible:
        raise SystemExit(1)


def _write_sheet(seen: Overview, sheet: Path) -> str | None:
    """Where it was written; None where there is nothing to show."""
    if seen.study is None:
        return None
    from jepascope.clips.contact_sheet import overview_sheet
    from jepascope.disk.folder import Folder

    with bars() as progress, Folder(sheet.parent).writing(sheet.name) as temporary:
        progress.start("contact sheet")
        overview_sheet(seen.study.clips, seen.spec.variable, refusal_lines(seen)).savefig(temporary, format="png")
    return str(sheet.resolve())


def run_line(preset: str | None, given: Mapping[str, Any], extra: list[str] | tuple[str, ...], changed: Mapping[str, Any]) -> str:
    """The command that runs the study, to be pasted: the settings that were changed come last, and win."""
    words = ["jepascope", "run", *([quoted(preset)] if preset else [])]
    for name, value in given.items():
        words += [] if value is None else [f"--{name}", quoted(str(value))]
    for item in extra:
        words += ["--set", quoted(item)]
    return " ".join([*words, *([setting(**changed)] if changed else [])])


def _print(seen: Overview, command: str) -> None:
    from rich.table import Table

    from jepascope.clips.clipset import SPLITS
    from jepascope.clips.video.enough import clips_of
    from jepascope.findings.footage import footage_words

    if seen.refusal:
        say(f"As asked for: {seen.refusal}", "")
    if seen.changed:
        say(f"What follows is with {setting(**seen.changed)}.", "")
    table = Table("class", "videos", "windows", *(SPLITS if seen.possible else ()), box=None, pad_edge=False, header_style="bold")
    for row in seen.classes:
        parts = [clips_of(row[split]["clips"], row[split]["videos"]) for split in SPLITS if seen.possible]
        studied = row["class"] in seen.spec.state_variable.classes
        table.add_row(row["class"], f"{row['videos']:,}", f"{row['windows']:,}", *(parts if studied else ["not studied"] * bool(parts)))
    console().print(table)
    say("")
    if seen.study is not None:
        say(*footage_words(seen.study.record, listed="--json"), *seen.words, "")
    if seen.settings:
        rows = Table("setting", "now", "leaves out", box=None, pad_edge=False, header_style="bold")
        for each in seen.settings:
            rows.add_row(each["setting"], f"{each['value']:g}", each["leaves_out"])
        console().print(rows)
        say("")
    _print_refusals(seen)
    if command:
        say("This runs the study:", f"  {command}")
    else:
        say("No study can be made of this folder as it is.")


def _print_refusals(seen: Overview) -> None:
    lines = refusal_lines(seen)
    if lines:
        say("Not used:", *(f"  {line}" for line in lines[:SHOWN]))
        say(*([f"  and {len(lines) - SHOWN} more (--json lists all)"] if len(lines) > SHOWN else []), "")


def refusal_lines(seen: Overview) -> list[str]:
    """Files that are not used, each with its reason, then those of which some windows are not, counted. Many of one reason are one line,
    below those that stand alone."""
    whole: dict[str, list[str]] = {}
    parts: Counter[tuple[str, str]] = Counter()
    for row in seen.refusals.to_dict("records"):
        if row["start"] == row["start"]:
            parts[row["file"], row["reason"]] += 1
        else:
            count = f" ({row['files']} files)" if row["files"] > 1 else ""
            whole.setdefault(row["reason"], []).append(f"'{row['file']}'{count}")
    lines = [f"{file} {reason}" for reason, files in whole.items() if len(files) <= ALONE for file in files]
    lines += [f"{files[0]} and {len(files) - 1} more: {reason}" for reason, files in whole.items() if len(files) > ALONE]
    return [*lines, *(f"'{file}', {count} window{'s' * (count > 1)}: {reason}" for (file, reason), count in parts.items())]
