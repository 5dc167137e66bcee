"""FoundBy: what a subspace was found by. Written by ``discovery.finders.find`` alone, and bound to the basis."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from torch import Tensor


@dataclass(frozen=True)
class FoundBy:
    """A reference to the finder, never a name that a caller typed: what the ``shuffled`` control runs again rests on it.

    ``rank`` and ``seed`` are those that the finder was given, ``where`` the site, ``labels`` and ``basis`` digests of the class labels
    and of the basis found. A subspace whose basis is another one drops it (see ``Subspace``).
    """

    finder: str
    rank: int | None
    seed: int
    where: str
    labels: str
    basis: str

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FoundBy:
        """What ``to_json`` wrote; ValueError for anything else."""
        values = json.loads(text)
        if not isinstance(values, dict) or set(values) != {field.name for field in fields(cls)}:
            raise ValueError("its found_by has other fields than a finder writes")
        whole = all(type(values[name]) is int for name in ("rank", "seed") if (name, values[name]) != ("rank", None))
        if not whole or not all(isinstance(values[name], str) for name in ("finder", "where", "labels", "basis")):
            raise ValueError("its found_by holds values that no finder writes")
        return cls(**values)


def digest_of(tensor: Tensor) -> str:
    """Names the values of a tensor, whatever its strides."""
    array = tensor.detach().cpu().contiguous().numpy()
    return hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()[:16]
