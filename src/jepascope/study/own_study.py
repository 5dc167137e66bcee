"""A clip set in memory as fields of a spec: the preset that it is, or a file that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jepascope.cache import cache_folder
from jepascope.clips.array_file import GROUP, MASK, RECORDED, TWIN, VIDEO
from jepascope.clips.arrays import ArraySource, digest_of
from jepascope.clips.clipset import ClipSet
from jepascope.clips.drawn import SPLIT_SHARES
from jepascope.clips.entries import CLIP_SETS
from jepascope.clips.presets import preset
from jepascope.clips.video.from_folder import asked_of
from jepascope.clips.video.source import VideoSource
from jepascope.disk.folder import Folder
from jepascope.errors import BadArgument

SEEDS = 20  # that are tried, to tell which seed a clip set was drawn with


def fields_of(clips: ClipSet | str | Path, asked: dict[str, Any]) -> dict[str, Any]:
    """``clips`` and what goes with it. BadArgument for clips that no file and no name can give again."""
    if not isinstance(clips, ClipSet):
        return {"clips": str(clips)}
    if isinstance(clips.source, ArraySource):
        return {"clips": str(_saved(clips, clips.source))}
    if isinstance(clips.source, VideoSource):
        return _agreed(asked_of(clips, clips.source), asked)
    found = _drawn(clips, asked) if clips.name in CLIP_SETS else {}
    if not found or clips.own:
        raise BadArgument(
            f"Clip set '{clips.name}' is neither one of {', '.join(CLIP_SETS.names)} as it is drawn nor made of arrays, so that nothing "
            "could make it again; name its function (clips='package.module:function'), its labels (labels='FILE.csv'), or give arrays."
        )
    return found


def _agreed(made: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The fields that clips were made with; BadArgument where another value of one is asked for."""
    other = next((name for name, value in made.items() if name in asked and asked[name] != value), None)
    if other is not None:
        raise BadArgument(
            f"{other} is {asked[other]!r}, and the clips were made with {made[other]!r}; leave it out, or ask clips.from_folder for it."
        )
    return made


def _drawn(clips: ClipSet, asked: dict[str, Any]) -> dict[str, Any]:
    """The set, the seed and the clips of a class that draw these clips; nothing where none do."""
    directions = clips.factors["direction"].nunique() if "direction" in clips.factors else 1
    per_class = len(clips) // max(1, directions)
    seeds = [asked["seed"]] if "seed" in asked else range(SEEDS)
    for seed in seeds if per_class * sum(SPLIT_SHARES.values()) >= 1 else ():
        again = preset(clips.name, seed, per_class=per_class)
        if again.at(clips.frames, clips.size).digest == clips.digest:
            return {"clips": clips.name, "seed": seed, "clips_per_class": per_class}
    return {}


def _saved(clips: ClipSet, source: ArraySource) -> Path:
    """The file that the arrays came from, or one in the cache folder, named by its contents, so that a study can go on."""
    if source.path is not None:
        return source.path
    files, table, held = Folder(cache_folder() / "clips"), clips.factors, dict[str, Any]()
    for variable in clips.own:
        column = variable.columns[0]
        held[variable.name] = table[column].to_numpy(str if variable.kind == "categorical" else float)
        if f"{TWIN}{column}" in table:
            held[f"{TWIN}{variable.name}"] = table[f"{TWIN}{column}"].to_numpy(str if variable.kind == "categorical" else float)
    rows = table["clip"].to_numpy()
    if clips.recorded is not None:
        done = dict(zip(RECORDED, (clips.recorded.actions, clips.recorded.states), strict=True))
        held |= {name: part[rows] for name, part in done.items() if part is not None}
    # pixels and splits are named by the clip set, which labels and actions are no part of
    name = f"{source.digest}-{clips.digest}-{digest_of(*(held[part] for part in sorted(held)))}.npz"
    if not files.has(name):
        files.sweep()
        held |= {VIDEO: source.videos[rows], GROUP: table["scene"].to_numpy()}
        held |= {} if source.twins is None else {f"{TWIN}{VIDEO}": source.twins[rows]}
        held |= {} if source.masks is None else {MASK: source.masks[rows]}
        with files.writing(name) as temporary:
            np.savez(temporary, **held)
    return files.root / name
