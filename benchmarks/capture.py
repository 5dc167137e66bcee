"""One pass that captures every layer, pooled over all and over object tokens, against transformers' plain forward.

The same pixels and batches in one process, one thread, rounds alternating: (a) ``capture_shard`` as a study calls it, less
the rendering (pixels are ready); (b) transformers' own forward, which keeps nothing. The ratio is (b) over (a), the median
over rounds in CPU seconds: at 1 the capture of all layers is free, above 1 the cached rotary table pays for it.

    python benchmarks/capture.py --rounds 4
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
import torch
from torch import Tensor
from transformers import VJEPA2Config

from jepascope.activations.capture import capture
from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import directions8
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder

BATCH = 16
MIDDLE = VJEPA2Config(
    patch_size=16, crop_size=96, frames_per_clip=8, tubelet_size=2, hidden_size=384, num_attention_heads=6, num_hidden_layers=4,
    pred_hidden_size=48, pred_num_attention_heads=3, pred_num_hidden_layers=1, pred_num_mask_tokens=2,
)  # fmt: skip


@dataclass(frozen=True)
class Ready:
    """A clip source whose pixels lie in memory."""

    pixels: Tensor
    covered: Tensor
    digest: str = "benchmark"

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor:
        return self.pixels[rows.index.to_numpy(copy=True)]

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor:
        return self.covered[rows.index.to_numpy(copy=True)]


def ready(encoder: VJepa2Encoder, count: int) -> ClipSet:
    clips = directions8(seed=0, per_class=-(-count // 8), frames=encoder.card.frames, size=encoder.card.size)
    source = Ready(clips.video(), clips.source.coverage(clips.factors, clips.frames, clips.size))
    return ClipSet("ready", clips.factors, source, clips.frames, clips.size)


def plain(encoder: VJepa2Encoder, clips: ClipSet) -> None:
    with torch.inference_mode():
        for _, video in clips.batches(BATCH):
            encoder.model(encoder.preprocess(video), skip_predictor=True)


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def compared(encoder: VJepa2Encoder, count: int, rounds: int) -> dict[str, float]:
    clips = ready(encoder, count)
    ours, theirs = [], []
    for _ in range(rounds + 1):
        theirs.append(seconds(lambda: plain(encoder, clips)) / len(clips))
        ours.append(seconds(lambda: capture(encoder, clips, batch=BATCH)) / len(clips))
    pairs = list(zip(theirs[1:], ours[1:], strict=True))  # the first round warms up
    ratio = statistics.median(b / a for b, a in pairs)
    found = {"ratio": ratio, "capture_ms": 1e3 * statistics.median(ours[1:]), "plain_ms": 1e3 * statistics.median(theirs[1:])}
    print(f"{encoder.card.name}: {encoder.card.depth} x {encoder.card.width}, {encoder.card.tokens} tokens, {len(clips)} clips: "
          f"capture {found['capture_ms']:.2f} ms a clip, plain forward {found['plain_ms']:.2f}; ratio {ratio:.3f}")  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--clips", type=int, default=96, help="for nano; half as many for the middle-sized encoder")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    nano = compared(load_encoder("nano"), chosen.clips, chosen.rounds)
    middle = compared(VJepa2Encoder.from_config(MIDDLE, 0, "middle"), chosen.clips // 2, chosen.rounds)
    print(json.dumps({"name": "capture", "ratio": min(nano["ratio"], middle["ratio"]), "nano": nano, "middle": middle, "batch": BATCH}))


if __name__ == "__main__":
    main()
