"""The problems of a batch that are still being solved, each on its working set: the coordinates that a sparse fit needs to look at.

Most weights of a sparse fit are zero, and most of those are seen to be from the fit before: the sequential strong rule
(Tibshirani et al. 2012) leaves out a coordinate whose gradient at the last strength is below ``2 l1 - l1 before``. That rule can err, so
it only says where to begin: a fit ends when its gap holds on *all* coordinates, and until then those that break their
bound are let in. The coordinates of a design that any of its variants needs are gathered into a smaller design; each variant is kept
to its own by an unpayable strength on the others, so that it is solved as if it were alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.discovery.solver.elastic_net import Batch, Certificate, Penalty, duality_gap, logits
from jepascope.discovery.solver.fista import Work

UNPAYABLE = 1e30  # a strength that keeps a coordinate out; finite, for infinity times a weight of zero is not a number
WORTHWHILE = 0.8  # of the columns: gathering more than these costs more than it saves
MULTIPLE = 16  # of columns, which matrix products like


def strong(
    slope: Float[Tensor, "designs variants _ columns"],
    state: Float[Tensor, "designs variants classes columns"],
    l1: Float[Tensor, "designs variants 1 columns"],
    l1_before: Float[Tensor, "designs variants 1 1"],
) -> Bool[Tensor, "designs variants columns"]:
    """Coordinates to begin with: those in use, those without L1, and those that the strong rule does not leave out."""
    kept = (slope >= 2 * l1 - l1_before) | (l1 == 0)
    return kept.any(dim=2) | (state != 0).any(dim=2)


def gathered(member: Bool[Tensor, "designs variants columns"]) -> Int[Tensor, "designs some"] | None:
    """The columns that any variant of a design needs, in order, filled up with others to one number for all designs; None:
    all of them."""
    needed = member.any(dim=1)
    columns = member.shape[2]
    most = -(-int(needed.sum(dim=1).max()) // MULTIPLE) * MULTIPLE
    if most > WORTHWHILE * columns:
        return None
    return needed.to(torch.uint8).sort(dim=1, descending=True, stable=True).indices[:, :most].sort(dim=1).values


WORTH_MOVING = 0.75  # of the places: copying more of them than this costs more than iterating idly
COLUMNWISE = ("now", "point", "point_before")
PER_PROBLEM = ("weights", "targets", "l1", "l2", "curvature", "share", "momentum", *COLUMNWISE, "seen", "ahead", "ahead_before", "residual")


@dataclass
class OpenProblems:
    """``work`` moves the gathered columns; here are all columns, and which problem of the batch each place holds."""

    work: Work
    x: Tensor  # (rows, clips, columns), as l1, l2 and curvature on all columns
    l1: Tensor
    l2: Tensor
    curvature: Tensor
    member: Tensor  # (rows, slots, columns): the working sets
    gathered: Tensor | None  # (rows, some): the columns that ``work`` holds; None: all
    rows: Tensor  # (rows,) which design
    slots: Tensor  # (rows, slots) which variant
    open: Tensor  # (rows, slots); a slot may hold an ended problem, to keep the axes rectangular

    @classmethod
    def of(cls, batch: Batch, l1: Tensor, l2: Tensor, state: Tensor, penalty: Penalty) -> OpenProblems:
        designs, variants, _, columns = state.shape
        ones = state.new_ones(designs, variants, 1, 1)
        seen = logits(batch.x, state)
        residual = batch.weights * (seen.softmax(dim=2) - batch.targets)
        parts = (batch.weights, batch.targets, l1, l2, batch.curvature, ones / 4, ones, state, state, state, seen, seen, seen, residual)
        device = state.device
        return cls(
            Work(batch.x, *parts, penalty),
            batch.x,
            *parts[2:5],
            torch.zeros(designs, variants, columns, dtype=torch.bool, device=device),
            None,
            torch.arange(designs, device=device),
            torch.arange(variants, device=device).expand(designs, variants),
            torch.ones(designs, variants, dtype=torch.bool, device=device),
        )

    def gap_on_working_sets(self) -> Tensor:
        w = self.work
        return duality_gap(w.x, w.targets, w.weights, w.now, w.l1, w.l2, w.penalty, w.seen).gap

    def certificate(self) -> Certificate:
        """On all columns."""
        w = self.work
        return duality_gap(self.x, w.targets, w.weights, self.whole(w.now), self.l1, self.l2, w.penalty, w.seen)

    def whole(self, part: Tensor) -> Tensor:
        """A tensor over the gathered columns as one over all, zero elsewhere."""
        if self.gathered is None:
            return part
        full = part.new_zeros(*part.shape[:3], self.x.shape[2])
        return full.scatter_(3, self._spread(part), part)

    def _part(self, full: Tensor) -> Tensor:
        return full if self.gathered is None or full.shape[3] == 1 else full.gather(3, self._spread(full))

    def _spread(self, like: Tensor) -> Tensor:
        assert self.gathered is not None
        return self.gathered[:, None, None].expand(*like.shape[:3], -1)

    def regroup(self) -> None:
        """Gather the columns that the working sets now need."""
        whole = {name: self.whole(getattr(self.work, name)) for name in COLUMNWISE}
        self.gathered = gathered(self.member)
        x = self.x if self.gathered is None else self.x.gather(2, self.gathered[:, None].expand(-1, self.x.shape[1], -1))
        barred = torch.where(self.member[:, :, None], self.l1, UNPAYABLE)
        l1, l2, curvature = self._part(barred), self._part(self.l2), self._part(self.curvature)
        parts: dict[str, Any] = {name: self._part(whole[name]) for name in COLUMNWISE}
        self.work = replace(self.work, x=x, l1=l1, l2=l2, curvature=curvature, **parts)

    def drop_ended(self) -> None:
        """Leave out designs in which nothing is open and close ranks in the others, once that frees enough places."""
        keep = self.open.any(dim=1)
        most = int(self.open.sum(dim=1).max())
        if most * int(keep.sum()) > WORTH_MOVING * self.open.numel():
            return
        order = self.open[keep].to(torch.uint8).sort(dim=1, descending=True, stable=True).indices[:, :most]
        at = torch.arange(len(order), device=order.device)[:, None]
        parts = {name: getattr(self.work, name)[keep][at, order] for name in PER_PROBLEM}
        self.work = replace(self.work, x=self.work.x[keep], **parts)
        self.x, self.rows = self.x[keep], self.rows[keep]
        self.gathered = None if self.gathered is None else self.gathered[keep]
        for name in ("l1", "l2", "curvature", "member", "slots", "open"):
            setattr(self, name, getattr(self, name)[keep][at, order])
