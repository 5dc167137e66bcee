"""Whether unedited rollouts follow what really comes: their latents, and what probes read of them; and what the twin moves in both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site
from jepascope.activations.suffix import chunks
from jepascope.encoders.base import VideoEncoder
from jepascope.intervention.effects import outcome
from jepascope.intervention.judges import Readout, correct, read_logits, target_margin
from jepascope.intervention.rollout import Driven, World
from jepascope.intervention.scenes import Scenes
from jepascope.schema import TABLES
from jepascope.stats import RESAMPLES, ratio_of_means, scene_proportion, scene_sums

Probes = Mapping[str, Mapping[int, Readout]]
"""By what they were trained on ("real" latents, or "code", those of rollouts) and step."""


@dataclass(frozen=True)
class Unrolled:
    """Some clips and their twins, unedited: latents pooled over places, step by step, and how far they lie apart (squared, over all
    places). ``present`` is the last time that was seen."""

    real: Float[Tensor, "clips steps width"]
    real_twin: Float[Tensor, "clips steps width"]
    rolled: Float[Tensor, "clips steps width"]
    rolled_twin: Float[Tensor, "clips steps width"]
    present: Float[Tensor, "clips steps width"]
    missed: Float64[Tensor, "clips steps"]
    changed: Float64[Tensor, "clips steps"]

    @classmethod
    @torch.inference_mode()
    def of(cls, world: World, site: Site, scenes: Scenes, beginnings: Scenes, driven: Driven) -> Unrolled:
        """``scenes`` are the whole clips, ``beginnings`` the same ones as ``world.early`` sees them, both with tokens at the site."""
        parts: dict[str, list[Tensor]] = {name: [] for name in cls.__dataclass_fields__}

        def last(encoder: VideoEncoder, part: Activations, rows: slice) -> Tensor:
            return encoder.run(part.tokens(site.layer, rows).to(encoder.device), site.layer)

        for rows in chunks(world.encoder.card, len(scenes)):
            own = driven.rows(rows)
            real, twin = (world.future(last(world.encoder, part, rows)) for part in (scenes.source, scenes.twin))
            begun = [last(world.early, part, rows) for part in (beginnings.source, beginnings.twin)]
            (rolled, rolled_twin), now = (world.rolled(each, own) for each in begun), world.present(begun[0]).expand_as(real)
            pooled = dict(real=real, real_twin=twin, rolled=rolled, rolled_twin=rolled_twin, present=now)
            for name, latents in pooled.items():
                parts[name].append(latents.mean(dim=2).cpu())
            for name, other in (("missed", rolled), ("changed", now)):
                parts[name].append((other - real).double().square().sum(dim=(2, 3)).cpu())
        return cls(**{name: torch.cat(pieces) for name, pieces in parts.items()})

    def logits(self, name: str, probe: Readout, step: int) -> Float64[Tensor, "clips classes"]:
        latents: Tensor = getattr(self, name)
        return read_logits("rollout", probe, latents[:, step - 1])


def real_denominators(unrolled: Unrolled, scenes: Scenes, probe: Readout, step: int, edit: str) -> Float64[Tensor, " clips"]:
    """What the real future moves the margin, or (ablation) the margin that it has: the denominators of reading "future"."""
    own, twin = (unrolled.logits(name, probe, step) for name in ("real", "real_twin"))
    return outcome(edit, own, own, twin, scenes.label, scenes.target)[1]


def fidelity_table(
    world: World, unrolled: Unrolled, scenes: Scenes, probes: Probes, seed: int = 0, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """A row for each step (table ``fidelity``); intervals resample scenes, those of shares are Wilson's."""
    rows = []
    for step, probe in probes["real"].items():
        read = {name: unrolled.logits(name, probe, step) for name in ("real", "real_twin", "rolled", "rolled_twin", "present")}
        read["code"] = unrolled.logits("rolled", probes["code"][step], step)
        moved, really = (
            target_margin(read[f"{name}_twin"], scenes.label, scenes.target) - target_margin(read[name], scenes.label, scenes.target)
            for name in ("rolled", "real")
        )
        ratios = {"error": (unrolled.missed[:, step - 1], unrolled.changed[:, step - 1]), "natural": (moved, really)}
        row: dict[str, float] = {"context": world.context, "step": step}
        for name, (above, below) in ratios.items():
            over, under = (scene_sums(part.numpy(), scenes.ids) for part in (above, below))
            interval = ratio_of_means(over, under, np.random.default_rng(seed), resamples)
            row |= {"n": interval.n, **interval.columns(name)}
        for name in ("real", "rolled", "code", "present"):
            row |= scene_proportion(correct(read[name], scenes.label).numpy(), scenes.ids).columns(name)
        rows.append({**row, "chance": float(torch.bincount(scenes.label).max()) / len(scenes)})
    return pd.DataFrame(rows, columns=TABLES["fidelity"].written)
