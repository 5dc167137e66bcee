"""Clips of one's own as arrays: in memory, or in a file (see ``array_file``).

>>> clips = js.clips.from_arrays(videos, labels={"kind": kinds}, groups=recordings)
>>> clips = js.clips.from_file("clips.npz")
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.clips.array_file import GROUP, MASK, RECORDED, TWIN, VIDEO, read_arrays, texts
from jepascope.clips.classes import classes_of
from jepascope.clips.clipset import ClipSet
from jepascope.clips.column_kind import MISSING, Asked, class_names
from jepascope.clips.recorded import Recorded
from jepascope.clips.video.splits import split_sources
from jepascope.errors import BadArgument, BadData

CHUNK = 2**22  # bytes that are digested at once
READING = "arrays-1"  # the rule by which arrays become pixels: change it when pixels change
Arrays = np.ndarray | Tensor | Sequence[Any]


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Pixels of rows with a column ``clip``: rows of ``videos``, and behind them those of ``twins``. Read as they are asked for."""

    videos: np.ndarray
    twins: np.ndarray | None
    masks: np.ndarray | None
    digest: str
    path: Path | None = None  # of the file that holds them

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
        """Pixels in [0, 1]: as many frames as are asked for, evenly spaced, of the largest square in the middle."""
        held = self.videos.shape[1]
        if frames > held:
            raise BadData(f"The clips have {held} frames, and {frames} are asked for; give longer clips, or an encoder of shorter ones.")
        at = np.linspace(0, held - 1, frames).round().astype(int)
        out = torch.empty(len(rows), frames, 3, size, size)
        for place, clip in enumerate(rows["clip"].to_numpy()):
            out[place] = _sized(_colours(self._clip(int(clip))[at]), size)
        return out

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        """Share of each pixel that the object covers, as the masks have it (a twin's is its clip's); ones where there are none."""
        if self.masks is None:
            return torch.ones(()).expand(len(rows), frames, size, size)
        at = np.linspace(0, self.masks.shape[1] - 1, frames).round().astype(int)
        out = torch.empty(len(rows), frames, size, size)
        for place, clip in enumerate(rows["clip"].to_numpy() % len(self.videos)):
            out[place] = _sized(torch.from_numpy(np.array(self.masks[clip][at], dtype=np.float32))[:, None], size)[:, 0]
        return out

    def _clip(self, index: int) -> np.ndarray:
        count = len(self.videos)
        part: np.ndarray = self.videos[index] if index < count or self.twins is None else self.twins[index - count]
        return part


def from_arrays(
    videos: Arrays,
    labels: Mapping[str, Any],
    groups: Sequence[Any] | np.ndarray | Tensor | None = None,
    twins: Mapping[str, Any] | None = None,
    masks: Arrays | None = None,
    kind: Asked = "auto",
    missing: Sequence[str] = MISSING,
    name: str = "arrays",
    seed: int = 0,
    actions: Arrays | None = None,
    states: Arrays | None = None,
) -> ClipSet:
    """Clips of one's own. ``videos``: (clips, frames, rows, columns, 3), or colours second or third; whole numbers from 0 to 255 or
    numbers from 0 to 1, as an array of NumPy (a memory map is read as needed), torch or lists.

    ``labels``: for each variable one number or text a clip; texts name classes, numbers as ``kind`` says (see ``ClipSet.labelled``).
    ``groups``: which clips belong together (one recording, one person): a group is never in two splits; default: each clip by itself.
    ``twins``: for each clip another one that differs in what is labelled alone: ``{"video": videos, "kind": y}``. Swaps then take from
    it; without, from another clip of another class. ``masks``: (clips, frames, rows, columns), where the object is. ``actions``: (clips,
    frames - 1, numbers), what was done between frames, and ``states``: (clips, frames, numbers), for encoders that can be rolled out; twins
    were given the same. Half of the groups fit, 0.3 judge and 0.2 test, balanced over the classes of the first variable; ``seed`` deals
    them out.
    """
    held, about = _videos(videos, "videos"), dict(twins or {})
    if not labels:
        raise BadArgument('from_arrays: labels names at least one variable, such as {"kind": kinds}.')
    if twins is not None and not (VIDEO in about and len(about) > 1 and about.keys() - {VIDEO} <= labels.keys()):
        raise BadArgument(f'from_arrays: twins holds "{VIDEO}" and what the twins show of {", ".join(labels)}, not {", ".join(about)}.')
    shown = _videos(about.pop(VIDEO), "twins") if twins is not None else None
    cover = None if masks is None else _array(masks)
    cells = {str(variable): texts(_array(values)) for variable, values in labels.items()}
    opposite = {str(variable): texts(_array(values)) for variable, values in about.items()}
    together = np.arange(len(held)) if groups is None else _array(groups)
    for what, given, shape in (
        ("twins", shown, held.shape),
        ("masks", cover, held.shape[:4]),
        ("groups", together, held.shape[:1]),
    ):
        if given is not None and given.shape != shape:
            raise BadData(f"from_arrays: {what} are of shape {given.shape}, and the videos of {held.shape}; {shape} is needed.")
    source = ArraySource(held, shown, cover, f"{READING}-{digest_of(held, shown, cover)}")
    recorded = None if actions is None else Recorded(_array(actions), None if states is None else _array(states))
    return _clip_set(source, cells, together, opposite, kind, missing, name, seed, recorded)


