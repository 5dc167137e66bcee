"""The application object and the options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperGroup
from typer.models import OptionInfo

from jepascope.errors import plain
from jepascope.study.machine import BYTES, Machine


class Commands(TyperGroup):
    """Commands whose refusals of what was typed show it with escapes in place of what a terminal would obey."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        return _shown(lambda: super(Commands, self).make_context(*given, **more))

    def invoke(self, *given: Any) -> Any:
        return _shown(lambda: super(Commands, self).invoke(*given))


def _shown(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):
            error.message = plain(message, but="\n")  # type: ignore[attr-defined]
        raise


app = typer.Typer(
    cls=Commands,
    name="jepascope",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the causal state variables in the latents of frozen video encoders, intervene on them, and measure whether they carry over.",
    epilog="First: [bold]jepascope run[/bold] (shipped nano encoder, six to seven minutes on two quiet cores, no network).",
)

STUDY, DATA, COMPUTE, OUTPUT = "Study", "Model and clips", "Compute", "Output"
"""Panels of options in ``--help``."""
STUDIES, PAGES, GROUND, MATERIAL, HELP = "Studies", "What they found", "Ground truth", "Models and clips", "This installation"
"""Panels of commands."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.", rich_help_panel=OUTPUT)]
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
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        envvar="JEPASCOPE_WORKERS",
        help="Processes on this machine (default: one a core), or workers of the Ray cluster (one a GPU, or a machine). Same numbers.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", envvar="JEPASCOPE_OUT", help="Run folder; default: runs/<model>-<clips>-<digest>.", rich_help_panel=OUTPUT),
]


TrustCode = Annotated[bool, typer.Option("--trust-code", help="Run code that the spec file or run folder names (module:attribute).")]

Command = Callable[..., None]


def machine_options(
    device: Device = "cpu",
    dtype: Dtype = "float32",
    compiled: Compiled = False,
    engine: Engine = "local",
    address: Address = None,
    workers: Workers = None,
    trust_code: TrustCode = False,
) -> tuple[Machine, bool]:
    """Where and in which precision a command computes, and whether code that files name may run."""
    return Machine(device, dtype, compiled, engine, address, workers), trust_code


def takes_machine(command: Command) -> Command:
    """The command's ``machine``; while it runs, code that files name may run where that was said."""

    def run(given: tuple[Machine, bool], **others: Any) -> None:
        from jepascope.study.trust import trusting

        machine, trust_code = given
        with trusting(trust_code):
            command(machine=machine, **others)

    return with_options(command, "machine", machine_options, run, lambda name: COMPUTE)


def with_options(
    command: Command, place: str, options: Callable[..., Any], run: Callable[..., None], panel: Callable[[str], str]
) -> Command:
    """Typer sees the options of the function ``options`` in place of the command's parameter ``place``; ``run`` gets what that function
    makes of them, and the command's other parameters by name. ``panel``: in which of ``--help`` each of them stands."""
    shared = inspect.signature(options, eval_str=True, locals={"StudySpec": object}).parameters
    for name, parameter in shared.items():
        if isinstance(declared := get_args(parameter.annotation)[1], OptionInfo):
            declared.rich_help_panel = panel(name)
    own = inspect.signature(command, eval_str=True, locals={"StudySpec": object}).parameters

    @functools.wraps(command)
    def taking(**given: Any) -> None:
        run(options(**{name: given.pop(name) for name in shared}), **given)

    del taking.__wrapped__  # inspect.signature would follow it
    shown = [option for name, parameter in own.items() for option in (shared.values() if name == place else [parameter])]
    keyword = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in shown]
    taking.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    taking.__annotations__ = {}
    return taking


def option_names(options: Callable[..., Any]) -> dict[str, str]:
    """What the parameters of a function of options are called on the command line."""
    called = {}
    for name, parameter in inspect.signature(options, eval_str=True).parameters.items():
        declared = get_args(parameter.annotation)[1]
        words = [
            word for word in (declared.default, *(declared.param_decls or ())) if str(word).startswith("--")
        ]  # typer's first is default
        if words:
            called[name] = words[0]
    return called


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
) -> None:
    if show:
        from importlib.metadata import version as installed

        typer.echo(f"jepascope {installed('jepascope')}")
        raise typer.Exit
