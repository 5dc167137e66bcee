"""The video encoder in a V-JEPA 2.1 file of Meta's, as the weights of a V-JEPA 2 encoder under Meta's own names.

Names and arithmetic follow facebookresearch/vjepa2 (app/vjepa_2_1/models, src/hub/backbones.py), read there and not copied. A random
ViT-B of that code, saved as its hub loads it, came out equal to 4e-6 at 112 to 512 pixels; the released files
(vjepa2_1_vit{b,l}_dist_vitG_384.pt, vjepa2_1_vit{g,G}_384.pt) are untested. What clips do not pass through is named here and left
out: the patch embedding of images, the norms behind inner layers, and the predictor. Anything else that is not known refuses the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from jepascope.encoders.rotary_rule import FIELD, V2_1
from jepascope.errors import BadCheckpoint

ONLY_2_1 = ("norms_block.", "patch_embed_img.", "video_mod_embed", "img_mod_embed")
LAST_NORM = {f"norms_block.3.{part}": f"norm.{part}" for part in ("weight", "bias")}  # of four; Meta's forward ends with it
PATCH_BIAS, CLIPS = "patch_embed.proj.bias", "video_mod_embed"  # what is added to every patch of a clip
LEFT_OUT = {
    "its branch for images": ("patch_embed_img.proj.weight", "patch_embed_img.proj.bias", "img_mod_embed"),
    "its norms behind inner layers": tuple(f"norms_block.{row}.{part}" for row in range(3) for part in ("weight", "bias")),
}
PREDICTOR = (
    *("predictor_embed.", "mask_tokens.", "video_mod_embed", "img_mod_embed", "predictor_blocks.", "predictor_norm."),
    *("predictor_proj.", "predictor_proj_context."),
)
PATCH, SIZE = 16, 384  # of every released encoder; the span of its rotary positions is known for these patches alone


def is_2_1(weights: dict[str, Any], key: str) -> bool:
    """Whether any weight has a name that V-JEPA 2.1 alone gives; ``weights`` are named ``key.name``."""
    return any(name.removeprefix(f"{key}.").startswith(ONLY_2_1) for name in weights)


def video_weights(path: Path, weights: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """Without what clips do not pass through, and in words what that was; BadCheckpoint for a predictor of another make."""
    left = [words for words, names in LEFT_OUT.items() if any(f"{key}.{name}" in weights for name in names)]
    predictor = [name for name in weights if name.startswith("predictor.")]
    foreign = [name for name in predictor if not name.removeprefix("predictor.").startswith(PREDICTOR)]
    if foreign:
        raise BadCheckpoint(f"'{path}' has unknown weights: {min(foreign)}. It is not a V-JEPA 2.1 checkpoint.")
    if predictor:
        left.append("its predictor, which forecasts other latents than the encoder's")
    out = {f"{key}.{name}" for names in LEFT_OUT.values() for name in names} | set(predictor)
    kept = {name: value for name, value in weights.items() if name not in out}
    return kept, f" of V-JEPA 2.1, left out {'; '.join(left)}" if left else " of V-JEPA 2.1"


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
        found, width = tuple(weights[f"{key}.{name}"].shape), weights[f"{key}.{PATCH_BIAS}"].numel()
        must = (1, 1, width) if name == CLIPS else (width,)
        if found != must:
            raise BadCheckpoint(f"'{path}' has misshapen weights: {key}.{name} is {found}, but must be {must}.")
    renamed = {f"{key}.{name}": f"{key}.{ours}" for name, ours in LAST_NORM.items()}
    named = {renamed.get(name, name): value for name, value in weights.items() if name != f"{key}.{CLIPS}"}
    bias, clips = (weights[f"{key}.{name}"].float() for name in (PATCH_BIAS, CLIPS))
    return named | {f"{key}.{PATCH_BIAS}": bias + clips.flatten()}


def sizes_2_1(path: Path, sizes: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a V-JEPA 2.1 encoder: its rotary rule, and the size that all were made for."""
    if sizes["patch_size"] != PATCH:
        raise BadCheckpoint(
            f"'{path}' is of V-JEPA 2.1 with patches of {sizes['patch_size']} pixels; where its rows lie is known for {PATCH} alone."
        )
    return sizes | {"crop_size": SIZE, FIELD: V2_1.name}
