"""Activations: what one pass of a clip set through an encoder left behind."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
from jepascope.encoders.card import EncoderCard
from jepascope.encoders.halves import around, place_of
from jepascope.encoders.part_names import RESIDUAL
from jepascope.encoders.precision import exact
from jepascope.errors import BadArgument


@dataclass(frozen=True, repr=False)
class Activations:
    """Pooled activations of every layer, object masks, and tokens and moments at the layers that were asked for.

    All of them are read from the store when asked for (small captures stay in memory), so that this is small however many clips there
    are. ``rows`` are the clips' positions in the store: a part (``select``, ``split``) copies nothing. ``shown``: tokens that show
    objects, where they are not those of the capture. ``by_parts``: what the parts of blocks add is there too; ``sites`` are then places
    among the halves of blocks (``encoders.halves``).
    """

    encoder_card: EncoderCard
    clips: ClipSet
    sites: tuple[int, ...]
    rows: Int[Tensor, " clips"]
    reader: Reader
    shown: Bool[Tensor, "clips tokens"] | None = None
    by_parts: bool = False

    def __len__(self) -> int:
        return len(self.clips)

    def __repr__(self) -> str:
        card, layers = self.encoder_card, self.sites
        if self.by_parts:
            layers = tuple(layer for layer in range(1, card.depth + 1) if {*around(layer)} <= {*self.sites})
        kept = f"tokens at layers {', '.join(map(str, layers))}" if layers else "no tokens"
        kept += ", with the parts of blocks" if self.by_parts else ""
        return f"Activations({card.name} on '{self.clips.name}', {len(self)} clips, layers 0..{card.depth}, {kept})"

    def pooled(self, layer: int, tokens: str = "all", part: str = RESIDUAL) -> Float[Tensor, "clips width"]:
        """Mean of ``h_layer``, or of what a part of block ``layer`` adds to it, over the selected tokens (one of SELECTIONS), float32."""
        self._check(Site(layer, tokens, part))
        return self._read(layer, part, lambda at: self.reader.pooled(at, tokens, self.rows))

    @property
    def object_mask(self) -> Bool[Tensor, "clips tokens"]:
        """The tokens of the places that the object passes."""
        return self.reader.object_mask(self.rows) if self.shown is None else self.shown

    def tokens(
        self,
        layer: int,
        rows: slice | Sequence[int] | np.ndarray = slice(None),
        span: slice = slice(None),
        part: str = RESIDUAL,
    ) -> Float[Tensor, "rows tokens width"]:
        """``h_layer`` of some clips at some consecutive token positions (``span``), in the encoder's precision; or what a part of block
        ``layer`` adds to it, in float32 at least."""
        return self._read(layer, part, lambda at: self._kept(at, layer, rows, span))

    def stream(self, site: Site, rows: slice | Sequence[int] | np.ndarray = slice(None)) -> Float[Tensor, "rows tokens width"]:
        """The residual stream that an edit at the site is added to: ``h_layer``, or what lies between the parts of that block."""
        return self._kept(self._place(site.layer, site.part), site.layer, rows, slice(None))

    def edited(
        self, site: Site, rows: slice | Sequence[int] | np.ndarray = slice(None)
    ) -> tuple[Float[Tensor, "rows tokens width"], Float[Tensor, "rows tokens width"]]:
        """That, and what an edit there is made from: itself, or what the site's part adds."""
        stream = self.stream(site, rows)
        return stream, stream if site.part == RESIDUAL else self.tokens(site.layer, rows, part=site.part)

    def moments(self, layer: int, tokens: str = "all", part: str = RESIDUAL) -> Moments:
        """Mean and covariance of the selected tokens over all clips of the capture (also where this is some of it). Captured by parts,
        of what the part adds."""
        self._check(Site(layer, tokens, part))
        if (at := self._place(layer, part)) not in self.reader.layout.moments:
            raise BadArgument(f"Token moments of layer {layer} were not captured; capture again with moments=({layer},).")
        return self.reader.moments(at, tokens)

    def _place(self, layer: int, part: str) -> int:
        """Where in the capture a site lies. BadArgument for parts that were not captured."""
        if self.by_parts:
            return place_of(layer, part)
        if part != RESIDUAL:
            raise BadArgument(
                "What the parts of blocks add was not captured; capture the clips by parts (jepascope.capture(..., parts=True))."
            )
        return layer

    def _read(self, layer: int, part: str, read: Callable[[int], Tensor]) -> Tensor:
        """What is read of the residual stream; of a part, by how much more that is after it than before."""
        at = self._place(layer, part)
        return read(at) if part == RESIDUAL else exact(read(at)) - exact(read(at - 1))

    def _kept(self, at: int, layer: int, rows: slice | Sequence[int] | np.ndarray, span: slice) -> Tensor:
        if at not in self.sites:
            kept = () if self.by_parts else self.sites  # places of parts are no layers
            raise BadArgument(f"The tokens of layer {layer} were not captured; capture again with sites={(*kept, layer)}.")
        layout = self.reader.layout
        asked = range(layout.tokens)[span]
        if layout.kept is not None and not (layout.kept[0] <= asked.start and asked.stop <= layout.kept[1]):
            raise BadArgument(
                f"Of the tokens of layer {layer} those at {layout.kept[0]}..{layout.kept[1] - 1} of 0..{layout.tokens - 1} were kept; "
                f"ask for them with span=slice({layout.kept[0]}, {layout.kept[1]}), or capture again with tokens='all'."
            )
        wanted = self.rows[rows if isinstance(rows, slice) else torch.from_numpy(np.array(rows, dtype=np.int64))]
        return self.reader.tokens(at, wanted, span)

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
    """A token selection of some clips, given the tokens of their objects; None stands for all tokens. BadArgument where no clip has any
    background, as where a token is a whole frame."""
    if tokens == "all":
        return None
    if tokens == "object":
        return object_mask
    places = math.prod(grid)
    extra = object_mask.shape[1] - places  # class and register tokens are of no time and of no background
    timed = time_span(tokens) is not None
    chosen = time_mask(tokens, grid).expand(len(object_mask), -1) if timed else background(object_mask[:, :places], grid)
    if len(chosen) and not bool(chosen.any()):
        raise BadArgument("None of these clips has a token of the background: objects are in or beside all of them; choose other tokens.")
    return F.pad(chosen, (0, extra)) if extra else chosen
