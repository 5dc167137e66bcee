"""``explore``: the live page of a run."""

from __future__ import annotations

import sys
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
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of --serve, on 127.0.0.1; 0: any that is free.")] = 0,
) -> None:
    """The live page: drag an arrow, move a dose, and see what the network then reads, beside the same on matched controls."""
    if serve:
        _serve(folder, clips, machine, port)
        return
    from jepascope.explore.build import build

    path = out or folder / "explore.html"
    with bars() as progress:
        length, why = build(folder, path, clips, machine, progress)
    said = f"it replays what the run stored: {why}; --serve computes" if why else "it computes by itself, and needs no server"
    say(f"Live page: {path.resolve()} ({length / 1e6:.1f} MB; {said})")


def _serve(folder: Path, clips: int, machine: Machine, port: int) -> None:
    """Until Ctrl-C."""
    import contextlib

    from jepascope.explore.explorer import exploring
    from jepascope.explore.serve import PageServer, served

    with contextlib.ExitStack() as opened:
        with bars() as progress:
            explorer = opened.enter_context(exploring(folder, machine, progress))
            server = opened.enter_context(PageServer(*served(explorer, clips), port))
        say(f"Live page: {server.address}", "It answers this machine alone, and whoever has this address. Ctrl-C ends it.")
        sys.stdout.flush()  # a pipe would get the address at the end
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
