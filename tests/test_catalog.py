"""The catalog: things are declared in their files, read without running them, and added by others without touching the package."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jepascope import catalog as module
from jepascope.catalog import Catalog, Entry, attribute, declared, is_code
from jepascope.discovery.finder_entry import FINDERS, FinderEntry
from jepascope.discovery.finders import Labelled, find, find_shuffled
from jepascope.errors import BadArgument


@dataclass(frozen=True, kw_only=True)
class ToolEntry(Entry):
    sharp: bool = False


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes modules of a package ``tools_of_one``, which Python finds."""
    folder = tmp_path / "tools_of_one"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("tools_of_one")]:
        monkeypatch.delitem(sys.modules, name)

    def write(**files: str) -> None:
        for name, text in files.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text))

    return write


def tools() -> Catalog[ToolEntry]:
    return Catalog("tool", ToolEntry, "tools_of_one")


def adds(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    """Entry points as installed packages would add them."""
    groups = ("jepascope.tools", "jepascope.finders")
    added = EntryPoints(EntryPoint(name, value, group) for name, value in points for group in groups)
    monkeypatch.setattr(module, "entry_points", lambda: added)


def test_declarations_are_read_in_their_order_without_running_the_file(package: Callable[..., None]) -> None:
    package(
        saw='raise RuntimeError\nDECLARED = ToolEntry(name="saw", meaning="cuts", sharp=True, order=2)',
        hammer='DECLARED = (ToolEntry(name="hammer", meaning="hits", order=1), ToolEntry(name="mallet", meaning="hits softly", order=3))',
    )
    assert tools().names == ("hammer", "saw", "mallet")
    assert tools().entry("saw") == ToolEntry(name="saw", meaning="cuts", sharp=True, order=2, run="tools_of_one.saw:saw")
    assert "saw" in tools() and "screw" not in tools() and 3 not in tools()


def test_two_things_of_one_name_are_refused(package: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    package(a='DECLARED = ToolEntry(name="saw", meaning="")')
    adds(monkeypatch, ("saw", "theirs:saw"))
    with pytest.raises(BadArgument, match=r"tool 'saw' is declared by jepascope and theirs:saw; name the one that is meant"):
        tools().entry("saw")
    package(b='DECLARED = ToolEntry(name="saw", meaning="")')
    with pytest.raises(RuntimeError, match=r"Two tools are named 'saw': tools_of_one.a:saw and one in b.py"):
        tools().names  # noqa: B018


def test_others_add_things_by_entry_points_that_are_imported_when_they_are_used(
    package: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    package(mine="def plane():\n    'Makes it flat.'")
    adds(monkeypatch, ("plane", "tools_of_one.mine:plane"), ("broken", "tools_of_one.nowhere:it"))
    catalog = tools()
    assert catalog.names == ("broken", "plane") and "tools_of_one.mine" not in sys.modules
    assert catalog.entry("plane") == ToolEntry(name="plane", meaning="Makes it flat.", run="tools_of_one.mine:plane")
    assert catalog.load("plane").__name__ == "plane"
    with pytest.raises(BadArgument, match=r"tool 'broken': tools_of_one.nowhere cannot be imported here .*ModuleNotFoundError.*PYTHONPATH"):
        catalog.entry("broken")
    assert catalog.look_up("broken").meaning == "broken", "what only words a page never fails"


def test_code_is_named_by_its_path_with_a_declaration_or_without(package: Callable[..., None]) -> None:
    package(
        mine="""
        from jepascope.discovery.finder_entry import FinderEntry
        def cut(): 'Cuts.'
        it = FinderEntry(name='', meaning='declared', run=f'{__name__}:cut')
        no = 3
        """
    )
    catalog = Catalog("tool", FinderEntry, "tools_of_one")
    assert catalog.entry("tools_of_one.mine:cut").meaning == "Cuts."
    assert catalog.entry("tools_of_one.mine:it").meaning == "declared" and catalog.load("tools_of_one.mine:it").__name__ == "cut"
    with pytest.raises(BadArgument, match=r"tools_of_one.mine:no is 3; it has to be a function, or a FinderEntry that names one"):
        catalog.entry("tools_of_one.mine:no")
    with pytest.raises(BadArgument, match=r"tools_of_one.mine has no 'gone'; name what is there as package.module:attribute"):
        catalog.entry("tools_of_one.mine:gone")
    assert "tools_of_one.mine:cut" not in catalog, "code is run because somebody named it, and not known"


def test_a_module_that_fails_is_named(package: Callable[..., None]) -> None:
    package(mine="import nothing_of_that_name")
    with pytest.raises(BadArgument, match=r"tool 'tools_of_one.mine:cut': tools_of_one.mine cannot be imported here \(ModuleNotFoundError"):
        tools().entry("tools_of_one.mine:cut")
    with pytest.raises(BadArgument, match=r"it is: tools_of_one.mine cannot"):
        attribute("tools_of_one.mine:cut", "it is")


def test_what_is_unknown_is_refused_with_what_is_known(package: Callable[..., None]) -> None:
    package(a='DECLARED = ToolEntry(name="saw", meaning="")')
    with pytest.raises(BadArgument, match=r"There is no tool 'sow'; known are saw, and code as package.module:attribute"):
        tools().entry("sow")
    assert not any(map(is_code, ("saw", "a.b", "a:", ":b", "a b:c", "../a:b", "a:b()")))
    assert all(map(is_code, ("a:b", "a.b:c.d")))


def test_only_calls_of_the_kind_are_declarations() -> None:
    source = "DECLARED = (Entry(name='other', meaning=''), ToolEntry(name='saw', meaning=''))\nSPARE = ToolEntry(name='spare', meaning='')"
    assert [entry.name for entry in declared(source, ToolEntry)] == ["saw"]


def test_everything_that_can_be_named_is_listed_without_torch() -> None:
    code = (
        "import sys; from jepascope.discovery.finder_entry import FINDERS; "
        "assert all(FINDERS.entry(name).meaning for name in FINDERS); "
        "assert not {'torch', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_everything_that_is_declared_is_there() -> None:
    for name in FINDERS.own:
        assert callable(FINDERS.load(name)), name


# finders of one's own

FINDER = """
import numpy as np
from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.subspace import Subspace

def means(X, y, rank, seed):
    'The class means.'
    return np.stack([X[y == k].mean(0) - X.mean(0) for k in range(y.max() + 1)], axis=1)

def inside(data, rank, seed):
    return Subspace.spanned_by(data.moments.centred_means.T, data.moments.mean, rank)

by_class = FinderEntry(name="", meaning="the class means", run=f"{__name__}:means", ranks="classes")
labelled = FinderEntry(name="", meaning="the class means", run=f"{__name__}:inside", takes="labelled")
def raises(X, y, rank, seed): return 1 / 0
def nan(X, y, rank, seed): return X.T * np.nan
def wrong(X, y, rank, seed): return X
def narrow(X, y, rank, seed): return X.T[:, :1]
foreign = FinderEntry(name="", meaning="", run=f"{__name__}:means", takes="labelled")
def of_rank_one(data, rank, seed): return inside(data, 1, seed)
small = FinderEntry(name="", meaning="", run=f"{__name__}:of_rank_one", takes="labelled")
"""


@pytest.fixture
def data() -> Labelled:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 3
    return Labelled(torch.randn(60, 9, generator=generator) + 3 * torch.eye(9)[y], y)


@pytest.mark.parametrize("attribute", ["means", "by_class", "labelled"])
def test_a_finder_of_ones_own_is_a_function_of_arrays_or_of_labelled_data(
    package: Callable[..., None], data: Labelled, attribute: str
) -> None:
    package(mine=FINDER)
    name = f"tools_of_one.mine:{attribute}"
    subspace, theirs = find(name, data, 2), find("class_pca", data)
    assert float((subspace.basis.T @ theirs.basis).square().sum()) == pytest.approx(2, abs=1e-4)
    assert subspace.found_by is not None and subspace.found_by.finder == subspace.provenance["finder"] == name
    assert len(find_shuffled(name, data, 2, 3)) == 3
    if attribute == "by_class":
        with pytest.raises(BadArgument, match=r"cannot give rank 3 at the activations: 3 classes in width 9 allow ranks 1..2"):
            find(name, data, 3)


@pytest.mark.parametrize(
    ("attribute", "why"),
    [
        ("raises", "it raised ZeroDivisionError: division by zero"),
        ("nan", "NaN or infinite"),
        ("wrong", r"returns \(60, 9\), not \(width, vectors\) with width 9; transpose it"),
        ("narrow", "span rank 1, not the 2 asked for"),
        ("foreign", "it raised TypeError"),
        ("small", "it returns rank 1 in width 9, not 2 in width 9"),
    ],
)
def test_a_finder_that_fails_is_named_with_its_path(package: Callable[..., None], data: Labelled, attribute: str, why: str) -> None:
    package(mine=FINDER)
    with pytest.raises(BadArgument, match=f"Finder|finder 'tools_of_one.mine:{attribute}'.*{why}.* what was computed before is kept"):
        find(f"tools_of_one.mine:{attribute}", data, 2)


def test_of_an_entry_point_both_the_name_and_the_path_are_said(
    package: Callable[..., None], data: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(mine=FINDER)
    adds(monkeypatch, ("bad", "tools_of_one.mine:raises"), ("good", "tools_of_one.mine:by_class"))
    catalog: Any = Catalog("finder", FinderEntry, FINDERS.package)
    monkeypatch.setattr(FINDERS, "added", catalog.added)
    with pytest.raises(BadArgument, match=r"The finder 'bad' \(tools_of_one.mine:raises\) cannot be used here: it raised Zero"):
        find("bad", data, 2)
    assert np.isfinite(find("good", data, 2).basis.numpy()).all()
