"""The context of a layer of a study: its chosen test scenes, whoever judges there, and what controls match."""

from __future__ import annotations

from collections.abc import Sequence

from jepascope.activations.moments import Moments
from jepascope.activations.site import SELECTIONS, Site
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.judges import Judge
from jepascope.study.captures import Captures
from jepascope.study.intervene.scenes import scenes_at
from jepascope.study.steps.port import EXCHANGE_DRAWS


def context_at(captures: Captures, layer: int, judges: Sequence[Judge], controlled: bool = True) -> InterventionContext:
    """What edits at the layer need; and their controls, unless ``controlled`` is False. These match the tokens that are edited, or all
    tokens where no moments of just these are kept."""
    spec, fit = captures.spec, captures.fit
    edited = spec.edited_tokens if spec.edited_tokens in SELECTIONS else "all"
    return InterventionContext(
        captures.encoder,
        Site(layer, spec.edited_tokens),
        scenes_at(captures, layer),
        judges,
        captures.covariance(layer, edited) if controlled else None,
        Moments.of(fit.pooled(layer, spec.tokens)).mean.float(),
        EXCHANGE_DRAWS,
        spec.seed,
        spec.resamples,
        spec.ablate_to,
    )
