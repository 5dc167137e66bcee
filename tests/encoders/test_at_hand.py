"""A model that is not here is refused at once, with what to download, how large it is, where to put it and what to pass then."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from encoders_at_hand import tiny_config
from transformers import VJEPA2Model

from jepascope.encoders import at_hand, load
from jepascope.encoders.at_hand import answers, find
from jepascope.encoders.load import load_encoder
from jepascope.encoders.models import known_models
from jepascope.errors import BadArgument, BadCheckpoint


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to run in, and a hub's cache that is empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def in_cache(folder: Path, name: str) -> Path:
    """A snapshot folder as the hub's client lays it out."""
    home = folder / "hub" / f"models--{name.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("a" * 40)
    (home / "snapshots" / ("a" * 40)).mkdir(parents=True)
    return home / "snapshots" / ("a" * 40)


def refused(name: str) -> str:
    with pytest.raises((BadCheckpoint, BadArgument)) as caught:
        find(name)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("row", [row for row in known_models() if not row.shipped], ids=lambda row: row.name)
def test_every_known_model_that_is_not_here_says_what_to_do(row: at_hand.KnownModel) -> None:
    said = refused(row.name)
    if row.name == row.torch_file:
        assert f"`{row.how}`" in said and f"--model ./{row.name}" in said
        return
    assert f"`hf download {row.name} --local-dir {row.folder}` ({row.weights_gb:.2g} GB;" in said
    assert f"copy the folder {row.folder} here and pass --model ./{row.folder}." in said
    assert ("accept the licence at https://huggingface.co/facebook/dinov3" in said and "`hf auth login`" in said) == row.gated
    assert row.gated == ("dinov3" in row.name)
    assert (f"`{row.also}` ({row.torch_gb} GB), and pass --model ./{row.torch_file}." in said) == bool(row.torch_file)


def test_metas_own_file_that_is_not_here_says_how_to_get_it_and_that_the_hub_has_a_smaller_one() -> None:
    said = refused("vitl.pt")
    assert "`curl -LO https://dl.fbaipublicfiles.com/vjepa2/vitl.pt` (5.1 GB), and pass --model ./vitl.pt." in said
    assert "1.3 GB: `hf download facebook/vjepa2-vitl-fpc64-256 " in said
    assert "'weights/vitg-384.pt' is not there; fetch it" in refused("weights/vitg-384.pt")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "some/unknown",
            r"is none of those that `jepascope models` lists: is the name right\? .*`hf download some/unknown --local-dir unknown`",
        ),
        ("facebook/vjepa2-vitl-fpc64-255", r"Did you mean facebook/vjepa2-vitl-fpc64-256\?"),
        ("vjepa2-vitl-fpc64-256", r"no model .* Did you mean facebook/vjepa2-vitl-fpc64-256\?"),
        ("nanoo", r"There is no model 'nanoo'\. Did you mean nano\?"),
        ("quite something else", "There is no model .*`jepascope models` lists those that are known"),
        ("a b/c", "There is no model 'a b/c'"),
        ("other.pt", r"a \.pt file of Meta's \(vitl\.pt, vith\.pt, "),
    ],
)
def test_a_name_that_is_not_known_is_refused_with_the_nearest_that_is(name: str, said: str) -> None:
    with pytest.raises((BadCheckpoint, BadArgument), match=said):
        load_encoder(name)


def test_it_is_said_without_importing_torch() -> None:
    code = (
        "import sys; from jepascope.encoders.at_hand import find\n"
        "try: find('facebook/vjepa2-vitl-fpc64-256')\n"
        "except Exception: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_hub_whose_name_cannot_be_looked_up_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up a name takes as long as it takes: half a minute where a resolver is configured and does not answer."""

    def unanswered(*_: object) -> None:
        time.sleep(1.5)
        raise OSError

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(at_hand, "SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", unanswered)
    start = time.monotonic()
    assert not answers("https://huggingface.co") and not answers("https://huggingface.co:port")
    assert time.monotonic() - start < 1


def test_where_each_kind_of_model_is_found(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "vitl.pt").write_bytes(b"")
    (in_cache(tmp_path, "some/cached") / "config.json").write_text("{}")
    assert [find(name).kind for name in ("nano", "folder", "vitl.pt", "some/cached")] == ["shipped", "folder", "file", "cache"]


def test_a_model_in_the_hubs_cache_is_read_from_there_as_a_folder_is(tmp_path: Path) -> None:
    folder = in_cache(tmp_path, "some/cached")
    torch.manual_seed(0)
    model = VJEPA2Model(tiny_config())
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0, 0, 0], "image_std": [1, 1, 1]}')
    encoder = load_encoder("some/cached")
    assert encoder.card.name == "some/cached" and encoder.pixels.constants == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in encoder.model.state_dict().items())


@pytest.mark.filterwarnings("ignore")
def test_what_is_not_complete_in_the_cache_says_how_to_get_all_of_it(tmp_path: Path) -> None:
    folder = in_cache(tmp_path, "facebook/vjepa2-vitl-fpc64-256")
    VJEPA2Model(tiny_config()).save_pretrained(folder)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1000])
    with pytest.raises(BadCheckpoint, match=r"is damaged in the local cache, or not complete there\. .*`hf download facebook/vjepa2-vitl"):
        load_encoder("facebook/vjepa2-vitl-fpc64-256")
    weights.unlink()
    with pytest.raises(BadCheckpoint, match=r"is not complete in the local cache\. .*`hf download facebook/vjepa2-vitl"):
        load_encoder("facebook/vjepa2-vitl-fpc64-256")


def test_what_the_hub_refuses_is_said_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def gated(*_: object, **__: object) -> None:
        raise OSError("401 Client Error.\nAccess to model facebook/dinov3 is restricted.")

    monkeypatch.setattr(load, "find", lambda name: at_hand.Place("hub"))
    monkeypatch.setattr("huggingface_hub.snapshot_download", gated)
    with pytest.raises(
        BadCheckpoint, match=r"could not be fetched \(401 Client Error\.\)\. .*accept the licence at .*`hf auth login`"
    ) as caught:
        load_encoder("facebook/dinov3-vits16-pretrain-lvd1689m")
    assert str(caught.value).isprintable()
