"""One pass of a clip set through an encoder; everything that later stages read is kept, and nothing is computed twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.ahead import Ahead
from jepascope.activations.layout import Layout
from jepascope.activations.memory import in_batches
from jepascope.activations.moments import Moments, MomentsFitter
from jepascope.activations.reader import Reader, packed
from jepascope.activations.shard_file import TYPES
from jepascope.activations.site import SELECTIONS, Site, pool, time_slice
from jepascope.activations.store import DiskStore, MemoryStore, Store
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.budget import CAPTURED, at_once
from jepascope.encoders.halves import Halves, around, place_of
from jepascope.encoders.part_names import RESIDUAL
from jepascope.encoders.precision import exact
from jepascope.errors import BadArgument, BadData

Progress = Callable[[int, int], None]


@runtime_checkable
class Transform(Protocol):
    """Changes pixels before the encoder sees them (a degradation). ``name`` must name the result: it addresses the store."""

    @property
    def name(self) -> str: ...
    def __call__(self, video: Tensor) -> Tensor: ...


class ShownAs(NamedTuple):
    """What is done to clips before an encoder sees them, as a transform."""

    name: str
    apply: Callable[[Tensor], Tensor]

    def __call__(self, video: Tensor) -> Tensor:
        return self.apply(video)


def capture(
    encoder: VideoEncoder,
    clips: ClipSet,
    store: Path | None = None,
    sites: Sequence[int] = (),
    batch: int = CAPTURED,
    progress: Progress | None = None,
    transform: Transform | None = None,
    moments: Sequence[int] = (),
    ahead: bool | None = None,
    part: str = RESIDUAL,
    tokens: str = "all",
) -> Activations:
    """Activations of all clips: pooled at every layer, tokens at ``sites`` and token moments at ``moments`` (layers).

    ``tokens``: which are kept at the sites: "all", or those of some tubelets ("time:2", "time:0-3"), which is much less of long clips.
    They can be read; edits of a site need all of them. Pooled activations and moments are of all tokens in any case.

    ``part``: of what: the residual stream; or what attention or feed-forward of these blocks adds to it, for encoders that say so. Then
    the capture has what every part of every block adds, pooled, beside the residual stream, from the same pass.

    With a ``store`` the shards lie in a folder below it, addressed by everything the numbers depend on; a rerun reads
    them, a killed run goes on where it stopped, and memory does not grow with the clips. Without one everything
    stays in memory. ``batch``: clips at once, fewer where they are long. ``progress(done, total)`` is called with clips. ``ahead``: whether
    the next batch's pixels are made while the encoder is at work; by default where it works on an accelerator. Raises BadData on NaN or
    infinite activations.
    """
    whole = encoder.card
    for layer in (*sites, *moments):
        if not 0 <= layer <= whole.depth:
            raise BadArgument(f"Encoder '{whole.name}' has layers 0..{whole.depth}; there is no layer {layer} to capture.")
        Site(layer, part=part)  # refuses parts that there are not
    if part != RESIDUAL:
        encoder = Halves.of(encoder)
        sites, moments = [at for layer in sites for at in around(layer)], [place_of(layer, part) for layer in moments]
    card = encoder.card
    if not len(clips):
        raise BadData(f"Clip set '{clips.name}' is empty; there is nothing to capture.")
    if batch < 1:
        raise BadArgument(f"A batch of {batch} clips cannot be captured; ask for at least 1.")
    span = None if tokens == "all" else (time_slice(tokens, card.grid).start, time_slice(tokens, card.grid).stop)
    batch = at_once(card.clip_bytes, batch)
    # embedding one clip tells the precision, and refuses a misfit of clips and encoder before anything is written
    with torch.inference_mode():
        first = clips.video(slice(0, 1))
        dtype = encoder.embed(first if transform is None else transform(first)).dtype
    kept, summed = tuple(sorted(set(sites))), tuple(sorted(set(moments)))
    layout = Layout(len(clips), card.depth + 1, card.width, card.tokens, kept, summed, TYPES[dtype], span)
    shards: Store = MemoryStore()
    if store is not None:
        shards = DiskStore(store, layout, card.digest, clips.digest, transform.name if transform else "")
    _fill(shards, layout, encoder, Pass(clips, kept, summed, dtype, layout.span, transform, ahead, progress), batch)
    return Activations(whole, clips, kept, torch.arange(len(clips)), Reader(shards, layout), by_parts=part != RESIDUAL)


def _fill(shards: Store, layout: Layout, encoder: VideoEncoder, shared: Pass, batch: int) -> None:
    """Compute the shards that are not there. They are written here alone, as they come, and one at a time is held."""
    computing: deque[int] = deque()

    def missing() -> Iterator[tuple[Pass, tuple[slice, int]]]:
        for shard in range(layout.shards):
            rows = layout.rows(shard)
            if not shards.has(shard):
                computing.append(shard)
                yield shared, (rows, batch)  # the batch as it is by then: smaller where an earlier shard's did not fit
            elif shared.progress:
                shared.progress(rows.stop, layout.clips)

    for tensors, fitted in encoder.map(capture_shard, missing()):
        shard, batch = computing.popleft(), min(batch, fitted)
        shards.write(shard, tensors)
        del tensors  # else two shards were held while the next one is made
        if shared.progress:
            shared.progress(layout.rows(shard).stop, layout.clips)


@dataclass(frozen=True)
class Pass:
    """What all shards of one capture have in common; an engine sends it to each of its workers once."""

    clips: ClipSet
    sites: tuple[int, ...]
    moments: tuple[int, ...]
    dtype: torch.dtype
    span: range  # positions of the tokens that are kept
    transform: Transform | None = None
    ahead: bool | None = None
    progress: Progress | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "progress": None}  # a bar is drawn in the process that asked for it

    def video(self, rows: slice, device: torch.device) -> Float[Tensor, "clips frames 3 rows columns"]:
        """Pixels as the encoder sees them; for a CUDA device in memory from which they are copied without waiting."""
        video = self.clips.video(rows)
        if self.transform is not None:
            video = self.transform(video)
        return video.pin_memory() if device.type == "cuda" else video


def capture_shard(encoder: VideoEncoder, shared: Pass, rows: slice, batch: int) -> tuple[dict[str, Tensor], int]:
    """The tensors of one shard as the store keeps them (``Layout.tensors``), and the batch size that fitted in memory."""
    card, count, device = encoder.card, rows.stop - rows.start, encoder.device
    shard = {f"pooled.{name}": torch.empty(card.depth + 1, count, card.width) for name in SELECTIONS}
    # tokens behind the grid's are of no object
    object_mask = F.pad(shared.clips.object_tokens(card.grid, rows), (0, card.extra))
    shard["object_mask"] = packed(object_mask)
    for layer in shared.sites:
        shard[f"tokens.{layer}"] = torch.empty(count, len(shared.span), card.width, dtype=shared.dtype)
    fitters = {(layer, name): MomentsFitter(card.width) for layer in shared.moments for name in SELECTIONS}

    def made(part: slice) -> Tensor:
        return shared.video(slice(rows.start + part.start, rows.start + part.stop), device)

    def run(part: slice) -> None:
        video = pixels.get(part)
        if device.type == "cuda":
            video = video.to(device, non_blocking=True)
        seen = _one_pass(encoder, video, object_mask[part], shared.sites, shared.moments)
        # only now is anything kept, so that a batch that ran out of memory leaves no trace
        for name in SELECTIONS:
            shard[f"pooled.{name}"][:, part] = seen.pooled[name]
        for layer, tokens in seen.tokens.items():
            shard[f"tokens.{layer}"][part] = tokens[:, shared.span.start : shared.span.stop]
        for key, value in seen.moments.items():
            fitters[key].merge(value)
        if shared.progress:
            shared.progress(rows.start + part.stop, len(shared.clips))

    even = -(-count // -(-count // batch))  # batches of equal size: a small one at the end would leave an accelerator idle
    with Ahead(made, count, device.type != "cpu" if shared.ahead is None else shared.ahead) as pixels:
        fitted = in_batches(count, even, run)
    for (layer, name), fitter in fitters.items():
        merged = fitter.fit()
        shard[f"moments.{layer}.{name}.count"] = torch.tensor(merged.count)
        shard[f"moments.{layer}.{name}.mean"] = merged.mean
        shard[f"moments.{layer}.{name}.covariance"] = merged.packed()
    return shard, batch if fitted == even else fitted


@dataclass(frozen=True)
class _Seen:
    """What one batch's forward left."""

    pooled: dict[str, Float[Tensor, "layers clips width"]]
    tokens: dict[int, Float[Tensor, "clips tokens width"]]
    moments: dict[tuple[int, str], Moments]


