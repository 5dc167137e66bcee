"""bench focus: an exported DINOv2 becomes the checkpoint that it came from; what is missing is said with what installs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Dinov2Config, Dinov2Model
from typer.testing import CliRunner

from jepascope.bench.convert.dinov2 import convert_dinov2, dinov2_config, dinov2_weights
from jepascope.bench.convert.onnx_file import Graph, Node, read_graph
from jepascope.bench.kinds import focus
from jepascope.bench.run import Asked
from jepascope.cli import app
from jepascope.encoders.load import load_encoder
from jepascope.errors import BadArgument, BadCheckpoint, JepascopeError
from jepascope.report.bench.focus import lines, sections

AT = "backbone."


@pytest.fixture(scope="module")
def model() -> Dinov2Model:
    torch.manual_seed(0)
    config = Dinov2Config(hidden_size=64, num_hidden_layers=2, num_attention_heads=1, mlp_ratio=2, patch_size=14, image_size=42)
    made = Dinov2Model(config).eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return made


def exported(model: Dinov2Model) -> Graph:
    """What an exporter makes of it: matrices of linear layers transposed and nameless, the positions in two constants."""
    weights: dict[str, np.ndarray] = {}
    nodes: list[Node] = []
    for name, weight in model.state_dict().items():
        array = weight.numpy()
        if name == "embeddings.position_embeddings":
            weights |= {"onnx::Concat_1": array[:, :1], "onnx::Reshape_2": array[:, 1:]}
            nodes.append(Node("Reshape", "/backbone/embeddings/Reshape_1", ("onnx::Reshape_2", "shape"), ("r",)))
            nodes.append(Node("Concat", "/backbone/embeddings/Concat", ("onnx::Concat_1", "r"), ("p",)))
        elif name.endswith("weight") and array.ndim == 2:
            made = f"onnx::MatMul_{len(weights)}"
            weights[made] = array.T
            where = AT + name.removesuffix(".weight")
            nodes.append(Node("MatMul", f"/{where.replace('.', '/').replace('layer/', 'layer.')}/MatMul", ("h", made), ("o",)))
        elif name != "embeddings.mask_token":
            weights[AT + name] = array
    weights["decoder.up.weight"] = np.ones((2, 2), dtype=np.float32)  # what lies behind the encoder
    nodes.append(Node("MatMul", "/decoder/up/MatMul", ("h", "decoder.up.weight"), ("y",)))
    return Graph(weights, tuple(nodes))


def test_an_exported_encoder_is_the_one_it_came_from(model: Dinov2Model, tmp_path: Path) -> None:
    graph = exported(model)
    config = convert_dinov2(graph, tmp_path / "tiny", "somewhere")
    assert config == dinov2_config(dinov2_weights(graph)) and (config["image_size"], config["mlp_ratio"]) == (42, 2)
    encoder: Any = load_encoder(tmp_path / "tiny")
    for name, weight in model.state_dict().items():
        if name != "embeddings.mask_token":  # of training alone
            torch.testing.assert_close(encoder.model.state_dict()[name], weight, rtol=0, atol=0)
    image = torch.randn(1, 3, 42, 42)
    with torch.inference_mode():
        torch.testing.assert_close(encoder.model(image).last_hidden_state, model(image).last_hidden_state)
    assert encoder.card.source == "somewhere"


def test_a_graph_of_something_else_is_refused(model: Dinov2Model) -> None:
    graph = exported(model)
    with pytest.raises(BadCheckpoint, match="no DINOv2"):
        dinov2_weights(Graph({"w": np.ones(2)}, graph.nodes))
    with pytest.raises(BadCheckpoint, match="interpolated positions"):
        dinov2_weights(Graph(graph.weights, tuple(node for node in graph.nodes if node.op != "Concat")))


def test_an_onnx_file_is_parsed_and_a_damaged_one_refused(model: Dinov2Model, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
    graph, path = exported(model), tmp_path / "tiny.onnx"
    held = [onnx.numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in graph.weights.items()]
    nodes = [onnx.helper.make_node(node.op, node.inputs, node.outputs, name=node.name) for node in graph.nodes]
    message = onnx.helper.make_model(onnx.helper.make_graph(nodes, "tiny", [], [], held))
    path.write_bytes(message.SerializeToString())
    read = read_graph(path)
    assert read.nodes == graph.nodes and set(read.weights) == set(graph.weights)
    assert all(np.array_equal(read.weights[name], array) for name, array in graph.weights.items())
    message.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    for contents, said in ((b"\xffnot one", "no ONNX file"), (b"", "no graph"), (message.SerializeToString(), "in other files")):
        path.write_bytes(contents)
        with pytest.raises(BadCheckpoint, match=said):
            read_graph(path)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("jepascope.bench.run.find_spec", lambda name: None)
    monkeypatch.setattr(focus, "find_spec", lambda name: None)
    yield


def test_what_is_missing_is_said_with_what_installs_it(nothing_installed: None) -> None:
    result = CliRunner().invoke(app, ["bench", "focus"])
    assert result.exit_code == 1 and "pip install 'jepascope[focus]'" in result.stderr and "Traceback" not in result.stderr
    with pytest.raises(JepascopeError, match=r"jepascope\[focus\]"):
        focus.published()


def test_a_single_frame_is_refused(tmp_path: Path) -> None:
    wanted = {name: default for name, (default, _) in focus.DECLARED.settings.items()}
    with pytest.raises(BadArgument, match="at least 2"):
        focus.focus(Asked({**wanted, "file": "x.onnx", "frames": 1}, tmp_path))


def test_a_folder_of_another_encoder_is_refused(model: Dinov2Model, tmp_path: Path) -> None:
    convert_dinov2(exported(model), tmp_path / focus.MODEL, "somewhere")
    wanted = {name: default for name, (default, _) in focus.DECLARED.settings.items()}
    with pytest.raises(BadArgument, match="another encoder"):
        focus.focus(Asked({**wanted, "file": "x.onnx"}, tmp_path))


def summary() -> dict[str, Any]:
    effect = {"value": 0.8, "low": 0.7, "high": 0.9, "n": 16}
    control = {"value": 0.1, "low": 0.0, "high": 0.2, "draws": 5, "by_finder": {"lda": {"value": 0.3, "low": 0.2, "high": 0.4}}}
    measure = {"name": "accuracy", "value": 0.9, "low": 0.8, "high": 1.0, "n": 16.0, "chance": 0.25}
    return {
        "classes": 4,
        "rank": 3,
        "best_layer": 2,
        "headline": "A headline.",
        "reading": {"measures": [measure]},
        "probe": {"dense": {0: 0.3, 2: 0.9}, "dense_untrained": {0: 0.25, 2: 0.4}},
        "ce": {"lda": {"ablate": effect, "swap": effect}},
        "controls": {"random": {"ablate": control, "swap": control}, "untrained": {"swap": {**control, "value": None, "by_finder": {}}}},
    }


def test_a_row_holds_the_finders_own_controls_and_the_page_says_what_does_most() -> None:
    row = focus.variable_row(summary(), "lda")
    assert row["untrained"] == 0.4 and row["ce"]["swap"]["controls"]["random"]["value"] == 0.3
    assert list(row["ce"]["ablate"]["controls"]) == ["random"]
    about = {"name": "x", "source": "y", "width": 4, "depth": 2, "tokens": 5, "parameters": 7, "difference": None}
    record = {"variables": {"shape": json.loads(json.dumps(row))}, "encoder": about, "settings": {"draws": 5}}
    assert [section.anchor for section in sections(record)] == ["summary", "controls", "layers", "studies", "encoder"]
    (line,) = lines(record)
    assert "accuracy 0.90 [0.80, 1.00]" in line and "random directions does most, 0.300 [0.200, 0.400]" in line
