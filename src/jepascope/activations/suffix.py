"""Running only the blocks after a site, on hidden states that were edited there, and reading what comes out on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepascope.activations.memory import in_batches
from jepascope.activations.norms import Scales
from jepascope.activations.site import pool
from jepascope.encoders.base import Task, VideoEncoder
from jepascope.encoders.budget import BATCH, at_once
from jepascope.encoders.card import EncoderCard
from jepascope.errors import BadArgument

Edit = Callable[[Tensor, slice], Tensor]
"""``edit(hidden (clips, tokens, width), conditions)`` -> hidden (conditions, clips, tokens, width), one for each condition of the slice.
It may be asked on another machine than the one it was made on, and in any order: it keeps nothing."""

Reader = Callable[[VideoEncoder, Tensor, Tensor], Tensor]
"""``reader(encoder, hidden (rows, tokens, width), clips (rows,))`` -> (rows, features): what is kept of a layer; ``clips``: whose each row
is. The encoder is handed in so that no reader carries one along."""

Keep = Callable[[slice, dict[int, Tensor]], None]
"""``keep(conditions, {layer: (conditions, clips, features)})``, on the CPU."""


class Placed:
    """Tensors that move to a device together, once: whatever is edited there finds them."""

    def to(self, device: torch.device) -> None:
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.device != device:
                object.__setattr__(self, name, value.to(device))


@dataclass(frozen=True)
class Sweep(Placed):
    """Some clips at a site, the edit made of them under each condition, and who reads what of the layers after it.

    ``between``: they lie between the two parts of block ``layer``, whose feed-forward runs first. ``hold_norms``: every norm after the
    site divides by what it divides by on the clips as they are.
    """

    hidden: Float[Tensor, "clips tokens width"]
    layer: int
    edit: Edit
    readers: Mapping[int, Reader]
    hold_norms: bool = False
    between: bool = False

    def to(self, device: torch.device) -> None:
        """With its edit, where that holds tensors."""
        super().to(device)
        edit: object = self.edit
        if isinstance(edit, Placed):
            edit.to(device)


@dataclass(frozen=True)
class Rerun:
    """A sweep, how many conditions there are, and who takes what was read of them."""

    sweep: Sweep
    conditions: int
    keep: Keep


def rerun(encoder: VideoEncoder, reruns: Iterable[Rerun], batch: int = BATCH) -> None:
    """Run the blocks after a site on what each sweep's edit makes of its hidden states, and hand what its readers read to its ``keep``.

    Reruns (of other clips, or other edits) are taken from the iterable as they are worked off: one list of tasks for an engine. A task is
    some conditions, folded into batches of about ``batch`` clips; the batch that fitted into memory holds for the tasks after it. No
    block after the last layer that is read is run. Only what readers return is kept, and only until ``keep`` has it: memory grows with
    the batch alone. In float32 on a CPU the hidden states equal those of a whole forward with the same edit hooked in, bit for bit.
    """
    batch = at_once(encoder.card.clip_bytes, batch)
    waiting: list[tuple[slice, Keep]] = []  # whose results are not here yet, in their order
    fitted = batch

    def tasks() -> Iterator[tuple[Sweep, Task]]:
        for asked in reruns:
            sweep = asked.sweep
            _check(encoder.card, sweep)
            # all in one task where norms are held: what they divide by is recorded once a task
            fold = asked.conditions if sweep.hold_norms else max(1, batch // len(sweep.hidden))
            for start in range(0, asked.conditions, fold):
                part = slice(start, min(start + fold, asked.conditions))
                waiting.append((part, asked.keep))
                yield sweep, (part, fitted)

    for read, fits in encoder.map(run_conditions, tasks()):
        fitted = min(fitted, fits)
        part, keep = waiting.pop(0)
        keep(part, read)


def run_conditions(encoder: VideoEncoder, sweep: Sweep, part: slice, batch: int) -> tuple[dict[int, Tensor], int]:
    """One task: some conditions of all clips. What was read (see ``Keep``), and the batch of clips that fitted in memory."""
    sweep.to(encoder.device)
    hidden, clips, order = sweep.hidden, len(sweep.hidden), sorted(sweep.readers)
    gathered: dict[int, list[Tensor]] = {at: [] for at in order}

    def read_layers(now: Tensor, whose: Tensor) -> list[Tensor]:
        at, kept = sweep.layer, []
        now = encoder.fed(at, now) if sweep.between else now
        for stop in order:
            now, at = encoder.run(now, at, stop), stop
            kept.append(sweep.readers[stop](encoder, now, whose).cpu())
        return kept

    scales = Scales()
    if sweep.hold_norms:
        every = torch.arange(clips, device=encoder.device)
        with torch.inference_mode(), scales.recorded(clips):
            read_layers(hidden.to(encoder.dtype), every)

    def run(some: slice) -> None:
        nonlocal batch
        with torch.inference_mode():
            folded = sweep.edit(hidden, slice(part.start + some.start, part.start + some.stop))
            rows = torch.arange(clips, device=encoder.device).repeat(len(folded))
            read: dict[int, list[Tensor]] = {at: [] for at in order}
            flat = folded.flatten(0, 1)
            batch = in_batches(len(flat), batch, partial(run_folded, flat, rows, read), "edited clips")
        for at, pieces in read.items():
            gathered[at].append(torch.cat(pieces).view(len(folded), clips, -1))

    def run_folded(flat: Tensor, rows: Tensor, read: dict[int, list[Tensor]], part: slice) -> None:
        with scales.held(rows[part]) if sweep.hold_norms else nullcontext():
            kept = read_layers(flat[part], rows[part])
        for stop, features in zip(order, kept, strict=True):  # kept when all of it fitted in memory
            read[stop].append(features)

    in_batches(part.stop - part.start, max(1, batch // clips), run, "conditions")
    return {at: torch.cat(pieces) for at, pieces in gathered.items()}, batch


def chunks(card: EncoderCard, clips: int, batch: int = BATCH) -> list[slice]:
    """Clips taken together: at most ``batch``, fewer where they are long; in parts of equal size, so that no batch is small."""
    most = at_once(card.clip_bytes, batch)
    size = -(-clips // max(1, -(-clips // most)))
    return [slice(start, min(start + size, clips)) for start in range(0, clips, max(1, size))]


@dataclass(frozen=True)
class PooledReader(Placed):
    """Reads the pooled activation over each clip's selected tokens (all of them without a mask)."""

    mask: Bool[Tensor, "clips tokens"] | None = None

    def __call__(self, encoder: VideoEncoder, hidden: Tensor, clips: Tensor) -> Tensor:
        self.to(hidden.device)
        return pool(hidden, None if self.mask is None else self.mask[clips])


def _check(card: EncoderCard, sweep: Sweep) -> None:
    layer, readers, hidden = sweep.layer, sweep.readers, sweep.hidden
    if not 0 <= layer <= card.depth:
        raise BadArgument(f"Encoder '{card.name}' has layers 0..{card.depth}; nothing can be edited at layer {layer}.")
    if not readers or not all(layer <= read <= card.depth for read in readers):
        raise BadArgument(f"After an edit at layer {layer} of '{card.name}' layers {layer}..{card.depth} can be read, not {list(readers)}.")
    if hidden.shape[1:] != (card.tokens, card.width):
        raise BadArgument(
            f"Encoder '{card.name}' has {card.tokens} tokens of width {card.width}; "
            f"hidden states of shape {tuple(hidden.shape)} are another encoder's."
        )
