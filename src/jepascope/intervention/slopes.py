"""Slopes: how the effect of an edit grows with what is added to every token of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.activations.suffix import Placed
from jepascope.activations.way_back import blocks_behind, clips_back, run_for_gradients
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import RESIDUAL
from jepascope.errors import BadArgument
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.effects import outcome
from jepascope.intervention.judges import Judge
from jepascope.intervention.run import Unedited, place
from jepascope.intervention.scenes import Scenes

Slopes = Mapping[tuple[str, int], Float[Tensor, "clips tokens width"]]
"""By edit and layer: the derivative of the effect's numerator by the hidden state."""

Shift = Callable[[slice, Tensor], Tensor]
"""``shift(rows, hidden (clips, tokens, width))`` -> hidden states of these clips that slopes are taken at."""


@dataclass(frozen=True)
class Climb(Placed):
    """Some clips at the first of ``layers``, and what the effects of ``edits`` on them are measured by (see ``effects.outcome``)."""

    hidden: Float[Tensor, "clips tokens width"]
    layers: tuple[int, ...]
    edits: tuple[str, ...]
    judge: Judge
    label: Int[Tensor, " clips"]
    target: Int[Tensor, " clips"]
    clean: Float64[Tensor, "clips classes"]
    twin: Float64[Tensor, "clips classes"]
    read: Bool[Tensor, "clips tokens"] | None = None
    like: Mapping[str, str] = field(default_factory=dict)  # by edit: the one that is measured as it is, and has the same slopes
    between: bool = False  # whether they lie between the two parts of the first layer's block


def slopes(
    encoder: VideoEncoder,
    layers: Sequence[int],
    scenes: Scenes,
    judge: Judge,
    edits: Sequence[str],
    unedited: Unedited,
    shift: Shift | None = None,
    part: str = RESIDUAL,
) -> Iterator[tuple[slice, Slopes]]:
    """Of some clips at a time: the slopes at all layers, from one pass through the blocks after the first of them and one pass back for
    each kind of outcome. ``shift``: where they are taken, if not at the unedited clips. ``part``: of the first layer's block, if it is
    there that is edited.

    BadArgument for a judge whose logits torch cannot differentiate, and for layers after the one that it reads.
    """
    layers, card, at = tuple(sorted(layers)), encoder.card, place(judge, encoder.card.depth)
    if not layers or layers[-1] > at[0]:
        raise BadArgument(f"Judge '{judge.name}' reads layer {at[0]}; slopes can be had at layers up to it, not at {list(layers)}.")
    first: dict[str, str] = {}
    like = {name: first.setdefault(EDITS.entry(name).outcome, name) for name in edits}
    clean, twin = judge.logits(unedited.clean[at]), judge.logits(unedited.twin[at])
    mask = scenes.mask(judge.tokens)

    begun = Site(layers[0], part=part)

    def climb(rows: slice) -> Climb:
        hidden, read = scenes.source.stream(begun, rows), None if mask is None else mask[rows]
        hidden = hidden if shift is None else shift(rows, hidden)
        shown, asked = (scenes.label[rows], scenes.target[rows]), (clean[rows], twin[rows])
        return Climb(hidden, layers, tuple(edits), judge, *shown, *asked, read=read, like=like, between=begun.between)

    left = len({*like.values()}) * len(layers)
    size = clips_back(card, blocks_behind(card, begun, at[0]), len(scenes), left)
    parts = [slice(start, min(start + size, len(scenes))) for start in range(0, len(scenes), size)]
    yield from zip(parts, encoder.map(run_slopes, ((climb(rows), ()) for rows in parts)), strict=True)


def run_slopes(encoder: VideoEncoder, climb: Climb) -> Slopes:
    """One task: some clips, all layers, all edits. On the CPU."""
    climb.to(encoder.device)
    depth = encoder.card.depth
    last = depth if climb.judge.layer is None else climb.judge.layer
    with torch.enable_grad():
        first = climb.hidden.detach().clone().requires_grad_()
        reached, now, blocks = dict[int, Tensor](), first, last - climb.layers[0] + climb.between
        for start, stop in zip(climb.layers, (*climb.layers[1:], last), strict=True):
            now = reached[stop] = run_for_gradients(encoder, now, start, stop, blocks, climb.between and start == climb.layers[0])
        reached[climb.layers[0]] = first  # also where that is the last layer, and behind it a feed-forward alone
        features = climb.judge.reader(climb.read)(encoder, now, torch.arange(len(now), device=now.device))
        logits = climb.judge.logits(features)
        if not logits.requires_grad:
            raise BadArgument(f"Judge '{climb.judge.name}' is no function that torch can differentiate; its effects have no slopes.")
        at = [reached[layer] for layer in climb.layers]
        by_edit: dict[str, tuple[Tensor, ...]] = {}
        for name in dict.fromkeys(climb.like.values()):
            clean, twin, label, target = (part.to(logits.device) for part in (climb.clean, climb.twin, climb.label, climb.target))
            effect = outcome(name, logits, clean, twin, label, target)[0].sum()
            by_edit[name] = torch.autograd.grad(effect, at, retain_graph=True)
    return {(name, layer): by_edit[climb.like[name]][i].float().cpu() for name in climb.edits for i, layer in enumerate(climb.layers)}
