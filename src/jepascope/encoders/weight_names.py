"""Names of weights as a model gives them, without what training code wraps around it. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import dropwhile
from pathlib import Path

from jepascope.errors import BadCheckpoint

WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"})
"""Parts of a name that DistributedDataParallel and AveragedModel, torch.compile, FSDP, activation checkpointing and Fabric put in."""
NOT_WEIGHTS = ("n_averaged",)  # AveragedModel's count of updates
LONGEST = 200  # characters of a weight's name; the longest of the families that are read has fewer than 100
ALIKE = 0.7  # of difflib's measure: .query.bias and .q_bias of the same layer are


def unwrapped(names: Iterable[str], source: str | Path, leading: Collection[str] = (), under: str = "") -> dict[str, str]:
    """The model's own name of each weight, behind ``under`` -> its name in the file, whichever wrappers stand in it, in any order.

    ``leading``: parts that hold the model, dropped as long as they stand first. BadCheckpoint for a name that no model gives, and where
    two weights would get the same one.
    """
    clean: dict[str, str] = {}
    for name in names:
        parts = [part for part in name.split(".") if part not in WRAPPERS]
        own = under + ".".join(dropwhile(leading.__contains__, parts))
        if own.removeprefix(under) in NOT_WEIGHTS:
            continue
        if len(own) > LONGEST or not own.isprintable():
            raise BadCheckpoint(f"'{source}' names a weight {own!a:.80}, as no known checkpoint does; give one that its authors published.")
        if own in clean:
            raise BadCheckpoint(
                f"'{source}' has {own} twice, as {clean[own]} and as {name}, and nothing says which is meant; "
                "save the weights of one model alone."
            )
        clean[own] = name
    return clean


def listed(names: Iterable[str]) -> str:
    """The first of some names, and how many more there are."""
    first, *others = sorted(names)
    return first + (f" and {len(others)} more" if others else "")


def renamed(missing: Iterable[str], unknown: Iterable[str]) -> str:
    """In words, which unknown weights look like missing ones under another name; empty where none does."""
    others = sorted(unknown)
    pairs = [(name, alike[0]) for name in sorted(missing) if (alike := get_close_matches(name, others, 1, ALIKE))]
    if not pairs:
        return f", and has others that are not known: {listed(others)}" if others else ""
    (wanted, near), more = pairs[0], len(pairs) - 1
    return f", but has {near}, which looks like {wanted} under another name" + (f" (and {more} more such pairs)" if more else "")
