"""Looking through a folder once: its videos, their windows, and everything that cannot be used with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from jepascope.clips.video.check import Seen, looked_at
from jepascope.clips.video.files import Candidate, Refusal, find, passed_over
from jepascope.clips.video.labels import VideoLabels
from jepascope.clips.video.layouts import with_distributed_labels
from jepascope.clips.video.names import TEST, TRAIN, side, split_list
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import Video, probe
from jepascope.clips.video.recordings import recordings, rule_words
from jepascope.clips.video.splits import at_most
from jepascope.clips.video.windows import Cutting, Window, thinned
from jepascope.errors import BadData, setting

NOT_DRAWN = "was not drawn"


@dataclass(frozen=True, eq=False)
class Survey:
    """What a folder holds as far as packets and first frames tell: videos by their paths, each with the recording that it is of, and
    everything that cannot be used. ``recordings``: of every file that may be a video, opened
    or not. ``joined``: how many files each rule put together to recordings. ``class_tables``: names of the data set's tables that tell the
    classes, and ``two_classes`` why files that they give several have none. ``others``: files that are no videos, by kind."""

    folder: Path
    videos: Mapping[str, Video]
    labels: VideoLabels | None
    refusals: Sequence[Refusal]
    recordings: Mapping[str, str]
    joined: Mapping[str, int] = field(default_factory=dict)
    class_tables: Sequence[str] = ()
    others: Sequence[Refusal] = ()
    two_classes: Mapping[str, str] = field(default_factory=dict)

    def cut(self, cutting: Cutting) -> dict[str, list[Window]]:
        """The windows that will be decoded, by file, at most so many of a recording; none of a video that has none."""
        windows = [window for video in self.videos.values() for window in cutting.windows(video)]
        by_file: dict[str, list[Window]] = defaultdict(list)
        for window in thinned(windows, cutting.per_source):
            by_file[window.file].append(window)
        return dict(by_file)

    def without_windows(self, cutting: Cutting) -> list[Refusal]:
        """Videos that have none, and why."""
        kept = self.cut(cutting)
        most = f"has no window of its own: at most {cutting.per_source} windows of a recording are used, spread over its files (per_source)"
        return [
            Refusal(video.file, most if cutting.windows(video) else cutting.why_none(video))
            for video in self.videos.values()
            if video.file not in kept
        ]


@dataclass(frozen=True, eq=False)
class Footage(Survey):
    """What a folder holds that can be used: videos, and windows that are decodable with their looks."""

    windows: Sequence[Seen] = ()


def survey(
    folder: Path,
    labels: VideoLabels | None = None,
    files_per_class: int | None = None,
    seed: int = 0,
    official: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Find and probe every video once; no more than a frame of each is decoded.

    ``official``: the number of the data set's own split to keep to (files of neither side, and training files of recordings that are on
    both, are refused); None where it is only noted.
    """
    root = Path(folder).expanduser()
    listing = find(root)
    root = root.resolve()
    listing = with_distributed_labels(listing, root, official or 1)
    refusals = [*listing.refusals]
    own = None if labels is None else labels.path.expanduser().resolve()
    others = passed_over((name, kind) for name, kind in listing.others if root / name != own)
    if labels is not None:
        labels, strangers = labels.matched((candidate.file for candidate in listing.candidates), root)
        refusals += [Refusal(name, f"is named in '{labels.path.name}' and is not in the folder") for name in strangers]
    named = {} if labels is None else labels.sources
    wanted = [candidate for candidate in listing.candidates if official is None or side(candidate.official_split)]
    if not wanted:
        lists = sorted({listed["number"] for path in listing.tables if (listed := split_list(path.name))})
        others_listed = "".join(f"{setting(splits=f'official-{number}')} or " for number in lists)
        raise BadData(
            f"Nothing in '{folder}' tells the official split {official} of its videos: no folders train, val or test, and no table or list "
            f"of a data set; use {others_listed}{setting(splits='own')}."
        )
    if len(wanted) < len(listing.candidates):
        files = {candidate.file for candidate in wanted}
        refusals += [Refusal(candidate.file, "is in no official split") for candidate in listing.candidates if candidate.file not in files]
    by_name = recordings(listing.candidates, named).of
    drawn = _drawn(wanted, by_name, files_per_class, seed, official is not None)
    if len(drawn) < len(wanted):
        files = {candidate.file for candidate in drawn}
        reason = f"{NOT_DRAWN}: at most {files_per_class} files of a class are opened"
        refusals += [Refusal(candidate.file, reason) for candidate in wanted if candidate.file not in files]
    videos: dict[str, Video] = {}
    for done, candidate in enumerate(drawn, start=1):
        try:
            video = probe(root, candidate)
        except UnreadableVideo as error:
            refusals.append(Refusal(candidate.file, str(error)))
        else:
            videos[video.file] = video
            refusals += video.refusals
        if progress is not None:
            progress(done, len(drawn))
    opened = recordings(
        [candidate for candidate in drawn if candidate.file in videos], named, {file: video.digest for file, video in videos.items()}
    )
    videos = {file: replace(video, source=opened.of[file]) for file, video in videos.items()}
    if official is not None:
        held_out = {video.source for video in videos.values() if side(video.official_split) == TEST}
        both = [file for file, video in videos.items() if side(video.official_split) == TRAIN and video.source in held_out]
        refusals += [Refusal(file, "is official training, and its recording is in the official test part as well") for file in both]
        videos = {file: video for file, video in videos.items() if file not in both}
    return Survey(
        root, videos, labels, refusals, {**by_name, **opened.of}, opened.joined, listing.class_tables, others, listing.two_classes
    )


