"""Section: what the model saw."""

from __future__ import annotations

import base64
from pathlib import Path

from jepascope.errors import RunFolderError
from jepascope.findings.names import short
from jepascope.report.blocks import Block, Paragraph, Picture, Section, not_run
from jepascope.report.folder import RunFolder
from jepascope.report.sections.videos import footage_blocks

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SHOWN_WIDTH = 860


def stimuli(run: RunFolder) -> Section:
    """The contact sheet, figures/stimuli.png, and the splits."""
    title, folder = "Stimuli", run.path / "figures"
    clips, variable = run.clips, run.variable
    caption = str(
        run.summary.get("stimuli_caption")
        or f"Examples from clip set {clips}, one for each {'value' if run.is_direction else 'class'} of {variable}. "
        "Arrows show the true path."
    )
    blocks: list[Block] = []
    if (folder / "stimuli.png").exists():
        blocks.append(_picture(folder / "stimuli.png", f"Contact sheet of {clips}. {caption}", caption))
    else:
        return not_run("stimuli", title, "this run folder holds no contact sheet (figures/stimuli.png)")
    if counts := run.summary.get("splits"):
        named = ", ".join(f"{count} {name}" for name, count in counts.items())
        blocks.append(
            Paragraph(
                f"Splits part whole {run.units}: {named} clips. Subspaces are found on fit, read-outs trained on judge, "
                "everything reported is measured on test."
            )
        )
    if said := run.summary.get("labels_read"):
        blocks.append(Paragraph(f"Labels: {short(said, 1000)}"))
    return Section("stimuli", title, (*blocks, *footage_blocks(run)))


def _picture(path: Path, alt: str, caption: str) -> Picture:
    data = path.read_bytes()
    if not data.startswith(SIGNATURE) or b"IEND" not in data[-16:]:
        raise _damaged(path, "not a whole PNG file")
    width = int.from_bytes(data[16:20], "big")
    return Picture(f"data:image/png;base64,{base64.b64encode(data).decode()}", alt, caption, min(width, SHOWN_WIDTH))


def _damaged(path: Path, why: str) -> RunFolderError:
    return RunFolderError(f"{path} is damaged ({why}); delete it and run the study again with the same --out to make it anew.")
