"""Subspace: the one currency between finders, edits, controls and portability."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.errors import BadArgument, RunFolderError

ORTHONORMAL_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Subspace:
    """An orthonormal basis U (width x rank), a reference mean (width) and where they came from.

    Rank is the number of columns. Coordinate support (how many coordinates a sparse probe uses) is another number and
    lives with the probe, never here.
    """

    basis: Float[Tensor, "width rank"]
    mean: Float[Tensor, " width"]
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.basis.ndim != 2 or self.mean.shape != self.basis.shape[:1]:
            raise BadArgument(
                f"A subspace needs a basis (width, rank) and a mean (width), not {tuple(self.basis.shape)} and {tuple(self.mean.shape)}."
            )
        width, rank = self.basis.shape
        if not 1 <= rank < width:
            raise BadArgument(
                f"A subspace of rank {rank} in width {width} cannot be edited against controls; the rank must lie in 1..{width - 1}."
            )
        if not torch.isfinite(self.basis).all() or not torch.isfinite(self.mean).all():
            raise BadArgument(f"The subspace from {self.provenance or 'unknown source'} holds NaN or infinite values.")
        error = (self.basis.T.double() @ self.basis.double() - torch.eye(rank, dtype=torch.float64)).abs().max().item()
        if error > ORTHONORMAL_TOLERANCE:
            raise BadArgument(f"The basis is not orthonormal (largest deviation {error:.1e}); build it with Subspace.spanned_by.")

    @classmethod
    def spanned_by(
        cls, directions: Float[Tensor, "width vectors"], mean: Float[Tensor, " width"], rank: int | None = None, **provenance: Any
    ) -> Subspace:
        """The span of the columns: their ``rank`` leading left singular vectors (all that are numerically non-zero by default)."""
        left, values, _ = torch.linalg.svd(directions.double(), full_matrices=False)
        present = int((values > values[0] * 1e-6).sum()) if values.numel() and values[0] > 0 else 0
        rank = present if rank is None else rank
        if rank > present or present == 0:
            raise BadArgument(
                f"The directions that {provenance.get('finder', 'were given')} found span rank {present}, not the {rank} asked for; "
                f"ask for rank {present} or less."
            )
        basis = left[:, :rank]
        # a sign convention, so that the same data give the same file on every machine
        signs = torch.sign(basis.gather(0, basis.abs().argmax(dim=0, keepdim=True)))
        return cls((basis * signs).float(), mean.float(), dict(provenance))

    @property
    def rank(self) -> int:
        return self.basis.shape[1]

    @property
    def width(self) -> int:
        return self.basis.shape[0]

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value}" for key, value in self.provenance.items())
        return f"Subspace(rank {self.rank} of {self.width}{'; ' + said if said else ''})"

    def save(self, path: Path) -> None:
        """Write a safetensors file (temporary name, then rename)."""
        from safetensors.torch import save_file

        temporary = path.with_name(path.name + ".tmp")
        metadata = {"format": "jepascope-subspace-1", "provenance": json.dumps(self.provenance, sort_keys=True)}
        save_file({"basis": self.basis.contiguous(), "mean": self.mean.contiguous()}, temporary, metadata=metadata)
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path, remedy: str = "delete it and run again") -> Subspace:
        """Read what ``save`` wrote; a damaged or foreign file is refused in one sentence that ends with ``remedy``."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as file:
                provenance = json.loads((file.metadata() or {}).get("provenance", "{}"))
                if not isinstance(provenance, dict):
                    raise ValueError("its provenance is no JSON object")
                return cls(file.get_tensor("basis").float(), file.get_tensor("mean").float(), provenance)
        except (SafetensorError, OSError, ValueError, BadArgument) as error:
            raise RunFolderError(f"'{path}' is not a readable subspace file ({str(error).rstrip('.')}); {remedy}.") from None
