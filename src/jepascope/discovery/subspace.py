"""Subspace: the one currency between finders, edits, controls and portability; and what it was found by."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.arrays import ArrayLike, as_tensor, as_whole
from jepascope.disk.folder import LARGEST, Folder
from jepascope.disk.named import read_named
from jepascope.disk.plain import parsed
from jepascope.errors import BadArgument, RunFolderError


@dataclass(frozen=True)
class FoundBy:
    """A reference to the finder, never a name that a caller typed: what the ``shuffled`` control runs again rests on it.

    ``rank`` and ``seed`` are those that the finder was given, ``where`` the site, ``labels`` and ``basis`` digests of the class labels
    and of the basis found. A subspace whose basis is another one drops it (see ``Subspace``). ``here``: it was found in this process, so
    that whoever runs it has named the finder; no file says so.
    """

    finder: str
    rank: int | None
    seed: int
    where: str
    labels: str
    basis: str
    here: bool = field(default=False, compare=False)

    def to_json(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if name != "here"}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FoundBy:
        """What ``to_json`` wrote; ValueError for anything else."""
        values = parsed(text)
        if set(values) != {each.name for each in fields(cls)} - {"here"}:
            raise ValueError("its found_by has other fields than a finder writes")
        whole = all(type(values[name]) is int for name in ("rank", "seed") if (name, values[name]) != ("rank", None))
        if not whole or not all(isinstance(values[name], str) for name in ("finder", "where", "labels", "basis")):
            raise ValueError("its found_by holds values that no finder writes")
        return cls(**values)


def digest_of(tensor: Tensor) -> str:
    """Names the values of a tensor, whatever its strides."""
    array = tensor.detach().cpu().contiguous().numpy()
    return hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()[:16]


ORTHONORMAL_TOLERANCE = 1e-4


@dataclass(frozen=True, init=False)
class Subspace:
    """An orthonormal basis U (width x rank), a reference mean (width) and where they came from.

    Rank is the number of columns. Coordinate support (how many coordinates a sparse probe uses) is another number and
    lives with the probe, never here. Basis and mean are given as tensors, NumPy arrays or lists, and kept as float32 tensors.

    ``provenance`` is what a caller or a finder says of it; nothing is inferred from a finder that it names. ``found_by`` is the finding
    code's own reference, and goes where the basis is no longer the one that was found.
    """

    basis: Float[Tensor, "width rank"]
    mean: Float[Tensor, " width"]
    provenance: dict[str, Any]
    found_by: FoundBy | None

    def __init__(
        self, basis: ArrayLike, mean: ArrayLike, provenance: dict[str, Any] | None = None, found_by: FoundBy | None = None
    ) -> None:
        columns = as_tensor(basis, "The basis of a subspace (width, rank)", 2)
        kept = found_by if found_by is not None and found_by.basis == digest_of(columns) else None
        object.__setattr__(self, "basis", columns)
        object.__setattr__(self, "mean", as_tensor(mean, "The mean of a subspace (width)", 1))
        object.__setattr__(self, "provenance", {} if provenance is None else provenance)
        object.__setattr__(self, "found_by", kept)
        self._check()

    def _check(self) -> None:
        if not isinstance(self.provenance, dict):
            raise BadArgument(f"The provenance of a subspace is a dict such as {{'layer': 3}}, not {type(self.provenance).__name__}.")
        if self.mean.shape != self.basis.shape[:1]:
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
    def spanned_by(cls, directions: ArrayLike, mean: ArrayLike, rank: int | None = None, **provenance: Any) -> Subspace:
        """The span of the columns: their ``rank`` leading left singular vectors (all that are numerically non-zero by default).

        ``directions`` (width, vectors) and ``mean`` (width) are tensors, NumPy arrays or lists. ``provenance`` says where they are from,
        for example variable="direction", layer=3, tokens="all", finder="logreg". A finder named here is a label: see ``intervene`` on how
        such a subspace gets its ``shuffled`` control.
        """
        columns = as_tensor(directions, "The directions (width, vectors)", 2, torch.float64)
        finder = provenance.get("finder")
        said = "The directions given" if finder is None else f"The directions that {finder} found"
        if not torch.isfinite(columns).all():
            raise BadArgument(f"{said} hold NaN or infinite values.")
        left, values, _ = torch.linalg.svd(columns, full_matrices=False)
        present = int((values > values[0] * 1e-6).sum()) if values.numel() and values[0] > 0 else 0
        rank = present if rank is None else as_whole(rank, "rank")
        if not present:
            raise BadArgument(f"{said} span rank 0: all of them are zero; give some that are not.")
        if not 1 <= rank <= present:
            raise BadArgument(f"{said} span rank {present}, not the {rank} asked for; ask for rank 1..{present}.")
        basis = left[:, :rank]
        # a sign convention, so that the same data give the same file on every machine
        signs = torch.sign(basis.gather(0, basis.abs().argmax(dim=0, keepdim=True)))
        return cls((basis * signs).float(), as_tensor(mean, "The mean (width)", 1), dict(provenance))

    @property
    def rank(self) -> int:
        return self.basis.shape[1]

    @property
    def width(self) -> int:
        return self.basis.shape[0]

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value}" for key, value in self.provenance.items())
        return f"Subspace(rank {self.rank} of {self.width}{'; ' + said if said else ''})"

    def save(self, path: str | Path) -> None:
        """Write a safetensors file (temporary name, then rename). BadArgument for what names no file, a folder among it."""
        path = _file(path)
        Folder(path.parent).write(path.name, self.to_bytes())

    def to_bytes(self) -> bytes:
        """A safetensors file; the same subspace makes the same bytes."""
        from safetensors.torch import save

        metadata = {"format": "jepascope-subspace-1", "provenance": json.dumps(self.provenance, sort_keys=True, default=_plain)}
        if self.found_by is not None:
            metadata["found_by"] = self.found_by.to_json()
        contents = save({"basis": self.basis.contiguous(), "mean": self.mean.contiguous()}, metadata)
        header, data = _parts(contents)  # the library writes the keys of its header in no order
        ordered = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        ordered += b" " * (-len(ordered) % 8)
        return len(ordered).to_bytes(8, "little") + ordered + data

    @classmethod
    def load(cls, path: str | Path, remedy: str = "delete it and run again") -> Subspace:
        """Read what ``save`` wrote; a damaged or foreign file is refused in one sentence that ends with ``remedy``."""
        file = _file(path)
        try:
            contents = read_named(file, LARGEST)
        except FileNotFoundError:
            raise RunFolderError(f"'{path}' is not a readable subspace file (there is no such file); {remedy}.") from None
        except OSError as error:
            raise RunFolderError(f"'{path}' is not a readable subspace file ({error.strerror}); {remedy}.") from None
        return cls.from_bytes(contents, path, remedy)

    @classmethod
    def from_bytes(cls, contents: bytes, path: str | Path, remedy: str = "delete it and run again") -> Subspace:
        """What ``to_bytes`` made; ``path`` is what a refusal names.

        What it was found by is read where the file says so of this very basis. Files of version 0.1 do not say it.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            metadata = _parts(contents)[0].get("__metadata__") or {}
            provenance = parsed(metadata.get("provenance", "{}"))
            found_by = FoundBy.from_json(metadata["found_by"]) if "found_by" in metadata else None
            held = load(contents)
            return cls(held["basis"].float(), held["mean"].float(), provenance, found_by)
        except (SafetensorError, ValueError, KeyError, AttributeError, TypeError, BadArgument) as error:
            raise RunFolderError(f"'{path}' is not a readable subspace file ({str(error).rstrip('.')}); {remedy}.") from None


def _parts(contents: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file; ValueError for something else."""
    length = int.from_bytes(contents[:8], "little")
    if not 2 <= length <= len(contents) - 8:
        raise ValueError("it is cut off, or no safetensors file")
    return parsed(contents[8 : 8 + length]), contents[8 + length :]


def _file(path: str | Path) -> Path:
    """Where a subspace is stored; BadArgument for a folder, and for what is no path."""
    if not isinstance(path, str | Path) or not str(path):
        raise BadArgument(f"A subspace is stored in a file, such as 'direction.safetensors', not in {path!r}.")
    if (file := Path(path).expanduser()).is_dir():
        raise BadArgument(f"'{path}' is a folder; name the file in it, such as '{Path(path) / 'direction.safetensors'}'.")
    return file


def _plain(value: Any) -> Any:
    """NumPy's and torch's numbers and arrays as JSON has them; all else as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
