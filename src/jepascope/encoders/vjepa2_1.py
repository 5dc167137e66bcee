"""V-JEPA 2.1: encoder and predictor in Meta's files as a V-JEPA 2 encoder, run by ``vjepa2``, and what that is held against.

Names and arithmetic follow facebookresearch/vjepa2 (app/vjepa_2_1/models, src/hub/backbones.py), read there and not copied. Random
models of that code in its four sizes, saved as its hub loads them, came out equal to 4e-6; the released files are untested. Its encoder
is V-JEPA 2's with two differences that no weight shows: another rotation (``rotary.V2_1``), and the last of four norms as the final one.
Its predictor is ``dense_predictor``'s: it forecasts four depths at once, or a teacher's latents, in another width than the encoder's.
What clips do not pass through is named here and left out: the patch embedding of images, and norms behind depths that no predictor is
shown. Anything else that is not known refuses the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import VJEPA2Model

from jepascope.encoders.depths import LEVELS, TEACHER, context_layers
from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.rotary import FIELD, V2_1, RotaryRule
from jepascope.errors import BadCheckpoint

DECLARED = EncoderEntry(
    name="vjepa2_1",
    meaning="V-JEPA 2.1",
    order=1,
    run="jepascope.encoders.vjepa2:VJepa2Encoder",
    model_type="vjepa2",
    only={"rotary": "vjepa2.1"},
    like="vjepa2",
    fields={"levels": ("num_distillation_outputs", 1), "teacher": ("teacher_embed_dim", 0)},
    predictor=True,
    classifier="VJEPA2ForVideoClassification",
    checkpoints=(  # Meta's files alone
        ("vjepa2_1_vitb_dist_vitG_384.pt", 109_110_784, {"width": 768, "depth": 12, "size": 384, "teacher": 1664}),
        ("vjepa2_1_vitl_dist_vitG_384.pt", 326_857_984, {"size": 384, "teacher": 1664}),
        ("vjepa2_1_vitg_384.pt", 1_067_582_720, {"width": 1408, "depth": 40, "size": 384, "levels": 4, "predictor_depth": 24}),
        ("vjepa2_1_vitG_384.pt", 1_903_366_912, {"width": 1664, "depth": 48, "size": 384, "levels": 4, "predictor_depth": 24}),
    ),
)
THETA = 10_000
ONLY_2_1 = ("norms_block.", "patch_embed_img.", "video_mod_embed", "img_mod_embed")
LAST_NORM = {f"norms_block.3.{part}": f"norm.{part}" for part in ("weight", "bias")}  # of four; Meta's forward ends with it
PATCH_BIAS, CLIPS = "patch_embed.proj.bias", "video_mod_embed"  # what is added to every patch of a clip
IMAGES = ("patch_embed_img.proj.weight", "patch_embed_img.proj.bias", "img_mod_embed")  # the branch for images, left out
INNER = tuple(f"norms_block.{row}.{part}" for row in range(3) for part in ("weight", "bias"))  # what a predictor of four depths is shown
SEVERAL, WIDER = "predictor.predictor_embed.0.weight", "predictor.predictor_proj.weight"  # whose shapes tell what it is shown and says
DISTILLED = "ema_encoder"  # the key of encoders that learned a teacher's latents
PATCH, SIZE = 16, 384  # of every released encoder; the span of its rotary positions is known for these patches alone


@contextmanager
def rotation_of(model: VJEPA2Model, rule: RotaryRule) -> Iterator[None]:
    """Inside, transformers' own forward turns as the rule has it; transformers knows the rotation of V-JEPA 2 alone.

    An implementation of its own, axis by axis and without the table, so that it can be held against the table.
    """
    layers = model.encoder.layer if rule == V2_1 else ()
    for layer in layers:
        layer.attention.apply_rotary_embeddings = partial(_turned, layer.attention)
    try:
        yield
    finally:
        for layer in layers:
            del layer.attention.apply_rotary_embeddings


def _turned(
    attention: Any, x: Float[Tensor, "clips heads tokens head"], places: tuple[Tensor, Tensor, Tensor]
) -> Float[Tensor, "clips heads tokens head"]:
    """Queries or keys by their (time, row, column): a share of each head an axis, what is left over unturned."""
    time, row, column = places
    stretch = (V2_1.span or 1) - 1, max(attention.grid_size - 1, 1)  # a single row lies at 0, where Meta's code divides by 0
    sizes = [attention.d_dim, attention.h_dim, attention.w_dim]
    *shares, rest = x.split([*sizes, x.shape[-1] - sum(sizes)], dim=-1)
    positions = (time.float(), row.float() * stretch[0] / stretch[1], column.float() * stretch[0] / stretch[1])
    return torch.cat([*(_turn(share, position) for share, position in zip(shares, positions, strict=True)), rest], dim=-1)


def _turn(
    x: Float[Tensor, "clips heads tokens share"], position: Float[Tensor, "*any tokens"]
) -> Float[Tensor, "clips heads tokens share"]:
    """Each pair of neighbours, as a point of a plane, by one angle: position times its frequency."""
    half = x.shape[-1] // 2
    frequency = 1.0 / THETA ** (torch.arange(half, dtype=torch.float32, device=x.device) / (x.shape[-1] / 2.0))
    angle = position[..., None] * frequency
    first, second = x[..., 0::2], x[..., 1::2]
    turned = first * angle.cos() - second * angle.sin(), second * angle.cos() + first * angle.sin()
    return torch.stack(turned, dim=-1).flatten(-2).to(x.dtype)


def is_2_1(weights: dict[str, Any], key: str) -> bool:
    """Whether any weight has a name that V-JEPA 2.1 alone gives; ``weights`` are named ``key.name``."""
    return any(name.removeprefix(f"{key}.").startswith(ONLY_2_1) for name in weights)


def video_weights(weights: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """Without what clips do not pass through, and in words what that was."""
    unused = {
        "its branch for images": (*(f"{key}.{name}" for name in IMAGES), "predictor.img_mod_embed"),
        "its norms behind inner layers": () if SEVERAL in weights else tuple(f"{key}.{name}" for name in INNER),
    }
    left = [words for words, names in unused.items() if any(name in weights for name in names)]
    out = {name for names in unused.values() for name in names}
    return {name: value for name, value in weights.items() if name not in out}, f", left out {'; '.join(left)}" if left else ""


def as_2_0(path: Path, weights: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    """The last norm under the name of the only one; the embedding of clips folded into the bias of the patches, in float32.

    A convolution's bias is added to every patch, and so is Meta's ``video_mod_embed`` (1 x 1 x width): their sum is one bias.
    """
    theirs = [name for name in weights if name.startswith(f"{key}.norm.")]
    if theirs:
        raise BadCheckpoint(f"'{path}' has unknown weights: {min(theirs)}. V-JEPA 2.1 has four norms in place of that one.")
    for name in (PATCH_BIAS, CLIPS, *LAST_NORM):
        if f"{key}.{name}" not in weights:
            raise BadCheckpoint(f"'{path}' lacks weights: {key}.{name}. Is it complete? Download it again.")
        shape, width = tuple(weights[f"{key}.{name}"].shape), weights[f"{key}.{PATCH_BIAS}"].numel()
        must = (1, 1, width) if name == CLIPS else (width,)
        if shape != must:
            raise BadCheckpoint(f"'{path}' has misshapen weights: {key}.{name} is {shape}, but must be {must}.")
    renamed = {f"{key}.{name}": f"{key}.{ours}" for name, ours in LAST_NORM.items()}
    named = {renamed.get(name, name): value for name, value in weights.items() if name != f"{key}.{CLIPS}"}
    bias, clips = (weights[f"{key}.{name}"].float() for name in (PATCH_BIAS, CLIPS))
    return named | {f"{key}.{PATCH_BIAS}": bias + clips.flatten()}


def sizes_2_1(path: Path, sizes: dict[str, Any], weights: dict[str, Tensor], key: str) -> dict[str, Any]:
    """The configuration of a V-JEPA 2.1 encoder: its rotary rule, the size that all were made for, and what its predictor is shown and
    says. Of its own latents it says as many numbers as it is shown; others are a teacher's."""
    if sizes["patch_size"] != PATCH:
        raise BadCheckpoint(
            f"'{path}' is of V-JEPA 2.1 with patches of {sizes['patch_size']} pixels; where its rows lie is known for {PATCH} alone."
        )
    sizes = sizes | {"crop_size": SIZE, FIELD: V2_1.name}
    if not any(name.startswith("predictor.") for name in weights):
        return sizes
    width = sizes["hidden_size"]
    levels = weights[SEVERAL].shape[-1] // width if SEVERAL in weights else 1
    try:
        context_layers(sizes["num_hidden_layers"], levels)
    except BadCheckpoint as error:
        raise BadCheckpoint(f"'{path}': {error}") from None
    said = len(weights.get(WIDER, ())) or levels * width  # where it is missing, that is said later
    return sizes | {LEVELS: levels, TEACHER: said if key == DISTILLED or said != levels * width else 0}
