"""The options that make a spec, declared once for every command that takes one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jepascope.discovery.finder_entry import FINDERS

if TYPE_CHECKING:
    from jepascope.study.spec import StudySpec


def spec_options(
    spec: Annotated[
        str | None, typer.Argument(metavar="SPEC", help="A preset (demo, quick, reduced, full, paper) or a YAML file; default: demo.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            envvar="JEPASCOPE_MODEL",
            help="nano, nano-wide, a local folder, a .pt file of Meta's, or a hub name such as facebook/vjepa2-vitl-fpc64-256.",
        ),
    ] = None,
    clips: Annotated[
        str | None,
        typer.Option(
            "--clips",
            help="Clip set: directions8, circle (any angle), complex (clutter, camera motion), package.module:function; a folder of "
            "videos; or an .npz of arrays (an .npy with --labels).",
        ),
    ] = None,
    variable: Annotated[
        str | None,
        typer.Option(
            "--variable",
            help="State variable: direction, speed, position, size, shape, colour, or a column of --labels; of videos also class.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="CSV file of labels of your own: a column 'scene' (or 'clip', from 0), of videos 'file', and one or more to study "
            "(--variable; its only one is taken).",
        ),
    ] = None,
    subspace: Annotated[
        str | None,
        typer.Option("--subspace", help="A finished run on synthetic clips, whose subspaces are used on real videos beside their own."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seeds clips, splits, controls and resampling.")] = None,
    frames: Annotated[int | None, typer.Option("--frames", help="Frames a clip; default: what the model was made for.")] = None,
    size: Annotated[int | None, typer.Option("--size", help="Pixels a side; default: what the model was made for.")] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            "--layers", help="Layers run in full besides the best one: all, or numbers such as 3,7,11. Default: a survey of the others."
        ),
    ] = None,
    best_layer: Annotated[
        int | None, typer.Option("--best-layer", help="The layer that the claim is made for; default: chosen on the fit split.")
    ] = None,
    finders: Annotated[
        str | None,
        typer.Option(
            "--finders",
            help=f"With commas: {', '.join(FINDERS)}; or code of your own, package.module:attribute.",
        ),
    ] = None,
    draws: Annotated[int | None, typer.Option("--draws", help="Draws of every control at the best layer.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Any other field of the spec: --set test_scenes=80. Repeatable.")] = None,
) -> StudySpec:
    """A checked spec from a preset or file and what the command line gives on top."""
    from jepascope.cli.commands import spec_from

    given = {
        "model": model,
        "clips": clips,
        "variable": variable,
        "labels": labels,
        "subspaces_from": subspace,
        "seed": seed,
        "frames": frames,
        "size": size,
        "layers": layers,
        "best_layer": best_layer,
        "finders": finders,
        "draws": draws,
    }
    return spec_from(spec, given, set_)


def takes_spec(command: Callable[..., None]) -> Callable[..., None]:
    """Typer sees the options of ``spec_options`` and then the command's own; the command gets the spec first."""
    shared = inspect.signature(spec_options, eval_str=True, globals=globals(), locals={"StudySpec": object}).parameters
    _, *own = inspect.signature(command, eval_str=True, locals={"StudySpec": object}).parameters.values()

    @functools.wraps(command)
    def run(**given: Any) -> None:
        command(spec_options(**{name: given.pop(name) for name in shared}), **given)

    del run.__wrapped__  # inspect.signature would follow it
    run.__signature__ = inspect.Signature([*shared.values(), *own])  # type: ignore[attr-defined]
    run.__annotations__ = {}
    return run
