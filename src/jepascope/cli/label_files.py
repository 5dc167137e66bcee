"""What ``label`` does and writes: a CSV of measured directions, kept file by file while it grows, and a contact sheet."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jepascope.cli.label_part import OWN, Measured, Part
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
from jepascope.clips.video.windows import Cutting, Window
from jepascope.disk.folder import Folder
from jepascope.disk.named import open_named
from jepascope.errors import BadArgument, BadData

MEASURE = "motion-3"  # the rule by which files become labels: change it when labels change


def write_labels(folder: Path, out: Path, cutting: Cutting, whole: bool, sheet: Path | None) -> dict[str, Any]:
    """Measures every window of the folder's videos; the record of what was found and written."""
    version = opencv().__version__
    _check(out)
    for path in (out, sheet):
        if path is not None:
            Folder(path.parent).sweep()
    rows = list[dict[str, Any]]()
    with bars() as progress:
        there = survey(folder, progress=progress.start("looking through the folder"))
        windows = there.cut(cutting)
        root, videos, refusals = there.folder, there.videos, [*there.refusals, *there.without_windows(cutting)]
        settings = {"measure": MEASURE, "opencv": version, "folder": str(root), "whole": whole, **asdict(cutting)}
        with Part(out.with_name(out.name + ".part"), settings) as part:
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
            with Folder(out.parent).writing(out.name) as temporary:
                table.to_csv(temporary, index=False, quoting=csv.QUOTE_MINIMAL)
            part.remove()
        written = [str(out.resolve())]
        if sheet is not None:
            progress.start("sheet")
            with Folder(sheet.parent).writing(sheet.name) as temporary:
                motion_sheet(table, lambda row: _pictures(root, row, whole)).savefig(temporary, format="png")
            written.append(str(sheet.resolve()))
    return _record(table, len(videos), [*refusals, *there.others], written)


def _check(out: Path) -> None:
    """Refuses to overwrite a file of labels that a person may have written."""
    if out.is_dir():
        raise BadArgument(f"'{out}' is a folder; give a CSV file with --out.")
    try:
        with open_named(out) as file:
            ours = file.read(1000).startswith(",".join(OWN).encode())
    except FileNotFoundError:
        return
    except OSError:
        ours = False
    if not ours:
        raise BadArgument(f"'{out}' was not written by this command and would be overwritten; choose another --out.")


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
