"""``jepascope models``: what each known checkpoint is, has and needs, and how to get it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from jepascope.cli.terminal import console, say
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.encoders.at_hand import not_here, place
from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.folder_files import config_of, weight_files
from jepascope.encoders.geometry import known_family, read_json, sizes_of
from jepascope.encoders.jepa_wms import HUB, PUBLISHED
from jepascope.encoders.label_pairs import chiral_pairs, proposed_pairs
from jepascope.encoders.models import META_FILES, KnownModel, known_models
from jepascope.encoders.task_labels import names_head, task_labels
from jepascope.errors import BadArgument, quoted, setting

if TYPE_CHECKING:
    from rich.table import Table

WIDE = 124  # columns from which words fit where letters are else
GETS = {  # how a row is got: in a column, and in full
    "ships": "ships with jepascope: --model NAME",
    "hf": "`hf download NAME --local-dir FOLDER` (FOLDER: the name behind the slash), then --model ./FOLDER",
    "hf*": "as hf, once its licence is accepted at https://huggingface.co/NAME and `hf auth login` has been run",
    "curl": f"`curl -LO {META_FILES}/NAME`, then --model ./NAME",
}


def models_command(as_json: bool) -> None:
    rows = known_models()
    if as_json:
        typer.echo(json.dumps([*(row.as_json for row in rows), *(world.as_json for world in PUBLISHED)]))
        return
    out = console()
    out.print(models_table(rows, out.width))
    out.print()
    out.print(worlds_table(out.width))
    out.print()
    for line in notes(rows, out.width):
        out.print(line, markup=False)


def model_command(name: str, as_json: bool) -> None:
    """One model by its config.json, or a .pt file of Meta's: sizes, and what its predictor forecasts; of its task head the labels, those
    that are each other's opposites, and the pairs of directions that a study can ask it about."""
    where = place(name)
    if where.path is None:
        raise not_here(name, "is not on this machine") if where.kind == "hub" else BadArgument(f"'{name}' has no config.json to read.")
    if where.kind == "file":
        from jepascope.encoders.jepa_wms_file import is_world_model
        from jepascope.encoders.torch_file import read_torch_file

        path, contents = where.path, read_torch_file(where.path)
        if is_world_model(contents):
            _world_command(path, contents, name, as_json)
            return
        config, source, forecasts = _of_file(path, contents)
    else:
        path = config_of(where.path, name)
        config, source, forecasts = _of_folder(path, name)
    sizes = sizes_of(config, path)
    labels = task_labels(config, path) if sizes.has_head else ()
    proposed = proposed_pairs(labels, DIRECTION_NAMES)
    runs = [f"jepascope run --model {quoted(name)} {setting(head_classes=pair)}" for pair in proposed]
    if as_json:
        about = {"model": name, "width": sizes.width, "depth": sizes.depth, "frames": sizes.frames, "size": sizes.size}
        about |= {"source": source, "forecasts": forecasts}
        typer.echo(json.dumps({**about, "labels": labels, "chiral": chiral_pairs(labels), "head_classes": proposed, "runs": runs}))
        return
    say(f"{name}: width {sizes.width}, {sizes.depth} blocks, clips of {sizes.frames} frames of {sizes.size} pixels.")
    if tower := sizes.tower:
        say(
            f"A token is a whole frame, which a tower makes ({tower.depth} blocks of width {tower.width}); what it does inside is no layer."
        )
    say(*([source] if source else []), f"{forecasts[:1].upper()}{forecasts[1:]}." if forecasts else "It has no predictor that is run.")
    if not labels:
        say("It has no task head.")
        return
    opposites = [f"  {a} | {b}" for a, b in chiral_pairs(labels)]
    say(f"Its task head has {len(labels)} labels.", "")
    say("Labels that are each other's opposites (told apart by motion or its order alone):", *(opposites or ["  none"]), "")
    say("As a judge of direction:", *(f"  {run}" for run in runs or ["none: no two labels name opposite directions of a whole object"]))


def _world_command(path: Path, contents: dict[Any, Any], name: str, as_json: bool) -> None:
    """The same of a world model of jepa-wms, whose file holds no encoder: which one it needs, and how it is run."""
    from jepascope.encoders.jepa_wms_file import read_predictor

    world, _ = read_predictor(path, contents)
    there = (path.parent / "config.json").is_file()
    model = name if there else f"{world.folder}/{path.name}"
    run = f"jepascope run --model {quoted(model)} --clips CLIPS.npz {setting(judges=('probe', 'rollout'))}"
    if as_json:
        typer.echo(json.dumps({**world.as_json, "model": name, "runs": [run]}))
        return
    states = f" and states of {world.states}" if world.states else ""
    say(f"{name}: {world.words}: frames of {world.size} pixels, actions of {world.numbers} numbers{states}.")
    say("Its predictor is given actions: the judge rollout asks it.")
    if not there:
        say(f"It lies in no folder of an encoder. To have it in the one that it needs: {world.moved(path)}.")
    say("CLIPS.npz holds videos with actions (docs/world-models.md):", f"  {run}")


