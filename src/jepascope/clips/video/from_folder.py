"""A folder of videos as clips in Python: those that a study of the folder would have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from jepascope.clips.clipset import ClipSet
from jepascope.clips.column_kind import MISSING, Asked
from jepascope.clips.variables import Variable
from jepascope.clips.video.contents import folder_digest
from jepascope.clips.video.enough import TooFew, official_number
from jepascope.clips.video.folder_clips import made
from jepascope.clips.video.labels import read_video_labels
from jepascope.clips.video.source import VideoSource
from jepascope.clips.video.variable import CLASS, USUAL, folder_variable, variable_given
from jepascope.errors import BadArgument, BadData, quoted


class _Unwatched:
    def start(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: None


@dataclass(frozen=True)
class FolderWanted:
    """A ClipsWanted (see ``enough``): fields of a spec, and the variable that they name."""

    clips: str
    clips_digest: str
    variable: str
    labels: str | None
    labels_digest: str | None
    kind: Asked
    missing: tuple[str, ...] | None
    classes: tuple[str, ...] | None
    seconds: float
    per_source: int
    splits: str
    clips_per_class: int
    seed: int
    state_variable: Variable

    @property
    def clips_name(self) -> str:
        return Path(self.clips).name

    @property
    def no_label(self) -> tuple[str, ...]:
        return MISSING if self.missing is None else self.missing

    @property
    def official_split(self) -> int | None:
        return official_number(self.splits)

    @property
    def fields(self) -> dict[str, Any]:
        """Those of a spec that are given."""
        given = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "state_variable"}
        return {name: value for name, value in given.items() if value is not None}


def from_folder(
    folder: str | Path,
    variable: str | None = None,
    labels: str | Path | None = None,
    *,
    classes: Sequence[str] | None = None,
    clips_per_class: int = 50,
    seconds: float = USUAL["seconds"],
    per_source: int = USUAL["per_source"],
    splits: str = USUAL["splits"],
    kind: Asked = "auto",
    missing: Sequence[str] | None = None,
    seed: int = 0,
) -> ClipSet:
    """Clips of the videos below a folder, whole videos parted over fit, judge and test (docs/videos.md).

    ``variable``: a column of ``labels`` (a CSV: file, start and end in seconds, label columns), "class" (a folder for each class; the
    default without labels), or "direction" (measured, with the ``classes`` to keep: ("E", "W")). The other fields are a spec's. Pixels
    are decoded when they are asked for. Raises BadArgument for what is not there, BadData for too few videos or clips of a class.
    """
    root, texts = str(Path(folder).expanduser().resolve()), None if missing is None else tuple(missing)
    digest, table = folder_digest(Path(folder)), None if labels is None else str(Path(labels).expanduser())
    file = None if table is None else read_video_labels(Path(table))
    name = (variable if file is None else variable_given(list(file.columns), str(labels), variable)) or CLASS
    kept, labels_digest = None if classes is None else tuple(classes), None if file is None else file.digest
    found = folder_variable(name, kept, root, digest, table, labels_digest, kind, MISSING if texts is None else texts)
    cut = (kept, seconds, per_source, splits, clips_per_class, seed)
    wanted = FolderWanted(root, digest, name, table, labels_digest, kind, texts, *cut, found)
    try:
        clips = made(wanted, _Unwatched()).clips
    except TooFew as short:
        raise BadData(f"{short}; `jepascope videos {quoted(folder)}` says what there is, and what would do.") from None
    assert isinstance(clips.source, VideoSource)
    return replace(clips, source=replace(clips.source, asked=wanted.fields, as_asked=clips.digest))


def asked_of(clips: ClipSet, source: VideoSource) -> dict[str, Any]:
    """The spec's fields that give these clips again; BadArgument where they are some of a folder's, or labelled anew."""
    if source.asked is None or clips.at(ClipSet.frames, ClipSet.size).digest != source.as_asked or len(clips.own) != 1:
        raise BadArgument(
            f"Clip set '{clips.name}' holds some of a folder's clips, or other labels, which nothing could make again; give js.study what "
            "clips.from_folder returned. A labels file (labels=) says which videos are studied, and as what."
        )
    return dict(source.asked)
