"""Meta's own V-JEPA 2 checkpoints (vitl.pt, vith.pt, vitg.pt, vitg-384.pt) as transformers' VJEPA2Model, weight by weight.

Key names follow facebookresearch/vjepa2 (src/hub/backbones.py, src/models). Nothing is guessed: a weight that is missing, unknown or
misshapen refuses the file, and so does V-JEPA 1, whose positions are others though most of its weights have the same names.
What is V-JEPA 2.1's own is in ``vjepa2_1``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import VJEPA2Config, VJEPA2Model

from jepascope.encoders.dense_predictor import kind_of
from jepascope.encoders.geometry import sizes_of
from jepascope.encoders.meta_states import ENCODERS, PREDICTOR, PUBLISHED, bare, states
from jepascope.encoders.rotary import FIELD
from jepascope.encoders.torch_file import check_tensors, read_torch_file
from jepascope.encoders.vjepa2_1 import SEVERAL, as_2_0, is_2_1, sizes_2_1, video_weights
from jepascope.encoders.weight_names import listed, renamed
from jepascope.errors import BadCheckpoint

ROOTS = {
    "encoder.embeddings.patch_embeddings.": "patch_embed.",
    "encoder.layer.": "blocks.",
    "encoder.layernorm.": "norm.",
    "predictor.embeddings.predictor_embeddings.": "predictor_embed.",
    "predictor.layer.": "predictor_blocks.",
    "predictor.layernorm.": "predictor_norm.",
    "predictor.proj.": "predictor_proj.",
    # of V-JEPA 2.1
    "predictor.proj_context.": "predictor_proj_context.",
    "predictor.embeddings.video_mod_embed": "video_mod_embed",
    "predictor.norms.": "norms_block.",
}
OF_ENCODER = "norms_block."  # what Meta keeps with the encoder and is the predictor's here
MASKS = "predictor.embeddings.mask_tokens"  # one weight of transformers', one each of Meta's
THIRDS = ("query", "key", "value")  # in the order in which Meta stacks them into one matrix
POSITIONS = ("pos_embed", "predictor_pos_embed")  # left in some files and not used: positions are rotary
ACTION = ("action_encoder.", "state_encoder.")  # of the predictor of V-JEPA 2-AC, which ``vjepa2_ac`` reads
TOKENS_1 = {1568: "16 frames of 224 pixels", 4608: "16 frames of 384 pixels"}  # what V-JEPA 1 has positions for, and no V-JEPA 2
PREDICTOR_HEADS = {384: 12}  # by width. Shapes do not tell how many there are, and another number gives other forecasts
FRAMES = 64


def load_meta(path: Path, contents: dict[Any, Any] | None = None) -> tuple[VJEPA2Model, dict[str, Any], dict[str, Any]]:
    """The model in a .pt file of Meta's, without a predictor where the file has none that fits; and as ``source`` what was read.

    Sizes come from the shapes; heads are 64 wide (ViT-H: 80), as in every released encoder. Made for clips of 64 frames of 256 pixels,
    or 384 where the file's name ends so (``vitg-384.pt``) or V-JEPA 2.1 is in it: the same weights take any other length and size.
    Of V-JEPA 2.1 what clips pass through. Third: the weights of an action-conditioned predictor beside it (V-JEPA 2-AC), as they are.
    ``contents``: of the file, where it was opened before. Raises BadCheckpoint, in one sentence, for any other file.
    """
    contents = read_torch_file(path) if contents is None else contents
    models = states(path, contents)
    weights = bare(path, PREDICTOR, models.held[PREDICTOR]) if PREDICTOR in models.held else {}
    acts = any(name.removeprefix("predictor.").startswith(ACTION) for name in weights)
    order = ENCODERS[::-1] if acts else ENCODERS  # V-JEPA 2-AC is trained on a frozen encoder, which its hub loads from "encoder"
    key = next((name for name in order if name in models.held), None)
    if key is None:
        raise BadCheckpoint(_no_encoder(path, contents))
    acting = weights if acts else {}
    weights = bare(path, key, models.held[key]) | ({} if acts else weights)
    _refuse_version_1(path, weights, key)
    weights = {name: value for name, value in weights.items() if name.split(".", 1)[1] not in POSITIONS}
    newer = is_2_1(weights, key)
    weights, unused = video_weights(weights, key) if newer else (weights, "")
    check_tensors(path, weights.items())
    weights = as_2_0(path, weights, key) if newer else weights
    with_predictor = any(name.startswith("predictor.") for name in weights)
    sizes = meta_sizes(path, weights, key, with_predictor)
    sizes = sizes_2_1(path, sizes, weights, key) if newer else sizes
    sizes_of({"model_type": "vjepa2", **sizes}, path)
    with torch.device("meta"):  # shapes alone: nothing is drawn at random that could be left in
        model = kind_of(sizes.get(FIELD))(VJEPA2Config(**sizes))
    if not with_predictor:
        model.predictor = None
    elif newer and not any(name.startswith(f"{PREDICTOR}.predictor_proj_context.") for name in weights):
        model.predictor.proj_context = None  # trained to forecast targets alone
    model.load_state_dict(_mapped(path, model, weights, key), assign=True)
    beside = ", beside an action-conditioned predictor" if acts else ""
    key = " of ".join((key, *models.inside[::-1]))
    version, also = " of V-JEPA 2.1" if newer else "", " and predictor" if with_predictor else ""
    source = f"{path.name}: {key}{version}{also}{unused}{beside} ({path.stat().st_size:,} bytes)"
    return model, {"source": source}, acting


def meta_sizes(path: Path, weights: dict[str, Tensor], key: str, predictor: bool) -> dict[str, Any]:
    """The configuration that the shapes imply, in transformers' words; ``weights`` are named ``key.name`` and ``predictor.name``.

    Heads are 64 wide (ViT-H: 80), as in every released encoder; frames and size are those of the released files. Raises BadCheckpoint
    where a weight that tells a size is missing or has another number of axes.
    """

    def shape(name: str, axes: int) -> tuple[int, ...]:
        if name not in weights:
            raise BadCheckpoint(f"'{path}' lacks weights: {name}. It is not a V-JEPA 2 checkpoint, or not all of one.")
        lengths = tuple(weights[name].shape)
        if len(lengths) != axes or 0 in lengths:
            raise BadCheckpoint(f"'{path}' has misshapen weights: {name} is {lengths}. It is not a V-JEPA 2 checkpoint.")
        return lengths

    def count(stem: str) -> int:
        rows = [re.match(rf"{re.escape(stem)}\.(\d{{1,6}})(\.|$)", name) for name in weights]
        return 1 + max((int(row[1]) for row in rows if row), default=0)

    width, channels, tubelet, patch, _ = shape(f"{key}.patch_embed.proj.weight", 5)
    if width % 64:
        raise BadCheckpoint(f"'{path}' is {width} wide: not a multiple of 64, as every V-JEPA 2 encoder's width is.")
    sizes: dict[str, Any] = {
        "hidden_size": width,
        "num_hidden_layers": count(f"{key}.blocks"),
        "num_attention_heads": 16 if width == 1280 else width // 64,
        "mlp_ratio": shape(f"{key}.blocks.0.mlp.fc1.weight", 2)[0] / width,
        "in_chans": channels,
        "patch_size": patch,
        "tubelet_size": tubelet,
        "crop_size": 384 if path.stem.endswith("-384") else 256,
        "frames_per_clip": FRAMES,
    }
    if predictor:
        narrow = shape(f"predictor.predictor_embed.{'2.' if SEVERAL in weights else ''}weight", 2)[0]
        if narrow not in PREDICTOR_HEADS:
            known = ", ".join(map(str, PREDICTOR_HEADS))
            raise BadCheckpoint(f"'{path}' has a predictor {narrow} wide; how many heads one has is known for width {known} alone.")
        sizes |= {
            "pred_hidden_size": narrow,
            "pred_num_hidden_layers": count("predictor.predictor_blocks"),
            "pred_num_attention_heads": PREDICTOR_HEADS[narrow],
            "pred_num_mask_tokens": count("predictor.mask_tokens"),
            "pred_mlp_ratio": shape("predictor.predictor_blocks.0.mlp.fc1.weight", 2)[0] / narrow,
        }
    return sizes


def meta_name(name: str) -> tuple[str, int | None]:
    """What Meta calls a weight of transformers', and which third of it that is where queries, keys and values are one matrix."""
    root = next(root for root in ROOTS if name.startswith(root))
    rest = name.removeprefix(root).replace(".attention.", ".attn.")
    for third, part in enumerate(THIRDS):
        if f".attn.{part}." in rest:
            return ROOTS[root] + rest.replace(f".attn.{part}.", ".attn.qkv."), third
    return ROOTS[root] + rest, None


