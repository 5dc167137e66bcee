"""Finding videos: every file below a folder that may be one, in the same order every time, and every other file with its kind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from jepascope.clips.video.names import split_list, told_by_path
from jepascope.clips.video.opening import ENDINGS
from jepascope.disk.named import open_named
from jepascope.errors import BadArgument, quoted

MAX_ENTRIES = 2_000_000  # files and folders
TABLES = (".csv", ".json")  # that may tell classes and official splits, besides lists of splits

RARE = "rm rmvb mxf dv swf y4m ivf h264 264 hevc h265 265 m1v m2v mjpeg mjpg wtv r3d braw nut bik yuv"
"""Endings of videos that are hardly ever read: such a file is opened all the same, and listed with the reason why it is not used."""
KINDS = {
    "is an image, not a video": "jpg jpeg png bmp tif tiff webp heic heif avif jp2 svg ico ppm pgm exr psd dng",
    "is sound, not a video": "mp3 wav flac aac m4a ogg oga opus wma aif aiff",
    "is an archive (unpack it where it holds videos)": "zip tar gz tgz bz2 xz 7z rar zst",
    "is text, not a video": "txt md rst pdf html htm xml yaml yml toml srt vtt ass log py ipynb sh m js url lnk tsv xlsx xls jsonl",
    "holds numbers, not a video": "npy npz pkl pickle pt pth safetensors h5 hdf5 mat parquet arrow bin dat db lmdb flo",
}
BY_ENDING = {f".{ending}": kind for kind, endings in KINDS.items() for ending in endings.split()}
UNLISTED = "is a folder that cannot be listed"
UNKNOWN = "is no video that is known"


@dataclass(frozen=True)
class Candidate:
    """A file that may be a video. ``file``: its path below the folder. ``source``: the recording that it was cut from (several Kinetics
    clips are of one YouTube video), the file itself where nothing tells. ``label``: its class, and ``official_split``: train, val or
    test of the data set as it is distributed, where the layout tells them.
    """

    file: str
    source: str
    label: str = ""
    official_split: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a file, or its stretch from ``start`` to ``end`` (seconds; None for all of it), is not used. ``files``: how many files
    it is said of, where they are many of one kind that are no videos (``file`` is then a pattern, such as ``*.jpg``)."""

    file: str
    reason: str
    start: float | None = None
    end: float | None = None
    files: int = 1


@dataclass(frozen=True)
class Found:
    """What a folder holds: files that may be videos, what is refused at once, files that may tell labels, and files (with their kinds)
    that are neither. ``class_tables``: names of the tables that name the classes, once they are read; ``two_classes``: files that they
    give several, each with the words that follow its name."""

    candidates: list[Candidate]
    refusals: list[Refusal]
    tables: list[Path]
    others: list[tuple[str, str]] = field(default_factory=list)
    class_tables: tuple[str, ...] = ()
    two_classes: Mapping[str, str] = field(default_factory=dict)


