"""Layout: which tensors a stored capture holds, in which shards, of which types and shapes. docs/store.md is the same in words.

Imports neither torch nor numpy, so that a plan can count bytes before anything is loaded.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jepascope.encoders.budget import SHARD_BYTES, at_once, hidden_bytes

FORMAT = "jepascope-activations-3"  # 3: a layer of a shard is contiguous, masks are bits, a shard carries its own checksums
SHARD = 50  # clips a file, of clips that are short
SELECTIONS = ("all", "object")
"""Selections that every capture pools over, and that judges read."""

BYTES = {"F64": 8, "I64": 8, "F32": 4, "F16": 2, "BF16": 2, "U8": 1}
"""Bytes a number, by the names that safetensors gives to types."""

TOKEN_TYPES = ("F16", "BF16", "F32", "F64")
"""What an encoder may compute in."""

Described = tuple[str, tuple[int, ...]]
"""A tensor's type and shape."""


@dataclass(frozen=True)
class Layout:
    """A capture of ``clips`` clips by an encoder of ``layers`` layers (its depth and one), ``width`` and ``tokens`` a clip.

    ``sites`` and ``moments``: layers whose tokens, in type ``dtype``, and token moments are kept; each sorted. ``kept``: the first token
    that is kept of each clip and the one after the last, where they are not all.
    """

    clips: int
    layers: int
    width: int
    tokens: int
    sites: tuple[int, ...] = ()
    moments: tuple[int, ...] = ()
    dtype: str = "F32"
    kept: tuple[int, int] | None = None

    @property
    def span(self) -> range:
        """Positions of the tokens that are kept."""
        return range(self.tokens) if self.kept is None else range(*self.kept)

    @property
    def shard_clips(self) -> int:
        """Clips a file: fewer than SHARD where their tokens are many, because a shard is held whole while it is made."""
        return at_once(len(self.sites) * BYTES[self.dtype] * len(self.span) * self.width, SHARD, SHARD_BYTES)

    @property
    def shard_bytes(self) -> int:
        """What the tokens of one file take, in float32, as they are while it is made."""
        return len(self.sites) * hidden_bytes(len(self.span), self.width) * min(self.clips, self.shard_clips)

    @property
    def shards(self) -> int:
        return -(-self.clips // self.shard_clips)

    def rows(self, shard: int) -> slice:
        """The clips of a shard; the last one may be shorter."""
        return slice(shard * self.shard_clips, min((shard + 1) * self.shard_clips, self.clips))

    def tensors(self, shard: int) -> dict[str, Described]:
        """What one shard holds, by key."""
        rows = self.rows(shard)
        count = rows.stop - rows.start
        tensors: dict[str, Described] = {f"pooled.{name}": ("F32", (self.layers, count, self.width)) for name in SELECTIONS}
        tensors["object_mask"] = ("U8", (count, -(-self.tokens // 8)))
        for layer in self.sites:
            tensors[f"tokens.{layer}"] = (self.dtype, (count, len(self.span), self.width))
        for layer in self.moments:
            for name in SELECTIONS:
                tensors[f"moments.{layer}.{name}.count"] = ("I64", ())
                tensors[f"moments.{layer}.{name}.mean"] = ("F64", (self.width,))
                tensors[f"moments.{layer}.{name}.covariance"] = ("F64", (self.width * (self.width + 1) // 2,))
        return tensors

    def stored_bytes(self) -> dict[str, int]:
        """Bytes on disk of the whole capture: pooled, masks, moments, tokens; and the manifest and headers, to within a few."""
        sizes = dict.fromkeys(("pooled", "masks", "moments", "tokens"), 0)
        sizes["headers"] = len(canonical(described(self, "0" * 16, "0" * 16)))
        kinds = {"pooled": "pooled", "object_mask": "masks", "moments": "moments", "tokens": "tokens"}
        full, rest = divmod(self.clips, self.shard_clips)
        # all full shards are alike, and a last, shorter one differs
        for shard, times in ((0, full), (full, 1 if rest else 0)):
            if not times:
                continue
            tensors, start, header = self.tensors(shard), 0, {}
            for key, (dtype, shape) in tensors.items():
                size = BYTES[dtype] * math.prod(shape)
                sizes[kinds[key.split(".")[0]]] += times * size
                header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [start, start + size]}
                start += size
            signed = canonical({"capture": "0" * 16, "shard": shard, "crc32": dict.fromkeys(tensors, 10**9)})
            sizes["headers"] += times * (8 + len(canonical({**header, "__metadata__": {"jepascope": signed}})))
        return sizes


def described(layout: Layout, encoder: str, clips: str, transform: str = "") -> dict[str, Any]:
    """Everything that the numbers of a capture depend on: what its manifest says, and its folder is named by the digest of."""
    return {
        "format": FORMAT,
        "shard_clips": layout.shard_clips,
        "encoder": encoder,
        "clips": clips,
        "transform": transform,
        "count": layout.clips,
        "layers": layout.layers,
        "width": layout.width,
        "tokens": layout.tokens,
        "dtype": layout.dtype,
        "sites": list(layout.sites),
        "moments": list(layout.moments),
        **({} if layout.kept is None else {"kept": list(layout.kept)}),
    }


def canonical(value: Mapping[str, Any]) -> str:
    """Canonical JSON: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest_of(manifest: Mapping[str, Any]) -> str:
    """Name of a capture: the first 16 hexadecimal digits of the SHA-256 of its manifest, which is canonical JSON."""
    return hashlib.sha256(canonical(manifest).encode()).hexdigest()[:16]
