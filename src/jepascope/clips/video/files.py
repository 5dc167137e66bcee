"""Finding videos: every file below a folder that may be one, in the same order every time, with what its path tells.

Kinetics as distributed: ``<youtube id>_<start>_<end>.mp4`` in folders train, val and test (or parts of them), below folders named by
class or beside CSV files with columns label, youtube_id, time_start, time_end. Something-Something v2 as distributed:
``<id>.webm`` beside ...train.json and ...validation.json. Anything else: the name of a file's folder is its class.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from jepascope.clips.video.opening import ENDINGS
from jepascope.errors import BadArgument, quoted

KINETICS = re.compile(r"(?P<id>[\w-]{11})_(?P<start>\d{6})_(?P<end>\d{6})", re.ASCII)
PARTS = {"train": "train", "val": "val", "validate": "val", "validation": "val", "test": "test"}
NO_CLASS = re.compile(r"videos?|clips?|data|replacement.*|part[_-]?\d+|20bn-something-something-v2", re.IGNORECASE)
MAX_ENTRIES = 2_000_000  # files and folders


@dataclass(frozen=True)
class Candidate:
    """A file that may be a video. ``file``: its path below the folder. ``source``: what it was cut from (several Kinetics clips
    are of one YouTube video), the file itself where nothing tells. ``label``: its class, and ``part``: train, val or test, where the
    layout tells them.
    """

    file: str
    source: str
    label: str = ""
    part: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a file, or its stretch from ``start`` to ``end`` (seconds; None for all of it), is not used."""

    file: str
    reason: str
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Found:
    """What a folder holds: files that may be videos, links that are not followed, and files that may tell their labels."""

    candidates: list[Candidate]
    refusals: list[Refusal]
    tables: list[Path]


def find(folder: Path) -> Found:
    """Every file below the folder that ends like a video, sorted by its path; hidden files and folders are passed over.

    Links to folders are not followed, nor are links to files outside (those of a hub's snapshot lead to its
    blobs, and are). Raises BadArgument where there is no folder, or no video.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise BadArgument(f"There is no folder '{folder}'; give one that holds videos ({', '.join(ENDINGS)}).")
    root = folder.resolve()
    found = Found([], [], [])
    paths, unlisted = _walk(root)
    found.refusals.extend(unlisted)
    for path in paths:
        name = path.relative_to(root).as_posix()
        if not _can_be_written(name):
            if path.suffix.lower() in ENDINGS:
                found.refusals.append(Refusal(_as_shown(name), "has a name that is not valid UTF-8; rename it"))
            continue
        if path.is_symlink() and (path.is_dir() or not _stays(path, root)):
            if path.is_dir() or path.suffix.lower() in ENDINGS:
                found.refusals.append(Refusal(name, f"is a link that {'is not followed' if path.is_dir() else 'leaves the folder'}"))
        elif path.suffix.lower() in ENDINGS:
            found.candidates.append(candidate(name))
        elif path.suffix.lower() in (".csv", ".json"):
            found.tables.append(path)
    if not found.candidates:
        copied = f"copy what they point to with `cp -rL {quoted(folder)} COPY` and give the folder COPY"
        links = f"; {len(found.refusals)} links were not followed: {copied}" * bool(found.refusals)
        raise BadArgument(f"'{folder}' holds no video: no file below it ends in {', '.join(ENDINGS)}{links}.")
    return found


def candidate(name: str) -> Candidate:
    """What the path below the folder tells: the source, and the class by the folder's name."""
    *folders, file = name.split("/")
    part = next((PARTS[one.lower()] for one in folders if one.lower() in PARTS), "")
    parent = folders[-1] if folders else ""
    label = "" if parent.lower() in PARTS or NO_CLASS.fullmatch(parent) else parent.replace("_", " ").strip()
    kinetics = KINETICS.fullmatch(file.rpartition(".")[0])
    return Candidate(name, kinetics["id"] if kinetics else name, label, part)


def _stays(path: Path, root: Path) -> bool:
    """Whether a link leads to a file below the folder, or below the blobs of the hub's repository that the folder is a snapshot of."""
    homes = [root] + [
        base.parents[1] / "blobs" for base in (root, *root.parents) if base.parent.name == "snapshots" and "--" in base.parts[-3]
    ]
    try:
        end = path.resolve(strict=True)
        return any(end.is_relative_to(home) for home in homes)
    except (OSError, RuntimeError):  # a link to nowhere, or to itself
        return False


def _can_be_written(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # Python keeps the bytes of such a name as surrogates
        return False
    return True


def _as_shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _walk(root: Path) -> tuple[list[Path], list[Refusal]]:
    """Files and links below a folder, sorted, and the folders that cannot be listed."""
    unlisted: list[Refusal] = []

    def fail(error: OSError) -> None:
        name = os.path.relpath(str(error.filename), root)
        unlisted.append(Refusal(_as_shown(name), f"is a folder that cannot be listed ({error.strerror})"))

    paths: list[Path] = []
    for base, folders, files in os.walk(root, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if os.path.islink(os.path.join(base, name))]
        paths += [Path(base, name) for name in (*files, *links) if not name.startswith(".")]
        if len(paths) > MAX_ENTRIES:
            raise BadArgument(f"'{root}' holds more than {MAX_ENTRIES:,} files; give a folder that holds the videos alone.")
    return sorted(paths, key=lambda path: path.relative_to(root).as_posix()), unlisted
