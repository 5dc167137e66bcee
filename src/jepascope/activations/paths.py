"""Paths: an edit of the residual stream reaches one part of one later block, while all others hold what they put out (path patching:
Goldowsky-Dill et al. 2023, 2304.05969).

Definitions: docs/science.md, "Paths". Places are those of halves of blocks (``encoders.halves``): the part that a place is named by is the
one that ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.memory import in_batches
from jepascope.activations.suffix import Placed, Sweep
from jepascope.encoders.base import Task, VideoEncoder
from jepascope.encoders.budget import BATCH, at_once
from jepascope.encoders.halves import Halves, part_of, place_of
from jepascope.encoders.part_names import PARTS
from jepascope.encoders.precision import exact

WAYS = ("total", "direct")
"""How what a part adds goes on to the read-out: through the blocks after it, or with all of them held as well."""

Keep = Callable[[int, Tensor], None]
"""``keep(place, (ways, conditions, clips, features))``, on the CPU."""


def heard(
    halves: Halves,
    place: int,
    stream: Float[Tensor, "rows tokens width"],
    after: Float[Tensor, "rows tokens width"],
    moved: Float[Tensor, "rows tokens width"],
) -> Float[Tensor, "rows tokens width"]:
    """What changes in what a part adds where it alone sees the residual stream moved: ``part(stream + moved) - part(stream)``.

    ``stream`` and ``after``: the residual stream before and after the part on the clips as they are. In float32 at least.
    """
    return exact(halves.block(place, (stream + moved).to(stream.dtype))) - exact(moved) - exact(after)


def direct_path(last: Float[Tensor, "rows tokens width"], change: Float[Tensor, "rows tokens width"]) -> Float[Tensor, "rows tokens width"]:
    """The last layer where the change of a part reaches the read-out by the residual stream, and all later parts hold what they put out."""
    return (last + change).to(last.dtype)


def total_path(
    halves: Halves, place: int, after: Float[Tensor, "rows tokens width"], change: Float[Tensor, "rows tokens width"]
) -> Float[Tensor, "rows tokens width"]:
    """The last layer where the blocks after a part run on what it adds; ``after``: the residual stream behind it as it is."""
    encoder, (layer, part), now = halves.whole, part_of(place), (after + change).to(after.dtype)
    return encoder.run(encoder.fed(layer, now) if part == PARTS[0] else now, layer)


def as_they_are(
    halves: Halves, hidden: Float[Tensor, "rows tokens width"], start: int, place: int
) -> tuple[Float[Tensor, "rows tokens width"], Float[Tensor, "rows tokens width"], Float[Tensor, "rows tokens width"]]:
    """The residual stream before and after a part, and the last layer, from the stream at an earlier place ``start``."""
    (layer, part), encoder = part_of(place), halves.whole
    if start == place - 1 and part != PARTS[0]:
        stream, after = hidden, encoder.fed(layer, hidden)
        return stream, after, encoder.run(after, layer)
    before = halves.run(hidden, start, place_of(layer, PARTS[0]) - 1)
    between, end = encoder.halved(layer, before)
    stream, after = (before, between) if part == PARTS[0] else (between, end)
    return stream, after, encoder.run(end, layer)


def later_places(layer: int, between: bool, depth: int) -> range:
    """The parts behind a site, by their places."""
    return range(place_of(layer, PARTS[0] if between else PARTS[1]) + 1, len(PARTS) * depth + 1)


@dataclass(frozen=True)
class Sent(Placed):
    """A sweep whose edit is sent down paths, and how many conditions it has. Its reader reads the last layer."""

    sweep: Sweep
    conditions: int


def run_paths(encoder: VideoEncoder, sent: Iterable[tuple[Sent, Keep]], batch: int = BATCH) -> None:
    """Every condition of each sweep by every path: what the reader reads of the last layer goes to ``keep``, part by part.

    A task is one part: the clips run on to it as they are, and its conditions are folded into batches. Memory grows with the batch alone.
    """
    batch = at_once(encoder.card.clip_bytes, batch)
    waiting: list[tuple[int, Keep]] = []

    def tasks() -> Iterator[tuple[Sent, Task]]:
        for asked, keep in sent:
            for place in later_places(asked.sweep.layer, asked.sweep.between, encoder.card.depth):
                waiting.append((place, keep))
                yield asked, (place, batch)

    for read in encoder.map(run_path, tasks()):
        place, keep = waiting.pop(0)
        keep(place, read)


@torch.inference_mode()
def run_path(encoder: VideoEncoder, sent: Sent, place: int, batch: int) -> Float[Tensor, "ways conditions clips features"]:
    """One task: all conditions by one path."""
    sweep = sent.sweep
    sweep.to(encoder.device)
    halves, clips, (reader,) = Halves(encoder), len(sweep.hidden), sweep.readers.values()
    hidden = sweep.hidden.to(encoder.dtype)
    stream, after, last = as_they_are(halves, hidden, later_places(sweep.layer, sweep.between, encoder.card.depth).start - 1, place)
    read: tuple[list[Tensor], ...] = ([], [])

    def run(some: slice) -> None:
        moved = exact(sweep.edit(hidden, some)) - exact(hidden)
        rows = torch.arange(clips, device=encoder.device).repeat(len(moved))
        flat, kept = moved.flatten(0, 1), ([], [])  # type: ignore[var-annotated]
        in_batches(len(flat), batch, partial(one, flat, rows, kept), "edited clips")
        for gathered, pieces in zip(read, kept, strict=True):
            gathered.append(torch.cat(pieces).view(len(moved), clips, -1))

    def one(flat: Tensor, rows: Tensor, kept: tuple[list[Tensor], ...], part: slice) -> None:
        whose = rows[part]
        change = heard(halves, place, stream[whose], after[whose], flat[part])
        ways = total_path(halves, place, after[whose], change), direct_path(last[whose], change)
        for pieces, reached in zip(kept, ways, strict=True):
            pieces.append(reader(encoder, reached, whose).cpu())

    in_batches(sent.conditions, max(1, batch // clips), run, "conditions")
    return torch.stack([torch.cat(pieces) for pieces in read])
