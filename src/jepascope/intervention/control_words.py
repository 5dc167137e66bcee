"""What controls are called, and the order in which they stand: one place for tables, sentences and figures."""

from __future__ import annotations

CONTROLS = ("random", "variance", "shuffled", "norm")
"""The four that every effect has beside it, in the customary order."""

CONTROL_WORDS = {
    "subspace": "the finder's subspace",
    "random": "random directions",
    "variance": "variance-matched",
    "shuffled": "shuffled labels",
    "norm": "norm-matched",
    "top_pca": "largest axes",
    "nuisance": "axes within classes",
    "self_swap": "swap within a class",
    "untrained": "untrained twins",
}
"""In the heads of tables and the legends of figures."""

DOERS = {
    "random": "random directions",
    "variance": "variance-matched directions",
    "shuffled": "subspaces found on shuffled labels",
    "norm": "random edits of the same size",
    "self_swap": "swaps with clips of the same class",
    "top_pca": "the largest principal axes",
    "nuisance": "the largest axes within classes",
    "untrained": "untrained twins",
}
"""In sentences: "what random directions do"."""


def doer(control: str) -> str:
    """What does as the control does."""
    return DOERS.get(control, control)
