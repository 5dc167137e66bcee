"""Judges of one's own: a scikit-learn classifier, a torch module or a function, trained on split ``judge`` and read as logits."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.readouts import ITERATIONS, PENALTY, standardise
from jepascope.errors import BadArgument
from jepascope.intervention.judge_entry import JUDGES
from jepascope.intervention.judges import Readout

LEAST = 1e-6  # a probability below this counts as this: its logarithm has to be finite

Train = Callable[[Tensor, Tensor, int], Readout]


def trained(name: str, x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"], seed: int) -> Readout:
    """The judge of that name, fitted to pooled activations and class indices (every class occurs). BadArgument, with its name and path,
    where its code fails, then or when it reads."""
    with JUDGES.blamed(name):
        if name in JUDGES.own:
            return JUDGES.load(name)(x, y, seed)  # type: ignore[no-any-return]
        return _Blamed(name, read_out(JUDGES.load(name), x, y, seed), int(y.max()) + 1)


def read_out(given: Any, x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"], seed: int = 0) -> Readout:
    """What is fitted: ``given`` is a scikit-learn classifier (class or instance), a torch module (an instance, or a class that is made with
    width and classes), or a function ``(X, y, seed)`` of NumPy arrays that returns a fitted reader."""
    if isinstance(given, torch.nn.Module) or (isinstance(given, type) and issubclass(given, torch.nn.Module)):
        return _module(given, x, y, seed)
    if hasattr(given, "fit"):
        from sklearn.base import clone

        model = given() if isinstance(given, type) else clone(given)
        if "random_state" in model.get_params():
            model.set_params(random_state=seed)
        return _Fitted(model.fit(x.numpy(), y.numpy()))
    return _Fitted(given(x.numpy(), y.numpy(), seed))


@dataclass(frozen=True)
class _Fitted:
    """A fitted reader: ``logits``, else ``decision_function``, else the logarithm of ``predict_proba``."""

    reader: Any

    def logits(self, x: Float[Tensor, "clips width"]) -> Float[Tensor, "clips classes"]:
        if hasattr(self.reader, "logits"):
            return torch.as_tensor(self.reader.logits(x))
        if hasattr(self.reader, "decision_function"):
            scores = np.asarray(self.reader.decision_function(x.numpy()))
            return torch.as_tensor(np.stack([-scores / 2, scores / 2], axis=1) if scores.ndim == 1 else scores)
        if hasattr(self.reader, "predict_proba"):
            return torch.as_tensor(np.log(np.clip(self.reader.predict_proba(x.numpy()), LEAST, None)))
        raise BadArgument(f"{type(self.reader).__name__} has neither predict_proba nor decision_function to read a margin from")


@dataclass(frozen=True)
class _Module:
    """A trained module on standardised activations."""

    module: torch.nn.Module
    mean: Tensor
    scale: Tensor

    @torch.inference_mode()
    def logits(self, x: Float[Tensor, "clips width"]) -> Float[Tensor, "clips classes"]:
        read: Tensor = self.module((x.to(self.mean) - self.mean) / self.scale)
        return read.clone()


def _module(given: Any, x: Tensor, y: Tensor, seed: int) -> Readout:
    """Trained as the small MLP is: standardised activations, L-BFGS, one fixed penalty on all weights."""
    standard, mean, scale = standardise(x)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = given(x.shape[1], int(y.max()) + 1) if isinstance(given, type) else copy.deepcopy(given)
        module.train()
        weights = [part for part in module.parameters() if part.requires_grad]
        optimiser = torch.optim.LBFGS(weights, max_iter=ITERATIONS, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            optimiser.zero_grad()
            penalty = torch.stack([part.square().sum() for part in weights]).sum() * PENALTY / (2 * len(x))
            value = torch.nn.functional.cross_entropy(module(standard), y) + penalty
            value.backward()
            return value

        optimiser.step(loss)
    return _Module(module.eval(), mean, scale)


@dataclass(frozen=True)
class _Blamed:
    """A judge of one's own, whose failures are said to be its own."""

    name: str
    reader: Readout
    classes: int

    def logits(self, x: Float[Tensor, "clips width"]) -> Float[Tensor, "clips classes"]:
        with JUDGES.blamed(self.name):
            read = torch.as_tensor(self.reader.logits(x))
            if read.shape != (len(x), self.classes):
                raise BadArgument(f"it reads {tuple(read.shape)} of {len(x)} clips and {self.classes} classes, not one logit for each")
            if not torch.isfinite(read).all():
                raise BadArgument("it reads NaN or infinite logits")
            return read
