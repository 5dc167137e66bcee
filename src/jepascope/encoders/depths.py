"""At which depths the predictor of V-JEPA 2.1 is shown an encoder's latents, and where config.json says so. Imports no torch."""

from __future__ import annotations

from jepascope.errors import BadCheckpoint

LEVELS = "num_distillation_outputs"  # of config.json: at how many depths its predictor is shown the encoder's latents
TEACHER = "teacher_embed_dim"  # of config.json: how many numbers a token its forecasts of a teacher's latents have; 0: of its own
DEPTHS = {12: (3, 6, 9, 12), 24: (6, 12, 18, 24), 40: (10, 20, 30, 40), 48: (12, 24, 38, 48)}
"""After which blocks of how many the four depths lie; Meta's code has no others."""


def context_layers(depth: int, levels: int = 1) -> tuple[int, ...]:
    """Layers whose hidden states, each behind a norm of its own, the predictor is shown; BadCheckpoint where nothing says which."""
    if levels == 1:
        return (depth,)
    if levels != 4 or depth not in DEPTHS:
        raise BadCheckpoint(
            f"its predictor is shown {levels} depths of {depth} blocks; where they lie is known for 4 depths of "
            f"{', '.join(map(str, DEPTHS))} blocks alone."
        )
    return DEPTHS[depth]
