"""What the Python functions give a finder, and whether it finds a subspace again, so that its labels can be permuted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.clips.presets import twins
from jepascope.discovery.finder_entry import FINDERS, needing
from jepascope.discovery.finders import UNKNOWN, Finder, check_finder, found_again, own_finder
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.discovery.probes.paths import l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.study.arguments import check_same_encoder
from jepascope.study.captures import Captures
from jepascope.study.labels import labelled, labels_of
from jepascope.study.trust import trusted

Directions = Callable[..., Any]
"""A finder of one's own: (X, y, rank, seed) -> directions (see ``own_finder``)."""


def given_to(
    finder: str,
    part: Activations,
    variable: str,
    site: Site,
    encoder: VideoEncoder | None = None,
    seed: int = 0,
    rank: int | None = None,
) -> Labelled:
    """Clips at a site with what the finder needs beside them: a sparse path, or tokens of the clips and of their twins where it is
    trained through the network. A finder or a rank that there is not is refused before these are made."""
    data = labelled(part, variable, site)
    check_finder(finder, data, rank)
    if needing("path", [finder]):
        return replace(data, path=l1_paths({data.where: data.x}, data.y, data.groups, seed=seed)[data.where])
    if encoder is None or not needing("suffix", [finder]):
        return data
    check_same_encoder(encoder, part)
    both = part.clips, twins(part.clips, variable, seed)
    source, twin = (capture(encoder, clips, sites=(site.layer,), part=site.part) for clips in both)
    return replace(data, suffix=Suffix(encoder, site, source, twin, labels_of(twin, variable)))


def shuffled_from(
    captures: Captures, site: Site, subspace: Subspace, finder: str | Directions | None
) -> tuple[str | Finder, Labelled] | str:
    """What found the subspace, and in which clips, for the same on permuted labels: what its own reference names, or what the caller
    gives. Each is run on the true labels first, and must give this subspace. Why not, where nothing is known to have found it.

    BadArgument where the caller's finder gives another subspace.
    """
    reference, fit, variable, seed = subspace.found_by, captures.fit, captures.spec.variable, captures.spec.seed
    if finder is None and reference is None:
        return f'{UNKNOWN}; give it: finder="lda", or finder=function with (X, y, rank, seed) -> directions'
    run: str | Finder
    if isinstance(finder, str | None):
        named = finder or (reference.finder if reference is not None else "")
        here = reference is not None and reference.here
        if finder is None and not (here or trusted(named)):
            return f"{named} found it, which is code that its file names; give finder='{named}' if it may run"
        refers = reference is not None and reference.finder == named
        rank, given_seed = (reference.rank, reference.seed) if reference is not None and refers else (subspace.rank, seed)
        known = finder is not None or named in FINDERS or here
        run, data = named, given_to(named, fit, variable, site, captures.encoder, given_seed) if known else labelled(fit, variable, site)
    elif not callable(finder):
        raise BadArgument(f"finder must be a finder's name or a function (X, y, rank, seed) -> directions, not {type(finder).__name__}.")
    else:
        run, data, rank, given_seed = own_finder(finder), labelled(fit, variable, site), subspace.rank, seed
    again = found_again(subspace, run, data, rank, given_seed)
    if not isinstance(again, str):
        return run, data
    if finder is not None:
        raise BadArgument(f"finder: {again}; give what found it, or leave finder out and go without the shuffled control.")
    return f"{again}: it was found on other clips, or its file was changed"
