"""What a study on real videos leaves in its run folder besides: which clips were shown, what was not used, and the words for both."""

from __future__ import annotations

from typing import Any

from jepascope.clips.contact_sheet import caption
from jepascope.findings.footage import footage_words
from jepascope.study.captures import Captures
from jepascope.study.videos.foreseen import video_study


def keep_footage(captures: Captures) -> dict[str, Any]:
    """clips.parquet and refusals.parquet, once, and said; what summary.json holds of them."""
    study = video_study(captures.spec)
    if not captures.run.has("refusals.parquet"):
        captures.run.write_table("clips", study.clips.factors)
        captures.run.write_table("refusals", study.refusals)
    for line in footage_words(study.record):
        captures.progress.say(line)
    captures.progress.say(
        "Left out on real videos: subspaces of another data seed and other clip sets (no such scenes can be made), and degeneracy."
    )
    return {"footage": study.record, "stimuli_caption": caption(study.clips)}
