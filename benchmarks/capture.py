"""One pass that captures every layer, pooled over all and over object tokens, against transformers' plain forward.

The same pixels and batches in one process, rounds alternating: (a) ``capture`` as a study calls it (pixels are ready, nothing is
written to disk); (b) transformers' own forward, never compiled, which keeps nothing. The ratio is (b) over (a), paired by round: at 1 the
capture of all layers is free, above 1 the cached rotary table pays for it. One thread on a CPU is timed in CPU seconds, which a
neighbour on the machine disturbs little; several threads, and GPUs, by the clock. ``--parts``: also (c) a capture by parts, and (d) the
same with every block run twice, as an encoder takes it that cannot tell both halves of a block from one pass.

    python benchmarks/capture.py                                            # nano and a middle-sized encoder
    python benchmarks/capture.py --model vitl --frames 16 --clips 8 --batch 4 --threads 2
    python benchmarks/capture.py --parts
    python benchmarks/capture.py --model vitl --frames 16 --device cuda --dtype bfloat16 --compile
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from machine import facts, shown, source, spread, table
from ready import encoder_of, ready
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.vjepa2 import VJepa2Encoder

TARGET = 1.2  # on a CPU in float32, not compiled; 1.0 elsewhere


@torch.inference_mode()
def forward(encoder: VJepa2Encoder, video: Tensor) -> Tensor:
    """transformers' own, from the same pixels, after the final norm."""
    pixels = encoder.preprocess(video.to(encoder.device)).to(encoder.dtype)
    return encoder.model(pixels, skip_predictor=True).last_hidden_state


def plain(encoder: VJepa2Encoder, clips: ClipSet, batch: int) -> None:
    for _, video in clips.batches(batch):
        forward(encoder, video)


def by_parts(encoder: VJepa2Encoder, clips: ClipSet, batch: int, once: bool = True) -> None:
    """A capture by parts, from one pass or from two."""
    with mock.patch.object(VJepa2Encoder, "halved", VJepa2Encoder.halved if once else VideoEncoder.halved):
        capture(encoder, clips, batch=batch, part="mlp")


@torch.inference_mode()
def difference(encoder: VJepa2Encoder, clips: ClipSet) -> float:
    """Between the two passes of one clip, as a share of its size: 0 on a CPU in float32, and in bfloat16 what their positions differ by."""
    video = clips.video(slice(0, 1))
    theirs = forward(encoder, video).float()
    ours = encoder.norm(encoder.run(encoder.embed(video), 0)).float()
    return float((ours - theirs).norm() / theirs.norm())


def timed(work: Callable[[], object], encoder: VJepa2Encoder) -> float:
    """CPU seconds of one thread, else seconds by the clock."""
    on_cpu = encoder.device.type == "cpu"
    clock = time.process_time if on_cpu and torch.get_num_threads() == 1 else time.perf_counter
    if encoder.device.type == "cuda":
        torch.cuda.synchronize(encoder.device)
    start = clock()
    work()
    if encoder.device.type == "cuda":
        torch.cuda.synchronize(encoder.device)
    return clock() - start


def compared(encoder: VJepa2Encoder, count: int, batch: int, rounds: int, parts: bool = False) -> dict[str, Any]:
    """Milliseconds a clip of both, and their ratio round by round; the first round warms up. ``parts``: of captures by parts as well."""
    clips = ready(encoder, count)
    works = {"plain": lambda: plain(encoder, clips, batch), "capture": lambda: capture(encoder, clips, batch=batch)}
    if parts:
        works |= {"parts": lambda: by_parts(encoder, clips, batch), "parts, twice": lambda: by_parts(encoder, clips, batch, once=False)}
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name in sorted(works, reverse=bool(turn % 2)):  # neither always goes first
            taken[name].append(1e3 * timed(works[name], encoder) / count)
    kept = {name: values[1:] for name, values in taken.items()}
    card = encoder.card
    return {
        "model": card.name, "width": card.width, "depth": card.depth, "tokens": card.tokens, "frames": card.frames, "clips": count,
        "batch": batch, "device": str(encoder.device), "dtype": str(encoder.dtype).removeprefix("torch."), "compiled": encoder.compiled,
        "capture_ms": spread(kept["capture"]), "plain_ms": spread(kept["plain"]),
        "ratio": spread([b / a for a, b in zip(kept["capture"], kept["plain"], strict=True)]),
        "difference": difference(encoder, clips),
        **{f"parts / {name}": spread([a / b for a, b in zip(kept["parts"], kept[name], strict=True)])
           for name in ("capture", "parts, twice") if parts},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=["nano", "middle"], help="nano, nano-wide, middle, vitl, vith (random), or a folder")
    parser.add_argument("--frames", type=int, help="default: what the model was made for")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--parts", action="store_true", help="captures by parts as well")
    parser.add_argument("--compile", action="store_true", help="our blocks alone; the plain forward stays as transformers has it")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    told = facts(chosen.device)
    found = []
    for model in chosen.model:
        encoder = encoder_of(model, chosen.frames, chosen.device, getattr(torch, chosen.dtype), chosen.compile)
        found.append(compared(encoder, chosen.clips, chosen.batch, chosen.rounds, chosen.parts))
    print(table(
        ["model", "tokens", "precision", "capture, ms a clip", "plain forward", "plain / capture", "difference"],
        [[one["model"], one["tokens"], one["dtype"] + (", compiled" if one["compiled"] else ""), shown(one["capture_ms"]),
          shown(one["plain_ms"]), shown(one["ratio"], 3), f"{one['difference']:.1e}"] for one in found],
    ))  # fmt: skip
    for one in found if chosen.parts else ():
        print(f"\n{one['model']}, by parts: {'; '.join(f'{name} {shown(one[name])}' for name in one if name.startswith('parts /'))}")
    print(f"\nMedians (least to largest) of {chosen.rounds} rounds. {source(told)}")
    target = TARGET if (chosen.device, chosen.dtype) == ("cpu", "float32") and not chosen.compile else 1.0
    least = min(one["ratio"]["median"] for one in found)
    print(json.dumps({"name": "capture", "ratio": least, "target": target, "reached": least >= target, "models": found, "machine": told}))


if __name__ == "__main__":
    main()
