"""The study's stages as functions for notebooks: capture, find, intervene, port. Each captures what it needs and is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import torch

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture as capture_pass
from jepascope.activations.site import Site
from jepascope.clips.clipset import ClipSet
from jepascope.clips.donors import donor_rows
from jepascope.clips.presets import twins
from jepascope.discovery.finders import NEEDS_SUFFIX, find_shuffled
from jepascope.discovery.finders import find as find_in
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.ridge import ridge_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.intervention.causal_effect import by_draw, ce_table
from jepascope.intervention.circle import Circle
from jepascope.intervention.controls import CONTROLS, ControlDraw, matched_controls
from jepascope.intervention.edits import class_means
from jepascope.intervention.effects import intervene as intervene_at
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes
from jepascope.portability.alignment import calibrated, sas, sas_chance
from jepascope.portability.retained import rce
from jepascope.stats import Interval
from jepascope.study.doctor import cache_folder


def capture(encoder: VideoEncoder, clips: ClipSet, cache: bool = True) -> Activations:
    """One pass of the scenes through the encoder, rendered at the length and size that it takes; pooled at every layer.

    Kept in the cache folder (JEPASCOPE_CACHE, or ~/.cache/jepascope) under the digest of encoder and clips, unless ``cache``
    is False.
    """
    store = cache_folder() / "activations" if cache else None
    return capture_pass(encoder, clips.at(encoder.card.frames, encoder.card.size), store)


def labels_of(activations: Activations, variable: str) -> torch.Tensor:
    return torch.tensor(activations.clips.labels(variable)[0])


def scenes_of(activations: Activations) -> torch.Tensor:
    return torch.tensor(activations.clips.factors["scene"].to_numpy(copy=True))


def labelled(
    activations: Activations, variable: str, site: Site, finder: str, encoder: VideoEncoder | None = None, seed: int = 0
) -> Labelled:
    """What ``finder`` is given of one site; tokens of the clips and of their twins, where it is trained through the network."""
    x, y, values = activations.pooled(site.layer, site.tokens), labels_of(activations, variable), activations.clips.values(variable)
    numbers = None if values is None else torch.tensor(values, dtype=torch.float32)
    suffix = None
    if finder in NEEDS_SUFFIX and encoder is not None:
        if encoder.card.digest != activations.encoder_card.digest:
            raise BadArgument(f"The activations are those of '{activations.encoder_card.name}', not of '{encoder.card.name}'.")
        source, twin = (
            capture_pass(encoder, clips, sites=(site.layer,)) for clips in (activations.clips, twins(activations.clips, variable, seed))
        )
        suffix = Suffix(encoder, site, source, twin, labels_of(twin, variable))
    return Labelled(x, y, numbers, scenes_of(activations), suffix, where=str(site))


def find(
    activations: Activations,
    variable: str,
    layer: int,
    finder: str = "diff_means",
    rank: int | None = None,
    tokens: str = "all",
    seed: int = 0,
    encoder: VideoEncoder | None = None,
) -> Subspace:
    """The subspace that ``finder`` finds for ``variable`` at ``layer``, on the clips of split ``fit`` alone.

    ``das`` is trained through the network and needs the ``encoder``; it captures tokens of the clips and of their twins. Raises
    BadArgument for an unknown finder, variable or layer, or a rank that the classes do not allow.
    """
    fit = activations.split("fit")
    where = {"layer": layer, "tokens": tokens, "model": activations.encoder_card.name}
    found = find_in(finder, labelled(fit, variable, Site(layer, tokens), finder, encoder, seed), rank, seed)
    return replace(found, provenance={**found.provenance, "variable": variable, **where})


def _angles(activations: Activations, variable: str) -> torch.Tensor:
    values = torch.tensor(activations.clips.values(variable), dtype=torch.float32)
    return torch.atan2(values[:, 1], values[:, 0])


@dataclass(frozen=True)
class _Stand:
    """What interventions on one subspace's site need."""

    site: Site
    scenes: Scenes
    judges: list[ProbeJudge]
    controls: dict[str, list[ControlDraw]]


