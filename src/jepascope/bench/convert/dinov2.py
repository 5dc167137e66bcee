"""A DINOv2 that was exported to ONNX, as the checkpoint folder that it came from.

An exporter keeps the names of biases and norms, and folds the matrices of linear layers, transposed, into weights without a name. Which
layer one belongs to is told by the node that multiplies by it: ``/backbone/encoder/layer.0/mlp/fc1/MatMul``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from jepascope.bench.convert.onnx_file import Graph, Node, parsed_model
from jepascope.disk.folder import Folder
from jepascope.encoders.folder_files import CONFIG_FILE, WEIGHTS_FILE
from jepascope.encoders.load import EXTRAS, load_encoder
from jepascope.errors import BadCheckpoint

PATCHES = "embeddings.patch_embeddings.projection.weight"  # what tells where in the file the encoder is
HEAD = 64  # width of a head in every DINOv2 that was published; no weight tells it
EPS = 1e-6  # of its norms

Weights = dict[str, np.ndarray]


def dinov2_weights(graph: Graph) -> Weights:
    """The encoder's weights by transformers' names. BadCheckpoint where the graph holds no DINOv2."""
    at = next((name.removesuffix(PATCHES) for name in graph.weights if name.endswith(PATCHES)), None)
    if at is None:
        raise BadCheckpoint("The ONNX graph holds no DINOv2: it has no patch embedding of that name.")
    weights = {name.removeprefix(at): array for name, array in graph.weights.items() if name.startswith(at)}
    for node in graph.nodes:
        if node.op == "MatMul" and (own := _inside(node, at)) and len(node.inputs) == 2 and node.inputs[1] in graph.weights:
            weights[f"{own}.weight"] = graph.weights[node.inputs[1]].T
    width = weights[PATCHES].shape[0]
    weights["embeddings.position_embeddings"] = np.concatenate([_constant(graph, op, at) for op in ("Concat", "Reshape")], axis=1)
    weights["embeddings.mask_token"] = np.zeros((1, width), dtype=np.float32)  # of training alone: it is not exported, nor ever used
    return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in weights.items()}


def _inside(node: Node, at: str) -> str:
    """Which module of the encoder a node is of; "" for one that lies elsewhere."""
    module = ".".join(node.name.strip("/").split("/")[:-1])
    return module.removeprefix(at) if module.startswith(at) else ""


def _constant(graph: Graph, op: str, at: str) -> np.ndarray:
    """Positions: those of patches, which are reshaped to be interpolated, and the class token's, which they are put behind."""
    for node in graph.nodes:
        if node.op == op and _inside(node, at) == "embeddings":
            for name in node.inputs:
                if name in graph.weights and not name.startswith(at):
                    return graph.weights[name]
    raise BadCheckpoint(f"The ONNX graph holds no DINOv2 with interpolated positions: no {op} of its embeddings has a constant.")


def dinov2_config(weights: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """config.json, read off the shapes of the weights."""
    width, channels, patch, _ = weights[PATCHES].shape
    side = math.isqrt(weights["embeddings.position_embeddings"].shape[1] - 1)
    layers = {int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer.")}
    return {
        "model_type": "dinov2",
        "architectures": ["Dinov2Model"],
        "hidden_size": width,
        "num_hidden_layers": len(layers),
        "num_attention_heads": width // HEAD,
        "mlp_ratio": weights["encoder.layer.0.mlp.fc1.bias"].shape[0] // width,
        "image_size": side * patch,
        "patch_size": patch,
        "num_channels": channels,
        "layer_norm_eps": EPS,
        "hidden_act": "gelu",
        "qkv_bias": True,
        "use_swiglu_ffn": False,
    }


def convert_dinov2(graph: Graph, folder: Path, source: str) -> dict[str, Any]:
    """Write the checkpoint folder of a graph; returns its config.json. ``source``: where the weights came from, in words."""
    weights = dinov2_weights(graph)
    config, files = dinov2_config(weights), Folder(folder)
    with files.writing(WEIGHTS_FILE) as temporary:
        save_file(weights, temporary, metadata={"format": "pt"})
    files.write(EXTRAS, json.dumps({"source": source}))
    files.write(CONFIG_FILE, json.dumps(config, indent=1))
    return config


def largest_difference(path: Path, folder: Path, seed: int = 0) -> float | None:
    """Between the folder's encoder and the file run by onnxruntime, after the final norm, on one image of noise; None where onnxruntime
    is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    model = parsed_model(path)
    given = model.graph.input[0]
    sides = [each.dim_value for each in given.type.tensor_type.shape.dim[2:]]
    norm = [node for node in model.graph.node if node.op_type == "Add" and "/layernorm/" in node.name and "layer." not in node.name][-1]
    model.graph.output.add().name = norm.output[0]
    image = np.random.default_rng(seed).standard_normal((1, 3, *sides)).astype(np.float32)
    theirs = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
        [norm.output[0]], {given.name: image}
    )[0]
    encoder: Any = load_encoder(folder)
    with torch.inference_mode():
        ours = encoder.model(torch.from_numpy(image)).last_hidden_state.numpy()
    return float(np.abs(ours - theirs).max())
