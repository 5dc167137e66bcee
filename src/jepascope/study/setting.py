"""What interventions on one subspace's site need, for the Python functions: scenes, judge, and the controls that it can have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.clips.donors import donor_rows
from jepascope.clips.presets import twins
from jepascope.discovery.finder_entry import FINDERS, needing
from jepascope.discovery.finders import Finder, check_finder, find_shuffled
from jepascope.discovery.finders.again import UNKNOWN, found_again
from jepascope.discovery.finders.own import own_finder
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.discovery.probes.paths import dense_probes, l1_paths
from jepascope.discovery.probes.ridge import ridge_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.intervention.circle import Circle
from jepascope.intervention.control_entry import MATCHED
from jepascope.intervention.controls import ControlDraw, matched_controls
from jepascope.intervention.edits import class_means
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes
from jepascope.study.arguments import check_same_encoder
from jepascope.study.trust import trusted

Directions = Callable[..., Any]
"""A finder of one's own: (X, y, rank, seed) -> directions (see ``own_finder``)."""


def labels_of(activations: Activations, variable: str) -> Int[Tensor, " clips"]:
    return torch.tensor(activations.clips.labels(variable)[0])


def scenes_of(activations: Activations) -> Int[Tensor, " clips"]:
    return torch.tensor(activations.clips.factors["scene"].to_numpy(copy=True))


def values_of(activations: Activations, variable: str) -> Float[Tensor, "clips outputs"] | None:
    values = activations.clips.values(variable)
    return None if values is None else torch.tensor(values, dtype=torch.float32)


def angles_of(values: Float[Tensor, "clips 2"]) -> Float[Tensor, " clips"]:
    return torch.atan2(values[:, 1], values[:, 0])


def labelled(
    activations: Activations,
    variable: str,
    site: Site,
    finder: str = "",
    encoder: VideoEncoder | None = None,
    seed: int = 0,
    rank: int | None = None,
) -> Labelled:
    """Clips at a site with what ``finder`` needs beside them: a sparse path, or tokens of the clips and of their twins where it is
    trained through the network. A finder or a rank that there is not is refused before these are made."""
    x, y, groups = activations.pooled(site.layer, site.tokens), labels_of(activations, variable), scenes_of(activations)
    data = Labelled(x, y, values_of(activations, variable), groups, where=str(site))
    if finder:
        check_finder(finder, data, rank)
    if finder and needing("path", [finder]):
        return replace(data, path=l1_paths({data.where: x}, y, groups, seed=seed)[data.where])
    if encoder is None or not finder or not needing("suffix", [finder]):
        return data
    check_same_encoder(encoder, activations)
    shown = (activations.clips, twins(activations.clips, variable, seed))
    source, twin = (capture(encoder, clips, sites=(site.layer,)) for clips in shown)
    return replace(data, suffix=Suffix(encoder, site, source, twin, labels_of(twin, variable)))


@dataclass(frozen=True)
class Setting:
    """The test scenes at a site, the judge that reads them, and each of the subspace's controls; ``unshuffled`` says why ``shuffled`` is
    not among them."""

    scenes: Scenes
    judge: ProbeJudge
    controls: list[ControlDraw]
    unshuffled: str = ""


def setting(
    encoder: VideoEncoder,
    activations: Activations,
    variable: str,
    site: Site,
    seed: int,
    subspace: Subspace | None = None,
    draws: int = 0,
    finder: str | Directions | None = None,
) -> Setting:
    """Scenes and judge at a site, and ``draws`` of the controls of ``subspace`` where one is given.

    All that can be refused is, before tokens are captured.
    """
    fit, judge, test = (activations.split(name) for name in ("fit", "judge", "test"))
    read = _judge(encoder, judge, variable, site, seed)
    shuffled, why = (None, "") if subspace is None else _shuffled(encoder, fit, variable, site, subspace, draws, seed, finder)
    scenes = _scenes(encoder, fit, test, variable, site, seed)
    if subspace is None:
        return Setting(scenes, read, [])
    covariance = capture(encoder, fit.clips, moments=(site.layer,)).moments(site.layer, site.tokens).covariance
    names = tuple(name for name in MATCHED if name != "shuffled" or shuffled is not None)
    return Setting(scenes, read, matched_controls(subspace, covariance, draws, seed, shuffled, names=names), why)