def from_file(
    path: str | Path,
    labels: Mapping[str, Sequence[str]] | None = None,
    kind: Asked = "auto",
    missing: Sequence[str] = MISSING,
    seed: int = 0,
) -> ClipSet:
    """The clips of an .npz or .npy file (see ``array_file``). ``labels``: others than the file's, one text a clip; an .npy has none."""
    file = read_arrays(Path(path))
    labels = labels or file.labels.columns
    if not labels:
        raise BadArgument(f"'{path}' has no labels; give a labels file (--labels) with a column 'clip', or save them in an .npz.")
    video, twin, cover, groups = (file.array(name) for name in (VIDEO, f"{TWIN}{VIDEO}", MASK, GROUP))
    assert video is not None
    held, shown = _videos(video, f"'{path}', array '{VIDEO}'"), None if twin is None else _videos(twin, f"'{path}', array '{TWIN}{VIDEO}'")
    opposite = {name: cells for name, cells in file.twins.items() if labels.get(name) == file.labels.columns.get(name)}
    together = np.arange(len(held)) if groups is None else groups
    source = ArraySource(held, shown, cover, f"{READING}-{file.digest}", file.path.resolve() if labels is file.labels.columns else None)
    done, measured = (file.array(name) if name in file.recorded else None for name in RECORDED)
    recorded = None if done is None else Recorded(done, measured)
    return _clip_set(source, labels, together, opposite if shown is not None else {}, kind, missing, Path(path).stem, seed, recorded)


def _clip_set(
    source: ArraySource,
    labels: Mapping[str, Sequence[str]],
    groups: np.ndarray,
    opposite: Mapping[str, Sequence[str]],
    kind: Asked,
    missing: Sequence[str],
    name: str,
    seed: int,
    recorded: Recorded | None,
) -> ClipSet:
    count, scenes = len(source.videos), np.unique(groups, return_inverse=True)[1].reshape(-1)
    table = pd.DataFrame({"scene": scenes, "split": "fit", "clip": np.arange(count)})
    recorded = None if recorded is None else recorded.check(count, source.videos.shape[1])
    clips = ClipSet(name, table, source, source.videos.shape[1], max(8, min(source.videos.shape[2:4])), recorded=recorded)
    for variable, cells in labels.items():
        clips = clips.labelled(variable, list(cells), kind, missing)
    for variable, cells in opposite.items():
        if len(cells) != count:
            raise BadData(f"Clip set '{name}' has {count} clips; {len(cells)} labels '{variable}' of twins do not fit.")
    split = split_sources(scenes, clips.labels(next(iter(labels)))[0], seed)
    return _paired(replace(clips, factors=clips.factors.assign(split=split)), opposite)


def _paired(clips: ClipSet, opposite: Mapping[str, Sequence[str]]) -> ClipSet:
    """The clips with a column ``twin_NAME`` for each column that their twins change (see ``presets.twins``)."""
    columns: dict[str, Any] = {f"{TWIN}clip": np.arange(len(clips)) + len(clips)} if opposite else {}
    own, apart = list(clips.own), False
    for place, variable in enumerate(own):
        if variable.name in opposite:
            column = variable.columns[0]
            cells = opposite[variable.name]
            values = [float(cell) for cell in cells] if variable.kind == "numeric" else class_names(cells, variable.classes)
            columns[f"{TWIN}{column}"] = values
            other = classes_of(clips.factors.assign(**{column: values}), variable)
            differs = bool((other != classes_of(clips.factors, variable)).all())
            own[place], apart = replace(variable, rendered=differs), apart or differs
    if opposite and not apart:
        raise BadData(f"Twins show another class than their clips of at least one variable; here some do not, of {', '.join(opposite)}.")
    return replace(clips, factors=clips.factors.assign(**columns), own=tuple(own))


def _array(values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _videos(values: Any, what: str) -> np.ndarray:
    """BadData for what cannot be clips, before any pixel is read."""
    given = _array(values)
    if given.ndim != 5 or 3 not in (given.shape[4], given.shape[2], given.shape[1]) or 0 in given.shape or given.dtype.kind not in "uif":
        raise BadData(
            f"{what}: clips are an array (clips, frames, rows, columns, 3) of numbers, or with the colours second or third, not "
            f"{given.shape} of {given.dtype}."
        )
    if given.shape[4] == 3:
        return given
    swapped: np.ndarray = given.transpose(0, 1, 3, 4, 2) if given.shape[2] == 3 else given.transpose(0, 2, 3, 4, 1)
    return swapped


def _colours(frames: np.ndarray) -> Float[Tensor, "frames 3 rows columns"]:
    """Pixels in [0, 1]: whole numbers are taken for 0 to 255."""
    whole = frames.dtype.kind in "ui"
    pixels = torch.from_numpy(np.array(frames, dtype=np.float32)).permute(0, 3, 1, 2)
    pixels = pixels / 255 if whole else pixels
    low, high = float(pixels.min()), float(pixels.max())
    if not 0 <= low <= high <= 1:
        raise BadData(f"Pixels are whole numbers from 0 to 255 or numbers from 0 to 1; a clip has {low:.4g} to {high:.4g}.")
    return pixels


def _sized(frames: Float[Tensor, "frames channels rows columns"], size: int) -> Float[Tensor, "frames channels size size"]:
    """The largest square in the middle, made as large as is asked for."""
    rows, columns = frames.shape[2:]
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    square = frames[:, :, top : top + side, left : left + side]
    if side == size:
        return square
    return torch.nn.functional.interpolate(square, (size, size), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def digest_of(*arrays: np.ndarray | None) -> str:
    """Names what arrays hold, in their order."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is None:
            digest.update(b"none")
            continue
        digest.update(f"{array.shape}{array.dtype}".encode())
        step = max(1, CHUNK // max(1, array[0].nbytes))
        for start in range(0, len(array), step):
            digest.update(np.ascontiguousarray(array[start : start + step]).tobytes())
    return digest.hexdigest()[:16]
