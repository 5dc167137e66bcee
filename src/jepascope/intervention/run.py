"""Running edits: scenes in chunks, conditions folded into batches, only the blocks after the site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site
from jepascope.activations.suffix import BATCH, rerun
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadData
from jepascope.intervention.conditions import Condition, alike
from jepascope.intervention.edits import ablation_displacement, coordinates, donor_displacement, edit, steer_displacement, swap_displacement
from jepascope.intervention.judges import ProbeJudge


@dataclass(frozen=True)
class Scenes:
    """The test scenes that are intervened on: their activations, their partners', and the class each of the two shows.

    ``class_means`` (of pooled activations of split ``fit`` at the site) is what steering adds differences of. ``donor`` says what
    the partners in ``twin`` are: the same scenes with another value of the variable ("twin"), swapped token by token; or, where
    that cannot be rendered, other clips of another class ("class"), swapped by the difference of pooled activations.
    """

    source: Activations
    twin: Activations
    label: Int[Tensor, " clips"]
    target: Int[Tensor, " clips"]
    class_means: Float[Tensor, "classes width"]
    donor: Literal["twin", "class"] = "twin"

    def __post_init__(self) -> None:
        source, twin = self.source.clips.factors["scene"].to_numpy(), self.twin.clips.factors["scene"].to_numpy()
        if self.donor == "class" and len(source) != len(twin):
            raise BadData(f"{len(source)} scenes need one donor each, not {len(twin)}.")
        if self.donor == "twin" and (len(source) != len(twin) or (source != twin).any()):
            raise BadData("The twins are not of the same scenes in the same order as the clips; make them from these clips.")
        if not len(source) == len(self.label) == len(self.target):
            raise BadData(f"{len(source)} scenes need as many labels and targets, not {len(self.label)} and {len(self.target)}.")
        same = (self.label == self.target).nonzero()
        if len(same):
            what = "twin" if self.donor == "twin" else "donor"
            raise BadData(f"Scene {source[int(same[0])]} has a {what} of its own class; swap and steer need another value of the variable.")

    def mask(self, tokens: str) -> Bool[Tensor, "clips tokens"] | None:
        """Tokens that are edited or read; for ``object`` those of the object in either twin, so that both are treated alike.
        A donor's object is another one elsewhere: there the clip's own tokens alone."""
        own, other = self.source.mask(tokens), self.twin.mask(tokens)
        if self.donor == "class":
            return own
        return None if own is None or other is None else own | other

    @property
    def ids(self) -> np.ndarray:
        return self.source.clips.factors["scene"].to_numpy()


@dataclass(frozen=True)
class Edited:
    """The judge's logits: under each condition, under the edit's direct path alone (``h_L`` as it was plus the mean edit: what
    residual connections carry to the read-out with no block seeing the edit), without an edit, and of the twins; and the mean
    norm of a token's edit at dose 1.
    """

    logits: Float64[Tensor, "conditions clips classes"]
    direct: Float64[Tensor, "conditions clips classes"]
    clean: Float64[Tensor, "clips classes"]
    twin: Float64[Tensor, "clips classes"]
    norms: Float64[Tensor, " conditions"]


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
) -> Edited:
    """One edit in every condition, re-run to the last layer and read by the judge.

    Scenes are taken in chunks, whose tokens alone are in memory; conditions are folded into batches.
    """
    source, clips, device = scenes.source, len(scenes.ids), encoder.device
    groups = alike(conditions, by_mean=name == "ablate")
    logits = torch.empty(len(conditions), clips, len(scenes.class_means), dtype=torch.float64)
    direct = torch.empty_like(logits)
    clean, twin = read_unedited(encoder, site, scenes, judge, batch)
    selected, read = scenes.mask(site.tokens), scenes.mask(judge.tokens)
    norm_sums, edited_tokens = torch.zeros(len(conditions), dtype=torch.float64), 0
    chunks = -(-clips // batch)
    size = -(-clips // chunks)  # chunks of equal size, so that none leaves a small batch at the end
    done = 0
    for start in range(0, clips, size):
        rows = slice(start, min(start + size, clips))
        hidden = source.tokens(site.layer, rows).to(device)
        mask = None if selected is None else selected[rows].to(device)
        swapped = _swap_displacement(scenes, site, rows, hidden) if name == "swap" else hidden
        edited_tokens += hidden.shape[0] * hidden.shape[1] if mask is None else int(mask.sum())
        for members in groups:
            group = [conditions[i] for i in members]
            if name == "ablate":
                displacement = ablation_displacement(hidden, group[0].mean.to(hidden), ablate_to)
            elif name == "swap":
                displacement = swapped
            else:
                displacement = steer_displacement(scenes.class_means, scenes.label[rows], scenes.target[rows]).to(hidden)
            seen = None if read is None else read[rows]
            runner = _Group(group, displacement.float(), mask, seen)
            pooled = rerun(encoder, hidden, site.layer, runner, len(group), seen, batch)
            logits[members, rows] = judge.logits(pooled)
            direct[members, rows] = judge.logits(clean[rows] + runner.shift)
            norm_sums[members] += runner.norm_sums
            done += len(group) * hidden.shape[0]
            if progress:
                progress(done)
    return Edited(logits, direct, judge.logits(clean), judge.logits(twin), norm_sums / max(edited_tokens, 1))


def read_unedited(
    encoder: VideoEncoder, site: Site, scenes: Scenes, judge: ProbeJudge, batch: int = BATCH
) -> tuple[Float[Tensor, "clips width"], Float[Tensor, "clips width"]]:
    """Pooled ``h_L`` of the scenes and of their twins, over the tokens that the judge reads under edits as well; of donors, over
    their own."""
    read = scenes.mask(judge.tokens)
    if read is None or scenes.donor == "class":
        return tuple(part.pooled(encoder.card.depth, judge.tokens) for part in (scenes.source, scenes.twin))  # type: ignore[return-value]
    pooled = []
    for part in (scenes.source, scenes.twin):
        chunks = [slice(start, min(start + batch, len(part))) for start in range(0, len(part), batch)]
        pooled.append(
            torch.cat([rerun(encoder, part.tokens(site.layer, rows), site.layer, _unedited, 1, read[rows], batch)[0] for rows in chunks])
        )
    return pooled[0], pooled[1]


def _swap_displacement(scenes: Scenes, site: Site, rows: slice, hidden: Float[Tensor, "clips tokens width"]) -> Tensor:
    if scenes.donor == "twin":
        return swap_displacement(hidden, scenes.twin.tokens(site.layer, rows).to(hidden.device))
    own, donor = (part.pooled(site.layer, site.tokens)[rows] for part in (scenes.source, scenes.twin))
    return donor_displacement(own, donor).to(hidden)


def _unedited(hidden: Tensor, part: slice) -> Tensor:
    return hidden[None]


class _Group:
    """Conditions of one rank and one displacement, as the edit that ``rerun`` calls; keeps norms and mean shifts on the way."""

    def __init__(self, group: Sequence[Condition], displacement: Tensor, mask: Tensor | None, read: Tensor | None) -> None:
        self.bases = torch.stack([condition.basis for condition in group]).to(displacement)
        self.doses = torch.tensor([condition.dose for condition in group], dtype=displacement.dtype, device=displacement.device)
        self.displacement, self.mask = displacement, mask
        # a carried condition takes its coordinates in the true basis and moves along its own
        self.frames = torch.stack([c.true_basis for c in group]).to(displacement) if group[0].carried else self.bases
        self.norm_sums = torch.zeros(len(group), dtype=torch.float64)
        self.read = read if read is None else read.to(displacement)
        self.shift = torch.empty(len(group), displacement.shape[0], displacement.shape[2])
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
        # what the edit alone adds to the pooled read-out: residual connections carry it there whatever the blocks do
        mean = pool_inside(inside, self.read) * self.doses[part, None, None]
        self.shift[part] = (mean @ self.bases[part].transpose(1, 2)).cpu()
        return edit(hidden, inside, self.bases[part], self.doses[part])


def pool_inside(
    inside: Float[Tensor, "conditions clips edited rank"], read: Float[Tensor, "clips tokens"] | None
) -> Float[Tensor, "conditions clips rank"]:
    """Mean of the edits' coordinates over the tokens that are read; a single row stands for all tokens of its clip."""
    if read is None or inside.shape[2] == 1:
        return inside.mean(dim=2)
    weight = read / read.sum(dim=1, keepdim=True)
    return torch.einsum("cstk,st->csk", inside, weight)