def _judge(encoder: VideoEncoder, judge: Activations, variable: str, site: Site, seed: int) -> ProbeJudge:
    """A probe of the last layer, with a read-out of the angle where the variable is one."""
    last, values = encoder.card.depth, values_of(judge, variable)
    read, groups = judge.pooled(last, site.tokens), scenes_of(judge)
    probe = dense_probes({last: read}, labels_of(judge, variable), groups, seed=seed)[last].probe
    decoder = None
    if values is not None and judge.clips.variable(variable).kind == "circular":
        decoder = ridge_probes({last: read}, values, groups, seed=seed)[last].probe
    return ProbeJudge(probe, site.tokens, decoder=decoder)


def _scenes(encoder: VideoEncoder, fit: Activations, test: Activations, variable: str, site: Site, seed: int) -> Scenes:
    data, known = labelled(fit, variable, site), test.clips.variable(variable)
    means = class_means(data.x, data.y, len(known.classes))
    circle = Circle.fitted(data.x, data.values) if known.kind == "circular" and data.values is not None else None
    source = capture(encoder, test.clips, sites=(site.layer,))
    if known.rendered:
        twin = capture(encoder, twins(test.clips, variable, seed), sites=(site.layer,))
    else:
        twin = source.select(donor_rows(source.clips, variable, seed))
    angle, wanted = (
        angles_of(values) if circle is not None and (values := values_of(part, variable)) is not None else None for part in (source, twin)
    )
    own, target = labels_of(source, variable), labels_of(twin, variable)
    return Scenes(source, twin, own, target, means, "twin" if known.rendered else "class", angle=angle, target_angle=wanted, circle=circle)


def _shuffled(
    encoder: VideoEncoder,
    fit: Activations,
    variable: str,
    site: Site,
    subspace: Subspace,
    draws: int,
    seed: int,
    finder: str | Directions | None,
) -> tuple[list[Subspace] | None, str]:
    """What found the subspace, on permuted labels: what its own reference names, or what the caller gives; each is run on the true labels
    first, and must give this subspace. None, and why, where nothing is known to have found it.

    BadArgument where the caller's finder gives another subspace.
    """
    said = subspace.found_by
    if finder is None and said is None:
        return None, f'{UNKNOWN}; give it: finder="lda", or finder=function with (X, y, rank, seed) -> directions'
    run: str | Finder
    if isinstance(finder, str | None):
        named = finder or (said.finder if said is not None else "")
        if finder is None and not trusted(named):
            return None, f"{named} found it, which is code that its file names; give finder='{named}' if it may run"
        refers = said is not None and said.finder == named
        rank, given_seed = (said.rank, said.seed) if said is not None and refers else (subspace.rank, seed)
        run, data = named, labelled(fit, variable, site, named if finder or named in FINDERS else "", encoder, given_seed)
    else:
        if not callable(finder):
            raise BadArgument(
                f"finder must be a finder's name or a function (X, y, rank, seed) -> directions, not {type(finder).__name__}."
            )
        run, data, rank, given_seed = own_finder(finder), labelled(fit, variable, site), subspace.rank, seed
    again = found_again(subspace, run, data, rank, given_seed)
    if not isinstance(again, str):
        return find_shuffled(run, data, subspace.rank, draws, seed), ""
    if finder is not None:
        raise BadArgument(f"finder: {again}; give what found it, or leave finder out and go without the shuffled control.")
    return None, f"{again}: it was found on other clips, or its file was changed"