@torch.inference_mode()
def _one_pass(
    encoder: VideoEncoder,
    video: Float[Tensor, "clips frames 3 rows columns"],
    object_mask: Bool[Tensor, "clips tokens"],
    sites: tuple[int, ...],
    moments: tuple[int, ...],
) -> _Seen:
    card = encoder.card
    masks = {"all": None, "object": object_mask.to(encoder.device)}
    there = {name: torch.empty(card.depth + 1, len(video), card.width, device=encoder.device) for name in SELECTIONS}
    tokens, seen_moments = {}, {}
    before: Tensor | None = None
    for layer, hidden in enumerate(encoder.through(encoder.embed(video))):
        summed = exact(hidden)
        for name in SELECTIONS:
            there[name][layer] = pool(summed, masks[name])
        if layer in sites:
            tokens[layer] = hidden.cpu()
        if layer in moments:
            of = hidden if before is None else summed - exact(before)  # what a half of a block added
            seen_moments[layer, "all"] = Moments.of(of.flatten(0, 1))
            seen_moments[layer, "object"] = Moments.of(of[masks["object"]])
        before = hidden if encoder.by_parts else None
    pooled = {name: value.cpu() for name, value in there.items()}  # once: a copy waits until an accelerator has done all before it
    # a token that is not finite makes the mean over all tokens not finite
    finite = torch.isfinite(pooled["all"]).flatten(1).all(dim=1)
    if not finite.all():
        layer = int(finite.int().argmin())
        raise BadData(
            f"Encoder '{card.name}' gave NaN or infinite activations at layer {layer}; check the checkpoint, or run it in float32."
        )
    return _Seen(pooled, tokens, seen_moments)
