"""Peak memory of long clips beside what ``jepascope plan`` counts for it: 64 frames of 256 and of 384 pixels, patches of 16.

The encoder has random weights and is narrow and shallow, because attention over 8,192 or 18,432 tokens takes long; what is held by
clips, tokens, width and blocks is what the plan counts. ``--width 1024 --depth 24`` is ViT-L's, of which each part takes an hour and more.
Each part of a study runs in a process of its own, on one thread: a capture that keeps the tokens of all layers, edits with draws of a
control, the slopes of both edits at all layers, and the same with a budget so small that blocks run again on the way back, as those of
ViT-L do. Linux alone: a peak is set back before the part begins.

    python benchmarks/long_clips.py --sizes 256 384
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from machine import facts, source, table
from transformers import VJEPA2Config

FRAMES, LAYER, DRAWS, EDITS = 64, 1, 2, ("swap", "ablate")
SHAPE = {
    "patch_size": 16, "crop_size": 256, "frames_per_clip": FRAMES, "tubelet_size": 2,
    "pred_hidden_size": 48, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1, "pred_num_mask_tokens": 2,
}  # fmt: skip
PARTS = {"captured": "captured", "edited": "edited", "slopes": "back", "slopes, blocks run again": "back"}  # and what the plan calls them
LOWERED = 31  # hidden states of a budget that one clip's way back through two blocks is too long for
STATUS = Path("/proc/self/status")


def peak(again: bool = False) -> float:
    """Bytes that this process held at most since it was last asked ``again``."""
    found = re.search(r"^VmHWM:\s+(\d+)", STATUS.read_text(), re.MULTILINE)
    if again:
        Path("/proc/self/clear_refs").write_text("5")
    return 1024 * int(found[1]) if found else 0


def stored(folder: Path, card, clips, sites):
    """A capture of random numbers: what a study reads, without the passes."""
    from jepascope.activations.activations import Activations
    from jepascope.activations.layout import Layout
    from jepascope.activations.reader import Reader
    from jepascope.activations.shard_file import DTYPES
    from jepascope.activations.store import DiskStore

    layout = Layout(len(clips), card.depth + 1, card.width, card.tokens, sites)
    store = DiskStore(folder, layout, card.digest, clips.digest)
    for shard in range(layout.shards):
        drawn = {key: torch.randn(shape) for key, (_, shape) in layout.tensors(shard).items() if key != "object_mask"}
        kind, shape = layout.tensors(shard)["object_mask"]
        store.write(shard, {**drawn, "object_mask": torch.full(shape, 255, dtype=DTYPES[kind])})
    return Activations(card, clips, sites, torch.arange(len(clips)), Reader(store, layout))


def run(part: str, encoder, clips, folder: Path) -> None:
    """One part of a study of these clips."""
    from jepascope.activations.capture import capture
    from jepascope.activations.site import Site
    from jepascope.clips.presets import twins
    from jepascope.discovery.subspace import Subspace
    from jepascope.intervention.context import InterventionContext
    from jepascope.intervention.controls import matched_controls
    from jepascope.intervention.judges import ProbeJudge
    from jepascope.intervention.scenes import Scenes
    from jepascope.intervention.slopes import slopes

    card, layers = encoder.card, tuple(range(encoder.card.depth + 1))
    if part == "captured":
        peak(again=True)
        capture(encoder, clips, folder, sites=layers)
        return
    other = twins(clips)
    labels = [torch.tensor(some.labels("direction")[0]) for some in (clips, other)]
    source, twin = (stored(folder / name, card, some, layers) for name, some in (("clips", clips), ("twins", other)))
    scenes = Scenes(source, twin, *labels, torch.randn(8, card.width))

    class Linear:
        def logits(self, x):
            return x @ torch.eye(card.width, 8, dtype=x.dtype)

    subspace = Subspace(torch.linalg.qr(torch.randn(card.width, 2)).Q, torch.zeros(card.width))
    context = InterventionContext(encoder, Site(LAYER), scenes, [ProbeJudge(Linear())], torch.eye(card.width).double(), subspace.mean)
    controls = {"one": matched_controls(subspace, context.covariance, DRAWS, 0, names=("random",))}
    peak(again=True)
    if part == "edited":
        context.edit({"one": subspace}, controls, EDITS)
    else:
        for _ in slopes(encoder, layers, scenes, context.judge, EDITS, context.unedited):
            break


def measured(part: str, size: int, width: int, depth: int, most: int) -> tuple[float, float]:
    """Peak of this process in one part of a study, and what the plan counts for it, both in bytes."""
    from jepascope.activations.layout import Layout
    from jepascope.clips.presets import directions8
    from jepascope.encoders import budget
    from jepascope.encoders.vjepa2 import VJepa2Encoder
    from jepascope.study.memory import LEADER, Load

    torch.set_num_threads(1)
    config = VJEPA2Config(**SHAPE, num_hidden_layers=depth, hidden_size=width, num_attention_heads=width // 64)
    encoder = VJepa2Encoder.from_config(config, seed=0, name="long").at(FRAMES, size)
    card = encoder.card
    count = min(budget.at_once(card.clip_bytes, 16), most)
    if part.endswith("again"):
        budget.AT_WORK = LOWERED * card.hidden_bytes
    clips = directions8(seed=0).at(FRAMES, size).select(np.arange(count))
    with tempfile.TemporaryDirectory() as folder:
        run(part, encoder, clips, Path(folder))
    weights = 4 * sum(value.numel() for value in encoder.model.parameters())
    layers = card.depth + 1
    kept = Layout(count, layers, card.width, card.tokens, tuple(range(layers)))
    load = Load(weights, card.hidden_bytes, card.pixels, (kept,), card.depth, len(EDITS) * layers)
    return peak(), LEADER + weights + getattr(load, PARTS[part])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[256, 384])
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--clips", type=int, default=16, help="at most; fewer than a batch holds less than is counted")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=[*PARTS])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.one[0], int(given.one[1]), given.width, given.depth, given.clips)))
        return
    rows, ratios = [], []
    for size in given.sizes:
        for part in given.parts:
            same = [f"--{name}={getattr(given, name)}" for name in ("width", "depth", "clips")]
            command = [sys.executable, __file__, *same, "--one", part, str(size)]
            held, counted = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            ratios.append(counted / held)
            what = f"{FRAMES} frames of {size} pixels, width {given.width}, {given.depth} blocks: {part}"
            rows.append((what, f"{held / 1e9:.2f} GB", f"{counted / 1e9:.2f} GB", f"{counted / held:.2f}"))
            print(*rows[-1], file=sys.stderr, flush=True)
    told = facts()
    print(table(("", "peak", "counted", "ratio"), rows), source(told), sep="\n\n", file=sys.stderr)
    print(json.dumps({"name": "long_clips", "ratio": max(ratios, key=lambda ratio: max(ratio, 1 / ratio)), "ratios": ratios, **told}))


if __name__ == "__main__":
    main()
