"""``explore``: the live page of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jepascope.cli.app import PAGES, app, takes_machine
from jepascope.cli.terminal import answered, bars, say
from jepascope.study.machine import Machine

MOST_CLIPS = 40  # of the demo's test clips all; each takes some 80 kB of the page


@app.command(
    rich_help_panel=PAGES,
    epilog="Examples:  jepascope explore runs/demo   |   jepascope explore runs/demo --out /tmp/live.html   |   "
    "jepascope explore runs/large --serve",
)
@answered
@takes_machine
def explore(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    machine: Machine,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The page; default: explore.html in the run folder.")] = None,
    clips: Annotated[int, typer.Option("--clips", min=1, help="Test clips that the page holds, the wrongly moved first.")] = MOST_CLIPS,
    serve: Annotated[bool, typer.Option("--serve", help="Answer the page from this machine, for encoders too large for a page.")] = False,
) -> None:
    """The live page: drag an arrow, move a dose, and see what the network then reads, beside the same on matched controls."""
    from jepascope.disk.folder import Folder
    from jepascope.explore.explorer import exploring
    from jepascope.explore.export import export
    from jepascope.explore.page import render

    path = out or folder / "explore.html"
    with bars() as progress, exploring(folder, machine, progress) as explorer:
        html = render(export(explorer, clips))
        Folder(path.parent).write(path.name, html)
    say(f"Live page: {path.resolve()} ({len(html) / 1e6:.1f} MB; it needs no server)")
