"""What the clips of a spec are: a clip set, a file of arrays, or a folder of videos. What each fills in, allows and knows of its clips.

Settled before any video is opened. Imports neither torch, pandas, PyAV nor OpenCV at first.
"""

from __future__ import annotations

import functools
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from jepascope.catalog import is_code
from jepascope.clips.array_file import MASK, TWIN, VIDEO, is_arrays, read_arrays
from jepascope.clips.column_kind import Asked, was_numeric
from jepascope.clips.entries import CLIP_SETS
from jepascope.clips.labels_file import LabelsFile, read_labels
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.variables import VARIABLES, Variable, variable_named
from jepascope.clips.video.variable import USUAL, folder_variable, variable_given
from jepascope.errors import BadArgument, quoted
from jepascope.study.refusals import FieldRefused

FOLDER_ONLY = ("clips_digest", "seconds", "per_source", "splits", "classes", "subspaces_from", "subspaces_digest")


@dataclass(frozen=True)
class AskedClips(ABC):
    """``clips``: as the spec has it. ``usual``: what fields are where nothing is said; ``own_fields``: those that are about such clips."""

    clips: str
    usual: ClassVar[dict[str, Any]] = {}
    own_fields: ClassVar[tuple[str, ...]] = ()
    of_videos: ClassVar[bool] = False
    of_arrays: ClassVar[bool] = False

    @property
    def path(self) -> Path:
        return Path(self.clips).expanduser()

    @property
    def name(self) -> str:
        """What the clips are called."""
        return self.clips.rpartition(":")[2]

    @property
    def has_objects(self) -> bool:
        """Whether it is known where the object is."""
        return True

    @property
    def recorded(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the actions, and of the states, that clips carry; none where nobody recorded any."""
        return {}

    @property
    def angles(self) -> str:
        """Which directions the scenes move in, where they are drawn (``ClipSetEntry.angles``); "" where that is not known."""
        return ""

    def others(self, variable: str) -> list[str]:
        """Factors that every scene has besides the variable."""
        return []

    def count(self, per_class: int) -> int:
        """Clips of a set, which has so many a direction, or of a file; of real videos they are counted later."""
        return len(DIRECTION_NAMES) * per_class

    def filled(self, values: dict[str, Any]) -> dict[str, Any]:
        """Fields of a spec with everything filled in that is not given: what is usual, and what names the contents."""
        return values

    def labels_file(self, path: Path) -> Any:
        return read_labels(path)

    @abstractmethod
    def variable(self, spec: Any) -> Variable:
        """What the spec's ``variable`` names: its kind, classes and values."""

    def refuse(self, spec: Any) -> None:
        """FieldRefused for fields that such clips do not allow."""
        given = [name for name in FOLDER_ONLY if name not in self.own_fields and getattr(spec, name) is not None]
        if given:
            what = f"{'' if self.of_arrays else 'the set '}'{self.clips}'"
            raise FieldRefused(given[0], f"it is about real videos, and clips is {what}; leave it out, or give a folder")


class ClipSetAsked(AskedClips):
    """A clip set by its name, of ours or somebody's."""

    @property
    def _names_its_own(self) -> bool:
        """Whether its clips are studied for what they carry themselves, and not for the factors of the procedural scenes."""
        return self.clips not in CLIP_SETS.own and bool(CLIP_SETS.entry(self.clips).variables)

    @property
    def angles(self) -> str:
        return CLIP_SETS.entry(self.clips).angles

    def others(self, variable: str) -> list[str]:
        return [] if self._names_its_own else [name for name in VARIABLES if name != variable]

    def variable(self, spec: Any) -> Variable:
        if spec.labels is not None:
            return _labelled(spec)
        if self.clips in CLIP_SETS.own or (spec.variable in VARIABLES and not self._names_its_own):
            return variable_named(spec.variable)
        return _set_variable(spec.variable, self.clips, spec.seed, spec.clips_per_class)


class ArraysAsked(AskedClips):
    """A file of arrays. There are no other clips of their kind to carry anything to."""

    usual: ClassVar[dict[str, Any]] = {"port_clips": (), "peels": 0}
    own_fields: ClassVar[tuple[str, ...]] = ("clips_digest",)
    of_arrays: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def has_objects(self) -> bool:
        return MASK in read_arrays(Path(self.clips)).headers

    @property
    def recorded(self) -> dict[str, tuple[int, ...]]:
        return {name: header.shape for name, header in read_arrays(Path(self.clips)).recorded.items()}

    def count(self, per_class: int) -> int:
        return read_arrays(Path(self.clips)).clips

    def filled(self, values: dict[str, Any]) -> dict[str, Any]:
        """The file's only labels are the variable. BadArgument for another file than a saved spec was made with."""
        file, saved = read_arrays(self.path), values.get("clips_digest")
        if saved not in (None, file.digest):
            raise BadArgument(
                f"'{self.clips}' is not the file that the spec was made with (clips_digest {str(saved)[:16]}, now {file.digest}); put that "
                "file back, or drop clips_digest for a new study."
            )
        given, columns = _given(values), list(file.labels.columns)
        if "variable" not in given and "labels" not in given:
            if len(columns) != 1:
                names = ", ".join(columns) or "(none)"
                raise BadArgument(
                    f"'{self.path}' has the labels {names}; say which are studied, as in --variable {quoted(columns[0])}."
                    if columns
                    else f"'{self.path}' has no labels; give a labels file (--labels) with a column 'clip', or save them in an .npz."
                )
            given["variable"] = columns[0]
        return {**values, **self.usual, **given, "clips": str(self.path.resolve()), "clips_digest": file.digest}

    def variable(self, spec: Any) -> Variable:
        if spec.labels is not None:
            return _labelled(spec)
        return _array_variable(spec.variable, self.clips, str(spec.clips_digest), spec.kind, spec.no_label)

    def refuse(self, spec: Any) -> None:
        super().refuse(spec)
        if not self.has_objects:
            _refuse_objects(spec, f"'{self.clips}' has no masks of the object; save them as its array 'mask', or leave it out")
        if spec.port_clips:
            raise FieldRefused("port_clips", "there are no other clips of the kind of a file of arrays; leave it out")


class FolderAsked(AskedClips):
    """A folder of videos. Swaps take from other videos, so what a swap does with nothing to carry is asked."""

    usual: ClassVar[dict[str, Any]] = {
        **USUAL,
        "port_clips": (),
        "peels": 0,
        "extra_controls": ("self_swap",),
    }
    own_fields: ClassVar[tuple[str, ...]] = FOLDER_ONLY
    of_videos: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def has_objects(self) -> bool:
        return False

    def filled(self, values: dict[str, Any]) -> dict[str, Any]:
        """A digest that is given is kept: whether the videos are still the same is asked when they are needed, so that a finished run can
        be told about without them."""
        from jepascope.clips.video.contents import folder_digest

        digest = values.get("clips_digest") or folder_digest(self.path)
        return {**values, **self.usual, **_given(values), "clips": str(self.path.resolve()), "clips_digest": digest}

    def labels_file(self, path: Path) -> Any:
        from jepascope.clips.video.labels import read_video_labels

        return read_video_labels(path)

    def variable(self, spec: Any) -> Variable:
        made_of = (self.clips, str(spec.clips_digest), spec.labels, spec.labels_digest, spec.kind, spec.no_label)
        return folder_variable(spec.variable, spec.classes, *made_of)

    def refuse(self, spec: Any) -> None:
        _refuse_objects(spec, "nobody drew where the object of a real video is: tokens are all, or tubelets such as time:0-1")
        for field, why in (
            ("port_clips", "a folder of videos has no other clip sets; carry a run's subspaces to it with subspaces_from"),
            ("peels", "degeneracy is not tested on real videos, whose tests have no intervals over videos; leave peels out"),
        ):
            if getattr(spec, field):
                raise FieldRefused(field, why)


def asked_clips(clips: str) -> AskedClips:
    """What ``clips`` are."""
    return ArraysAsked(clips) if is_arrays(clips) else FolderAsked(clips) if is_folder(clips) else ClipSetAsked(clips)


def is_folder(clips: object) -> bool:
    """Whether ``clips`` is the path of a folder, and no clip set's name."""
    if not isinstance(clips, str) or not clips.strip() or clips in CLIP_SETS or is_arrays(clips):
        return False
    return os.sep in clips or "/" in clips or clips in (".", "..") or Path(clips).expanduser().is_dir()


def are_known(clips: str) -> bool:
    """Whether clips are of a set, of ours or somebody's, a file of arrays, or a folder."""
    return clips in CLIP_SETS or is_code(clips) or is_arrays(clips) or is_folder(clips)


def named_by_contents(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a spec as they are given, with what its clips and its labels file fill in: digests of their contents, and what is usual.

    BadArgument for other files than a saved spec was made with.
    """
    asked = asked_clips(values["clips"]) if isinstance(values.get("clips"), str) else None
    values = values if asked is None else asked.filled(values)
    if not isinstance(values.get("labels"), str):
        return values
    path, saved = Path(values["labels"]).expanduser(), values.get("labels_digest")
    file = read_labels(path) if asked is None else asked.labels_file(path)
    if saved not in (None, file.digest):
        raise BadArgument(
            f"'{values['labels']}' is not the labels file that the spec was made with (labels_digest {str(saved)[:16]}, now "
            f"{file.digest}); put that file back, or drop labels_digest for a new study."
        )
    variable = variable_given(list(file.columns), values["labels"], values.get("variable"))
    filled = {"labels_digest": file.digest} | ({} if variable is None else {"variable": variable})
    fresh = saved is None or "kind" in values or variable is None or variable not in file.columns
    if not fresh and was_numeric(str(variable), file.texts(str(variable))):
        filled["kind"] = "numeric"  # a saved spec of a version that read whole numbers so
    return {**values, **filled}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _refuse_objects(spec: Any, why: str) -> None:
    if spec.tokens == "object" or spec.scope in ("object", "background"):
        raise FieldRefused("tokens" if spec.tokens == "object" else "scope", why)


def _labelled(spec: Any) -> Variable:
    """A column of the spec's labels file, a row a scene."""
    return _column(spec.labels, str(spec.labels_digest), spec.variable, spec.asked.count(spec.clips_per_class), spec.kind, spec.no_label)


@functools.lru_cache(maxsize=8)
def _column(path: str, digest: str, column: str, scenes: int, kind: Asked, missing: tuple[str, ...]) -> Variable:
    """For scenes 0, 1, 2, ...; ``digest`` is there for the cache, as below."""
    file: LabelsFile = read_labels(Path(path).expanduser())
    if column in VARIABLES and column not in file.columns:
        raise BadArgument(
            f"'{column}' is a factor of the scenes and needs no labels: name a column of '{path}' ({', '.join(file.columns)}) with "
            "--variable, or leave the labels out."
        )
    return file.variable(column, range(scenes), kind, missing)


@functools.lru_cache(maxsize=8)
def _array_variable(name: str, path: str, digest: str, kind: Asked, missing: tuple[str, ...]) -> Variable:
    """What an array of labels holds, with twins where the file brings them."""
    file = read_arrays(Path(path))
    variable, own, twins = file.labels.variable(name, range(file.clips), kind, missing), file.labels.columns[name], file.twins.get(name)
    paired = twins is not None and f"{TWIN}{VIDEO}" in file.headers and all(a != b for a, b in zip(own, twins, strict=False))
    return replace(variable, rendered=paired)


@functools.lru_cache(maxsize=8)
def _set_variable(name: str, clips: str, seed: int, per_class: int) -> Variable:
    """What the clips of a set carry under that name."""
    from jepascope.clips.presets import preset

    return preset(clips, seed, per_class=per_class).variable(name)
