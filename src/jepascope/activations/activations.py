"""Activations: what one pass of a clip set through an encoder left behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.activations.moments import Moments
from jepascope.activations.reader import Reader
from jepascope.activations.site import SELECTIONS, Site, background, time_mask, time_span
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.base import EncoderCard
from jepascope.errors import BadArgument


@dataclass(frozen=True, repr=False)
class Activations:
    """Pooled activations of every layer, object masks, and tokens and moments at the layers that were asked for.

    All of them are read from the store when asked for (small captures stay in memory), so that this is small however many clips there
    are. ``rows`` are the clips' positions in the store: a part (``select``, ``split``) copies nothing. ``shown``: tokens that show
    objects, where they are not those of the capture.
    """

    encoder_card: EncoderCard
    clips: ClipSet
    sites: tuple[int, ...]
    rows: Int[Tensor, " clips"]
    reader: Reader
    shown: Bool[Tensor, "clips tokens"] | None = None

    def __len__(self) -> int:
        return len(self.clips)

    def __repr__(self) -> str:
        kept = f"tokens at layers {', '.join(map(str, self.sites))}" if self.sites else "no tokens"
        card = self.encoder_card
        return f"Activations({card.name} on '{self.clips.name}', {len(self)} clips, layers 0..{card.depth}, {kept})"

    def pooled(self, layer: int, tokens: str = "all") -> Float[Tensor, "clips width"]:
        """Mean of ``h_layer`` over the selected tokens (one of SELECTIONS), float32."""
        self._check(Site(layer, tokens))
        return self.reader.pooled(layer, tokens, self.rows)

    @property
    def object_mask(self) -> Bool[Tensor, "clips tokens"]:
        """The tokens of the places that the object passes."""
        return self.reader.object_mask(self.rows) if self.shown is None else self.shown

    def tokens(
        self, layer: int, rows: slice | Sequence[int] | np.ndarray = slice(None), span: slice = slice(None)
    ) -> Float[Tensor, "rows tokens width"]:
        """``h_layer`` of some clips at some consecutive token positions (``span``), in the encoder's precision."""
        if layer not in self.sites:
            raise BadArgument(f"The tokens of layer {layer} were not captured; capture again with sites={(*self.sites, layer)}.")
        wanted = self.rows[rows if isinstance(rows, slice) else torch.from_numpy(np.array(rows, dtype=np.int64))]
        return self.reader.tokens(layer, wanted, span)

    def moments(self, layer: int, tokens: str = "all") -> Moments:
        """Mean and covariance of the selected tokens over all clips of the capture (also where this is a part of it)."""
        self._check(Site(layer, tokens))
        if layer not in self.reader.layout.moments:
            raise BadArgument(f"Token moments of layer {layer} were not captured; capture again with moments=({layer},).")
        return self.reader.moments(layer, tokens)

    def mask(self, tokens: str) -> Bool[Tensor, "clips tokens"] | None:
        """The token selection as a mask; None stands for all tokens."""
        return None if tokens == "all" else token_mask(Site(0, tokens).tokens, self.object_mask, self.encoder_card.grid)

    def select(self, rows: Bool[np.ndarray, " clips"] | Int[np.ndarray, " rows"] | Sequence[int] | Sequence[bool]) -> Activations:
        """Some of the clips."""
        rows = np.asarray(rows, dtype=None if len(rows) else np.int64)
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        picked = torch.from_numpy(np.array(index, dtype=np.int64))
        shown = None if self.shown is None else self.shown[picked]
        return replace(self, clips=self.clips.select(index), rows=self.rows[picked], shown=shown)

    def split(self, name: str) -> Activations:
        """The clips of one split."""
        self.clips.split(name)  # refuses an unknown name
        return self.select(self.clips.factors["split"].to_numpy() == name)

    def _check(self, site: Site) -> None:
        card = self.encoder_card
        if not 0 <= site.layer <= card.depth:
            raise BadArgument(f"Encoder '{card.name}' has layers 0..{card.depth}; there is no layer {site.layer}.")
        if site.tokens not in SELECTIONS:
            raise BadArgument(f"Activations are pooled over {' or '.join(SELECTIONS)} tokens; '{site.tokens}' tokens can only be edited.")


def token_mask(tokens: str, object_mask: Bool[Tensor, "clips tokens"], grid: tuple[int, int, int]) -> Bool[Tensor, "clips tokens"] | None:
    """A token selection of some clips, given the tokens of their objects; None stands for all tokens."""
    if tokens == "all":
        return None
    if tokens == "object":
        return object_mask
    places = math.prod(grid)
    extra = object_mask.shape[1] - places  # class and register tokens are of no time and of no background
    timed = time_span(tokens) is not None
    chosen = time_mask(tokens, grid).expand(len(object_mask), -1) if timed else background(object_mask[:, :places], grid)
    return F.pad(chosen, (0, extra)) if extra else chosen
