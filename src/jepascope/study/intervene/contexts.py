"""The context of a layer of a study: its chosen test scenes, whoever judges there, what controls match; and the controls themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from jepascope.activations.moments import Moments
from jepascope.activations.site import SELECTIONS, Site
from jepascope.catalog import attribute
from jepascope.discovery.finder_entry import FINDERS, needing
from jepascope.discovery.finders import Finder, find_shuffled
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import CONTROLS, DRAWN, FOUND
from jepascope.intervention.controls import ControlDraw, matched_controls
from jepascope.intervention.controls.many import ManyDraws, many_draws
from jepascope.intervention.judges import Judge
from jepascope.intervention.manifold import NaturalClips
from jepascope.study.captures import Captures
from jepascope.study.given import given_in
from jepascope.study.intervene.requested import fixed_controls
from jepascope.study.intervene.scenes import scenes_at
from jepascope.study.spec import StudySpec
from jepascope.study.steps.port import EXCHANGE_DRAWS

MANY = 4000  # draws of each control beside those that are run, whose first-order effects are known without a pass
REFITTED = 400  # of permuted labels at most: each is a fit
SCREENED = 50  # at layers that no claim is made for


def context_at(captures: Captures, layer: int, judges: Sequence[Judge], controlled: bool = True) -> InterventionContext:
    """What edits at the layer need; and their controls, unless ``controlled`` is False. These match the tokens that are edited, or all
    tokens where no moments of just these are kept."""
    spec, fit = captures.spec, captures.fit
    edited = spec.edited_tokens if spec.edited_tokens in SELECTIONS else "all"
    return InterventionContext(
        captures.encoder,
        Site(layer, spec.edited_tokens, spec.part),
        scenes_at(captures, layer),
        judges,
        captures.covariance(layer, edited) if controlled else None,
        Moments.of(captures.at_site(fit, layer)).mean.float(),
        EXCHANGE_DRAWS,
        spec.seed,
        spec.resamples,
        spec.ablate_to,
        natural_clips(captures, layer) if controlled else None,
    )


def natural_clips(captures: Captures, layer: int) -> NaturalClips:
    """The clips of split ``fit`` at a layer and at the last one."""
    fit, tokens = captures.fit, captures.spec.tokens
    return NaturalClips.of(captures.at_site(fit, layer), fit.pooled(captures.encoder.card.depth, tokens))


def every_control(spec: StudySpec, full: bool = True) -> tuple[str, ...]:
    """The controls that have draws: the matched ones, and those that the study asks for. At layers that are screened without those that
    stand beside."""
    drawn = (*DRAWN, *(name for name in spec.extra_controls if CONTROLS.entry(name).made == "drawn"))
    return tuple(name for name in drawn if full or not CONTROLS.entry(name).beside)


def controls_at(
    captures: Captures,
    context: InterventionContext,
    subspaces: Mapping[str, Subspace],
    names: tuple[str, ...],
    draws: int,
    sources: Mapping[str, tuple[str | Finder, Labelled]] | None = None,
    fixed: bool = False,
) -> dict[str, list[ControlDraw]]:
    """Controls of every finder. Draws avoid all finders' subspaces where there is room, so that finders share ``random``. ``fixed``: those
    in which nothing is random besides.

    ``sources``: what found each subspace, and in which clips; by default what it refers to itself. One of which that is not known has no
    ``shuffled`` control (see ``without_shuffles``).
    """
    spec, layer, covariance = captures.spec, context.site.layer, context.covariance
    avoid = avoided(captures, subspaces)
    pooled = Moments.of(captures.at_site(captures.fit, layer)).covariance
    controls = {}
    for finder, subspace in subspaces.items():
        source = _source(captures, layer, finder, subspace, names, sources)
        found = _shuffled(source, names, subspace, draws, spec.seed, layer)
        own = tuple(name for name in names if name in found or name not in FOUND)
        drawn = matched_controls(subspace, covariance, draws, spec.seed, found, avoid, own, pooled)
        controls[finder] = [*drawn, *(fixed_controls(captures, layer, subspace, covariance) if fixed else ())]
    return controls


def _shuffled(
    source: tuple[str | Finder, Labelled] | None, names: Sequence[str], subspace: Subspace, draws: int, seed: int, layer: int
) -> dict[str, list[Subspace]]:
    """What the finder finds on permuted labels, by control; in clips made for the control only where that is a formula."""
    found: dict[str, list[Subspace]] = {}
    for name in FOUND if source is not None else ():
        given = CONTROLS.entry(name).given
        if name in names and source is not None and (not given or _cheap(source[0])):
            finder, data = source
            data = attribute(given, f"control '{name}'")(data, subspace) if given else data
            found[name] = find_shuffled(finder, data, subspace.rank, draws, seed, layer=layer)
    return found


def _cheap(finder: str | Finder) -> bool:
    """Whether it is a formula, so that hundreds of permutations cost little."""
    return isinstance(finder, str) and FINDERS.entry(finder).closed_form


def avoided(captures: Captures, subspaces: Mapping[str, Subspace]) -> Tensor | None:
    """The directions of all finders, which their controls avoid where there is room."""
    everything = torch.cat([subspace.basis for subspace in subspaces.values()], dim=1)
    room = captures.encoder.card.width - int(torch.linalg.matrix_rank(everything))
    needed = 2 * max(captures.spec.rank or len(captures.classes) - 1, *(subspace.rank for subspace in subspaces.values()))
    return everything if room >= needed else None


def many_at(
    captures: Captures,
    context: InterventionContext,
    subspaces: Mapping[str, Subspace],
    names: tuple[str, ...],
    run: int,
    count: int = MANY,
    sources: Mapping[str, tuple[str | Finder, Labelled]] | None = None,
) -> dict[str, Mapping[str, ManyDraws]]:
    """``count`` draws of the same controls beside the ``run`` that are run. Of permuted labels only for finders that are a formula."""
    spec, layer, avoid = captures.spec, context.site.layer, avoided(captures, subspaces)
    names = tuple(name for name in names if CONTROLS.entry(name).made in ("drawn", "found"))
    many = {}
    for finder, subspace in subspaces.items():
        source = _source(captures, layer, finder, subspace, names, sources)
        cheap = source if source is not None and _cheap(source[0]) else None
        found = _shuffled(cheap, names, subspace, run + min(count, REFITTED), spec.seed, layer)
        unseen = {name: subspaces[run:] for name, subspaces in found.items()}
        many[finder] = many_draws(subspace, context.covariance, count, spec.seed, names, avoid, unseen)
    return many


def _source(
    captures: Captures,
    layer: int,
    finder: str,
    subspace: Subspace,
    names: tuple[str, ...],
    sources: Mapping[str, tuple[str | Finder, Labelled]] | None,
) -> tuple[str | Finder, Labelled] | None:
    """What permuted labels are given to, where controls of that kind are asked for: as given, or what the subspace refers to."""
    if not {*FOUND} & {*names}:
        return None
    return _found_in(captures, layer, finder, subspace) if sources is None else sources.get(finder)


def _found_in(captures: Captures, layer: int, name: str, subspace: Subspace) -> tuple[str, Labelled] | None:
    """The finder behind a subspace and the clips that it was found in, whose labels the ``shuffled`` control permutes; None for a
    subspace without a reference to what found it: its name in tables says nothing."""
    if subspace.found_by is None:
        return None
    if captures.imported is not None and name in captures.imported.subspaces:
        return captures.imported.shuffles(subspace.found_by.finder)
    return subspace.found_by.finder, given_in(captures, layer, finder=subspace.found_by.finder)


def without_shuffles(captures: Captures, subspaces: Mapping[str, Subspace]) -> dict[str, str]:
    """Subspaces that have no ``shuffled`` control, and why."""
    why = {}
    for name, subspace in subspaces.items():
        imported = captures.imported is not None and name in captures.imported.subspaces
        if subspace.found_by is None:
            why[name] = "its file does not say which finder found it, and that finder does not find it again"
        elif imported and needing("suffix", [subspace.found_by.finder]):
            why[name] = "its finder would have to be trained in the other run's clips for every draw"
    return why