def find(folder: Path) -> Found:
    """Every file below the folder that ends like a video or begins like one, sorted by its path; hidden files and folders are passed over.

    Links to folders are not followed, nor are links to files outside (those of a hub's snapshot lead to its
    blobs, and are). Raises BadArgument where there is no folder, or no video.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise BadArgument(f"There is no folder '{folder}'; give one that holds videos ({', '.join(ENDINGS[:7])}, ...).")
    root = folder.resolve()
    listing = Found([], [], [])
    paths, unlisted = _walk(root)
    listing.refusals.extend(unlisted)
    links = 0
    for path in paths:
        name = path.relative_to(root).as_posix()
        if _written(name) != name:
            listing.refusals.append(Refusal(_written(name), "has a name that is not valid UTF-8; rename it"))
        elif path.is_symlink() and (why := _why_not_followed(path, root)):
            listing.refusals.append(Refusal(name, f"is a link that {why}"))
            links += path.exists()
        elif not _regular(path):  # to open a pipe would wait for ever
            listing.refusals.append(Refusal(name, "is not a regular file"))
        elif path.suffix.lower() in TABLES or split_list(path.name):
            listing.tables.append(path)
        elif kind := kind_of_file(path):
            listing.others.append((name, kind))
        else:
            listing.candidates.append(candidate(name))
    if not listing.candidates:
        raise BadArgument(_no_video(folder, listing, links))
    return listing


def candidate(name: str) -> Candidate:
    """What the path below the folder tells of a file."""
    return Candidate(name, *told_by_path(name))


def passed_over(others: Iterable[tuple[str, str]]) -> list[Refusal]:
    """Files that are no videos, each kind and ending once."""
    by_kind: dict[tuple[str, str], list[str]] = {}
    for name, kind in others:
        by_kind.setdefault((kind, PurePosixPath(name).suffix.lower()), []).append(name)
    return [
        Refusal(names[0] if len(names) == 1 else f"*{ending}" if ending else "* (no ending)", kind, files=len(names))
        for (kind, ending), names in by_kind.items()
    ]


def _no_video(folder: Path, listing: Found, links: int) -> str:
    held = [f"{refusal.files} × {refusal.file}" for refusal in passed_over(listing.others)[:5]]
    if unlisted := [refusal for refusal in listing.refusals if refusal.reason.startswith(UNLISTED)]:
        return (
            f"'{folder}' shows no video: '{unlisted[0].file}' {unlisted[0].reason}; the owner makes it readable with "
            f"`chmod -R u+rX {quoted(folder)}`."
        )
    return (
        f"'{folder}' holds no video: no file below it ends like one ({', '.join(ENDINGS[:7])}, ...)"
        + (f"; it holds {', '.join(held)}" if held else "")
        + (
            f"; {links} links were not followed: copy what they point to with `cp -rL {quoted(folder)} COPY` and give the folder COPY"
            if links
            else ""
        )
        + "."
    )


def _why_not_followed(path: Path, root: Path) -> str:
    """The words that follow 'is a link that'; '' for a link to a file within the folder or its blobs."""
    try:
        end = path.resolve(strict=True)
    except (OSError, RuntimeError):  # to nowhere, or to itself
        return "leads nowhere"
    return "is not followed" if end.is_dir() else "" if any(end.is_relative_to(home) for home in _homes(root)) else "leaves the folder"


def _regular(path: Path) -> bool:
    """Whether a path is that of a file with contents. One that cannot be looked at is left to whoever opens it, who says why."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _homes(root: Path) -> list[Path]:
    """Where links may lead: below the folder, or to the blobs of the hub's repository that the folder is a snapshot of."""
    snapshots = (base for base in (root, *root.parents) if base.parent.name == "snapshots" and "--" in base.parts[-3])
    return [root, *(base.parents[1] / "blobs" for base in snapshots)]


def _written(name: str) -> str:
    """A name as text: of one that is not valid UTF-8 Python keeps the bytes as surrogates."""
    return name.encode("utf-8", "backslashreplace").decode()


def _walk(root: Path) -> tuple[list[Path], list[Refusal]]:
    """Files and links below a folder, sorted, and the folders that cannot be listed."""
    unlisted: list[Refusal] = []

    def fail(error: OSError) -> None:
        name = os.path.relpath(str(error.filename), root)
        unlisted.append(Refusal(_written(name), f"{UNLISTED} ({error.strerror})"))

    paths: list[Path] = []
    for base, folders, files in os.walk(root, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if os.path.islink(os.path.join(base, name))]
        paths += [Path(base, name) for name in (*files, *links) if not name.startswith(".")]
        if len(paths) > MAX_ENTRIES:
            raise BadArgument(f"'{root}' holds more than {MAX_ENTRIES:,} files; give a folder that holds the videos alone.")
    return sorted(paths, key=lambda path: path.relative_to(root).as_posix()), unlisted


def kind_of_file(path: Path) -> str:
    """What a file is that is no video, as the words that follow its name; '' for one that may be a video."""
    ending = path.suffix.lower()
    if ending in ENDINGS or ending[1:] in RARE.split():
        return ""
    return BY_ENDING.get(ending) or ("" if _begins_like_a_video(path) else UNKNOWN)


def _begins_like_a_video(path: Path) -> bool:
    """By the marks of the formats that are read. A file that cannot be opened may be one."""
    try:
        with open_named(path) as file:
            head = file.read(400)
    except OSError:
        return True
    return (
        (head[4:8] == b"ftyp" or head[4:8] in (b"moov", b"mdat", b"wide"))
        or head.startswith((b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"OggS", b"\0\0\1\xba", b"GIF8"))
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or (len(head) > 376 and head[0] == head[188] == head[376] == 0x47)
    )
