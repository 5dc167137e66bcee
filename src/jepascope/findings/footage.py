"""What of a folder of real videos was used, and what was not and why: sentences from the record that a study keeps of it."""

from __future__ import annotations

from typing import Any

from jepascope.clips.motion.label import REASONS
from jepascope.clips.video.recordings import rule_words

SHOWN = 6  # reasons


def footage_words(record: dict[str, Any], listed: str = "refusals.parquet") -> list[str]:
    """How much was used, and what was refused and why; ``listed``: where all of it is."""
    parts = ", ".join(f"{count} {name}" for name, count in record["videos_by_split"].items())
    # a record of version 0.1 counts recordings that are used, and files that were found
    videos = f"{record['videos_used']} of {record['videos']} videos"
    videos = videos if "files" in record else f"{record['videos_used']} videos of {record['videos']} files"
    sentences = [
        f"{videos} and {record['windows_used']} of {record['windows']} windows are used ({record['clips']} clips; videos by split: "
        f"{parts}). Labels: {record['labels']}. Intervals resample videos."
    ]
    sentences += [words for words in (recording_words(record), official_words(record)) if words]
    if record.get("abstention_rate") is not None:
        why = "; ".join(f"{REASONS.get(reason, reason)} ({count})" for reason, count in list(record["abstained"].items())[:SHOWN])
        sentences.append(
            f"No direction was measured in {100 * record['abstention_rate']:.0f} % of the windows: {why or 'no reason was noted'}."
            if record["abstained"]
            else "A direction was measured in every window."
        )
    left = record["windows_labelled"] - record["windows_used"]
    if left > 0:
        sentences.append(
            f"{left} more windows have a label and are left out: of other classes, or more of a class or video than are taken."
        )
    for what, rows in (("Not used", refused_otherwise(record)), ("Files that are no videos", record.get("others", []))):
        shown = "; ".join(f"{row['count']} × {row['reason']}" for row in rows[:SHOWN])
        more = f"; and {len(rows) - SHOWN} more reasons" if len(rows) > SHOWN else ""
        sentences += [f"{what}: {shown}{more} ({listed} lists all)."] if rows else []
    return sentences


def recording_words(record: dict[str, Any]) -> str:
    """How files became videos, where some have one in common; '' where each file is one."""
    rules = rule_words(record.get("joined", {}))
    return rules and (
        f"A video here is a recording, with every file that was cut from it: {record['files_used']} of {record['files']} files are used. "
        f"Files are put together: {rules}. No recording is in two splits."
    )


def official_words(record: dict[str, Any]) -> str:
    """How the splits go together with those of the data set; '' where it has none."""
    official = record.get("official") or {}
    if not any(name for part in official.values() for name in part):
        return ""
    if record.get("splits", "own") != "own":
        return (
            f"The data set's own splits are kept ({record['splits']}): fit and judge are of its training split, test of its validation and "
            "test splits."
        )
    tested, count = official.get("test", {}), record["videos_by_split"].get("test", 0)
    trained = tested.get("train", 0)
    others = ", ".join(f"{videos} in its {name} split" for name, videos in tested.items() if name not in ("", "train"))
    seen = ", and a task head, or an encoder, that was trained on it has seen them" if trained else ""
    return (
        f"The data set's own splits are not kept: of {count} test videos {trained} are in its training split"
        f"{f' ({others})' if others else ''}{seen}. --set splits=official keeps them."
    )


def refused_otherwise(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Reasons for which files and windows are not used, besides a direction that could not be measured (counted by ``abstained``)."""
    return [row for row in record["refused"] if not row["reason"].startswith("has no measured direction")]
