"""Files of arrays: clips as .npz (videos with labels) or .npy (videos alone), looked at before anything of them is read.

An .npz holds ``video`` and one array of labels a variable, one a clip; where there are any ``group`` (clips of one group stay in one
split), ``mask`` (where the object is), ``twin_video`` and ``twin_NAME`` (the clip's twin, and what it shows), and, with three axes,
``actions`` and ``states`` (see ``recorded``). Nothing in it is run: pickled objects are refused. Imports neither torch nor pandas.
"""

from __future__ import annotations

import functools
import hashlib
import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jepascope.clips.column_kind import MAX_CELL
from jepascope.clips.labels_file import LabelsFile
from jepascope.disk.named import check_named, open_named
from jepascope.disk.shortage import REMEDIES, shortage
from jepascope.errors import BadArgument, BadData

ENDINGS = (".npz", ".npy")
VIDEO, GROUP, MASK, TWIN = "video", "group", "mask", "twin_"
RECORDED = ("actions", "states")
MAX_ARRAYS = 100
MAX_CLIPS = 1_000_000
MAX_LOADED = 2**35  # bytes of an .npz, whose arrays are read whole; those of an .npy are read as they are asked for


@dataclass(frozen=True)
class Header:
    """Shape and type of one array of a file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class ArrayFile:
    """What a file of arrays holds. ``labels``: as those of a labels file whose rows are clips; ``twins``: the labels of the twins."""

    path: Path
    headers: Mapping[str, Header]
    labels: LabelsFile
    twins: Mapping[str, list[str]]
    digest: str

    @property
    def recorded(self) -> dict[str, Header]:
        """Actions and states, where the file has them."""
        return {name: header for name, header in self.headers.items() if _is_recorded(name, header)}

    @property
    def clips(self) -> int:
        return self.headers[VIDEO].shape[0]

    def array(self, name: str) -> np.ndarray | None:
        """One of its arrays; None where it has none of that name. Of an .npy only what is asked for is ever read."""
        if name not in self.headers:
            return None
        if self.path.suffix == ".npy":
            check_named(self.path)
            whole: np.ndarray = np.load(self.path, mmap_mode="r", allow_pickle=False)
            return whole
        with open_named(self.path) as file, np.load(file, allow_pickle=False) as held:
            part: np.ndarray = held[name]
            return part


def is_arrays(clips: object) -> bool:
    """Whether ``clips`` is the path of a file of arrays."""
    return isinstance(clips, str) and Path(clips).suffix in ENDINGS and not Path(clips).expanduser().is_dir()


def read_arrays(path: Path) -> ArrayFile:
    """The file, checked: BadArgument where it is not there, BadData for one that holds no clips."""
    path = path.expanduser()
    try:
        about = check_named(path)
    except OSError as error:
        raise BadArgument(f"The file of clips '{path}' cannot be read ({error.strerror}); give an .npz or .npy file.") from None
    return _read(path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _read(path: Path, size: int, modified: int) -> ArrayFile:
    try:
        headers = dict(_headers(path))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, SyntaxError, MemoryError) as error:
        if isinstance(error, OSError) and (lack := shortage(error)) is not None:  # MemoryError is a header's that is nested too deep
            raise BadData(f"'{path}' could not be read: {lack}. {REMEDIES[lack]} and run again.") from None
        raise BadData(f"'{path}' is no file of arrays as numpy writes them ({str(error)[:120] or type(error).__name__}).") from None
    if VIDEO not in headers:
        raise BadData(f"'{path}' has no array '{VIDEO}' (it has {', '.join(list(headers)[:8]) or 'none'}); save the clips under that name.")
    for name, header in headers.items():
        if header.dtype.hasobject:
            raise BadData(f"'{path}', array '{name}': it holds Python objects, which are never read; save numbers, or text as numpy's 'U'.")
    clips = headers[VIDEO].shape[0] if headers[VIDEO].shape else 0
    if not 1 <= clips <= MAX_CLIPS:
        raise BadData(f"'{path}' holds {clips} clips; it has to be 1 to {MAX_CLIPS:,}.")
    for name, header in headers.items():
        if header.shape[:1] != (clips,):
            raise BadData(f"'{path}', array '{name}': its shape is {header.shape}, and there are {clips} clips; it needs one entry a clip.")
    if path.suffix == ".npz" and size > 0 and sum(_bytes(header) for header in headers.values()) > MAX_LOADED:
        raise BadData(f"'{path}' unpacks to more than {MAX_LOADED / 1e9:.0f} GB; save the videos as .npy, which is read as it is needed.")
    pixels = (VIDEO, GROUP, MASK, f"{TWIN}{VIDEO}")
    names = [name for name, header in headers.items() if name not in pixels and not _is_recorded(name, header)]
    cells = {name: _cells(path, name, headers[name]) for name in names}
    own = {name: column for name, column in cells.items() if not name.startswith(TWIN)}
    twins = {name.removeprefix(TWIN): column for name, column in cells.items() if name.startswith(TWIN)}
    if strange := sorted(twins.keys() - own):
        raise BadData(f"'{path}', array '{TWIN}{strange[0]}': there is no array '{strange[0]}' that it would be the twins' values of.")
    with open_named(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    labels = LabelsFile(path, digest, "clip", {row: row for row in range(clips)}, range(clips), own)
    return ArrayFile(path, headers, labels, twins, digest)


def _headers(path: Path) -> Iterator[tuple[str, Header]]:
    if path.suffix == ".npy":
        with open_named(path) as file:
            header = _header(file)
            if not header.dtype.hasobject and path.stat().st_size - file.tell() != _bytes(header):
                raise ValueError("its size does not fit its header: is it complete?")
            yield VIDEO, header
        return
    with open_named(path) as file, zipfile.ZipFile(file) as held:
        parts = held.infolist()
        if len(parts) > MAX_ARRAYS:
            raise ValueError(f"it holds {len(parts)} arrays, more than {MAX_ARRAYS}")
        for part in parts:
            with held.open(part) as member:
                header = _header(member)
                if not header.dtype.hasobject and part.file_size - member.tell() != _bytes(header):
                    raise ValueError(f"the size of '{part.filename}' does not fit its header")
                yield part.filename.removesuffix(".npy"), header


def _is_recorded(name: str, header: Header) -> bool:
    """Labels may be called so too: they have one axis."""
    return name in RECORDED and len(header.shape) == 3


def _header(file: Any) -> Header:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return Header(tuple(shape), dtype)


def _bytes(header: Header) -> int:
    return math.prod(header.shape) * header.dtype.itemsize


def _cells(path: Path, name: str, header: Header) -> list[str]:
    """A label array as the texts of a labels file's column."""
    if len(header.shape) != 1 or header.dtype.kind not in "biufUS" or header.dtype.itemsize > 4 * MAX_CELL:
        raise BadData(f"'{path}', array '{name}': labels are one number or one text a clip, not {header.shape} of {header.dtype}.")
    with open_named(path) as file, np.load(file, allow_pickle=False) as held:
        return texts(held[name])


def texts(values: Any) -> list[str]:
    """Labels as text: numbers as Python writes them."""
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in np.asarray(values).tolist()]