def _stand(encoder: VideoEncoder, activations: Activations, subspace: Subspace, draws: int, names: Sequence[str], seed: int) -> _Stand:
    said = subspace.provenance
    missing = [key for key in ("variable", "layer", "tokens", "finder") if key not in said]
    if missing:
        raise BadArgument(
            f"The subspace's provenance does not say its {missing[0]}; make it with jepascope.find, or use intervention.effects."
        )
    if said.get("model") != encoder.card.name or activations.encoder_card.digest != encoder.card.digest:
        raise BadArgument(f"The subspace was found in '{said.get('model')}', not in '{encoder.card.name}'; find it again on this encoder.")
    variable, site = str(said["variable"]), Site(int(said["layer"]), str(said["tokens"]))
    fit, judge, test = (activations.split(name) for name in ("fit", "judge", "test"))
    moments = capture_pass(encoder, fit.clips, moments=(site.layer,)).moments(site.layer, site.tokens)
    source = capture_pass(encoder, test.clips, sites=(site.layer,))
    rendered = test.clips.variable(variable).rendered
    if rendered:
        twin = capture_pass(encoder, twins(test.clips, variable, seed), sites=(site.layer,))
    else:
        twin = source.select(donor_rows(source.clips, variable, seed))
    shuffling = str(said["finder"]) if "shuffled" in names else ""
    data = labelled(fit, variable, site, shuffling, encoder, seed)
    means = class_means(data.x, data.y, data.classes)
    angle, wanted, circle = None, None, None
    if (values := source.clips.values(variable)) is not None and source.clips.variable(variable).kind == "circular":
        angle, wanted = (_angles(part, variable) for part in (source, twin))
        circle = None if data.values is None else Circle.fitted(data.x, data.values)
    scenes = Scenes(
        source,
        twin,
        labels_of(source, variable),
        labels_of(twin, variable),
        means,
        "twin" if rendered else "class",
        angle=angle,
        target_angle=wanted,
        circle=circle,
    )
    last, read = encoder.card.depth, judge.pooled(encoder.card.depth, site.tokens)
    probe = dense_probes({last: read}, labels_of(judge, variable), scenes_of(judge), seed=seed)[last].probe
    decoder = None
    if values is not None and angle is not None:
        known = torch.tensor(judge.clips.values(variable), dtype=torch.float32)
        decoder = ridge_probes({last: read}, known, scenes_of(judge), seed=seed)[last].probe
    judges = [ProbeJudge(probe, site.tokens, decoder=decoder)]
    shuffled = find_shuffled(shuffling, data, subspace.rank, draws, seed) if shuffling else None
    drawn = matched_controls(subspace, moments.covariance, draws, seed, shuffled, names=names)
    return _Stand(site, scenes, judges, {"subspace": drawn})


def intervene(
    encoder: VideoEncoder,
    activations: Activations,
    subspace: Subspace,
    edit: str = "ablate",
    dose: float = 1.0,
    draws: int = 20,
    seed: int = 0,
    tokens: str | None = None,
    ablate_to: str = "mean",
) -> pd.DataFrame:
    """CE of one edit on ``subspace`` beside its four matched controls: the columns of ce.parquet, one row each.

    ``edit``: ablate (to ``ablate_to``: mean, zero, resample), swap, steer, or rotate (a circular variable). A swap takes from the test
    clip's twin; where none can be rendered (labels of your own), from another clip of another class. ``tokens``: which are edited (all,
    object, background, or tubelets such as "time:0-1"); default: those that the subspace was found on.

    ``activations`` cover fit, judge and test clips (a plain ``capture``); tokens of the test clips and their twins at the
    subspace's layer are captured here. The judge is a probe trained on split ``judge`` at the last layer.
    """
    stand = _stand(encoder, activations, subspace, draws, CONTROLS, seed)
    site, found = Site(stand.site.layer, tokens or stand.site.tokens), {"subspace": subspace}
    effects, _ = intervene_at(encoder, site, stand.scenes, found, stand.controls, stand.judges, (edit,), (dose,), ablate_to=ablate_to)
    return ce_table(effects.assign(finder=str(subspace.provenance["finder"])), seed)


@dataclass(frozen=True)
class Portability:
    """``sas`` of two subspaces with its ``chance`` level and calibrated value, and ``rce`` of ``other`` used in place of the first."""

    sas: float
    chance: float
    calibrated: float
    rce: Interval
    native: Interval
    dose: float


def port(
    encoder: VideoEncoder, activations: Activations, subspace: Subspace, other: Subspace, dose: float = 0.5, seed: int = 0
) -> Portability:
    """How ``other`` aligns with ``subspace`` and what share of its ablation effect it retains at the same site.

    ``native`` is the first subspace's own CE. There is no ratio where that is not shown; at 0.95 and more it is saturated: ask for a lower
    dose.
    """
    if subspace.provenance.get("layer") != other.provenance.get("layer"):
        raise BadArgument(
            f"The subspaces are of layers {subspace.provenance.get('layer')} and {other.provenance.get('layer')}; one can stand in for the "
            "other at one layer only. Find both at the same layer."
        )
    stand = _stand(encoder, activations, subspace, 1, ("random",), seed)
    both = {"native": subspace, "other": other}
    effects, _ = intervene_at(encoder, stand.site, stand.scenes, both, {}, stand.judges, ("ablate",), (dose,))
    numerators = {name: by_draw(rows, "subspace").to_numpy()[0] for name, rows in effects.groupby("finder")}
    below = by_draw(effects[effects["finder"] == "native"], "subspace", "denominator").to_numpy()[0]
    own = ce_table(effects[effects["finder"] == "native"], seed).iloc[0]
    value, chance = sas(subspace.basis, other.basis), sas_chance(subspace.width, subspace.rank, other.rank)
    native = Interval(float(own["value"]), float(own["low"]), float(own["high"]), int(own["n"]))
    return Portability(value, chance, calibrated(value, chance), rce(numerators["other"], numerators["native"], below, seed), native, dose)
