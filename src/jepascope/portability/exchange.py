"""Exchanges: one subspace is swapped with the twin's while another one is ablated in both, so that it cannot help."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.activations.suffix import Placed, Rerun, Sweep, chunks, rerun
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.precision import exact
from jepascope.errors import BadArgument
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import FLOORS
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.edits import coordinates, displacement, edit
from jepascope.intervention.judges import target_margin
from jepascope.intervention.run import place

PARALLEL = 0.1  # sine below which a direction of one subspace counts as lying in the other

Bases = Float[Tensor, "width _"]


@dataclass(frozen=True)
class Exchange:
    """``held`` is ablated to the mean in the clip and in its twin; what ``swapped`` then holds of the two is exchanged.

    h'' = h' + U U^T (h'_twin - h'), with h' = h - H H^T (h - m). Where the two are oblique this moves along U alone, by what U reads
    of the rest: the part of U outside H is no part of U, and moving along it would borrow directions that only H reads.
    """

    swapped: Bases
    held: Bases | None = None


def exchange_controls(
    context: InterventionContext, swapped: Bases, avoid: Bases | None, held: Bases | None = None
) -> dict[str, list[Bases]] | None:
    """Draws of the random and the variance control, orthogonal to the subspace and to ``avoid``; None without room.

    The variance matched is what is left in the subspace when ``held`` is ablated: all that an exchange of it moves.
    """
    taken = _taken(swapped, avoid)
    if not has_room(swapped, avoid):
        return None
    subspace, covariance = Subspace(swapped, context.mean), _covariance_without(context.covariance, held)
    drawn = matched_controls(subspace, covariance, context.draws, context.seed, avoid=taken, names=FLOORS)
    return {name: [draw.basis for draw in drawn if draw.name == name] for name in FLOORS}


def _covariance_without(covariance: Float64[Tensor, "width width"], held: Bases | None) -> Float64[Tensor, "width width"]:
    if held is None:
        return covariance
    gone = held.double()
    left = covariance - gone @ (gone.T @ covariance)
    return left - (left @ gone) @ gone.T


def exchanged(
    context: InterventionContext,
    exchanges: Sequence[Exchange],
    progress: Callable[[int, int], None] | None = None,
    hold_norms: bool = False,
) -> tuple[Float64[np.ndarray, "exchanges scenes"], Float64[np.ndarray, " scenes"]]:
    """Numerators of every exchange and the common denominators: CE = sum of the one / sum of the other.

    Numerator: how far the margin moves from the source's class towards the twin's, measured from where ablating ``held`` alone
    leaves it. Denominator: how far the unedited twin moves it. 1: as far as the real change. ``hold_norms``: every norm after the site
    divides by what it divides by on the unedited clip, so that nothing is read louder because something else is gone.
    """
    unique: dict[bytes, Bases] = {_key(exchange.held): exchange.held for exchange in exchanges if exchange.held is not None}
    everything = [*exchanges, *(Exchange(held[:, :0], held) for held in unique.values())]
    logits, clean, twin = _logits(context, everything, progress, hold_norms)
    source, target = context.scenes.label, context.scenes.target
    before = target_margin(clean, source, target)
    after = target_margin(logits, source, target)
    held_alone = dict(zip(unique, after[len(exchanges) :], strict=True))
    base = [before if exchange.held is None else held_alone[_key(exchange.held)] for exchange in exchanges]
    moved = after[: len(exchanges)] - torch.stack(base) if base else after
    return moved.numpy(), (target_margin(twin, source, target) - before).numpy()


def _logits(
    context: InterventionContext, exchanges: Sequence[Exchange], progress: Callable[[int, int], None] | None, hold_norms: bool
) -> tuple[Tensor, Tensor, Tensor]:
    encoder, site, scenes, judge, depth = context.encoder, context.site, context.scenes, context.judge, context.depth
    at, clips = place(judge, depth), len(scenes)
    clean, twin = judge.logits(context.unedited.clean[at]), judge.logits(context.unedited.twin[at])
    logits = torch.empty(len(exchanges), *clean.shape, dtype=torch.float64)
    selected, read = scenes.mask(site.tokens), scenes.mask(judge.tokens)

    def reruns() -> Iterator[Rerun]:
        for rows in chunks(encoder.card, clips) if exchanges else ():
            hidden = scenes.source.tokens(site.layer, rows).to(encoder.device)
            mask = None if selected is None else selected[rows].to(encoder.device)
            edits = _Exchanges(exchanges, hidden, displacement("swap", scenes, site, rows, hidden).float(), context.mean, mask)
            reader = judge.reader(None if read is None else read[rows])
            yield Rerun(Sweep(hidden, site.layer, edits, {depth: reader}, hold_norms), len(exchanges), partial(keep, rows))

    def keep(rows: slice, part: slice, features: dict[int, Tensor]) -> None:
        logits[part, rows] = judge.logits(features[depth])
        if progress:
            progress(rows.start * len(exchanges) + part.stop * (rows.stop - rows.start), clips * len(exchanges))

    rerun(encoder, reruns())
    return logits, clean, twin


class _Exchanges(Placed):
    """The edit of a sweep. Conditions with the same held subspace share its ablation."""

    def __init__(self, exchanges: Sequence[Exchange], hidden: Tensor, moved: Tensor, mean: Tensor, mask: Tensor | None) -> None:
        self.exchanges, self.moved, self.mask = exchanges, moved, mask
        self.away = mean.to(exact(hidden)) - exact(hidden)
        self.kept: tuple[bytes, Tensor, Tensor] | None = None  # the ablation used last: exchanges that share one follow each other

    def __call__(self, hidden: Tensor, part: slice) -> Tensor:
        return torch.stack([self._edited(hidden, exchange) for exchange in self.exchanges[part]])

    def _edited(self, hidden: Tensor, exchange: Exchange) -> Tensor:
        base, away = self._ablated(hidden, exchange.held)
        if not exchange.swapped.shape[1]:
            return base
        return self._moved(base, away, exchange.swapped)

    def _ablated(self, hidden: Tensor, held: Bases | None) -> tuple[Tensor, Tensor]:
        """The clips without ``held``, and how far their twins without it lie away."""
        if held is None:
            return hidden, self.moved
        key = _key(held)
        if self.kept is None or self.kept[0] != key:
            gone = held.to(self.moved)
            self.kept = (key, self._moved(hidden, self.away, held), self.moved - self.moved @ gone @ gone.T)
        return self.kept[1:]

    def _moved(self, hidden: Tensor, by: Tensor, basis: Bases) -> Tensor:
        bases = basis[None].to(by)
        return edit(hidden, coordinates(by, bases, self.mask), bases, torch.ones(1, dtype=by.dtype, device=by.device))[0]


def remainder(u: Float[Tensor, "width rank_u"], v: Float[Tensor, "width_v rank_v"]) -> Float[Tensor, "width _"]:
    """Orthonormal basis of the part of span(u) that lies outside span(v): (I - V V^T) U, its directions closer to V than
    ``PARALLEL`` (6 degrees) left out. No columns where u lies in v."""
    if u.shape[0] != v.shape[0]:
        raise BadArgument(f"Subspaces of widths {u.shape[0]} and {v.shape[0]} have no common part; carry one over first.")
    exact, other = u.double(), v.double()
    left, sines, _ = torch.linalg.svd(exact - other @ (other.T @ exact), full_matrices=False)
    apart: Tensor = left[:, sines > PARALLEL]
    if apart.shape[1]:  # what rounding left of v
        apart = torch.linalg.qr(apart - other @ (other.T @ apart)).Q
    return apart.float()


def has_room(swapped: Bases, avoid: Bases | None) -> bool:
    """Whether a control of the same rank fits into what is orthogonal to the subspace and to ``avoid``."""
    return swapped.shape[0] - int(torch.linalg.matrix_rank(_taken(swapped, avoid).double())) >= swapped.shape[1]


def _taken(swapped: Bases, avoid: Bases | None) -> Bases:
    return swapped if avoid is None else torch.cat([swapped, avoid], dim=1)


def joint(u: Float[Tensor, "width rank_u"], v: Float[Tensor, "width_v rank_v"]) -> Float[Tensor, "width _"]:
    """Orthonormal basis of what two subspaces span together."""
    return torch.cat([v, remainder(u, v)], dim=1)


def _key(basis: Bases | None) -> bytes:
    return b"" if basis is None else basis.numpy().tobytes()
