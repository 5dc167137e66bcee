"""What holds for every test: shapes and types are checked at run time, one torch thread a worker, no network, no user's settings."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

# before anything imports torch or transformers
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "agg"
for name in [name for name in os.environ if name.startswith("JEPASCOPE_")]:
    del os.environ[name]
os.environ["JEPASCOPE_WORKERS"] = "1"  # tests share the cores already; those of the engine ask for more

# where a test run began with Ctrl-C ignored, as behind a shell's &, what it starts would ignore it too
signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
from blank_figure import words_only
from strict_types import checking, checks, install
from tiny import TINY, random_model

install("jepascope")
settings.register_profile("any machine", deadline=None)  # how long an example takes depends on what else runs
settings.load_profile("any machine")


WHOLE = frozenset({"bench", "browser", "campaign", "cli", "planted", "report", "study"})
"""Folders of tests that run whole studies and build whole pages, which takes nearly twice as long with every call checked, and so does
what they share. Every line of a study is run under the checks by tests/study/test_checked.py; the other rooms' tests check every call."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Libraries and tests that are loaded are never garbage, and looking through them again and again took a fifteenth of the time.
    Looking through what tests make every 700 objects took another thirtieth."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


def pytest_collection_finish() -> None:
    """Where tests are run; what hands them out to workers needs no torch."""
    import torch

    torch.set_num_threads(1)


def pytest_itemcollected(item: pytest.Item) -> None:
    """.ci/run runs whatever is slow and not long, so nothing is left out of it without a reason."""
    long = item.get_closest_marker("long")
    if long and not (long.args and "slow" in item.keywords):
        raise pytest.UsageError(f"{item.nodeid}: what is marked long is slow, and says why: long('...')")


@pytest.hookimpl(trylast=True)  # of those that are run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that need the finished run begin the second half, which is the second worker's: it makes the run while the first has others
    to run, where both would come to it at once and one would wait."""
    needing = {item.path for item in items if "finished_run" in getattr(item, "fixturenames", ())}
    others, half = [item for item in items if item.path not in needing], len(items) // 2
    items[:] = [*others[:half], *(item for item in items if item.path in needing), *others[half:]]


def whole(item: pytest.Item) -> bool:
    return item.path.relative_to(Path(__file__).parent).parts[0] in WHOLE


def pytest_runtest_setup(item: pytest.Item) -> None:
    checks(not whole(item))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another machine fails at once instead of passing only where there is a network."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"Tests have no network; something tried to reach {address[0]}.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Paths that nothing lies at; thousands from ``mktemp`` itself would each look through all that there are."""
    folder = tmp_path_factory.mktemp("caches")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_home(caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches go to a folder of the test, never to the user's."""
    cache = next(caches)
    cache.mkdir()
    monkeypatch.setenv("JEPASCOPE_CACHE", str(cache))


@pytest.fixture(autouse=True)
def words_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Most of a page's time goes into its figures: only tests that look at them (marked ``drawn``) have them made."""
    with words_only() if whole(request.node) and "drawn" not in request.keywords else nullcontext():
        yield


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Path]:
    return random_model


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that all workers of this test run see: what takes long is made there once, under a lock."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def shared(shared_folder: Path) -> Callable[[str, Callable[[Path], Any]], Path]:
    """``shared(name, make)``: a folder or file of that name which the first worker that asks makes, and all others read."""
    from filelock import FileLock

    def made_once(name: str, make: Callable[[Path], Any]) -> Path:
        path, done = shared_folder / name, shared_folder / f"{name}.done"
        with FileLock(shared_folder / f"{name}.lock"):
            if not done.exists():
                before = checking()
                checks(False)
                try:
                    make(path)
                finally:
                    checks(before)
                done.touch()
        return path

    return made_once


@pytest.fixture(scope="session")
def tiny_model(shared: Callable[..., Path]) -> Path:
    """The model of every tiny study. Shared, because a run names its model's folder and workers share the run."""
    return shared("tiny", random_model)


@pytest.fixture(scope="session")
def wide_model(shared: Callable[..., Path]) -> Path:
    """Another width, depth and token grid than ``tiny_model``."""
    return shared("wide", lambda folder: random_model(folder, hidden_size=60, num_hidden_layers=5, crop_size=24, seed=4))


@pytest.fixture(scope="session")
def tiny_encoder(tiny_model: Path) -> Any:
    from jepascope.encoders.load import load_encoder

    return load_encoder(str(tiny_model))


@pytest.fixture(scope="session")
def tiny_spec(tiny_model: Path) -> Any:
    from jepascope.study.spec import StudySpec

    return StudySpec(model=str(tiny_model), **TINY)


@pytest.fixture(scope="session")
def run_whole(tiny_spec: Any, tiny_encoder: Any) -> Callable[[Path], None]:
    """Runs a tiny study to its end and writes its page."""
    from jepascope.report.build import build_report
    from jepascope.study.run import run_study

    def run(folder: Path) -> None:
        run_study(tiny_spec, folder, tiny_encoder)
        build_report(folder)

    return run


@pytest.fixture(scope="session")
def finished_run(shared: Callable[..., Path], run_whole: Callable[[Path], None]) -> Path:
    """The run folder of one tiny study that nothing interrupted. Shared by all workers: tests that change it copy it first."""
    with words_only():
        return shared("finished", run_whole)


@pytest.fixture(scope="session")
def begun_run(shared: Callable[..., Path], tiny_spec: Any) -> Path:
    """A run folder that nothing but its spec lies in, with clips enough to compare models by. Shared: tests copy it first."""
    from jepascope.study.folder import Run

    return shared("begun", lambda folder: Run.open(folder, tiny_spec.model_copy(update={"clips_per_class": 13})).close())


@pytest.fixture(scope="session")
def port_whole(begun_run: Path, wide_model: Path) -> Callable[[Path], None]:
    """Copies ``begun_run`` and ports it to ``wide_model``."""
    from jepascope.encoders.load import load_encoder
    from jepascope.study.port.command import run_port

    def port(folder: Path) -> None:
        shutil.copytree(begun_run, folder)
        run_port(folder, str(wide_model), lambda spec: load_encoder(spec.model, frames=spec.frames, size=spec.size))

    return port


@pytest.fixture(scope="session")
def ported_run(shared: Callable[..., Path], port_whole: Callable[[Path], None]) -> Path:
    """``begun_run``, ported. Shared: tests that change it copy it first."""
    return shared("ported", port_whole)
