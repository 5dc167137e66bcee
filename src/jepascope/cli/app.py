"""The application object and the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="jepascope",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the causal state variables in the latents of frozen video encoders, intervene on them, and measure whether they carry over.",
    epilog="First: [bold]jepascope run[/bold] (shipped nano encoder, about three minutes on two cores, no network).",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Device = Annotated[str, typer.Option("--device", envvar="JEPASCOPE_DEVICE", help="cpu, cuda, cuda:1, mps, ...")]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", envvar="JEPASCOPE_OUT", help="Run folder; default: runs/<model>-<clips>-<digest>.")
]


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
) -> None:
    if show:
        from importlib.metadata import version as installed

        typer.echo(f"jepascope {installed('jepascope')}")
        raise typer.Exit
