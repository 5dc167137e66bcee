"""The options that make a spec, or edits of one, declared once for every command that takes them; parameters have the names of fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jepascope.cli.app import DATA, STUDY, Command, option_names, with_options
from jepascope.discovery.finder_entry import FINDERS
from jepascope.errors import BadArgument
from jepascope.intervention.control_entry import CONTROLS, on_request
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.judge_entry import JUDGES

if TYPE_CHECKING:
    from jepascope.study.spec import StudySpec

LISTS = ("layers", "finders", "edits", "doses", "edit_doses", "judges", "extra_controls", "port_clips", "classes")
"""Fields that take several values, with commas on the command line."""
OF_DATA = ("model", "clips", "variable", "labels", "seed", "frames", "size")


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
    subspaces_from: Annotated[
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
) -> dict[str, Any]:
    """Fields that the command line gives."""
    return dict(locals())


def spec_from(name: str | None, given: dict[str, Any], extra: list[str] | None) -> StudySpec:
    """A spec from a preset or file, with what the command line gives on top."""
    import yaml

    from jepascope.study.spec_file import make_spec, read_value, spec_values

    values, source = spec_values(name)
    options = {key: value for key, value in given.items() if value is not None}
    called = {key: option for key, option in option_names(spec_options).items() if key in options}
    for item in extra or ():
        key, equals, text = item.partition("=")
        if not equals:
            raise BadArgument(f"--set {item}: write it as field=value.")
        try:
            options[key.strip()] = read_value(key.strip(), text)
            called[key.strip()] = f"--set {key.strip()}"
        except (yaml.YAMLError, ValueError, RecursionError):
            raise BadArgument(f"--set {item}: '{text}' is not a YAML value.") from None
    for name in ("labels", "clips"):
        if name in options:
            values.pop(f"{name}_digest", None)  # that of another file
    if "subspaces_from" in options:
        values.pop("subspaces_digest", None)
    for key in LISTS:
        if isinstance(options.get(key), str | int | float) and options[key] not in ("all", "survey"):
            options[key] = split(options[key])
    return make_spec({**values, **options}, source, called)


def split(given: str | int | float) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in str(given).split(",") if part.strip()]


def takes_spec(command: Command) -> Command:
    """The command's ``spec``, from a preset or file and what the command line gives on top."""

    def run(given: dict[str, Any], **others: Any) -> None:
        command(spec=spec_from(given.pop("spec"), given, given.pop("set_")), **others)

    return with_options(command, "spec", spec_options, run, lambda name: DATA if name in OF_DATA else STUDY)


def edit_options(
    best_layer: Annotated[int | None, typer.Option("--layer", help="Layer to edit; default: the run's best one.")] = None,
    edits: Annotated[str | None, typer.Option("--edit", help=f"Of {', '.join(EDITS)}, with commas; default: the run's.")] = None,
    edit_doses: Annotated[str | None, typer.Option("--dose", help="Doses, with commas; 1 is the whole or natural change.")] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            "--tokens", help="Tokens to edit: all, object, background (as many), or tubelets such as time:0-1. Default: the run's."
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            "--part", help="Of the block: attention or mlp, to find and edit in what it adds; default: residual, the stream after it."
        ),
    ] = None,
    ablate_to: Annotated[str | None, typer.Option("--ablate-to", help="mean, zero, or resample (another scene's).")] = None,
    swap_donor: Annotated[
        str | None, typer.Option("--donor", help="What swaps take from: twin, or class (a clip of another class).")
    ] = None,
    finders: Annotated[str | None, typer.Option("--finders", help="With commas; default: the run's.")] = None,
    rank: Annotated[int | None, typer.Option("--rank", min=1, help="Rank of every subspace; default: the run's.")] = None,
    subspace: Annotated[Path | None, typer.Option("--subspace", help="A subspace's safetensors file, in place of the finders'.")] = None,
    extra_controls: Annotated[
        str | None,
        typer.Option("--controls", help=f"Beside the matched ones: {', '.join(filter(on_request, CONTROLS))}, with commas."),
    ] = None,
    judges: Annotated[str | None, typer.Option("--judges", help=f"Of {', '.join(JUDGES)}, with commas; default: the run's.")] = None,
    draws: Annotated[int | None, typer.Option("--draws", min=2, help="Draws of every control; 200 for a permutation p of 0.005.")] = None,
    context: Annotated[int | None, typer.Option("--context", min=1, help="Tubelets that the predictor is shown; default: half.")] = None,
) -> dict[str, Any]:
    """Fields that the command line gives, and the file of a subspace."""
    given = {name: value for name, value in locals().items() if value is not None}
    return {name: split(value) if name in LISTS else value for name, value in given.items()}


def takes_edits(command: Command) -> Command:
    """The command's ``edits``: fields of a spec, and ``subspace``."""
    return with_options(command, "edits", edit_options, lambda given, **others: command(edits=given, **others), lambda _: STUDY)
