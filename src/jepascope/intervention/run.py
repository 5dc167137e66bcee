"""Running edits: scenes in chunks, conditions folded into batches, only the blocks after the site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site
from jepascope.activations.suffix import BATCH, rerun
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadData
from jepascope.intervention.conditions import Condition, alike
from jepascope.intervention.edits import ablation_displacement, coordinates, edit, steer_displacement, swap_displacement
from jepascope.intervention.judges import ProbeJudge


@dataclass(frozen=True)
class Scenes:
    """The test scenes that are intervened on: their activations, their twins', and the class each of the two shows.

    ``class_means`` (of pooled activations of split ``fit`` at the site) is what steering adds differences of.
    """

    source: Activations
    twin: Activations
    label: Int[Tensor, " clips"]
    target: Int[Tensor, " clips"]
    class_means: Float[Tensor, "classes width"]

    def __post_init__(self) -> None:
        source, twin = self.source.clips.factors["scene"].to_numpy(), self.twin.clips.factors["scene"].to_numpy()
        if len(source) != len(twin) or (source != twin).any():
            raise BadData("The twins are not of the same scenes in the same order as the clips; make them from these clips.")
        if not len(source) == len(self.label) == len(self.target):
            raise BadData(f"{len(source)} scenes need as many labels and targets, not {len(self.label)} and {len(self.target)}.")
        same = (self.label == self.target).nonzero()
        if len(same):
            raise BadData(f"Scene {source[int(same[0])]} has a twin of its own class; swap and steer need another value of the variable.")

    @property
    def ids(self) -> np.ndarray:
        return self.source.clips.factors["scene"].to_numpy()


def run_edit(
    encoder: VideoEncoder,
    site: Site,
    scenes: Scenes,
    conditions: Sequence[Condition],
    judge: ProbeJudge,
    name: str,
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
    ablate_to: str = "mean",
) -> tuple[Float64[Tensor, "conditions clips classes"], Float64[Tensor, " conditions"]]:
    """The judge's logits under one edit in every condition, and the mean norm of a token's edit at dose 1.

    Scenes are taken in chunks, whose tokens alone are in memory; conditions are folded into batches.
    """
    source, clips, device = scenes.source, len(scenes.ids), encoder.device
    groups = alike(conditions, by_mean=name == "ablate")
    logits = torch.empty(len(conditions), clips, len(scenes.class_means), dtype=torch.float64)
    norm_sums, edited_tokens = torch.zeros(len(conditions), dtype=torch.float64), 0
    chunks = -(-clips // batch)
    size = -(-clips // chunks)  # chunks of equal size, so that none leaves a small batch at the end
    done = 0
    for start in range(0, clips, size):
        rows = slice(start, min(start + size, clips))
        hidden = source.tokens(site.layer, rows).to(device)
        selected, read = source.mask(site.tokens), source.mask(judge.tokens)
        mask = None if selected is None else selected[rows].to(device)
        donor = scenes.twin.tokens(site.layer, rows).to(device) if name == "swap" else hidden
        edited_tokens += hidden.shape[0] * hidden.shape[1] if mask is None else int(mask.sum())
        for members in groups:
            group = [conditions[i] for i in members]
            if name == "ablate":
                displacement = ablation_displacement(hidden, group[0].mean.to(hidden), ablate_to)
            elif name == "swap":
                displacement = swap_displacement(hidden, donor)
            else:
                displacement = steer_displacement(scenes.class_means, scenes.label[rows], scenes.target[rows]).to(hidden)
            runner = _Group(group, displacement.float(), mask)
            pooled = rerun(encoder, hidden, site.layer, runner, len(group), None if read is None else read[rows], batch)
            logits[members, rows] = judge.logits(pooled)
            norm_sums[members] += runner.norm_sums
            done += len(group) * hidden.shape[0]
            if progress:
                progress(done)
    return logits, norm_sums / max(edited_tokens, 1)


class _Group:
    """Conditions of one rank and one displacement, as the edit that ``rerun`` calls; adds up norms on the way."""

    def __init__(self, group: Sequence[Condition], displacement: Tensor, mask: Tensor | None) -> None:
        self.bases = torch.stack([condition.basis for condition in group]).to(displacement)
        self.doses = torch.tensor([condition.dose for condition in group], dtype=displacement.dtype, device=displacement.device)
        self.displacement, self.mask = displacement, mask
        # a carried condition takes its coordinates in the true basis and moves along its own
        self.frames = torch.stack([c.true_basis for c in group]).to(displacement) if group[0].carried else self.bases
        self.norm_sums = torch.zeros(len(group), dtype=torch.float64)
        self.norms: Tensor | None = None
        if group[0].rescale:
            # the true edits' norms, once for each of the finders that share this group
            true = {condition.true_basis.numpy().tobytes(): condition.true_basis for condition in group}
            place = {key: i for i, key in enumerate(true)}
            self.norms = torch.stack([coordinates(displacement, basis[None].to(displacement))[0].norm(dim=-1) for basis in true.values()])
            self.true = torch.tensor([place[condition.true_basis.numpy().tobytes()] for condition in group], device=displacement.device)

    def __call__(self, hidden: Tensor, part: slice) -> Tensor:
        norms = None if self.norms is None else self.norms[self.true[part]]
        inside = coordinates(self.displacement, self.frames[part], self.mask, norms)
        tokens = hidden.shape[1] // inside.shape[2]  # a row that stands for all tokens of its clip counts for each
        self.norm_sums[part] = tokens * inside.norm(dim=-1).sum(dim=(1, 2), dtype=torch.float64).cpu()
        return edit(hidden, inside, self.bases[part], self.doses[part])