def _no_encoder(path: Path, contents: dict[Any, Any]) -> str:
    """What a file without an encoder holds instead."""
    parts = [part for part in contents.values() if isinstance(part, dict) and part]
    if "param_groups" in contents or (parts and all("param_groups" in part for part in parts)):
        return f"'{path}' holds an optimiser's state and no weights of a model; {PUBLISHED}."
    keys = ", ".join(f"{name!a:.30}" for name in [*contents][:5]) or "nothing"
    return f"'{path}' has none of {', '.join(ENCODERS)} (it has: {keys}); {PUBLISHED}."


def _refuse_version_1(path: Path, weights: dict[str, Any], key: str) -> None:
    """It would give wrong numbers without an error: it adds positions, and turns by none."""
    positions = weights.get(f"{key}.pos_embed")
    tokens = positions.shape[1] if isinstance(positions, Tensor) and positions.ndim == 3 else 0
    if tokens in TOKENS_1:
        raise BadCheckpoint(
            f"'{path}' is a V-JEPA 1 checkpoint: it adds positions made for {TOKENS_1[tokens]} ({tokens:,} tokens), "
            "and those of V-JEPA 2 are rotary; jepascope reads V-JEPA 2 and 2.1."
        )


def _theirs(name: str, shape: tuple[int, ...], key: str) -> tuple[list[str], int | None]:
    """Of which weights in the file a weight is made, and which third of them it is."""
    if name == MASKS:
        return [f"{PREDICTOR}.mask_tokens.{row}" for row in range(shape[0])], None
    theirs, third = meta_name(name)
    of = PREDICTOR if name.startswith(f"{PREDICTOR}.") and not theirs.startswith(OF_ENCODER) else key
    return [f"{of}.{theirs}"], third


