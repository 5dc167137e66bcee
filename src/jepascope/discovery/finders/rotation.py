"""Training rotations through the blocks after a site: many at once, in one batch of clips.

The loss of a rotation with orthonormal columns U is the cross-entropy of a read-out of the last layer, after the tokens
h + U U^T (h_twin - h), to the class that the twin shows; at a part h + U U^T (a_twin - a), where the part adds a. It depends on the span
of U alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.memory import in_batches
from jepascope.activations.site import pool
from jepascope.activations.way_back import blocks_behind, clips_back, run_for_gradients
from jepascope.discovery.labelled import Suffix
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.budget import at_once

RATE, LAST_RATE = 0.1, 0.002  # of Adam, on entries of size 1 / sqrt(width), falling as a cosine
CLIPS = 16  # a step
FOLDED = 48  # edited clips that run through the blocks together: what memory grows with
EVERY = 5  # steps between two looks at the held-out loss
PATIENCE = 3  # looks without a gain before a rotation is left as it is
GAIN = 0.005  # of the loss without an edit: what counts as a gain
STEPS = 40


@dataclass(frozen=True)
class ReadOuts:
    """Linear read-outs of pooled ``h_L``, one a rotation, and the classes that they should be brought to say."""

    weights: Float[Tensor, "rotations classes width"]
    bias: Float[Tensor, "rotations classes"]
    target: Int[Tensor, "rotations clips"]


@dataclass(frozen=True)
class Rotations:
    """The best of each by held-out loss (nats), the loss that no edit gives, and how many steps all of them took."""

    bases: Float[Tensor, "rotations width rank"]
    loss: Float[Tensor, " rotations"]
    untouched: Float[Tensor, " rotations"]
    steps: int


@dataclass(frozen=True)
class _Search:
    """What all rotations of one search have in common."""

    suffix: Suffix
    reading: ReadOuts
    rank: int
    fit: Int[Tensor, " fit"]
    held: Int[Tensor, " held"]
    seed: int


def train_rotations(
    suffix: Suffix, reading: ReadOuts, rank: int, fit: Int[Tensor, " fit"], held: Int[Tensor, " held"], seed: int
) -> Rotations:
    """Adam on the Stiefel manifold: a step along the Grassmann gradient G - U U^T G, then back by QR (Absil et al. 2008).

    Every rotation starts from another random frame and stops when its held-out loss has not gained for a while. On a processor each is a
    task of its own; an accelerator trains as many at once as it folds clips.
    """
    search, count = _Search(suffix, reading, rank, fit, held, seed), len(reading.weights)
    together = 1 if suffix.encoder.device.type == "cpu" else max(1, FOLDED // CLIPS)
    tasks = ((search, (slice(start, start + together),)) for start in range(0, count, together))
    parts = list(suffix.encoder.fits(_trained, tasks))
    bases, loss, untouched = (torch.cat([getattr(part, name) for part in parts]) for name in ("bases", "loss", "untouched"))
    return Rotations(bases, loss, untouched, max(part.steps for part in parts))


def _trained(encoder: VideoEncoder, search: _Search, some: slice) -> Rotations:
    """Some of the rotations of a search, by themselves."""
    suffix, fit, held = replace(search.suffix, encoder=encoder), search.fit, search.held
    generator = torch.Generator().manual_seed(search.seed)
    device, width = encoder.device, encoder.card.width
    every = search.reading
    start = torch.randn(len(every.weights), width, search.rank, generator=generator)[some]
    bases = torch.linalg.qr(suffix.free(start))[0].to(device).requires_grad_()
    reading = ReadOuts(every.weights[some].to(device), every.bias[some].to(device), every.target[some].to(device))
    optimiser = torch.optim.Adam([bases], lr=RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, LAST_RATE)
    open_ = torch.arange(len(bases), device=device)
    best, kept = _loss(suffix, reading, bases.detach(), held, open_), bases.detach().clone()
    untouched = _loss(suffix, reading, torch.zeros_like(kept), held, open_)
    mark, since, steps = best.clone(), torch.zeros_like(open_), 0
    for rows in islice(_minibatches(fit, generator), STEPS):
        optimiser.zero_grad(set_to_none=False)
        _accumulate(suffix, reading, bases, rows, open_)
        with torch.no_grad():
            slope = bases.grad
            assert slope is not None
            slope -= bases @ (bases.mT @ slope)
            optimiser.step()
            bases.copy_(torch.linalg.qr(suffix.free(bases))[0])
        falling.step()
        steps += 1
        if steps % EVERY == 0:
            now = _loss(suffix, reading, bases.detach(), held, open_)
            better = open_[now < best[open_]]
            kept[better] = bases.detach()[better]
            best[open_] = torch.minimum(best[open_], now)
            gained = best < mark - GAIN * untouched
            mark, since = torch.where(gained, best, mark), torch.where(gained, 0, since + 1)
            open_ = open_[since[open_] < PATIENCE]
        if not len(open_):
            break
    return Rotations(kept.cpu(), best.cpu(), untouched.cpu(), steps)


def _minibatches(fit: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
    """Without end: every clip once, in random order, then again."""
    size = min(CLIPS, len(fit))
    while True:
        order = fit[torch.randperm(len(fit), generator=generator)]
        for start in range(0, len(order) - size + 1, size):
            yield order[start : start + size].sort().values


def _accumulate(suffix: Suffix, reading: ReadOuts, bases: Tensor, rows: Tensor, which: Tensor) -> None:
    """The gradient of the mean loss of some rotations over these clips, added to ``bases.grad`` piece by piece."""

    card = suffix.encoder.card
    folded = clips_back(card, blocks_behind(card, suffix.site), FOLDED)
    for few in rows.split(folded):

        def add(part: slice, few: Tensor = few) -> None:
            (_losses(suffix, reading, bases, few, which[part]).sum() / len(rows)).backward()

        in_batches(len(which), max(1, folded // len(few)), add, "rotations")


def _loss(suffix: Suffix, reading: ReadOuts, bases: Tensor, rows: Tensor, which: Tensor) -> Float[Tensor, " some"]:
    """Mean loss of some rotations, without a gradient."""
    total = torch.zeros(len(which), device=bases.device)
    folded = at_once(suffix.encoder.card.clip_bytes, 2 * FOLDED)
    for few in rows.split(min(CLIPS, folded)):

        def add(part: slice, few: Tensor = few) -> None:
            total[part] += _losses(suffix, reading, bases, few, which[part]).sum(dim=1)

        with torch.no_grad():
            in_batches(len(which), max(1, folded // len(few)), add, "rotations")
    return total / len(rows)


def _losses(suffix: Suffix, reading: ReadOuts, bases: Tensor, rows: Tensor, which: Tensor) -> Float[Tensor, "some clips"]:
    """Cross-entropy of some rotations on some clips."""
    encoder, layer = suffix.encoder, suffix.site.layer
    hidden, away = (tokens.float() for tokens in suffix.exchanged(rows))
    mask = suffix.mask()
    seen = None if mask is None else mask[rows].to(encoder.device)
    u = bases[which]
    if seen is not None:
        away = away * seen[..., None]
    flat = away.flatten(0, 1)
    edited = hidden + ((flat @ u) @ u.mT).view(len(u), *away.shape)
    start, between = edited.flatten(0, 1).to(encoder.dtype), suffix.site.between
    if start.requires_grad:
        last = run_for_gradients(encoder, start, layer, encoder.card.depth, blocks_behind(encoder.card, suffix.site), between)
    else:
        last = encoder.run(encoder.fed(layer, start) if between else start, layer)
    pooled = pool(last, None if seen is None else seen.repeat(len(u), 1)).float().view(len(u), len(rows), -1)
    logits = pooled @ reading.weights[which].mT + reading.bias[which][:, None]
    target = reading.target[which][:, rows.to(encoder.device)]
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view(len(u), len(rows))
