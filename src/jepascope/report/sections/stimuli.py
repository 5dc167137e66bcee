"""Section: what the model saw."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np

from jepascope.errors import RunFolderError
from jepascope.report.blocks import Block, Figure, Paragraph, Picture, Section, not_run
from jepascope.report.figures.contact_sheet import contact_sheet
from jepascope.report.folder import RunFolder

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SHOWN_WIDTH = 860


def stimuli(run: RunFolder) -> Section:
    """The contact sheet, drawn from figures/stimuli.npz or taken as it is from figures/stimuli.png, and the splits."""
    title, folder = "Stimuli", run.path / "figures"
    clips, variable = run.summary["clips"], run.summary["variable"]
    caption = str(
        run.summary.get("stimuli_caption")
        or f"Examples from clip set {clips}, one for each value of {variable}. Arrows show the true path."
    )
    blocks: list[Block] = []
    if (folder / "stimuli.npz").exists():
        blocks.append(_drawn(folder / "stimuli.npz", str(variable), caption))
    elif (folder / "stimuli.png").exists():
        blocks.append(_picture(folder / "stimuli.png", f"Contact sheet of {clips}. {caption}", caption))
    else:
        return not_run("stimuli", title, "this run folder holds no contact sheet (figures/stimuli.npz or .png)")
    if counts := run.summary.get("splits"):
        named = ", ".join(f"{count} {name}" for name, count in counts.items())
        blocks.append(
            Paragraph(
                f"Splits part whole scenes: {named} clips. Subspaces are found on fit, read-outs trained on judge, "
                "everything reported is measured on test."
            )
        )
    return Section("stimuli", title, tuple(blocks))


def _drawn(path: Path, variable: str, caption: str) -> Figure:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            frames, labels, track = arrays["frames"], [str(label) for label in arrays["labels"]], arrays["path"].astype(np.float64)
    except Exception as error:  # zip, header and key errors alike mean that this is not what was written
        raise _damaged(path, str(error).splitlines()[0]) from error
    if (
        frames.ndim != 5
        or frames.dtype != np.uint8
        or track.shape != (*frames.shape[:2], 2)
        or len(labels) != len(frames)
        or not frames.size
    ):
        raise _damaged(path, "frames, labels and path do not fit together")
    return Figure(contact_sheet(frames, labels, track, variable), caption)


def _picture(path: Path, alt: str, caption: str) -> Picture:
    data = path.read_bytes()
    if not data.startswith(SIGNATURE) or b"IEND" not in data[-16:]:
        raise _damaged(path, "not a whole PNG file")
    width = int.from_bytes(data[16:20], "big")
    return Picture(f"data:image/png;base64,{base64.b64encode(data).decode()}", alt, caption, min(width, SHOWN_WIDTH))


def _damaged(path: Path, why: str) -> RunFolderError:
    return RunFolderError(f"{path} is damaged ({why}); delete it and run the study again with the same --out to make it anew.")
