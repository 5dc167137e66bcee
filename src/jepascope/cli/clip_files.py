"""What ``clips`` writes into its folder: pictures, videos, tables, and a record of them (clips.json)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jepascope.cli.terminal import Bars, bars
from jepascope.clips.animation import eight_bit, write_gif, write_mp4
from jepascope.clips.classes import in_turn
from jepascope.clips.clipset import SPLITS, ClipSet
from jepascope.clips.clutter import MEANINGS
from jepascope.clips.contact_sheet import contact_sheet
from jepascope.clips.degrade import DEGRADATIONS, end_position_limit, still_pixels
from jepascope.clips.factors import direction_offset
from jepascope.clips.presets import twins
from jepascope.clips.ranges import DIRECTION_NAMES, SHAPES
from jepascope.disk.folder import Folder, is_own
from jepascope.disk.plain import read_object
from jepascope.disk.plain import written as as_json
from jepascope.errors import BadArgument, RunFolderError

RECORD = "clips.json"
OWN = re.compile(r"(sheet\.png|clips\.gif|factors\.csv|twins\.csv|leaks\.csv|mp4/[0-9]+-[\w-]+\.mp4)")
GIF_COLUMNS = 4
BATCH_PIXELS = 1 << 22  # of clips rendered at once
FOLDS = 5  # of the fit clips in cross-validation; fewer where a class has fewer


@dataclass(frozen=True)
class Shown:
    """A clip that is shown by itself, or a twin."""

    clips: ClipSet
    row: int
    title: str
    file: str


@dataclass(frozen=True)
class Target:
    """Where a format goes: names of files of the folder."""

    folder: Folder
    files: list[str]


def write_clips(
    clips: ClipSet, variable: str, formats: tuple[str, ...], path: Path, limit: int, with_twins: bool, drawn: dict[str, int]
) -> dict[str, Any]:
    """Writes each of the formats; the record of the folder, with what was ``written`` now and what was ``removed``.

    Files of an earlier call are kept where they show the same clips and variable, and removed where they do not.
    """
    folder = Folder(path)
    earlier = _earlier(folder)
    beside = twins(clips, variable) if with_twins else None
    record: dict[str, Any] = {**_described(clips, variable), **drawn}
    files = {name: _names(name, clips, beside, variable, limit) for name in formats}
    written = [file for names in files.values() for file in names]
    old = [name for name in earlier.get("files", []) if isinstance(name, str) and OWN.fullmatch(name)]
    foreign = [name for name in written if folder.has(name) and name not in old]
    if foreign:
        raise BadArgument(f"'{path / foreign[0]}' was not written by this command and would be overwritten; choose another --out.")
    same = all(earlier.get(key) == record[key] for key in ("digest", "variable"))
    listed = sorted({*old, *written})
    folder.write(RECORD, as_json({**record, "files": listed}))  # before the files, so that those of a call that was stopped are known
    with bars() as progress:
        for name in formats:
            record |= WRITERS[name](Target(folder, files[name]), clips, beside, variable, limit, progress)
    removed = [] if same else [name for name in old if name not in written]
    for name in removed:
        folder.remove(name)
    record["files"] = [name for name in listed if name not in removed]
    folder.write(RECORD, as_json(record))
    return {**record, "written": [*written, RECORD], "removed": removed}


def _earlier(folder: Folder) -> dict[str, Any]:
    """The record of an earlier call; refuses a folder that holds something else or cannot be written, and makes one that is not there.
    What a call that was killed was writing is removed."""
    path = folder.root
    if path.exists() and not path.is_dir():
        raise BadArgument(f"'{path}' is a file; give a folder with --out.")
    record = read_object(folder, RECORD) if folder.has(RECORD) else {}
    if record.get("kind", "clips") != "clips" or not isinstance(record.get("files", []), list):
        raise BadArgument(f"'{path / RECORD}' is not a record of this command; nothing was changed. Choose another --out.")
    try:
        folder.make()
        strange = not record and any(not is_own(entry.name) for entry in path.iterdir())
    except (OSError, RunFolderError):
        raise BadArgument(f"'{path}' cannot be written; give another folder with --out.") from None
    if strange:
        raise BadArgument(f"'{path}' is neither empty nor a folder of this command; nothing was changed. Choose another --out.")
    if not os.access(path, os.W_OK | os.X_OK):
        raise BadArgument(f"'{path}' is not writable; make it so, or give another folder with --out.")
    folder.sweep()
    return record


def _described(clips: ClipSet, variable: str) -> dict[str, Any]:
    labels, names = clips.labels(variable)
    counts = clips.factors["split"].value_counts()
    return {
        "schema": 1,
        "kind": "clips",
        "name": clips.name,
        "digest": clips.digest,
        "frames": clips.frames,
        "size": clips.size,
        "variable": variable,
        "splits": {split: int(counts[split]) for split in SPLITS},
        "classes": {name: int((labels == label).sum()) for label, name in enumerate(names)},
        "factors": {column: _range(clips, column) for column in map(str, clips.factors) if column not in ("scene", "split", "noise_seed")},
    }


def _range(clips: ClipSet, column: str) -> dict[str, Any]:
    """What occurs in these clips: values of names and of what is the same in all, else the least and the largest number."""
    held, meaning = clips.factors[column], {"meaning": MEANINGS[column]}
    if held.dtype.kind not in "fi" or held.nunique() <= 2:
        order = [*DIRECTION_NAMES, *SHAPES]
        values = held.unique().tolist()
        return {"values": sorted(values, key=order.index) if isinstance(values[0], str) else sorted(values), **meaning}
    return {"low": float(held.min()), "high": float(held.max()), **meaning}


def _shown(clips: ClipSet, beside: ClipSet | None, variable: str, count: int) -> list[Shown]:
    """The first clip of each class, then the second of each, ...; each with its twin after it, where there are twins."""
    shown = []
    for row in in_turn(clips.labels(variable)[0])[:count].tolist():
        for of, before in ((clips, ""), (beside, "twin")):
            if of is not None:
                labels, names = of.labels(variable)
                label = names[labels[row]]
                file = "-".join(part for part in (f"{of.factors['scene'].iloc[row]:04d}", before, label.replace(" ", "-")) if part)
                shown.append(Shown(of, row, f"twin: {label}" if before else label, f"mp4/{file}.mp4"))
    return shown


def _names(name: str, clips: ClipSet, beside: ClipSet | None, variable: str, limit: int) -> list[str]:
    """The files of a format."""
    if name == "mp4":
        return [shown.file for shown in _shown(clips, beside, variable, limit)]
    if name == "table":
        return ["factors.csv"] if beside is None else ["factors.csv", "twins.csv"]
    return [{"sheet": "sheet.png", "gif": "clips.gif", "leaks": "leaks.csv"}[name]]


def _sheet(to: Target, clips: ClipSet, beside: ClipSet | None, variable: str, limit: int, progress: Bars) -> dict[str, Any]:
    progress.start("sheet")
    with to.folder.writing(to.files[0]) as temporary:
        contact_sheet(clips, variable, beside).savefig(temporary, format="png")
    return {}


def _gif(to: Target, clips: ClipSet, beside: ClipSet | None, variable: str, limit: int, progress: Bars) -> dict[str, Any]:
    shown = _shown(clips, beside, variable, len(np.unique(clips.labels(variable)[0])))
    tick, pixels = progress.start("gif"), list[np.ndarray]()
    for clip in shown:
        pixels.append(eight_bit(clip.clips.video([clip.row])[0]))
        tick(len(pixels), len(shown) + 1)
    with to.folder.writing(to.files[0]) as temporary:
        write_gif(temporary, pixels, [clip.title for clip in shown], GIF_COLUMNS)
    tick(len(shown) + 1, len(shown) + 1)
    return {}


def _mp4(to: Target, clips: ClipSet, beside: ClipSet | None, variable: str, limit: int, progress: Bars) -> dict[str, Any]:
    tick = progress.start("mp4")
    for done, (clip, file) in enumerate(zip(_shown(clips, beside, variable, limit), to.files, strict=True)):
        with to.folder.writing(file) as temporary:
            write_mp4(temporary, eight_bit(clip.clips.video([clip.row])[0]))
        tick(done + 1, len(to.files))
    return {"mp4": {"files": len(to.files), "codec": "libx264rgb, crf 0", "exact": True}}  # write_mp4 raises where one is not


def _table(to: Target, clips: ClipSet, beside: ClipSet | None, variable: str, limit: int, progress: Bars) -> dict[str, Any]:
    for part, file in zip((clips, beside), to.files, strict=False):
        assert part is not None
        with to.folder.writing(file) as temporary:
            part.factors.to_csv(temporary, index=False)
    return {}


def _leaks(to: Target, clips: ClipSet, beside: ClipSet | None, variable: str, limit: int, progress: Bars) -> dict[str, Any]:
    import pandas as pd

    rows = pixel_leaks(clips, progress)
    with to.folder.writing(to.files[0]) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)
    return {"leaks": rows}


WRITERS: dict[str, Callable[[Target, ClipSet, ClipSet | None, str, int, Bars], dict[str, Any]]] = {
    "sheet": _sheet,
    "gif": _gif,
    "mp4": _mp4,
    "table": _table,
    "leaks": _leaks,
}


def pixel_leaks(clips: ClipSet, progress: Bars) -> list[dict[str, Any]]:
    """The leak check without an encoder: direction read from the grey pixels of clips whose motion was taken away.

    Columns as in leaks.parquet of a run folder, and ``verdict`` in words.
    """
    from jepascope.discovery.probes.leaks import leak_verdict
    from jepascope.study.discover.leaks import leak_rows
    from jepascope.study.discover.probed import PIXEL_SIDE

    parts: dict[str, list[torch.Tensor]] = {how: [] for how in DEGRADATIONS}
    tick = progress.start("render for the leak check")
    for rows, video in clips.batches(max(1, min(64, BATCH_PIXELS // (clips.frames * clips.size**2)))):
        for how in DEGRADATIONS:
            parts[how].append(still_pixels(video, how, PIXEL_SIDE))
        tick(rows.stop, len(clips))
    end = end_position_limit(continuous=bool(direction_offset(clips.factors["angle"].to_numpy()).any()))
    folds = min(FOLDS, int(np.bincount(clips.split("fit").labels("direction")[0]).min()))
    found, tick = list[dict[str, Any]](), progress.start("probe for the leak check")
    for done, how in enumerate(DEGRADATIONS):
        found += leak_rows(how, {f"pixels_{how}": torch.cat(parts[how])}, clips, "direction", folds, end)
        tick(done + 1, len(DEGRADATIONS))
    return [{**row, "verdict": leak_verdict(row)} for row in found]
