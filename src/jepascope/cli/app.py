"""The application object and the options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from jepascope.study.machine import BYTES, Machine

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
Dtype = Annotated[str, typer.Option("--dtype", envvar="JEPASCOPE_DTYPE", help=f"Precision of the blocks: {' or '.join(BYTES)}.")]
Compiled = Annotated[
    bool, typer.Option("--compile/--no-compile", envvar="JEPASCOPE_COMPILE", help="Run blocks through torch.compile: minutes once.")
]
Engine = Annotated[
    str, typer.Option("--engine", envvar="JEPASCOPE_ENGINE", help="local, or ray: passes go to one worker a GPU, on one machine or many.")
]
Address = Annotated[
    str | None,
    typer.Option("--address", envvar="JEPASCOPE_ADDRESS", help="Ray cluster: auto, ray://HOST:10001; default: one started here."),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Workers of the Ray cluster; default: one a GPU, or a machine.")]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", envvar="JEPASCOPE_OUT", help="Run folder; default: runs/<model>-<clips>-<digest>.")
]


def machine_options(
    device: Device = "cpu",
    dtype: Dtype = "float32",
    compiled: Compiled = False,
    engine: Engine = "local",
    address: Address = None,
    workers: Workers = None,
) -> Machine:
    """Where and in which precision a command computes."""
    return Machine(device, dtype, compiled, engine, address, workers)


def takes_machine(command: Callable[..., None]) -> Callable[..., None]:
    """Typer sees the options of ``machine_options`` where the command has ``machine``; the command gets a Machine."""
    shared = inspect.signature(machine_options, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True, locals={"StudySpec": object}).parameters.values()

    @functools.wraps(command)
    def run(*args: Any, **given: Any) -> None:
        machine = machine_options(**{name: given.pop(name) for name in shared})
        command(*args, machine=machine, **given)

    del run.__wrapped__  # inspect.signature would follow it
    before = [one for one in own if one.name not in ("machine", "json_")]
    after = [one for one in own if one.name == "json_"]
    run.__signature__ = inspect.Signature([*before, *shared.values(), *after])  # type: ignore[attr-defined]
    run.__annotations__ = {}
    return run


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
) -> None:
    if show:
        from importlib.metadata import version as installed

        typer.echo(f"jepascope {installed('jepascope')}")
        raise typer.Exit
