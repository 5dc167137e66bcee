"""Fresh weights for a module of somebody else's: its twin that was never trained, or why there is none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from jepascope.errors import BadArgument


def not_fresh(module: nn.Module) -> str:
    """Why no fresh weights can be drawn, naming the part that has none; "" where they can."""
    if isinstance(module, PreTrainedModel):
        return ""
    fixed = [name or "the module itself" for name, part in module.named_modules() if _holds_weights(part) and _reset(part) is None]
    if not fixed:
        return ""
    return (
        f"There is no untrained twin of {type(module).__name__}: {fixed[0]} holds weights and has no reset_parameters. Give wrap "
        "untrained=function (seed) -> module with fresh weights, or ask for none (--set untrained_seeds=0)."
    )


def fresh(module: nn.Module, seed: int) -> nn.Module:
    """The same architecture with new weights: transformers' from its configuration, others by ``reset_parameters`` of all that hold
    weights. BadArgument where there are none (see ``not_fresh``)."""
    if why := not_fresh(module):
        raise BadArgument(why)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(module, PreTrainedModel):
            kind: Any = type(module)
            made: nn.Module = kind(copy.deepcopy(module.config))
            return made
        twin = copy.deepcopy(module)
        for part in reversed(list(twin.modules())):  # a whole has the last word on its parts
            if (reset := _reset(part)) is not None:
                reset()
    return twin


def _holds_weights(part: nn.Module) -> bool:
    return next(part.parameters(recurse=False), None) is not None


def _reset(part: nn.Module) -> Callable[[], None] | None:
    """torch's own MultiheadAttention spells it with a bar."""
    method = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
    return method if callable(method) else None
