"""Peak memory of a capture and of an intervention as clips and conditions grow: it must stay where it is.

Each size runs in a process of its own, on one thread, because a process never gives its peak back. A capture keeps tokens and moments
of one layer on disk, and is then read as a study reads it: pooled activations layer after layer, moments, the tokens of one clip. An
intervention runs draws of the random control through the blocks after that layer. ``many`` are clips of noise through a very small
encoder, which shows growth a hundred times as far. What may grow is what is asked for at once: the
factors of the clips and one layer's pooled activations (a kilobyte a clip), and tables.

    python benchmarks/memory.py --clips 400 4000 --draws 40 400 --many 1000 100000
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from transformers import VJEPA2Config

LAYER = 2
SMALL = {
    "patch_size": 8, "crop_size": 16, "frames_per_clip": 4, "tubelet_size": 2, "hidden_size": 48, "num_attention_heads": 2,
    "num_hidden_layers": 3, "pred_hidden_size": 24, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1, "pred_num_mask_tokens": 2,
}  # fmt: skip
MEGABYTE = 1024 if sys.platform.startswith("linux") else 1024**2  # what getrusage counts in


def peak() -> float:
    """Of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def captured(model: str, clips: int) -> float:
    """Peak after one capture of so many clips."""
    from jepascope.activations.capture import capture
    from jepascope.clips.presets import directions8
    from jepascope.encoders.load import load_encoder

    encoder = load_encoder(model)
    scenes = directions8(seed=0, per_class=clips // 8).at(encoder.card.frames, encoder.card.size)
    with tempfile.TemporaryDirectory() as folder:
        found = capture(encoder, scenes, Path(folder), sites=(LAYER,), moments=(LAYER,))
        for layer in range(encoder.card.depth + 1):
            found.pooled(layer), found.pooled(layer, "object")
        found.moments(LAYER), found.tokens(LAYER, [clips - 1])
        return peak()


def intervened(model: str, draws: int) -> float:
    """Peak after ablating a subspace and so many random ones in the test clips of the default study's size."""
    import jepascope as js
    from jepascope.activations.capture import capture
    from jepascope.activations.site import Site
    from jepascope.clips.presets import directions8, twins
    from jepascope.discovery.probes.paths import dense_probes
    from jepascope.intervention.controls import matched_controls
    from jepascope.intervention.edits import class_means
    from jepascope.intervention.effects import intervene
    from jepascope.intervention.judges import ProbeJudge
    from jepascope.intervention.scenes import Scenes
    from jepascope.study.labels import labels_of, scenes_of

    encoder = js.load_encoder(model)
    clips = directions8(seed=0).at(encoder.card.frames, encoder.card.size)
    with tempfile.TemporaryDirectory() as folder:
        fit, judge, test = (
            capture(encoder, clips.split(name), Path(folder), sites=(LAYER,), moments=(LAYER,)) for name in ("fit", "judge", "test")
        )
        twin = capture(encoder, twins(test.clips), Path(folder), sites=(LAYER,))
        subspace = js.find(fit, "direction", LAYER)
        depth, y = encoder.card.depth, labels_of(fit, "direction")
        probe = dense_probes({depth: judge.pooled(depth)}, labels_of(judge, "direction"), scenes_of(judge))[depth].probe
        scenes = Scenes(test, twin, labels_of(test, "direction"), labels_of(twin, "direction"), class_means(fit.pooled(LAYER), y, 8))
        controls = {"one": matched_controls(subspace, fit.moments(LAYER).covariance, draws, 0, names=("random",))}
        intervene(encoder, Site(LAYER), scenes, {"one": subspace}, controls, [ProbeJudge(probe)], ("ablate",))
        return peak()


class Noise:
    """A clip source of random pixels: rendering would take most of the time of many small clips."""

    digest = "noise"

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor:
        return torch.rand(len(rows), frames, 3, size, size)

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor:
        return torch.rand(len(rows), frames, size, size)


def captured_many(_: str, clips: int) -> float:
    """Peak after one capture of so many clips by a very small random encoder: what grows with clips alone."""
    from jepascope.activations.capture import capture
    from jepascope.clips.clipset import ClipSet
    from jepascope.encoders.vjepa2 import VJepa2Encoder

    encoder = VJepa2Encoder.from_config(VJEPA2Config(**SMALL), seed=0, name="small")
    factors = pd.DataFrame({"scene": np.arange(clips), "split": "fit"})
    with tempfile.TemporaryDirectory() as folder:
        capture(encoder, ClipSet("noise", factors, Noise(), encoder.card.frames, encoder.card.size), Path(folder), batch=50)
        return peak()


MEASURES = {"clips": captured, "draws": intervened, "many": captured_many}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--clips", type=int, nargs="*", default=[400, 4000])
    parser.add_argument("--draws", type=int, nargs="*", default=[40, 400])
    parser.add_argument("--many", type=int, nargs="*", default=[1000, 100_000])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(MEASURES[given.one[0]](given.model, int(given.one[1])))
        return
    found: dict[str, dict[str, float]] = {}
    for what in MEASURES:
        for size in getattr(given, what):
            command = [sys.executable, __file__, "--model", given.model, "--one", what, str(size)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found.setdefault(what, {})[str(size)] = round(float(said), 1)
            print(f"{what} {size}: peak {float(said):.0f} MB", file=sys.stderr)
    growth = {what: round(max(peaks.values()) / min(peaks.values()), 3) for what, peaks in found.items() if peaks}
    print(json.dumps({"name": "memory", "ratio": max(growth.values()), "model": given.model, "growth": growth, "peak_mb": found}))


if __name__ == "__main__":
    main()
