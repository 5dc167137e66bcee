"""Fresh weights for a module of somebody else's: its twin that was never trained, or why there is none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from jepascope.errors import BadArgument


def fresh(module: nn.Module, seed: int) -> nn.Module:
    """The same architecture with new weights: transformers' from its configuration, others by ``reset_parameters`` of all that hold
    weights. BadArgument that names a part which has none."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(module, PreTrainedModel):
            kind: Any = type(module)
            made: nn.Module = kind(copy.deepcopy(module.config))
            return made
        fixed = [name or "the module itself" for name, part in module.named_modules() if _holds_weights(part) and _reset(part) is None]
        if fixed:
            raise BadArgument(
                f"There is no untrained twin of {type(module).__name__}: {fixed[0]} holds weights and has no reset_parameters. Give wrap "
                "untrained=function (seed) -> module with fresh weights, or ask for none (untrained_seeds=0)."
            )
        twin = copy.deepcopy(module)
        for part in reversed(list(twin.modules())):  # a whole has the last word on its parts
            if (reset := _reset(part)) is not None:
                reset()
    return twin


def _holds_weights(part: nn.Module) -> bool:
    return next(part.parameters(recurse=False), None) is not None


def _reset(part: nn.Module) -> Callable[[], None] | None:
    """torch's own MultiheadAttention spells it with a bar."""
    found = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
    return found if callable(found) else None
