"""A control: bases that the subspace is compared with."""

import torch

from jepascope.intervention.control_entry import ControlEntry

ENTRY = ControlEntry(
    name="top_axes",
    meaning="free axes of most variance",
    run="jepascope_example.control:top_axes",
    complement=True,
    words="top free axes",
    doer="the free axes of most variance",
)


def top_axes(subspace, covariance, free, draws, rng):
    axes = torch.linalg.eigh(free.T @ covariance.double() @ free).eigenvectors.flip(1)
    return (free @ axes[:, : subspace.rank]).expand(draws, -1, -1).numpy()
