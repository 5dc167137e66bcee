"""One pass of a clip set through an encoder; everything that later stages read is kept, and nothing is computed twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.memory import in_batches
from jepascope.activations.moments import Moments, MomentsFitter
from jepascope.activations.site import SELECTIONS, pool
from jepascope.activations.store import SHARD, DiskStore, MemoryStore, Store
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument, BadData

Progress = Callable[[int, int], None]


@runtime_checkable
class Transform(Protocol):
    """Changes pixels before the encoder sees them (a degradation). ``name`` must name the result: it addresses the store."""

    @property
    def name(self) -> str: ...
    def __call__(self, video: Tensor) -> Tensor: ...


def capture(
    encoder: VideoEncoder,
    clips: ClipSet,
    store: Path | None = None,
    sites: Sequence[int] = (),
    batch: int = 16,
    progress: Progress | None = None,
    transform: Transform | None = None,
    moments: Sequence[int] = (),
) -> Activations:
    """Activations of all clips: pooled at every layer, tokens at ``sites`` and token moments at ``moments`` (layers).

    With a ``store`` the shards lie in a folder below it, addressed by everything the numbers depend on; a rerun reads
    them, a killed run goes on where it stopped, and memory does not grow with the tokens kept. Without one everything
    stays in memory. ``progress(done, total)`` is called with clips. Raises BadData on NaN or infinite activations.
    """
    card = encoder.card
    for layer in (*sites, *moments):
        if not 0 <= layer <= card.depth:
            raise BadArgument(f"Encoder '{card.name}' has layers 0..{card.depth}; there is no layer {layer} to capture.")
    if not len(clips):
        raise BadData(f"Clip set '{clips.name}' is empty; there is nothing to capture.")
    if batch < 1:
        raise BadArgument(f"A batch of {batch} clips cannot be captured; ask for at least 1.")
    sites, moments = tuple(sorted(set(sites))), tuple(sorted(set(moments)))
    # embedding one clip tells the precision, and refuses a misfit of clips and encoder before anything is written
    with torch.inference_mode():
        first = clips.video(slice(0, 1))
        dtype = encoder.embed(first if transform is None else transform(first)).dtype
    shards: Store = MemoryStore()
    if store is not None:
        shards = DiskStore(
            store,
            {
                "encoder": card.digest,
                "clips": clips.digest,
                "dtype": str(dtype),
                "sites": list(sites),
                "moments": list(moments),
                "transform": transform.name if transform else "",
            },
        )
    pooled = {name: torch.empty(len(clips), card.depth + 1, card.width) for name in SELECTIONS}
    object_mask = torch.empty(len(clips), card.tokens, dtype=torch.bool)
    fitters = {(layer, name): MomentsFitter(card.width) for layer in moments for name in SELECTIONS}
    for index, start in enumerate(range(0, len(clips), SHARD)):
        rows = slice(start, min(start + SHARD, len(clips)))
        shard = shards.read(index)
        if shard is None:
            done = (lambda count, start=start: progress(start + count, len(clips))) if progress else None
            shard, batch = capture_shard(encoder, clips, rows, sites, moments, batch, done, transform, dtype)
            shards.write(index, shard)
        elif progress:
            progress(rows.stop, len(clips))
        for name in SELECTIONS:
            pooled[name][rows] = shard[f"pooled.{name}"]
        object_mask[rows] = shard["object_mask"]
        for (layer, name), fitter in fitters.items():
            fitter.merge(_unpack(shard, f"moments.{layer}.{name}"))
    return Activations(
        encoder_card=card,
        clips=clips,
        object_mask=object_mask,
        sites=sites,
        rows=torch.arange(len(clips)),
        store=shards,
        all_pooled=pooled,
        all_moments={key: fitter.fit() for key, fitter in fitters.items()},
    )


def capture_shard(
    encoder: VideoEncoder,
    clips: ClipSet,
    rows: slice,
    sites: tuple[int, ...],
    moments: tuple[int, ...],
    batch: int,
    progress: Callable[[int], None] | None,
    transform: Transform | None,
    dtype: torch.dtype,
) -> tuple[dict[str, Tensor], int]:
    """The tensors of one shard as the store keeps them, and the batch size that fitted in memory."""
    card, count = encoder.card, rows.stop - rows.start
    shard = {f"pooled.{name}": torch.empty(count, card.depth + 1, card.width) for name in SELECTIONS}
    shard["object_mask"] = F.pad(clips.object_tokens(card.grid, rows), (0, card.extra))  # extra tokens are of no object
    for layer in sites:
        shard[f"tokens.{layer}"] = torch.empty(count, card.tokens, card.width, dtype=dtype)
    fitters = {(layer, name): MomentsFitter(card.width) for layer in moments for name in SELECTIONS}

    def run(part: slice) -> None:
        video = clips.video(slice(rows.start + part.start, rows.start + part.stop))
        if transform is not None:
            video = transform(video)
        seen = _one_pass(encoder, video, shard["object_mask"][part], sites, moments)
        # only now is anything kept, so that a batch that ran out of memory leaves no trace
        for name in SELECTIONS:
            shard[f"pooled.{name}"][part] = seen.pooled[name]
        for layer, tokens in seen.tokens.items():
            shard[f"tokens.{layer}"][part] = tokens
        for key, value in seen.moments.items():
            fitters[key].merge(value)
        if progress:
            progress(part.stop)

    batch = in_batches(count, batch, run)
    for (layer, name), fitter in fitters.items():
        fitted = fitter.fit()
        shard[f"moments.{layer}.{name}.count"] = torch.tensor(fitted.count)
        shard[f"moments.{layer}.{name}.mean"] = fitted.mean
        shard[f"moments.{layer}.{name}.covariance"] = fitted.covariance
    return shard, batch


@dataclass(frozen=True)
class _Seen:
    """What one batch's forward left."""

    pooled: dict[str, Float[Tensor, "clips layers width"]]
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
    pooled = {name: torch.empty(len(video), card.depth + 1, card.width) for name in SELECTIONS}
    tokens, seen_moments = {}, {}
    hidden = encoder.embed(video)
    for layer in range(card.depth + 1):
        if layer:
            hidden = encoder.block(layer, hidden)
        for name in SELECTIONS:
            pooled[name][:, layer] = pool(hidden, masks[name])
        # a token that is not finite makes the mean over all tokens not finite
        if not torch.isfinite(pooled["all"][:, layer]).all():
            raise BadData(
                f"Encoder '{card.name}' gave NaN or infinite activations at layer {layer}; check the checkpoint, or run it in float32."
            )
        if layer in sites:
            tokens[layer] = hidden.cpu()
        if layer in moments:
            seen_moments[layer, "all"] = Moments.of(hidden.flatten(0, 1))
            seen_moments[layer, "object"] = Moments.of(hidden[masks["object"]])
    return _Seen(pooled, tokens, seen_moments)


def _unpack(shard: dict[str, Tensor], key: str) -> Moments:
    return Moments(int(shard[f"{key}.count"]), shard[f"{key}.mean"], shard[f"{key}.covariance"])
