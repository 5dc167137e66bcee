"""The intervention runner against the bare blocks at the same batch, and against whole forwards with a hook.

One process, one thread, the same edited clips in turn: (a) the runner as a study calls it (displacement, edit in every
condition, blocks after the site, pooling, judge); (b) the bare blocks on ready hidden states, which nothing that runs them
can beat; (c) transformers' own forward from pixels with the edit in a forward hook, as generic toolkits do it. Rounds
alternate, and each ratio is the median over rounds, in CPU seconds, so that a neighbour on the machine disturbs little.

    python benchmarks/suffix.py --model nano --layer 2 --draws 20
    python benchmarks/suffix.py --batches 8 16 32 64 128        # which batch is fastest
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.activations.suffix import BATCH
from jepascope.clips.presets import directions8, twins
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.intervention.conditions import Condition, merged
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.edits import class_means, coordinates, edit
from jepascope.intervention.edits.swap import swap_displacement
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.run import run_edit
from jepascope.intervention.scenes import Scenes

CONTROLS = ("random", "variance", "norm")


class Readout:
    """Stands for a trained probe: what it costs does not depend on its weights."""

    def __init__(self, width: int, classes: int) -> None:
        self.weights = torch.randn(width, classes, generator=torch.Generator().manual_seed(0))

    def logits(self, x: Tensor) -> Tensor:
        return x @ self.weights


def prepared(
    encoder: VJepa2Encoder, layer: int, rank: int, draws: int, tokens: str, panel: bool
) -> tuple[Scenes, list[Condition], list[ProbeJudge]]:
    """Test scenes with twins, one subspace with its drawn controls, a read-out; with ``panel`` as many as a study has: two at every later
    layer and five of other factors."""
    clips = directions8(seed=0, per_class=25, frames=encoder.card.frames, size=encoder.card.size)
    other = twins(clips)
    labels, targets = (torch.from_numpy(c.labels("direction")[0]) for c in (clips, other))
    test = clips.factors.index[clips.factors["split"] == "test"].to_numpy()
    rows = torch.tensor(test.tolist())
    whole = capture(encoder, clips.select(test), sites=(layer,), moments=(layer,))
    twin = capture(encoder, other.select(test), sites=(layer,))
    means = class_means(whole.pooled(layer), labels[rows], 8)
    subspace = Subspace.spanned_by((means[1:] - means[0]).T, whole.pooled(layer).mean(dim=0), rank)
    controls = matched_controls(subspace, whole.moments(layer).covariance, draws, 0, names=CONTROLS)
    depth, readout = encoder.card.depth, Readout(encoder.card.width, 8)
    wanted = [depth, *(read for read in range(layer, depth + 1) for _ in range(2)), *([depth] * 5)] if panel else [depth]
    judges = [ProbeJudge(readout, tokens, layer=read) for read in wanted]
    scenes = Scenes(whole, twin, labels[rows], targets[rows], means)
    return scenes, merged({"diff_means": subspace}, {"diff_means": controls}, (1.0,)), judges


def bare(encoder: VJepa2Encoder, layer: int, conditions: int, clips: int, batch: int) -> None:
    """The blocks alone, on as many clips, in batches of the runner's size."""
    hidden = torch.randn(batch, encoder.card.tokens, encoder.card.width)
    total = conditions * clips
    with torch.inference_mode():
        for start in range(0, total, batch):
            encoder.run(hidden[: min(batch, total - start)], layer)


def hooked(encoder: VJepa2Encoder, layer: int, scenes: Scenes, conditions: list[Condition], video: Tensor) -> Tensor:
    """Whole forwards through transformers, one condition after another, all clips a batch."""
    donor = scenes.twin.tokens(layer)
    read = []
    for condition in conditions:

        def hook(module: torch.nn.Module, args: tuple[Tensor, ...], output: tuple[Tensor, ...], basis: Tensor = condition.basis) -> tuple:
            inside = coordinates(swap_displacement(output[0], donor), basis[None])
            return (edit(output[0], inside, basis[None], torch.ones(1))[0], *output[1:])

        handle = encoder.model.encoder.layer[layer - 1].register_forward_hook(hook)
        try:
            with torch.inference_mode():
                read.append(encoder.model(encoder.preprocess(video), skip_predictor=True).last_hidden_state.mean(dim=1))
        finally:
            handle.remove()
    return torch.stack(read)


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--layer", type=int, help="where the edit is; default: the middle")
    parser.add_argument("--rank", type=int, default=7)
    parser.add_argument("--draws", type=int, default=3, help="of each drawn control")
    parser.add_argument("--tokens", default="all", choices=["all", "object"], help="that are read")
    parser.add_argument("--panel", action="store_true", help="as many judges as a study has")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[BATCH])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    encoder = load_encoder(chosen.model)
    layer = encoder.card.depth // 2 if chosen.layer is None else chosen.layer
    scenes, conditions, judges = prepared(encoder, layer, chosen.rank, chosen.draws, chosen.tokens, chosen.panel)
    clips, site = len(scenes.ids), Site(layer)
    edited = len(conditions) * clips
    video = scenes.source.clips.video()
    plain = [condition for condition in conditions if not condition.rescale]
    print(f"{encoder.card.name}: {encoder.card.tokens} tokens x {encoder.card.width}, edit at layer {layer} of {encoder.card.depth}, "
          f"{len(conditions)} conditions x {clips} clips")  # fmt: skip
    results = {}
    for batch in chosen.batches:
        size = -(-clips // -(-clips // batch))  # the runner's own chunk of clips
        folded = size * max(1, batch // size)
        runs = {"runner": [], "bare": [], "hooked": []}
        for _ in range(chosen.rounds + 1):
            runs["bare"].append(seconds(lambda folded=folded: bare(encoder, layer, len(conditions), clips, folded)) / edited)
            runs["runner"].append(seconds(lambda batch=batch: run_edit(encoder, site, scenes, conditions, judges, "swap", batch)) / edited)
            runs["hooked"].append(seconds(lambda: hooked(encoder, layer, scenes, plain, video)) / (len(plain) * clips))
        runs = {name: values[1:] for name, values in runs.items()}  # the first round warms up
        share = statistics.median(b / r for b, r in zip(runs["bare"], runs["runner"], strict=True))
        speedup = statistics.median(h / r for h, r in zip(runs["hooked"], runs["runner"], strict=True))
        ms = {name: 1e3 * statistics.median(values) for name, values in runs.items()}
        results[batch] = (share, speedup, ms)
        print(f"batch {batch:4d} ({folded} folded): runner {ms['runner']:.3f} ms a clip, bare blocks {ms['bare']:.3f}, "
              f"whole forwards {ms['hooked']:.3f}; share reached {share:.3f}, speed-up {speedup:.2f}")  # fmt: skip
    share, speedup, ms = results[chosen.batches[0]]
    print(json.dumps({"name": "suffix", "ratio": share, "speedup": speedup, "model": encoder.card.name, "layer": layer,
                      "tokens": chosen.tokens, "panel": chosen.panel,
                      "batch": chosen.batches[0], "conditions": len(conditions), "clips": clips, "ms_per_clip": ms}))  # fmt: skip


if __name__ == "__main__":
    main()
