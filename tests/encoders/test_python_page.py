"""Every block of docs/python.md runs, in its order, on modules and arrays of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from modules_at_hand import TimmViT, VideoNet
from sklearn.linear_model import LogisticRegression

import jepascope as js
from doc_blocks import texts

KINDS = np.repeat(["left", "right"], 30)
VIDEOS = np.random.default_rng(0).integers(0, 120, (60, 4, 16, 16, 3), dtype=np.uint8)
VIDEOS[KINDS == "left"] += 100


def directions(x: np.ndarray, y: np.ndarray, rank: int, seed: int) -> np.ndarray:
    means = np.stack([x[y == label].mean(axis=0) for label in np.unique(y)])
    return (means[1:] - means[0]).T[:, :rank]


@pytest.mark.slow
def test_the_page_on_python_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    others, theirs, recordings = VIDEOS[::-1].copy(), KINDS[::-1].copy(), np.arange(60)
    masks = np.ones((60, 4, 16, 16), dtype=bool)
    np.savez("clips.npz", video=VIDEOS, kind=KINDS, group=recordings, mask=masks, twin_video=others, twin_kind=theirs)
    Path("sweep.yaml").write_text("base: quick\ntest_scenes: 8\nover: {seed: [0]}\n")
    names: dict[str, Any] = {
        **{"module": VideoNet(frames=16, size=64), "image_model": TimmViT(size=224, patch=16)},
        **{"videos": VIDEOS, "kinds": KINDS, "recordings": recordings, "others": others, "their_kinds": theirs},
        **{"directions": directions, "classifier": LogisticRegression()},
    }
    encoders, *blocks = texts("docs/python.md", "python")
    exec(encoders, names)
    # the page's sizes would take minutes; everything after them is run as it stands
    small = VideoNet(depth=4)
    parts = {"attention": "attn", "mlp": "mlp"}
    names["encoder"] = js.wrap(small, blocks="encoder.layers", norm="encoder.norm", frames=4, size=16, grid=(2, 2, 2), **parts)
    for block in blocks:
        exec(block, names)
    assert names["run"].claims and (tmp_path / "runs" / "mine" / "report.html").is_file()
