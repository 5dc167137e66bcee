"""Which parts of earlier blocks write a subspace at a site: of what separates the classes in it, and of what varies whatever the class.

Definitions: docs/science.md, "Where a variable is written and read".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.part_names import PARTS
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.edits import class_means
from jepascope.schema import TABLES
from jepascope.schema.components import EVERYWHERE, WITHIN, WRITES
from jepascope.stats import NOTHING, Share, paired_difference, ratio_of_means, scene_sums

EMBEDDING = "embedding"
ENOUGH = 80  # resamples a part: the least p is 2 / (1 + resamples), of which Holm's correction takes as many as there are parts
ROUNDING = 1e-5  # of what pooled activations are: what varies by less is the rounding of sums of parts

Component = tuple[int, str]
"""A block and which of its parts; 0 and "embedding", 0 and "residual" (no part)."""

Codes = Float64[Tensor, "clips rank"]
"""What is added, in the coordinates of a subspace."""

Margins = Float64[Tensor, " clips"]


def writers(layer: int) -> list[Component]:
    """All that a layer is the sum of, in the order in which it is added."""
    return [(0, EMBEDDING), *((block, part) for block in range(1, layer + 1) for part in PARTS)]


def added_by(activations: Activations, component: Component, tokens: str) -> Float[Tensor, "clips width"]:
    """What a component adds to the residual stream, pooled; of activations that were captured by parts."""
    block, part = component
    return activations.pooled(0, tokens) if part == EMBEDDING else activations.pooled(block, tokens, part)


def written_margin(added: Codes, label: Int[Tensor, " clips"], means: Float64[Tensor, "classes rank"]) -> Margins:
    """How far what is added lies, inside a subspace, along what the clip's class is told by at the site: ``<V^T x, V^T mu_c>``.

    ``means``: class means at the site in split ``fit``, less their mean. Linear in x: over all that a layer is the sum of, it sums to
    that of the layer.
    """
    return (added * means[label]).sum(dim=1)


def within_margin(added: Codes, whole: Codes, along: Float64[Tensor, "directions rank"]) -> Margins:
    """How far what is added varies together with the layer, whatever the class: ``sum_n <r_p, n> <r, n>``.

    ``added`` and ``whole``: how far the part and the layer lie off the mean of the clip's class in split ``fit``. Linear in ``added``: over
    all that a layer is the sum of, it sums to the layer's own, which is a sum of squares.
    """
    return ((added @ along.T) * (whole @ along.T)).sum(dim=1)


def told_along(
    means: Float64[Tensor, "classes rank"], varying: Float64[Tensor, "fit rank"], least: float
) -> Float64[Tensor, "classes rank"]:
    """The directions in which classes are told, ``n_c = mu_c / s_c``: each counts as far as its class lies out, however much varies there.

    ``s_c``: the standard deviation along ``mu_c`` of clips of split ``fit`` within their classes. Zero where it is no more than ``least``.
    """
    unit = torch.nn.functional.normalize(means, dim=1)
    spread = (varying @ unit.T).square().mean(dim=0).sqrt()
    return means / spread.clamp(min=least)[:, None] * (spread > least)[:, None]


def written(
    context: InterventionContext,
    fit: tuple[Activations, Int[Tensor, " clips"]],
    test: Activations,
    tokens: str,
    subspaces: Mapping[str, Subspace],
) -> pd.DataFrame:
    """The share of each writer in the difference of class means inside every subspace at the context's layer, on its test scenes.

    Beside it stands its share of what varies within a class: inside the subspace along the directions in which the classes are told
    (``WITHIN``), and in the whole residual stream (``EVERYWHERE``). ``fit`` (with labels) and ``test`` were captured by parts. Class means
    and directions are those of split ``fit``, so that noise of the test scenes' means is in no share.
    """
    (seen, found), label, layer = fit, context.scenes.label, context.site.layer
    classes, pooled = int(found.max()) + 1, seen.pooled(layer, tokens)
    at_layer = class_means(pooled, found, classes).double()
    varying, least = pooled.double() - at_layer[found], ROUNDING * float(pooled.double().square().sum(dim=1).mean().sqrt())
    about_all, about_own = {}, {}  # what a part adds to each test clip, about its mean over all classes, and over the clip's own
    for of in writers(layer):
        means, added = class_means(added_by(seen, of, tokens), found, classes).double(), added_by(test, of, tokens).double()
        about_all[of], about_own[of] = added - means.mean(dim=0), added - means[label]
    left = _sum(about_own)
    everywhere = {of: (x * left).sum(dim=1) for of, x in about_own.items()}

    def tables() -> Iterator[pd.DataFrame]:
        for finder, subspace in subspaces.items():
            basis = subspace.basis.double()
            told = (at_layer - at_layer.mean(dim=0)) @ basis
            along = told_along(told, varying @ basis, least)
            own = {of: written_margin(x @ basis, label, told) for of, x in about_all.items()}
            within = {of: within_margin(x @ basis, left @ basis, along) for of, x in about_own.items()}
            for of in own:
                rows = _rows(context, len(own), *(_share(context, of, margins) for margins in (own, within, everywhere)))
                yield of_component(rows.assign(finder=finder, rank=subspace.rank), WRITES, of)

    return pd.concat(list(tables()), ignore_index=True)


def _rows(context: InterventionContext, parts: int, own: Share, *blind: Share) -> pd.DataFrame:
    """A part's share of the class difference, and each of its shares of what varies within a class, paired with it by scene. Resamples
    enough for p to hold for so many ``parts``."""
    resamples = max(context.resamples, ENOUGH * parts)

    def interval(share: Share) -> dict[str, float]:
        return ratio_of_means(share.numerator, share.denominator, np.random.default_rng(context.seed), context.resamples).columns()

    rows: list[dict[str, object]] = [{"control": "subspace", **interval(own)}]
    for control, share in zip((WITHIN, EVERYWHERE), blind, strict=True):
        than = paired_difference(own, share, np.random.default_rng(context.seed), resamples)
        told = NOTHING.columns() if np.isnan(than.interval.value) else interval(share)
        differing = than.interval.columns("difference")
        if max(map(abs, differing.values())) < ROUNDING:  # a part that takes of both alike, whatever the last digits say
            than, differing = replace(than, p=1.0), dict.fromkeys(differing, 0.0)
        rows.append({"control": control, **told, **differing, "p": than.p})
    layer, tokens = context.site.layer, context.site.tokens
    return pd.DataFrame(rows).assign(layer=layer, tokens=tokens, draws=1, n=len(own.numerator), ratio_is_bound=False)


def _share(context: InterventionContext, of: Component, margins: Mapping[Component, Margins]) -> Share:
    """A part's share of what all of them sum to, scene by scene."""
    ids = context.scenes.ids
    return Share(scene_sums(margins[of].numpy(), ids), scene_sums(_sum(margins).numpy(), ids))


def _sum(parts: Mapping[Component, Tensor]) -> Tensor:
    return torch.stack([*parts.values()]).sum(dim=0)


def of_component(rows: pd.DataFrame, role: str, component: Component) -> pd.DataFrame:
    """Rows as those of a part in a role, with what none of them has left empty; p is corrected over all of them later."""
    block, part = component
    return rows.assign(role=role, block=block, part=part, p_holm=np.nan).reindex(columns=TABLES["components"].written)
