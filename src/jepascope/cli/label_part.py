"""What ``label`` has finished, kept file by file beside the table that it will be, so that a call that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from jepascope.clips.video.files import Refusal
from jepascope.clips.video.probe import Video
from jepascope.clips.video.windows import Window
from jepascope.disk.folder import Folder
from jepascope.disk.plain import parsed
from jepascope.disk.refusals import in_use, unreadable, unwritable
from jepascope.errors import BadArgument

OWN = ("file", "start", "end", "source", "direction", "angle", "abstained")  # how a file of this command begins
HEAD = b'{"measure": '  # and what it keeps
LINE = 50_000_000  # bytes of a kept file's rows


@dataclass(frozen=True)
class Measured:
    """What one video file gave: rows of the label table, and why parts of it gave none."""

    rows: list[dict[str, Any]]
    refusals: list[Refusal]


class Part:
    """One JSON line a file below a line with the settings; a line that was not written to its end counts for nothing and is cut off.

    Locked while it is open: a second call of the same ``path`` is refused.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path, self.head = path, json.dumps(settings).encode() + b"\n"
        self.folder = Folder(path.parent)
        self.finished: dict[str, dict[str, Any]] = {}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Part:
        try:
            self.folder.make()
            self._file = self.folder.lock(self.path.name)
        except OSError as error:
            raise unwritable(self.path, error) from None
        if self._file is None:
            raise in_use(self.path)
        try:
            self._begin(self._file)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def _begin(self, file: IO[bytes]) -> None:
        """Take what is there under the same settings, and leave nothing else."""
        try:
            end = self._read(file)
        except OSError as error:
            raise unreadable(self.path, error) from None
        try:
            file.truncate(end)
            file.seek(end)
            if not end:
                file.write(self.head)
        except OSError as error:
            raise unwritable(self.path, error) from None

    def _read(self, file: IO[bytes]) -> int:
        """Where the last whole line ends; 0 where the settings are others."""
        head = file.readline(LINE)
        if not head.startswith(HEAD[: len(head)]):
            raise BadArgument(f"'{self.path}' was not written by this command and would be overwritten; choose another --out.")
        if head != self.head:
            return 0
        end = len(head)
        while (line := file.readline(LINE)).endswith(b"\n"):
            try:
                entry = parsed(line)
                self.finished[entry["file"]] = entry
            except (ValueError, TypeError, KeyError):
                break
            end += len(line)
        return end

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
        """Add what one file gave."""
        assert self._file is not None
        refusals = [asdict(refusal) for refusal in measured.refusals]
        entry = {"file": video.file, "digest": video.digest, "windows": _times(windows), "rows": measured.rows, "refusals": refusals}
        line = memoryview(json.dumps(entry).encode() + b"\n")
        try:
            while line:  # it is unbuffered, and a disk that fills up takes a part of it
                line = line[self._file.write(line) :]
        except OSError as error:
            raise unwritable(self.path, error) from None

    def remove(self) -> None:
        self.folder.remove(self.path.name)


def _times(windows: list[Window]) -> list[list[float]]:
    return [[window.start, window.end] for window in windows]
