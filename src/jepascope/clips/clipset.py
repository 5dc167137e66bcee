"""ClipSet: clips plus their factors, scene ids and splits. Lazy: pixels are made when asked for, never all at once."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope.clips.classes import classes_of, values_of
from jepascope.clips.column_kind import MISSING, Asked, class_names
from jepascope.clips.labels import described
from jepascope.clips.labels_file import read_labels
from jepascope.clips.picture import image, png, shades
from jepascope.clips.recorded import Recorded
from jepascope.clips.variables import Variable, variable_named
from jepascope.errors import BadArgument, BadData

SPLITS = ("fit", "judge", "test")
HASHED = 1000  # rows of the factor table turned to text at once
SHOWN, SIDE = 8, 96  # clips in a notebook's picture, and pixels a side at most
COVERED = 0.1  # a token belongs to the object when at least this share of its pixels does
AT_ONCE = 1 << 26  # numbers of pixels that are held: a quarter of a gigabyte


@runtime_checkable
class ClipSource(Protocol):
    """Where pixels come from: a renderer or files on disk."""

    @property
    def digest(self) -> str:
        """Changes whenever the pixels of a row of factors would."""

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor: ...
    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor: ...


@dataclass(frozen=True)
class ClipSet:
    """Clips of one length and size over a table of factors (one row a clip).

    ``factors`` has at least ``scene`` (clips of one scene share it; splits never part them), ``split`` (fit, judge or
    test) and one column per factor. ``frames`` and ``size`` are pixels in time and space; ``at`` changes them. ``own`` are
    variables that the clips carry as labels besides their factors (see ``labelled``), ``recorded`` the actions that were taken in them.
    """

    name: str
    factors: pd.DataFrame
    source: ClipSource
    frames: int = 16
    size: int = 64
    own: tuple[Variable, ...] = ()
    recorded: Recorded | None = None

    def __post_init__(self) -> None:
        if self.frames < 1 or self.size < 8:
            raise BadArgument(
                f"Clip set '{self.name}': {self.frames} frames of {self.size} pixels cannot be rendered; "
                "ask for at least 1 frame of 8 pixels."
            )
        for column in ("scene", "split"):
            if column not in self.factors:
                raise BadData(f"Clip set '{self.name}' has no column '{column}' in its factor table.")
        crossing = self.factors.groupby("scene")["split"].nunique()
        if (crossing > 1).any():
            raise BadData(
                f"Clip set '{self.name}': scene {crossing.idxmax()} lies in more than one of {SPLITS}; splits must part whole scenes."
            )

    def __len__(self) -> int:
        return len(self.factors)

    def __repr__(self) -> str:
        counts = self.factors["split"].value_counts()
        parts = ", ".join(f"{counts.get(s, 0)} {s}" for s in SPLITS)
        return f"ClipSet('{self.name}', {len(self)} clips ({parts}), {self.frames} frames x {self.size} px)"

    def _repr_html_(self) -> str:
        """What it is, and the first frames of some clips above their last ones."""
        if not len(self):
            return f"<p>{html.escape(repr(self))}</p>"
        rows = np.unique(np.linspace(0, len(self) - 1, min(SHOWN, len(self))).round().astype(int))
        step = -(-self.size // SIDE)
        ends = [self.video([row])[0, [0, -1], :, ::step, ::step] for row in rows]
        pixels = torch.stack(ends).permute(1, 3, 0, 4, 2).numpy()  # (first and last, rows, clips, columns, colours)
        sheet = shades(pixels).reshape(2 * pixels.shape[1], -1, 4)
        said = f"First and last frame of {len(rows)} of them"
        return f"<p>{html.escape(repr(self))}. {said}:</p>{image(png(sheet), said)}"

    @property
    def digest(self) -> str:
        """Names pixels and factors: source version, factor table, frames and size. Labels of one's own and actions change no pixel."""
        table = self.factors.drop(columns=[column for variable in self.own for column in variable.columns]).reset_index(drop=True)
        head = json.dumps([self.source.digest, self.frames, self.size, list(table.columns)])
        named = hashlib.sha256(head.encode())
        for start in range(0, max(1, len(table)), HASHED):  # as one text, a million clips would take half a gigabyte
            part = table.iloc[start : start + HASHED]
            named.update(part.to_csv(index=False, header=start == 0, float_format="%.17g").encode())
        return named.hexdigest()[:16]

    def at(self, frames: int, size: int) -> ClipSet:
        """The same scenes at another length and size."""
        return replace(self, frames=frames, size=size)

    def split(self, name: str) -> ClipSet:
        """The clips of one split."""
        if name not in SPLITS:
            raise BadArgument(f"There is no split '{name}'; splits are {', '.join(SPLITS)}.")
        return self.select(np.asarray(self.factors["split"] == name))

    def select(self, rows: Bool[np.ndarray, " clips"] | Int[np.ndarray, " rows"] | Sequence[int] | Sequence[bool]) -> ClipSet:
        """A part of the clips, in the order asked for."""
        rows = np.asarray(rows, dtype=None if len(rows) else np.int64)
        if rows.dtype == bool and len(rows) != len(self):
            raise BadArgument(f"Clip set '{self.name}' has {len(self)} clips; a mask of {len(rows)} cannot select from it.")
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(self, factors=self.factors.iloc[index].reset_index(drop=True))

    def with_factors(self, name: str, **columns: Any) -> ClipSet:
        """The same scenes with some factors replaced and everything else identical (counterfactual twins)."""
        unknown = set(columns) - set(self.factors.columns)
        if unknown:
            raise BadArgument(f"Clip set '{self.name}' has no factor '{sorted(unknown)[0]}'; it has {', '.join(self.factors.columns)}.")
        return replace(self, name=name, factors=self.factors.assign(**columns))

    def labelled(
        self, name: str, values: Sequence[Any] | np.ndarray | pd.Series, kind: Asked = "auto", missing: Sequence[str] = MISSING
    ) -> ClipSet:
        """The same clips with labels of one's own, one a clip: numbers or text (see ``described`` for the classes they make).

        ``labels(name)`` and ``values(name)`` then read them; no twin can be rendered for them.
        """
        if len(values) != len(self):
            raise BadData(f"Clip set '{self.name}' has {len(self)} clips; {len(values)} labels '{name}' do not fit.")
        cells = [str(value).strip() for value in values]
        variable = described(name, cells, lambda row: f"labels '{name}'" + ("" if row < 0 else f", clip {row}"), kind, missing)
        column = [float(cell) for cell in cells] if variable.kind == "numeric" else class_names(cells)
        own = (*(other for other in self.own if other.name != name), variable)
        return replace(self, factors=self.factors.assign(**{variable.columns[0]: column}), own=own)

    def labelled_from(self, path: str | Path, column: str, kind: Asked = "auto", missing: Sequence[str] = MISSING) -> ClipSet:
        """The same clips with a column of a labels file (CSV with a header and a column 'scene', or 'clip' counted from 0)."""
        file, scenes = read_labels(Path(path).expanduser()), self.factors["scene"].tolist()
        file.variable(column, scenes, kind, missing)  # refuses with the line of the file
        return self.labelled(column, file.cells(column, scenes), kind, missing)

    def labels(self, variable: str) -> tuple[Int[np.ndarray, " clips"], tuple[str, ...]]:
        """Class index of each clip and the class names (those of the whole set, sorted in the variable's natural order)."""
        known = self.variable(variable)
        return classes_of(self.factors, known), known.classes

    def values(self, variable: str) -> Float64[np.ndarray, "clips outputs"] | None:
        """(cos, sin) of a circular variable, the numbers of a numeric one, None for a categorical one."""
        return values_of(self.factors, self.variable(variable))

    def variable(self, name: str) -> Variable:
        """The variable of that name: a factor, or labels that the clips carry."""
        return variable_named(name, self.own)

    def video(self, rows: slice | Sequence[int] | np.ndarray = slice(None)) -> Float[Tensor, "clips frames 3 size size"]:
        """Pixels in [0, 1]."""
        return self.source.video(self._rows(rows), self.frames, self.size)

    def _rows(self, rows: slice | Sequence[int] | np.ndarray) -> pd.DataFrame:
        return self.factors.iloc[rows if isinstance(rows, slice | np.ndarray) else list(rows)]

    def batches(self, size: int) -> Iterator[tuple[slice, Tensor]]:
        """Consecutive slices of at most ``size`` clips and their pixels; of fewer where clips are long."""
        few = max(1, min(size, AT_ONCE // (self.frames * 3 * self.size**2)))
        for start in range(0, len(self), few):
            rows = slice(start, min(start + few, len(self)))
            yield rows, self.video(rows)

    def object_tokens(
        self, grid: tuple[int, int, int], rows: slice | Sequence[int] | np.ndarray = slice(None)
    ) -> Bool[Tensor, "clips tokens"]:
        """Tokens of the places that the object passes, at all times; (time, height, width) in V-JEPA's time-major order.

        A place counts when at some time at least a tenth of its pixels are covered; the most covered one always counts, so
        that no clip has an empty selection. The selection is the same at all times: one that followed the object would itself
        tell which way it moves, even on a clip whose motion was taken away.
        """
        asked = self._rows(rows)
        few = max(1, AT_ONCE // (self.frames * self.size**2))  # a mask is small, and what it is made of is not
        shares = (self.source.coverage(asked.iloc[start : start + few], self.frames, self.size) for start in range(0, len(asked), few))
        most = [torch.nn.functional.adaptive_avg_pool3d(share[:, None], grid)[:, 0].amax(dim=1).flatten(1) for share in shares]
        pooled = torch.cat(most) if most else torch.empty(0, grid[1] * grid[2])
        passed = (pooled >= COVERED) | (pooled == pooled.amax(dim=1, keepdim=True))
        return passed.repeat(1, grid[0])
