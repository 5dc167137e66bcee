"""InterchangeTrainer: the shipped nano encoder trained on, until a plane that was drawn at random is what it reads direction from."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import VJEPA2Model

from jepascope.activations.site import pool
from jepascope.bench.interchange.losses import CLASSES, moved_by_the_rest, off_the_code, outside_the_planes, read_at_the_end, said
from jepascope.bench.interchange.recipe import InterchangeRecipe
from jepascope.clips.clipset import ClipSet
from jepascope.clips.drawn import names_drawn, scenes_drawn
from jepascope.clips.factors import direction_angle
from jepascope.clips.procedural import ProceduralSource
from jepascope.encoders.load import load_encoder
from jepascope.encoders.nano.train import rate_at
from jepascope.encoders.vjepa2 import VJepa2Encoder

START = "nano"  # the shipped weights that every network starts from
SPACE = 0x117  # of training clips: study clips are drawn from another one, so that the two never meet


class InterchangeTrainer:
    """Encoder, head, optimiser and their random state; ``step`` advances all by one batch. ``curves``: what was noted on the way."""

    def __init__(self, recipe: InterchangeRecipe) -> None:
        self.recipe, self.device = recipe, torch.device("cpu")
        self.done, self.seconds, self.curves = 0, 0.0, list[dict[str, Any]]()
        self.encoder = started(recipe)
        self.encoder.model.requires_grad_(True)
        self.plane, self.decoy = planes(recipe)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.head = nn.Linear(self.encoder.card.width, CLASSES)
        weights = [*self.encoder.model.parameters(), *self.head.parameters()]
        self.optimiser = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.choices = torch.Generator().manual_seed(2**42 + recipe.seed)
        clips = training_scenes(recipe)
        self.video = (clips.video() * 255).round().byte()  # a quarter of the memory
        self.labels = torch.from_numpy(clips.labels("direction")[0])

    def step(self) -> Tensor:
        recipe = self.recipe
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(recipe, self.done)
        rows = torch.randint(len(self.video), (recipe.batch,), generator=self.choices)
        order = torch.randperm(recipe.batch, generator=self.choices)
        loss = self._loss(self.video[rows].float() / 255, self.labels[rows], order)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*self.encoder.model.parameters(), *self.head.parameters()], recipe.clip_norm)
        self.optimiser.step()
        self.done += 1
        return loss.detach()

    def _loss(self, video: Float[Tensor, "clips frames 3 rows columns"], labels: Int[Tensor, " clips"], order: Tensor) -> Tensor:
        recipe, layer = self.recipe, self.recipe.layer
        hidden = self.encoder.run(self.encoder.embed(video), 0, layer)
        last = read_at_the_end(self.encoder, hidden, hidden[order], self.plane, layer)
        loss = torch.stack(list(said(self.head(last), labels, labels[order]).values())).sum()
        begins, ends = recipe.settles
        ramp = min(1.0, max(0.0, (self.done / recipe.steps - begins) / (ends - begins)))
        here, kept = pool(hidden), torch.cat([self.plane, self.decoy], dim=1) if recipe.decoy else self.plane
        loss = loss + ramp * (recipe.last * moved_by_the_rest(last) + recipe.outside * outside_the_planes(here, labels, kept))
        return loss + off_the_code(here, labels, self.decoy, self.plane, recipe.decoy) if recipe.decoy else loss

    def shipped(self) -> VJepa2Encoder:
        """The encoder as it is now: a copy that further steps leave alone."""
        return VJepa2Encoder(copy.deepcopy(self.encoder.model), self.recipe.name)

    def state(self) -> dict[str, Any]:
        return {
            "recipe": asdict(self.recipe),
            "done": self.done,
            "seconds": self.seconds,
            "curves": self.curves,
            "model": self.encoder.model.state_dict(),
            "head": self.head.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "choices": self.choices.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.done, self.seconds, self.curves = state["done"], state["seconds"], list(state["curves"])
        self.encoder.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.choices.set_state(state["choices"])


def started(recipe: InterchangeRecipe) -> VJepa2Encoder:
    """The shipped nano encoder, without its predictor, for clips of the recipe's length and size."""
    nano = load_encoder(START)
    config = copy.deepcopy(nano.model.config)  # type: ignore[attr-defined]
    config.crop_size, config.frames_per_clip = recipe.size, recipe.frames
    model = VJEPA2Model(config)
    model.load_state_dict(nano.model.state_dict())  # type: ignore[attr-defined]
    model.predictor = None
    return VJepa2Encoder(model, recipe.name)


def planes(recipe: InterchangeRecipe) -> tuple[Float[Tensor, "width rank"], Float[Tensor, "width rank"]]:
    """The plane that is to hold the variable, and the decoy's: Haar, orthogonal to each other."""
    width = started(recipe).card.width
    drawn = torch.randn(width, 2 * recipe.rank, generator=torch.Generator().manual_seed(recipe.seed), dtype=torch.float64)
    basis: Tensor = torch.linalg.qr(drawn).Q.float()
    return basis[:, : recipe.rank].contiguous(), basis[:, recipe.rank :].contiguous()


def training_scenes(recipe: InterchangeRecipe) -> ClipSet:
    """One object that moves in one of eight directions, as in directions8; scenes that no study can draw."""
    names = names_drawn("training", recipe.per_class)
    rng = np.random.default_rng([SPACE, recipe.seed])
    return ClipSet("training", scenes_drawn(names, direction_angle(names), rng), ProceduralSource(), recipe.frames, recipe.size)
