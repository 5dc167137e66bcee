"""An ONNX file as arrays and a list of nodes. It is parsed, never run: a graph is data until a runtime is given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jepascope.disk.named import read_named
from jepascope.errors import BadCheckpoint, first_line, missing_extra

MOST = 1 << 31  # bytes: what a protobuf message can hold
FLOATS = (1, 10)  # ONNX's numbers for float32 and float16


@dataclass(frozen=True)
class Node:
    """One operation: what it is, the name that the exporter gave it, and the names of what it takes and makes."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """The floating-point weights by name, and the nodes in their order."""

    weights: Mapping[str, np.ndarray]
    nodes: tuple[Node, ...]


def read_graph(path: Path) -> Graph:
    """What a file holds. JepascopeError without the package onnx; BadCheckpoint for a file that is none, or has weights in other files."""
    model = parsed_model(path)
    outside = [weight.name for weight in model.graph.initializer if weight.data_location == weight.EXTERNAL]
    if outside:
        raise BadCheckpoint(f"'{path}' keeps weights in other files ({outside[0]}), which are not read; export it with its weights inside.")
    from onnx import numpy_helper

    weights = {weight.name: numpy_helper.to_array(weight) for weight in model.graph.initializer if weight.data_type in FLOATS}
    nodes = (Node(node.op_type, node.name, tuple(node.input), tuple(node.output)) for node in model.graph.node)
    return Graph(weights, tuple(nodes))


def parsed_model(path: Path) -> Any:
    """The protobuf message itself."""
    try:
        import onnx
    except ImportError:
        raise missing_extra("onnx, which reads the published file,", "focus") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(read_named(path, MOST))
    except OSError as error:
        raise BadCheckpoint(f"'{path}' cannot be read ({error.strerror}); give an ONNX file.") from None
    except Exception as error:  # protobuf's own kinds differ between its releases
        raise BadCheckpoint(f"'{path}' is no ONNX file, or cut off ({first_line(error)}); install its package again.") from None
    if not model.graph.node:
        raise BadCheckpoint(f"'{path}' holds no graph; install its package again.")
    return model