def _mapped(path: Path, model: VJEPA2Model, weights: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    """Every weight of the model, in float32 and memory of its own, from exactly the weights that there are."""
    shapes = {name: tuple(empty.shape) for name, empty in model.state_dict().items()}
    sources = {name: _theirs(name, shape, key) for name, shape in shapes.items()}
    wanted = {theirs for names, _ in sources.values() for theirs in names}
    missing, unknown = wanted - set(weights), set(weights) - wanted
    if missing:
        raise BadCheckpoint(f"'{path}' lacks weights: {listed(missing)}{renamed(missing, unknown)}. Is it complete? Download it again.")

    def take(name: str, shape: tuple[int, ...], third: int | None = None) -> Tensor:
        rows, value = 0 if third is None else third * shape[0], weights[name]
        whole = shape if third is None else (3 * shape[0], *shape[1:])
        if tuple(value.shape) != whole:
            raise BadCheckpoint(f"'{path}' has misshapen weights: {name} is {tuple(value.shape)}, but must be {whole}.")
        return value.detach()[rows : rows + shape[0]].to(torch.float32, copy=True)

    mapped = {
        name: torch.stack([take(row, shapes[name][1:]) for row in names]) if name == MASKS else take(names[0], shapes[name], third)
        for name, (names, third) in sources.items()
    }
    if unknown:
        raise BadCheckpoint(f"'{path}' has unknown weights: {listed(unknown)}. It is not a V-JEPA 2 checkpoint.")
    return mapped
