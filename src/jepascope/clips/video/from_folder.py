"""A folder of videos as clips in Python: those that a study of the folder would have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args

from jepascope.clips.clipset import ClipSet
from jepascope.clips.column_kind import MISSING, Asked
from jepascope.clips.variables import Variable
from jepascope.clips.video.contents import folder_digest
from jepascope.clips.video.enough import TooFew, Unwatched, official_number
from jepascope.clips.video.folder_clips import made
from jepascope.clips.video.labels import read_video_labels
from jepascope.clips.video.source import VideoSource
from jepascope.clips.video.variable import CLASS, USUAL, Splits, folder_variable, variable_given
from jepascope.errors import BadArgument, BadData, quoted, setting


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
    if splits not in get_args(Splits):
        raise BadArgument(f"splits: must be one of {', '.join(get_args(Splits))} (given: {splits!r}).")
    root, digest, table = str(Path(folder).expanduser().resolve()), folder_digest(Path(folder)), None
    labels_digest, name, no_label = None, variable or CLASS, MISSING if missing is None else tuple(missing)
    if labels is not None:
        table = str(Path(labels).expanduser())
        file = read_video_labels(Path(table))
        labels_digest, name = file.digest, variable_given(list(file.columns), table, variable) or CLASS
    kept = None if classes is None else tuple(classes)
    wanted = FolderWanted(
        clips=root,
        clips_digest=digest,
        variable=name,
        labels=table,
        labels_digest=labels_digest,
        kind=kind,
        missing=None if missing is None else no_label,
        classes=kept,
        seconds=seconds,
        per_source=per_source,
        splits=splits,
        clips_per_class=clips_per_class,
        seed=seed,
        state_variable=folder_variable(name, kept, root, digest, table, labels_digest, kind, no_label),
    )
    try:
        clips = made(wanted, Unwatched()).clips
    except TooFew as short:
        labelled = "" if table is None else f" --labels {quoted(table)}"
        command = f"jepascope videos {quoted(root)}{labelled} --variable {quoted(name)} {setting(seconds=seconds)}"
        raise BadData(f"{short}; `{command}` says what there is, and what would do.") from None
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