def _of_folder(path: Path, name: str) -> tuple[dict[str, Any], str, str]:
    """Its configuration; and of its weights, what the predictor forecasts and from which mask token, where one is run."""
    config = read_json(path)
    family = known_family(config, path)
    sizes_of(config, path)
    if not family.predictor or not any(path.parent.glob("*.safetensors")):
        return config, "", ""
    from jepascope.encoders.dense_predictor import forecast_words
    from jepascope.encoders.pretrained import held_weight

    files = weight_files(path.parent, name)
    own = f"{'vjepa2.' if names_head(config, family.classifier) else ''}predictor.embeddings.mask_tokens"
    tokens = held_weight(files, name, own)
    sizes = {field: config.get(field, default) for field, default in family.sizes.values()}
    return config, "", "" if tokens is None else forecast_words(sizes, tokens)


def _of_file(path: Path, contents: dict[Any, Any]) -> tuple[dict[str, Any], str, str]:
    """The same of Meta's .pt files, and what is read of them."""
    from jepascope.encoders.dense_predictor import forecast_words
    from jepascope.encoders.meta import load_meta

    model, extra, acting = load_meta(path, contents)
    config = model.config.to_dict()
    if acting:
        return config, extra["source"], "its predictor is given actions: the judge rollout asks it"
    return config, extra["source"], "" if model.predictor is None else forecast_words(config, model.predictor.embeddings.mask_tokens)


def models_table(rows: tuple[KnownModel, ...], width: int) -> Table:
    """One row a model; it fits 80 columns."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1 if width < WIDE else 2, 0, 0), header_style="bold")
    for name in ("model", "width x depth", "frames x px", "memory"):
        table.add_column(
            name if width >= WIDE else name.replace(" x ", "\nx "), no_wrap=True, justify="left" if name == "model" else "right"
        )
    for name in ("has", "get"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        sizes = row.sizes
        clips = f"{sizes.frames} x {sizes.size}{'=' if sizes.fixed else ' '}"
        table.add_row(row.name, f"{sizes.width} x {sizes.depth}", clips, _bytes(row.weights_gb), _has(row, width >= WIDE), _get(row))
    return table


def worlds_table(width: int) -> Table:
    """World models whose files lie in the folder of an encoder; it fits 80 columns."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1 if width < WIDE else 2, 0, 0), header_style="bold")
    for name in ("world model", "in the folder of", "px", "actions", "states"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("px", "actions", "states") else "left")
    for world in PUBLISHED:
        table.add_row(world.file, world.folder, str(world.size), str(world.numbers), str(world.states or "-"))
    return table


def notes(rows: tuple[KnownModel, ...], width: int) -> list[str]:
    """What the columns mean, and what works beside the rows."""
    has = "" if width >= WIDE else "has: P a predictor, A one that is given actions, H a task head. "
    files = ", ".join(f"{row.torch_file} ({row.folder})" for row in rows if row.torch_file and row.torch_file != row.name)
    return [
        f"{has}memory: of float32 weights. =: clips of that length and size alone; else --frames and --size set both.",
        *(f"get {short}: {full}" for short, full in GETS.items()),
        f"Meta's own files hold the same weights and are read too, as curl: {files}.",
        f"world models: `hf download facebook/FOLDER --local-dir FOLDER` (as above), `hf download {HUB} FILE --local-dir FOLDER`, "
        "then --model FOLDER/FILE.",
        f"Any local folder with config.json of {', '.join(family.meaning for family in ENCODERS.own.values())} and safetensors works.",
    ]


def _has(row: KnownModel, words: bool) -> str:
    if not words:
        return "P" * row.predictor + "A" * bool(row.actions) + "H" * bool(row.head)
    acting = ["predictor given actions"] * bool(row.actions)
    return "; ".join(["predictor"] * row.predictor + acting + [f"head: {row.head}"] * bool(row.head))


def _get(row: KnownModel) -> str:
    if row.shipped:
        return "ships"
    return "curl" if row.name == row.torch_file else "hf*" if row.gated else "hf"


def _bytes(gb: float) -> str:
    return f"{gb:.2f} GB" if gb >= 1 else f"{1e3 * gb:.1f} MB"
