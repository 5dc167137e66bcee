"""Recipes: everything that decides a nano encoder's weights, as data."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import VJEPA2Config

from jepascope.errors import BadArgument


@dataclass(frozen=True)
class Recipe:
    """Architecture, clips, masks and optimisation of one nano encoder.

    ``future`` is the share of steps whose context is the first tubelets (``future_context``: how many, drawn uniformly) and
    whose target is all that follows; the other steps use spatio-temporal blocks (tubes through all frames).
    """

    name: str
    seed: int
    depth: int
    width: int
    heads: int
    predictor_depth: int
    predictor_width: int
    predictor_heads: int
    size: int = 48
    patch: int = 8
    frames: int = 8
    tubelet: int = 2
    steps: int = 20_000
    batch: int = 128
    learning_rate: float = 1.5e-3
    warmup: int = 300
    final_rate: float = 0.02
    weight_decay: float = 0.02
    clip_norm: float = 1.0
    ema: float = 0.996
    ema_end: float = 0.9995
    future: float = 0.8
    future_context: tuple[int, ...] = (1, 2)
    block_keep: float = 0.4

    def config(self) -> VJEPA2Config:
        """The V-JEPA 2 architecture at this size."""
        return VJEPA2Config(
            patch_size=self.patch,
            crop_size=self.size,
            frames_per_clip=self.frames,
            tubelet_size=self.tubelet,
            hidden_size=self.width,
            num_attention_heads=self.heads,
            num_hidden_layers=self.depth,
            pred_hidden_size=self.predictor_width,
            pred_num_attention_heads=self.predictor_heads,
            pred_num_hidden_layers=self.predictor_depth,
            pred_num_mask_tokens=2,
            pred_zero_init_mask_tokens=False,
        )

    @property
    def grid(self) -> tuple[int, int, int]:
        side = self.size // self.patch
        return self.frames // self.tubelet, side, side


RECIPES = {
    "nano": Recipe(
        "nano",
        1,
        depth=4,
        width=96,
        heads=3,
        predictor_depth=1,
        predictor_width=48,
        predictor_heads=3,
        steps=8_413,
        batch=192,
        learning_rate=2e-3,
        ema=0.995,
    ),
    "nano-wide": Recipe(
        "nano-wide",
        2,
        depth=8,
        width=192,
        heads=6,
        predictor_depth=2,
        predictor_width=96,
        predictor_heads=6,
        steps=5_432,
        batch=256,
    ),
}
"""What the shipped weights were trained with; the odd step counts are what a fixed time on the training machine allowed."""


def recipe_named(name: str) -> Recipe:
    """The recipe, or BadArgument that lists what there is."""
    if name not in RECIPES:
        raise BadArgument(f"There is no recipe '{name}'; known are {', '.join(RECIPES)}.")
    return RECIPES[name]