def decoded(there: Survey, cutting: Cutting, progress: Callable[[int, int], None] | None = None, cache: Path | None = None) -> Footage:
    """Cut, and decode every window once; with a ``cache`` folder not again. Everything that cannot be used is among the refusals."""
    refusals = [*there.refusals, *there.without_windows(cutting)]
    by_file = there.cut(cutting)
    seen: list[Seen] = []
    for done, (file, windows) in enumerate(by_file.items(), start=1):
        usable, lost = looked_at(there.folder, there.videos[file], windows, cache)
        seen += usable
        refusals += lost
        if progress is not None:
            progress(done, len(by_file))
    return Footage(**{**vars(there), "refusals": refusals, "windows": seen})


def undecoded(there: Survey, cutting: Cutting) -> Footage:
    """As if every window could be decoded; its looks are not known."""
    return Footage(**vars(there), windows=[Seen(window, {}) for some in there.cut(cutting).values() for window in some])


def _drawn(candidates: Sequence[Candidate], sources: Mapping[str, str], per_class: int | None, seed: int, sides: bool) -> list[Candidate]:
    """At most so many files of each class; with ``sides``, of each side of the official split."""
    if per_class is None or not candidates:
        return list(candidates)
    kinds = np.array([f"{candidate.label}\0{side(candidate.official_split)}" if sides else candidate.label for candidate in candidates])
    _, labels = np.unique(kinds, return_inverse=True)
    rows = at_most(np.array([sources[candidate.file] for candidate in candidates]), labels.astype(np.int64), per_class, seed)
    return [candidates[row] for row in rows]


def joined_words(there: Survey) -> str:
    """Of how many recordings the files are, and why; '' where every file is a recording of its own."""
    count, rules = len({video.source for video in there.videos.values()}), rule_words(there.joined)
    return rules and f"{len(there.videos)} files are of {count} recording{'s' * (count != 1)}; files are put together: {rules}"


def refusals_table(refusals: Sequence[Refusal]) -> pd.DataFrame:
    """Columns file, start, end (seconds; NaN where the whole file is meant), reason, which follows the file's name, and files: of how
    many it is said (more than one where file is a pattern)."""
    columns = {name: [getattr(refusal, name) for refusal in refusals] for name in ("file", "start", "end", "reason", "files")}
    return pd.DataFrame(columns).astype({"start": float, "end": float, "file": object, "reason": object, "files": int})
