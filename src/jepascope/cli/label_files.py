"""What ``label`` does and writes: a CSV of measured directions, kept file by file while it grows, and a contact sheet."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from jepascope.cli.terminal import bars
from jepascope.clips.motion.flow import SHORT_SIDE, opencv
from jepascope.clips.motion.label import REASONS
from jepascope.clips.motion.sheet import motion_sheet
from jepascope.clips.motion.windows import RATE, label_rows, middle_square
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.video.decode import decode_window
from jepascope.clips.video.files import Refusal
from jepascope.clips.video.footage import survey
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import Video
from jepascope.clips.video.windows import Cutting, Window
from jepascope.errors import BadArgument, BadData
from jepascope.study.files import writing

MEASURE = "motion-3"  # the rule by which files become labels: change it when labels change
OWN = ("file", "start", "end", "source", "direction", "angle", "abstained")  # how a file of this command begins
LINE = 50_000_000  # characters of a kept file's rows


@dataclass(frozen=True)
class Measured:
    """What one video file gave: rows of the label table, and why parts of it gave none."""

    rows: list[dict[str, Any]]
    refusals: list[Refusal]


def write_labels(folder: Path, out: Path, cutting: Cutting, whole: bool, sheet: Path | None) -> dict[str, Any]:
    """Measures every window of the folder's videos; the record of what was found and written."""
    version = opencv().__version__
    _check(out)
    rows = list[dict[str, Any]]()
    with bars() as progress:
        there = survey(folder, progress=progress.start("looking through the folder"))
        windows = there.cut(cutting)
        root, videos, refusals = there.folder, there.videos, [*there.refusals, *there.without_windows(cutting)]
        settings = {"measure": MEASURE, "opencv": version, "folder": str(root), "whole": whole, **asdict(cutting)}
        part = _Part(out.with_name(out.name + ".part"), settings)
        with part:
            tick, done, total = progress.start("measuring"), 0, sum(map(len, windows.values()))
            for file, some in windows.items():
                kept = part.kept(videos[file], some)
                if kept is None:
                    kept = Measured([], [])
                    try:
                        for row in label_rows(root, some, whole):
                            kept.rows.append(row)
                            tick(done + len(kept.rows), total)
                    except UnreadableVideo as error:
                        kept.refusals.append(Refusal(file, str(error), error.seconds))
                    part.keep(videos[file], some, kept)
                rows += kept.rows
                refusals += kept.refusals
                done += len(some)
                tick(done, total)
        if not rows:
            reasons = "; ".join(f"'{refusal.file}' {refusal.reason}" for refusal in refusals[:3])
            raise BadData(f"No window of the videos in '{folder}' could be measured{f': {reasons}' if reasons else ''}.")
        table = pd.DataFrame(rows)
        with writing(out) as temporary:
            table.to_csv(temporary, index=False, quoting=csv.QUOTE_MINIMAL)
        part.remove()
        written = [str(out.resolve())]
        if sheet is not None:
            progress.start("sheet")
            with writing(sheet) as temporary:
                motion_sheet(table, lambda row: _pictures(root, row, whole)).savefig(temporary, format="png")
            written.append(str(sheet.resolve()))
    return _record(table, len(videos), [*refusals, *there.others], written)


def _check(out: Path) -> None:
    """Refuses to overwrite a file of labels that a person may have written."""
    if out.is_dir():
        raise BadArgument(f"'{out}' is a folder; give a CSV file with --out.")
    if out.exists():
        with out.open(errors="replace") as file:
            if not file.read(1000).startswith(",".join(OWN)):
                raise BadArgument(f"'{out}' was not written by this command and would be overwritten; choose another --out.")


class _Part:
    """What is finished, one JSON line a file below a line with the settings; a line that was not written to its end counts for nothing."""

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path, self.head = path, json.dumps(settings)
        self.finished: dict[str, dict[str, Any]] = {}
        self._file: IO[str] | None = None

    def __enter__(self) -> _Part:
        lines = self._read() if self.path.exists() else []
        with writing(self.path) as temporary:  # again without a torn line, so that what follows stays readable
            temporary.write_text("".join(line + "\n" for line in (self.head, *lines)), encoding="utf-8")
        self._file = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self) -> list[str]:
        lines: list[str] = []
        with self.path.open(encoding="utf-8", errors="replace") as file:
            if file.readline(LINE).rstrip("\n") != self.head:
                return []
            while line := file.readline(LINE):
                try:
                    entry = json.loads(line)
                    self.finished[entry["file"]] = entry
                    lines.append(line.rstrip("\n"))
                except (ValueError, TypeError, KeyError, RecursionError):
                    break
        return lines

    def kept(self, video: Video, windows: list[Window]) -> Measured | None:
        """What an earlier call found in the same windows of the same content."""
        entry = self.finished.get(video.file)
        if entry is None or (entry.get("digest"), entry.get("windows")) != (video.digest, _times(windows)):
            return None
        try:
            rows = [dict(row) for row in entry["rows"]]
            if any(tuple(row)[: len(OWN)] != OWN for row in rows):
                return None
            return Measured(rows, [Refusal(**refusal) for refusal in entry["refusals"]])
        except (KeyError, TypeError, ValueError):
            return None

    def keep(self, video: Video, windows: list[Window], measured: Measured) -> None:
        assert self._file is not None
        refusals = [asdict(refusal) for refusal in measured.refusals]
        entry = {"file": video.file, "digest": video.digest, "windows": _times(windows), "rows": measured.rows, "refusals": refusals}
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def _times(windows: list[Window]) -> list[list[float]]:
    return [[window.start, window.end] for window in windows]


def _pictures(root: Path, row: Mapping[str, Any], whole: bool) -> np.ndarray:
    """First and last of the frames that a window was measured by."""
    window = Window(row["file"], row["source"], row["start"], row["end"])
    video = decode_window(root / window.file, window, max(2, round(RATE * (window.end - window.start))), SHORT_SIDE // 2)
    return np.stack([frame if whole else middle_square(frame) for frame in (video[0], video[-1])])


def _record(table: pd.DataFrame, videos: int, refusals: list[Refusal], written: list[str]) -> dict[str, Any]:
    directions = Counter(table["direction"].dropna())
    abstained = Counter(table["abstained"])
    return {
        "windows": len(table),
        "videos": videos,
        "labelled": sum(directions.values()),
        "directions": {name: directions[name] for name in DIRECTION_NAMES},
        "abstained": {reason: abstained[reason] for reason in REASONS if abstained[reason]},
        "refused": [asdict(refusal) for refusal in refusals],
        "written": written,
    }
