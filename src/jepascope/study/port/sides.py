"""The two sides of a port: a run folder, and another one or a model that is shown the same clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.paths import dense_probes
from jepascope.encoders.base import EncoderCard
from jepascope.errors import BadArgument
from jepascope.study.bench import Bench
from jepascope.study.folder import read_json
from jepascope.study.spec import StudySpec, make_spec
from jepascope.study.steps.probes import earliest_good

SAME_SCENES = ("clips", "clips_per_class", "seed", "variable", "labels_digest")


@dataclass(frozen=True)
class Side:
    """A study's bench, the layer that its claims are made for, and how it is called in words."""

    bench: Bench
    best: int
    path: Path

    @property
    def card(self) -> EncoderCard:
        return self.bench.encoder.card

    @property
    def name(self) -> str:
        return self.card.name

    def described(self) -> dict[str, Any]:
        """What summary.json says of it."""
        spec, card = self.bench.spec, self.card
        said = {"path": str(self.path), "model": card.name, "clips": spec.clips, "variable": spec.variable, "best_layer": self.best}
        return {**said, "depth": card.depth, "width": card.width, "grid": list(card.grid)}

    def captured(self) -> None:
        """Everything that is used of it passes through the encoder now, or is there."""
        bench = self.bench
        _ = (bench.fit, bench.judge, bench.test, bench.twins, bench.spare_test)

    def pooled(self, split: str, layer: int) -> Float[Tensor, "clips width"]:
        """Pooled activations of a whole split, by scene, so that two sides have their clips in one order."""
        bench = self.bench
        if split == "fit":
            return bench.fit.pooled(layer, bench.spec.tokens)[_order(bench.scenes(bench.fit))]
        return bench.test_pooled(layer, bench.spec.tokens)[_order(self._test_scenes)]

    def labels(self, split: str) -> Int[Tensor, " clips"]:
        """Classes, in the same order."""
        bench = self.bench
        return bench.labels(bench.fit)[_order(bench.scenes(bench.fit))] if split == "fit" else bench.test_labels[_order(self._test_scenes)]

    @property
    def _test_scenes(self) -> Tensor:
        bench = self.bench
        parts = [bench.test] if bench.spare_test is None else [bench.test, bench.spare_test]
        return torch.cat([bench.scenes(part) for part in parts])


def _order(scenes: Tensor) -> Tensor:
    return torch.from_numpy(np.argsort(scenes.numpy(), kind="stable"))


def model_spec(spec: StudySpec, model: str) -> StudySpec:
    """The same study of another model: at its own length and size, its best layer chosen anew, ranks as in the run."""
    own = {"model": model, "frames": None, "size": None, "best_layer": None, "layers": (), "context": None}
    return make_spec({**spec.model_dump(exclude={"labels_digest"}), **own}, f"'{model}'")


def check_same_scenes(a: StudySpec, b: StudySpec, where: str) -> None:
    """A map between two encoders is fitted on pairs: both must have been shown the same scenes."""
    differing = [name for name in SAME_SCENES if getattr(a, name) != getattr(b, name)]
    if differing:
        said = ", ".join(f"{name} is {getattr(b, name)!r} there and {getattr(a, name)!r} here" for name in differing)
        raise BadArgument(
            f"'{where}' is a run on other scenes ({said}), and models are compared clip by clip: run its model on these scenes, or name "
            f"the model in place of the folder: jepascope port RUN {b.model}."
        )


def best_of(bench: Bench, folder: Path) -> int:
    """The layer that a finished run claims; else chosen on the fit clips by the same rule."""
    known = read_json(folder / "summary.json", {}).get("best_layer") if (folder / "summary.json").exists() else None
    if isinstance(known, int) and 0 <= known < bench.encoder.card.depth:
        return known
    if bench.spec.best_layer is not None:
        return bench.spec.best_layer
    spec, fit, depth = bench.spec, bench.fit, bench.encoder.card.depth
    pooled = {layer: fit.pooled(layer, spec.tokens) for layer in range(depth + 1)}
    paths = dense_probes(pooled, bench.labels(fit), bench.scenes(fit), bench.folds, seed=spec.seed)
    return earliest_good({layer: (path.choice.cv_accuracy, path.choice.cv_se) for layer, path in paths.items()}, depth)
