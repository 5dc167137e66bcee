"""Section: what the model saw."""

from __future__ import annotations

from pathlib import Path

from jepascope.disk.refusals import damaged
from jepascope.findings.names import short
from jepascope.findings.selection import in_force
from jepascope.report.blocks import Block, Paragraph, Picture, png_uri, section
from jepascope.report.folder import RunFolder
from jepascope.report.sections.videos import footage_blocks

SHOWN_WIDTH = 860
PICTURE = "figures/stimuli.png"


@section("stimuli", "Stimuli", absent="this run folder holds no contact sheet (figures/stimuli.png)")
def stimuli(run: RunFolder) -> list[Block]:
    """The contact sheet, figures/stimuli.png, and the splits."""
    if run.files is None or not run.files.folder.has(PICTURE):
        return []
    caption = str(
        run.summary.get("stimuli_caption")
        or f"Examples from clip set {run.clips}, one for each {'value' if run.is_direction else 'class'} of {run.variable}. "
        "Arrows show the true path."
    )
    blocks: list[Block] = [_picture(run.path / PICTURE, run.files.read(PICTURE), f"Contact sheet of {run.clips}. {caption}", caption)]
    if counts := run.summary.get("splits"):
        named = ", ".join(f"{count} {name}" for name, count in counts.items())
        text = f"Splits part whole {run.units}: {named} clips. Subspaces are found on fit, read-outs trained on judge, "
        turns = ", or, where claims are made so, of every video in turn" if in_force(run).in_turn else ""
        blocks.append(Paragraph(f"{text}everything reported is measured on test{turns}."))
    if labels := run.summary.get("labels_read"):
        blocks.append(Paragraph(f"Labels: {short(labels, 1000)}"))
    return [*blocks, *footage_blocks(run)]


def _picture(path: Path, data: bytes, alt: str, caption: str) -> Picture:
    if (uri := png_uri(data)) is None:
        raise damaged(path, "it is no whole PNG file")
    width = int.from_bytes(data[16:20], "big")
    return Picture(uri, alt, caption, min(width, SHOWN_WIDTH))
