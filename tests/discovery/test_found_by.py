"""A subspace refers to what found it, and the reference goes with the basis: nobody types one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from planted_classes import planted
from safetensors import safe_open
from safetensors.torch import save_file

from jepascope.discovery.finder_entry import FINDERS, needing
from jepascope.discovery.finders import Labelled, find, find_shuffled, found_again, own_finder
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, RunFolderError

ALONE = sorted({*FINDERS.own} - {*needing("suffix", FINDERS.own)} - {"l1_probe_pattern"})  # finders that need nothing but clips


@pytest.fixture(scope="module")
def data() -> Labelled:
    x, y = planted(0)
    values = torch.stack([torch.cos(y * torch.pi / 2), torch.sin(y * torch.pi / 2)], dim=1)
    return Labelled(x[0], y, values, where="layer 3, all tokens")


@pytest.fixture(scope="module")
def found(data: Labelled) -> Subspace:
    return find("diff_means", data, seed=2)


def other_basis(subspace: Subspace) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(subspace.basis.shape, generator=torch.Generator().manual_seed(1))).Q


@pytest.mark.parametrize("finder", ALONE)
def test_what_a_finder_found_refers_to_it_and_it_finds_it_again(finder: str, data: Labelled) -> None:
    subspace = find(finder, data, seed=2)
    said = subspace.found_by
    assert said is not None and (said.finder, said.rank, said.seed, said.where) == (finder, None, 2, "layer 3, all tokens")
    again = found_again(subspace, said.finder, data, said.rank, said.seed)
    assert isinstance(again, Subspace) and torch.equal(again.basis, subspace.basis)
    assert again.found_by is not None and again.found_by.finder == finder


def test_a_reference_outlives_its_file_and_new_words_but_not_another_basis(found: Subspace, tmp_path: Path) -> None:
    found.save(tmp_path / "found.safetensors")
    assert Subspace.load(tmp_path / "found.safetensors").found_by == found.found_by
    assert replace(found, mean=found.mean + 1, provenance={"finder": "mine"}).found_by == found.found_by
    assert replace(found, basis=other_basis(found)).found_by is None
    assert replace(found, basis=found.basis.flip(1)).found_by is None


def test_nothing_that_a_caller_types_is_a_reference(found: Subspace, data: Labelled) -> None:
    said = {**found.provenance, "finder": "diff_means", "found_by": "diff_means"}
    assert Subspace.spanned_by(found.basis, found.mean, **said).found_by is None
    assert Subspace(found.basis, found.mean, said).found_by is None
    assert Subspace.spanned_by(found.basis, found.mean, finder="logreg").provenance == {"finder": "logreg"}  # a name that is no finder


def test_a_file_whose_basis_was_changed_refers_to_nothing(found: Subspace, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    found.save(path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({"basis": other_basis(found).contiguous(), "mean": found.mean}, path, metadata=metadata)
    assert Subspace.load(path).found_by is None
    for text in ("[]", "{", '{"finder": "lda"}', metadata["found_by"].replace('"seed": 2', '"seed": "2"')):
        save_file({"basis": found.basis, "mean": found.mean}, path, metadata={**metadata, "found_by": text})
        with pytest.raises(RunFolderError, match="is not a readable subspace file"):
            Subspace.load(path)


def test_a_finder_that_gives_another_subspace_says_how_far_it_lies(found: Subspace, data: Labelled) -> None:
    forged = replace(found, basis=other_basis(found))
    for finder in ("diff_means", "lda"):
        said = found_again(forged, finder, data)
        assert isinstance(said, str) and said.startswith(f"{finder}, run again on the true labels, finds another subspace (SAS 0.")
    said = found_again(found, "diff_means", replace(data, y=data.y[torch.randperm(64, generator=torch.Generator().manual_seed(0))]))
    assert isinstance(said, str) and "finds another subspace" in said
    said = found_again(Subspace(torch.eye(12)[:, :5], torch.zeros(12)), "diff_means", data)
    assert isinstance(said, str) and "cannot give rank 5" in said


def test_a_file_of_another_machine_is_the_same_subspace_up_to_rounding(found: Subspace, data: Labelled) -> None:
    """The columns of a basis, and its last digits, are another machine's."""
    turned = torch.linalg.qr(found.basis + 1e-5 * other_basis(found)).Q.flip(1)
    again = found_again(Subspace(turned, found.mean), "diff_means", data)
    assert isinstance(again, Subspace) and again.found_by is not None and again.found_by.finder == "diff_means"
    assert torch.equal(again.basis, turned)


def test_a_function_is_a_finder_and_its_shuffles_are_its_own(found: Subspace, data: Labelled) -> None:
    def means(x, y, rank, seed):  # what diff_means spans at full rank
        return [[float(x[y == label, i].mean() - x[:, i].mean()) for label in range(4)] for i in range(x.shape[1])]

    finder = own_finder(means)
    assert found_again(found, finder, data) is not None and not isinstance(found_again(found, finder, data), str)
    for mine, theirs in zip(find_shuffled(finder, data, 3, 3, 5), find_shuffled("diff_means", data, 3, 3, 5), strict=True):
        assert float((mine.basis.T @ theirs.basis).square().sum()) == pytest.approx(3, abs=1e-4)
    with pytest.raises(BadArgument, match=r"returns \(4, 12\), not \(width, vectors\) with width 12; transpose it"):
        own_finder(lambda x, y, rank, seed: torch.randn(4, 12))(data, 3)
