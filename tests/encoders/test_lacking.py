"""A model that memory, handles or permission did not suffice for is whole: nobody is told to download it again."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet
import pytest
import torch
from safetensors import SafetensorError

import jepascope.encoders.pretrained as pretrained
from jepascope.disk.shortage import REMEDIES, shortage
from jepascope.encoders.load import load_encoder
from jepascope.errors import BadCheckpoint, JepascopeError
from jepascope.schema.parquet import frame_of


def torch_says() -> RuntimeError:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    return raised.value


LACKING = {
    "memory ran out": [
        MemoryError(),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        SafetensorError("I/O error: Cannot allocate memory (os error 12)"),
        RuntimeError("unable to mmap 4096 bytes from file <model.safetensors>: Cannot allocate memory (12)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    ],
    "too many files are open": [OSError(errno.EMFILE, os.strerror(errno.EMFILE)), SafetensorError("Too many open files (os error 24)")],
    "permission is denied": [PermissionError(errno.EACCES, "Permission denied"), SafetensorError("Permission denied (os error 13)")],
    "the disk is full": [OSError(errno.ENOSPC, "No space left on device")],
}
CASES = [(lack, error) for lack, errors in LACKING.items() for error in errors]
DAMAGED = [SafetensorError("Error while deserializing header: header too large"), ValueError("no"), RuntimeError("size mismatch")]


@pytest.mark.parametrize(("lack", "error"), CASES, ids=[f"{type(error).__name__}-{lack}" for lack, error in CASES])
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_was_lacking_is_said(
    kind: str, lack: str, error: Exception, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    model = tiny_model
    if kind == "file":
        model = tmp_path / "vitl.pt"
        torch.save({"encoder": {"weight": torch.zeros(64)}}, model)
    monkeypatch.setattr(*((pretrained, "load_file") if kind == "folder" else (torch, "load")), failing)
    with pytest.raises(JepascopeError) as raised:
        load_encoder(model)
    said = str(raised.value)
    assert not isinstance(raised.value, BadCheckpoint) and lack in said.lower() and REMEDIES[lack] in said
    assert "ownload it again" not in said and (lack != "memory ran out" or " GB" in said)


@pytest.mark.parametrize("error", DAMAGED)
def test_damage_is_damage(error: Exception, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise error

    assert shortage(error) is None
    monkeypatch.setattr(pretrained, "load_file", failing)
    with pytest.raises(BadCheckpoint, match="Download it again"):
        load_encoder(tiny_model)


def test_a_file_that_claims_more_than_it_holds_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "vitl.pt"
    torch.save({"encoder": {}}, path)
    error = torch_says()
    assert shortage(error) == "memory ran out"

    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch, "load", failing)
    with pytest.raises(BadCheckpoint, match="Download it again"):
        load_encoder(path)


def test_a_table_that_does_not_fit_is_not_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = io.BytesIO()
    pd.DataFrame({"a": [1]}).to_parquet(contents)

    def failing(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(parquet.ParquetFile, "read", failing)
    with pytest.raises(MemoryError):
        frame_of(contents.getvalue())


SCRIPT = """
import resource, sys
from jepascope.encoders.load import load_encoder
from jepascope.errors import JepascopeError
load_encoder("nano")
now = int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmSize"))) * 1024
resource.setrlimit(resource.RLIMIT_AS, (now + int(sys.argv[2]),) * 2)
try:
    load_encoder(sys.argv[1])
except JepascopeError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of address space are Linux's")
@pytest.mark.parametrize("room", [1 << 20, 64 << 20, 100 << 20])
def test_a_model_is_loaded_where_memory_is_scarce(room: int, tmp_path: Path) -> None:
    """Weights of 100 MB: at each place where it can run out."""
    from tiny import random_model

    model = random_model(tmp_path / "large", hidden_size=768, num_attention_heads=12, num_hidden_layers=4)
    done = subprocess.run([sys.executable, "-c", SCRIPT, model, str(room)], capture_output=True, text=True, timeout=120)
    shutil.rmtree(model)
    assert "ownload it again" not in done.stdout + done.stderr and done.stdout.startswith("JepascopeError Memory ran out"), done
