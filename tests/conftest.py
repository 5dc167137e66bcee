"""What holds for every test: shapes and types are checked at run time, one torch thread a worker, no network, no user's settings."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# before anything imports torch or transformers
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "agg"
for name in [name for name in os.environ if name.startswith("JEPASCOPE_")]:
    del os.environ[name]

import pytest
from jaxtyping import install_import_hook

# from here on every function of jepascope checks its annotations, shapes included
sys.path.insert(0, str(Path(__file__).parent))  # where the hook finds strict_types
install_import_hook("jepascope", "strict_types.checked")

import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another machine fails at once instead of passing only where there is a network."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"Tests have no network; something tried to reach {address[0]}.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Caches go to a folder of the test, never to the user's."""
    monkeypatch.setenv("JEPASCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
