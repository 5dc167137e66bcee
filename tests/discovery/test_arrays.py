"""Whatever holds numbers is taken for an array, and whatever names a file for a path."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from planted_classes import planted

import jepascope as js
from jepascope.discovery.arrays import as_tensor
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, RunFolderError

KINDS = {
    "tensor": lambda x: x,
    "double": lambda x: x.double(),
    "numpy": lambda x: x.numpy(),
    "numpy double": lambda x: x.numpy().astype(np.float64),
    "reversed view": lambda x: x.numpy()[::-1].copy()[::-1],
    "lists": lambda x: x.tolist(),
    "with gradient": lambda x: x.clone().requires_grad_(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_subspace_is_one_whatever_array_it_is_made_of(kind: str) -> None:
    generator = torch.Generator().manual_seed(0)
    directions, mean, make = torch.randn(12, 3, generator=generator), torch.randn(12, generator=generator), KINDS[kind]
    expected = js.Subspace.spanned_by(directions, mean)
    subspace = js.Subspace.spanned_by(make(directions), make(mean))
    assert torch.equal(subspace.basis, expected.basis) and torch.equal(subspace.mean, expected.mean)
    again = js.Subspace(make(expected.basis), make(expected.mean))
    assert torch.equal(again.basis, expected.basis) and again.basis.dtype == again.mean.dtype == torch.float32
    assert not again.basis.requires_grad


@pytest.mark.parametrize("kind", ["numpy", "lists"])
def test_probes_and_controls_take_the_same_arrays(kind: str) -> None:
    x, y = planted(0)
    make = KINDS[kind]
    for probes in (js.dense_probes, js.l1_paths):
        scenes = torch.arange(64)
        own, other = probes({3: x[0]}, y, scenes, 2, (0.3,)), probes({3: make(x[0])}, make(y), make(scenes), 2, (0.3,))
        assert torch.equal(own[3].probe.weights, other[3].probe.weights)
    subspace = js.Subspace(torch.eye(12)[:, :2], torch.zeros(12))
    covariance, avoid, names = torch.cov(x[0].T), torch.eye(12)[:, :4], ("random", "variance")
    pairs = zip(
        js.matched_controls(subspace, covariance, 2, 0, names=names, avoid=avoid, pooled_covariance=covariance),
        js.matched_controls(subspace, make(covariance), 2, 0, names=names, avoid=make(avoid), pooled_covariance=make(covariance)),
        strict=True,
    )
    assert all(torch.equal(own.basis, other.basis) and own.matched == other.matched for own, other in pairs)


def test_a_later_change_of_the_callers_array_changes_nothing() -> None:
    mine = np.eye(6, 2, dtype=np.float32)
    subspace = js.Subspace(mine, np.zeros(6, dtype=np.float32))
    mine[:] = 7
    assert torch.equal(subspace.basis, torch.eye(6)[:, :2])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("abc", "of numbers, not str"),
        (None, "of numbers, not NoneType"),
        ({"a": 1}, "of numbers, not dict"),
        ([[1.0], [1.0, 2.0]], "of numbers, not list"),
        (np.array([["a"]]), "of numbers, not ndarray of <U1"),
        (np.array([[1j]]), "of numbers, not ndarray of complex128"),
        (torch.zeros(3), "must have 2 dimension(s), not the shape (3,)"),
        (3.0, "must have 2 dimension(s), not the shape ()"),
    ],
)
def test_what_is_no_array_is_refused_in_a_sentence(given: object, said: str) -> None:
    with pytest.raises(BadArgument, match=f"^The thing .*{re.escape(said)}"):
        as_tensor(given, "The thing", 2)  # type: ignore[arg-type]


def test_labels_are_whole_numbers() -> None:
    x, y = planted(0)
    for labels in (y.double(), np.array(["N"] * 64)):
        with pytest.raises(BadArgument, match=r"^The class labels \(clips\) must be .* lists of whole numbers, not"):
            js.dense_probes({0: x[0]}, labels)


def test_directions_that_span_nothing_or_less_are_refused() -> None:
    directions = np.random.default_rng(0).standard_normal((12, 2)) @ np.ones((2, 3))
    for rank, said in (
        (2, "span rank 1, not the 2 asked for; ask for rank 1..1"),
        (0, "not the 0 asked for"),
        (-1, "not the -1 asked for"),
    ):
        with pytest.raises(BadArgument, match=f"The directions that logreg found .*{re.escape(said)}"):
            js.Subspace.spanned_by(directions, np.zeros(12), rank, finder="logreg")
    with pytest.raises(BadArgument, match="The directions given span rank 0: all of them are zero"):
        js.Subspace.spanned_by(np.zeros((12, 3)), np.zeros(12))
    with pytest.raises(BadArgument, match="The directions given hold NaN or infinite values"):
        js.Subspace.spanned_by(np.full((12, 3), np.nan), np.zeros(12))
    with pytest.raises(BadArgument, match="covariance must be finite and of shape"):
        js.matched_controls(js.Subspace(np.eye(12, 2), np.zeros(12)), np.eye(11), 2, 0, names=("random",))


def test_paths_are_strings_or_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path, tiny_encoder: VJepa2Encoder) -> None:
    subspace = js.Subspace.spanned_by(np.eye(6, 2), np.zeros(6), layer=np.int64(3), weights=np.arange(2), file=tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in ("x.safetensors", tmp_path / "y.safetensors", "made/at/once.safetensors", "~/home.safetensors"):
        subspace.save(path)
        assert torch.equal(js.Subspace.load(path).basis, subspace.basis)
    (tmp_path / "file").write_text("mine")
    assert js.load_encoder(tiny_model).card.digest == js.load_encoder(str(tiny_model)).card.digest
    for out in (tmp_path / "file", "~/file", str(tmp_path / "file")):
        with pytest.raises(BadArgument, match="is a file"):
            js.run_study(js.StudySpec(model=str(tiny_model)), out, tiny_encoder)
        with pytest.raises(RunFolderError, match=f"{tmp_path}/file"):
            js.build_report(out)
    assert js.Subspace.load("~/home.safetensors").provenance == {"layer": 3, "weights": [0, 1], "file": str(tmp_path)}
