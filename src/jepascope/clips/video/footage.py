"""Looking through a folder once: its videos, their windows, and everything that cannot be used with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from jepascope.clips.video.check import Seen, looked_at
from jepascope.clips.video.files import Candidate, Refusal, find
from jepascope.clips.video.labels import VideoLabels
from jepascope.clips.video.layouts import with_distributed_labels
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import Video, probe
from jepascope.clips.video.splits import at_most
from jepascope.clips.video.windows import Cutting, Window, thinned


@dataclass(frozen=True)
class Footage:
    """What a folder holds that can be used: videos by path, and windows that are decodable with their looks."""

    folder: Path
    videos: Mapping[str, Video]
    windows: Sequence[Seen]
    labels: VideoLabels | None
    refusals: Sequence[Refusal]


def look_through(
    folder: Path,
    cutting: Cutting,
    labels: VideoLabels | None = None,
    files_per_class: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cache: Path | None = None,
) -> Footage:
    """Find, probe, cut and decode once. Everything that cannot be used is among the refusals. ``progress(done, files)``;
    with a ``cache`` folder files are decoded once and not again."""
    root = Path(folder).expanduser()
    found = find(root)
    root = root.resolve()
    found = with_distributed_labels(found, root)
    refusals = list(found.refusals)
    told = labels
    if told is not None:
        told, strangers = told.matched(one.file for one in found.candidates)
        refusals += [Refusal(name, f"is named in '{told.path.name}' and is not in the folder") for name in strangers]
    videos: dict[str, Video] = {}
    for candidate in _drawn(found.candidates, files_per_class, seed):
        try:
            video = probe(root, candidate)
        except UnreadableVideo as error:
            refusals.append(Refusal(candidate.file, str(error)))
        else:
            videos[video.file] = video
            refusals += video.refusals
    videos = _with_sources(videos, {} if told is None else told.sources)
    cut: list[Window] = []
    for video in videos.values():
        windows = cutting.windows(video)
        cut += windows
        if not windows:
            refusals.append(Refusal(video.file, cutting.why_none(video)))
    by_file: dict[str, list[Window]] = defaultdict(list)
    for window in thinned(cut, cutting.per_source):
        by_file[window.file].append(window)
    seen: list[Seen] = []
    for done, (file, windows) in enumerate(by_file.items(), start=1):
        usable, lost = looked_at(root, videos[file], windows, cache)
        seen += usable
        refusals += lost
        if progress is not None:
            progress(done, len(by_file))
    return Footage(root, videos, seen, told, refusals)


def _drawn(candidates: Sequence[Candidate], per_class: int | None, seed: int) -> list[Candidate]:
    if per_class is None:
        return list(candidates)
    _, labels = np.unique(np.array([one.label for one in candidates]), return_inverse=True)
    rows = at_most(np.array([one.source for one in candidates]), labels.astype(np.int64), per_class, seed)
    return [candidates[row] for row in rows]


def _with_sources(videos: Mapping[str, Video], named: Mapping[str, str]) -> dict[str, Video]:
    """Files of one recording get one source: those that the labels file puts together, and copies of one content."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name]
        return name

    first_with: dict[str, str] = {}
    for video in videos.values():
        links = [f"content {video.digest}", *([f"named {named[video.file]}"] if video.file in named else [])]
        for link in links:
            one, other = root(video.source), root(first_with.setdefault(link, video.source))
            parent[max(one, other)] = min(one, other)
    return {file: replace(video, source=root(video.source)) for file, video in videos.items()}


def refusals_table(refusals: Sequence[Refusal]) -> pd.DataFrame:
    """Columns file, start, end (seconds; NaN where the whole file is meant) and reason, which follows the file's name."""
    columns = {name: [getattr(one, name) for one in refusals] for name in ("file", "start", "end", "reason")}
    return pd.DataFrame(columns).astype({"start": float, "end": float, "file": object, "reason": object})
