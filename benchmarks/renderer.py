"""Clips a second of the procedural renderer, noise included, on one core: 16 frames of 64 x 64 pixels, the demo's stimuli.

The ratio is against the target of 200 clips a second. The median over rounds, in CPU seconds, so that a neighbour on the
machine disturbs little.

    python benchmarks/renderer.py --clips 200 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from jepascope.clips.presets import directions8

TARGET = 200  # clips a second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    clips = directions8(seed=0, per_class=-(-chosen.clips // 8), frames=chosen.frames, size=chosen.size)
    rates = []
    for _ in range(chosen.rounds + 1):
        start = time.process_time()
        for _, _ in clips.batches(16):
            pass
        rates.append(len(clips) / (time.process_time() - start))
    rates = rates[1:]  # the first round warms up
    rate = statistics.median(rates)
    print(
        f"{len(clips)} clips of {chosen.frames} x {chosen.size} x {chosen.size}: {rate:.0f} clips/s ({min(rates):.0f} to {max(rates):.0f})"
    )
    print(json.dumps({"name": "renderer", "ratio": rate / TARGET, "clips_per_second": rate, "target": TARGET, "clips": len(clips),
                      "frames": chosen.frames, "size": chosen.size, "rounds": chosen.rounds}))  # fmt: skip


if __name__ == "__main__":
    main()
