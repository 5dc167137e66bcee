"""trace from Python: which parts of which blocks write a subspace, and which read it."""

from __future__ import annotations

import pandas as pd

from jepascope.activations.activations import Activations
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import RESIDUAL
from jepascope.errors import BadArgument
from jepascope.study.arguments import check_edit
from jepascope.study.captures import Captures
from jepascope.study.intervene.trace import run_trace
from jepascope.study.notebook import watched
from jepascope.study.progress import Progress


def trace(
    encoder: VideoEncoder,
    activations: Activations,
    subspace: Subspace,
    draws: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The table ``components`` (docs/reference/tables.md) of a subspace of the residual stream, on the test clips.

    Role "writes": the share of every earlier part in the difference of class means inside the subspace, beside its shares of what varies
    within a class. "reads" and "reads directly": CE of a swap that one later part alone sees, with the blocks behind it running, or held,
    beside matched controls. Raises
    BadArgument for all that ``intervene`` refuses, and for an encoder that does not say what the parts of its blocks add.
    """
    site, spec = check_edit(encoder, activations, subspace, edits=("swap",), draws=draws, seed=seed)
    if site.part != RESIDUAL:
        raise BadArgument(f"A subspace of the residual stream is traced, and this one is of {site}; find one at layer {site.layer}.")
    with watched(progress) as shown:
        captures = Captures.over(encoder, activations, spec, site.layer, shown)
        return run_trace(captures, site.layer, {str(subspace.provenance.get("finder", "given")): subspace})
