"""One intervention sweep through the runner, and through nnsight and pyvene: time and memory side by side in one process.

The sweep is an interchange: every test scene gets the coordinates of its twin in a low-rank subspace at ``--layer``, for one subspace
and ``--draws`` of each of two controls, and ``h_L``, pooled over tokens, is what is read. All compute that and nothing else; it is
asserted that they agree, and all call the same functions for the edit.

What each may do:

- ours: the runner as a study calls it. It starts from stored hidden states of the unedited clips and runs the blocks after the site,
  and does more than the others (the direct path, norms of the edits, a read-out in float64). What the stored states cost once is
  printed ("states") and counted in where it says so. Rendering is in nobody's time.
- hook: transformers' own forward with PyTorch's forward hooks: what any tool for whole forwards has to do.
- nnsight: a trace of transformers' VJEPA2Model, which stops after the last block.
- pyvene: an IntervenableModel with an intervention of its own for the site and a function that pools the last block. The twin's states
  are handed to it (pyvene would run a whole forward of the twin for each condition), all tokens are edited (no gather and scatter by
  position), and the basis is set in place: no model is built for a condition.
- All three have the pixels normalised and in memory, the stored states of the twins, the predictor off, no gradients, and a copy of the
  model of their own, as nnsight instruments every module. Each runs in up to three forms: in the runner's own batches of clips and
  conditions ("same batch"), all clips a batch and one condition after another ("all clips"), and all clips with ``--fold`` conditions
  folded into the batch ("folded"). Conditions are folded by repeating the clips, which is all that either can do with a plain module.
- nnsight, skipping: not whole forwards. Who knows what to skip can hand nnsight the stored states and have it skip the embedding and
  all blocks before the site. pyvene has nothing like it (its SkipIntervention runs what it skips).

Time: rounds alternate; the first compares the results, which warms up, and is not counted. What is shown is the median over rounds;
a ratio is the median of the rounds' ratios, to the form of a tool that took least CPU time.
The same standard error: the others run every draw; a study adjusts each control's mean by first-order effects, and its draws are worth
more (``stats.variates``, counted with a probe trained on other clips). "end to end" is what the others would need for so many draws, over
the runner's time plus that of all first-order effects. The last line's ``ratio`` is the least of nnsight's and pyvene's, of whole forwards.

Memory: the peak of the process's resident memory during a sweep over what it was before, the larger of two that are not timed. A thread
reads /proc/self/statm about every millisecond (Linux only), and free memory is given back to the system before. What lies ready
(states, pixels, weights) is not in it; states and pixels are printed. It repeats to about a tenth; nnsight's less well, as part of its
tensors wait for Python's garbage collector. Ratios at the form that took least CPU time, at the runner's batch, and the least of all.

    python benchmarks/interventions.py --model nano --layer 2 --draws 5

nnsight and pyvene are no requirements of the project; benchmarks/requirements-interventions.txt says which releases are known to
work and how to install them into an environment of their own. Without them the rest runs.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import gc
import importlib
import importlib.metadata
import json
import math
import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.activations.suffix import BATCH
from jepascope.clips.presets import directions8, twins
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.conditions import Condition, merged
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.controls.many import many_draws
from jepascope.intervention.edits import class_means, coordinates, edit
from jepascope.intervention.edits.swap import swap_displacement
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.run import run_edit
from jepascope.intervention.scenes import Scenes
from jepascope.intervention.surrogate import Planned, first_order_effects
from jepascope.study.intervene.contexts import MANY

CLASSES = 8
CONTROLS = ("random", "variance")  # plain interchanges; what is rescaled to a norm is a formula of our own
INSTALL = {"nnsight": "nnsight==0.8.1", "pyvene": "pyvene==0.1.8"}
TOLERANCE = 1e-5  # of the largest pooled value: float32, summed in another order where batches differ
MB = 1e6
RUNNER, STATES, SKIPPING, SAME = ("ours", "runner"), ("ours", "states"), "nnsight, skipping", "same batch"
SURROGATE = ("ours", "first order")
FINDER = "diff_means"


@dataclass(frozen=True)
class Clips:
    """What lies ready: normalised pixels, ``h_layer`` of the clips and of their twins."""

    pixels: Tensor
    hidden: Tensor
    donor: Tensor

    def rows(self, part: slice) -> Clips:
        return Clips(self.pixels[part], self.hidden[part], self.donor[part])


Tool = Callable[[Clips, Tensor], Tensor]
"""Pooled ``h_L`` (conditions x clips, width) of clips under edits with bases (conditions, width, rank), in one batch."""


@dataclass(frozen=True)
class Sweep:
    encoder: VJepa2Encoder
    layer: int
    scenes: Scenes
    conditions: list[Condition]
    clips: Clips
    planned: Planned

    @property
    def bases(self) -> Tensor:
        return torch.stack([condition.basis for condition in self.conditions])

    @property
    def edited(self) -> int:
        return len(self.conditions) * len(self.clips.pixels)


class Readout:
    """Stands for a trained probe: what it costs does not depend on its weights."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights

    def logits(self, x: Tensor) -> Tensor:
        return x @ self.weights


def prepared(encoder: VJepa2Encoder, layer: int, rank: int, draws: int, count: int) -> Sweep:
    """Test scenes with twins, and a subspace with drawn controls."""
    per_class = max(25, math.ceil(count / CLASSES * 5))  # a fifth of the clips are test clips
    clips = directions8(seed=0, per_class=per_class, frames=encoder.card.frames, size=encoder.card.size)
    other = twins(clips)
    labels, targets = (torch.from_numpy(c.labels("direction")[0]) for c in (clips, other))
    there = clips.factors.index[clips.factors["split"] == "test"].to_numpy()
    shown = labels.numpy()[there]
    turn = np.array([(shown[:i] == one).sum() for i, one in enumerate(shown)])
    test = np.sort(there[np.argsort(turn, kind="stable")[:count]])  # the classes in turn, so that few clips have all of them
    rows = torch.tensor(test.tolist())
    whole = capture(encoder, clips.select(test), sites=(layer,), moments=(layer,))
    twin = capture(encoder, other.select(test), sites=(layer,))
    means = class_means(whole.pooled(layer), labels[rows], CLASSES)
    subspace = Subspace.spanned_by((means[1:] - means[0]).T, whole.pooled(layer).mean(dim=0), rank)
    controls = matched_controls(subspace, whole.moments(layer).covariance, draws, 0, names=CONTROLS)
    conditions = merged({FINDER: subspace}, {FINDER: controls}, (1.0,))
    scenes = Scenes(whole, twin, labels[rows], targets[rows], means)
    ready = Clips(encoder.preprocess(clips.select(test).video()), whole.tokens(layer), twin.tokens(layer))
    judged = capture(encoder, clips.split("judge"))
    y = torch.from_numpy(clips.split("judge").labels("direction")[0])
    probe = dense_probes({0: judged.pooled(encoder.card.depth)}, y)[0].probe
    covariance = whole.moments(layer).covariance
    context = InterventionContext(encoder, Site(layer), scenes, [ProbeJudge(probe)], covariance, subspace.mean)
    planned = Planned(context, {FINDER: subspace}, {FINDER: controls}, {}, ("swap",), about_means=True)
    return Sweep(encoder, layer, scenes, conditions, ready, planned)


def first_order(sweep: Sweep) -> pd.DataFrame:
    """First-order effects of the draws that are run and of many more, which are drawn here."""
    planned = sweep.planned
    many = {FINDER: many_draws(planned.subspaces[FINDER], planned.context.covariance, MANY, 0, CONTROLS)}
    return first_order_effects([replace(planned, many=many)])


def worth(sweep: Sweep) -> tuple[float, dict[str, float]]:
    """Plain draws that those which were run are worth, all controls together, and the correlation of each control's."""
    planned = sweep.planned
    effects, _ = planned.context.edit(planned.subspaces, planned.controls, ("swap",))
    table = ce_table(effects, first_order=first_order(sweep)).set_index("control").drop(index="subspace")
    if table["value"].isna().any():
        raise SystemExit("The judge does not read the variable of these scenes: no effect, and no standard error to compare.")
    return float(table["worth"].sum()), table["correlation"].to_dict()


def runner(sweep: Sweep, readout: Tensor) -> Tensor:
    """Logits (conditions, clips, classes) by jepascope's runner: the one place that knows how it is called.

    With the identity for a read-out they are the pooled ``h_L`` itself.
    """
    judges = [ProbeJudge(Readout(readout))]
    return run_edit(sweep.encoder, Site(sweep.layer), sweep.scenes, sweep.conditions, judges, "swap").reads[0].logits


def states(sweep: Sweep, batch: int) -> None:
    """Making what the runner starts from: one whole forward of each unedited clip."""
    encoder, pixels = sweep.encoder, sweep.clips.pixels
    with torch.inference_mode():
        for start in range(0, len(pixels), batch):
            encoder.run(encoder.model.encoder.embeddings(pixels[start : start + batch]), 0)


def swapped(hidden: Tensor, donor: Tensor, bases: Tensor) -> Tensor:
    """The edit for all tools, in the runner's arithmetic. Folded clips are repeats, whose states at the site are equal."""
    clips = hidden[: len(donor)]
    inside = coordinates(swap_displacement(clips, donor), bases)
    return edit(clips, inside, bases, torch.ones(len(bases))).flatten(0, 1)


def folded(pixels: Tensor, bases: Tensor) -> Tensor:
    return pixels if len(bases) == 1 else pixels.repeat(len(bases), 1, 1, 1, 1)


def hook_tool(sweep: Sweep) -> Tool:
    model = copy.deepcopy(sweep.encoder.model)
    blocks = model.encoder.layer

    def run(clips: Clips, bases: Tensor) -> Tensor:
        pooled = []

        def change(module: torch.nn.Module, args: Any, output: Any) -> Any:
            return (swapped(output[0], clips.donor, bases), *output[1:])

        def read(module: torch.nn.Module, args: Any, output: Any) -> None:
            pooled.append(output[0].mean(dim=1))

        handles = [blocks[sweep.layer - 1].register_forward_hook(change), blocks[-1].register_forward_hook(read)]
        try:
            model(folded(clips.pixels, bases), skip_predictor=True)
        finally:
            for handle in handles:
                handle.remove()
        return pooled[0]

    return run


def nnsight_tool(sweep: Sweep) -> Tool:
    model = importlib.import_module("nnsight").NNsight(copy.deepcopy(sweep.encoder.model))
    site, last = model.encoder.layer[sweep.layer - 1], model.encoder.layer[sweep.encoder.card.depth - 1]

    def run(clips: Clips, bases: Tensor) -> Tensor:
        with model.trace(folded(clips.pixels, bases), skip_predictor=True) as tracer:
            output = site.output
            site.output = (swapped(output[0], clips.donor, bases), *output[1:])
            pooled = last.output[0].mean(dim=1).save()
            tracer.stop()
        return pooled

    return run


def nnsight_skipping_tool(sweep: Sweep) -> Tool:
    model = importlib.import_module("nnsight").NNsight(copy.deepcopy(sweep.encoder.model))
    before, last = [model.encoder.layer[i] for i in range(sweep.layer)], model.encoder.layer[sweep.encoder.card.depth - 1]

    def run(clips: Clips, bases: Tensor) -> Tensor:
        with model.trace(clips.pixels, skip_predictor=True) as tracer:
            model.encoder.embeddings.skip(clips.hidden)
            for block in before[:-1]:
                block.skip((clips.hidden, None))
            before[-1].skip((swapped(clips.hidden, clips.donor, bases), None))
            pooled = last.output[0].mean(dim=1).save()
            tracer.stop()
        return pooled

    return run


def pyvene_tool(sweep: Sweep) -> Tool:
    pyvene = importlib.import_module("pyvene")
    interventions = importlib.import_module("pyvene.models.interventions")

    class Swap(interventions.ConstantSourceIntervention, interventions.LocalistRepresentationIntervention):
        """Interchange in a low-rank subspace with states that are handed over, as LowRankRotatedSpaceIntervention does it with
        states that pyvene collects."""

        donor: Tensor
        bases: Tensor

        def forward(self, base: Tensor, source: Any = None, subspaces: Any = None, **rest: Any) -> Tensor:
            return swapped(base, self.donor, self.bases)

    swap, pooled = Swap(), []

    def read(base: Tensor, source: Any) -> None:
        pooled.append(base.mean(dim=1))

    places = [
        {"component": f"encoder.layer[{sweep.layer - 1}].output", "intervention": swap},
        {"component": f"encoder.layer[{sweep.encoder.card.depth - 1}].output", "intervention": read},
    ]
    model = pyvene.IntervenableModel(places, model=copy.deepcopy(sweep.encoder.model))

    def run(clips: Clips, bases: Tensor) -> Tensor:
        swap.donor, swap.bases = clips.donor, bases
        model({"pixel_values_videos": folded(clips.pixels, bases), "skip_predictor": True})
        return pooled.pop()

    return run


def swept(tool: Tool, sweep: Sweep, batch: int, fold: int) -> Tensor:
    """Pooled ``h_L`` (conditions, clips, width): ``fold`` conditions x ``batch`` clips at a time."""
    bases, clips = sweep.bases, len(sweep.clips.pixels)
    pooled = torch.empty(len(bases), clips, sweep.encoder.card.width)
    with torch.inference_mode():
        for first in range(0, len(bases), fold):
            some = bases[first : first + fold]
            for start in range(0, clips, batch):
                part = slice(start, start + batch)
                pooled[first : first + fold, part] = tool(sweep.clips.rows(part), some).view(len(some), -1, pooled.shape[2])
    return pooled


def available() -> dict[str, str]:
    """Release of each tool that is there; says how to get those that are not."""
    found = {}
    for name, requirement in INSTALL.items():
        try:
            importlib.import_module(name)
            found[name] = importlib.metadata.version(name)
        except ModuleNotFoundError as error:
            if error.name == name:
                print(f"{name}: not installed: pip install {requirement}")
            else:
                print(f"{name}: cannot be imported, '{error.name}' is missing: pip install {error.name}")
        except Exception as error:
            print(f"{name}: cannot be imported ({type(error).__name__}: {error}); known to work is {requirement}")
    return found


def forms(sweep: Sweep, found: dict[str, str], shapes: dict[str, tuple[int, int]]) -> dict[tuple[str, str], Callable[[], Tensor]]:
    """Everything that is compared with the runner, by tool and form."""
    tools = {"hook": hook_tool(sweep)}
    if "nnsight" in found:
        tools |= {"nnsight": nnsight_tool(sweep), SKIPPING: nnsight_skipping_tool(sweep)}
    if "pyvene" in found:
        tools["pyvene"] = pyvene_tool(sweep)
    return {
        (name, form): lambda tool=tool, shape=shape: swept(tool, sweep, *shape)
        for name, tool in tools.items()
        for form, shape in shapes.items()
    }


def batches(clips: int, conditions: int, fold: int) -> dict[str, tuple[int, int]]:
    """Clips and conditions in a batch, for each form; those that are the same as the runner's are left out."""
    chunk = -(-clips // -(-clips // BATCH))  # the runner's own chunk of clips, and the conditions that it folds
    same = (chunk, min(conditions, max(1, BATCH // chunk)))
    others = {"all clips": (clips, 1), "folded": (clips, min(conditions, fold))}
    return {SAME: same} | {form: shape for form, shape in others.items() if shape != same}


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall-clock and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_memory(work: Callable[[], object]) -> float:
    """Bytes by which resident memory rose above what it was before; NaN where there is no /proc."""
    if not Path("/proc/self/statm").exists():
        return math.nan
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # else what was freed and kept would hide what is asked for again
    if trim is not None:
        trim(0)
    done, before = threading.Event(), resident()
    peaks = [before]

    def watch() -> None:
        while not done.wait(1e-3):
            peaks[0] = max(peaks[0], resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return max(peaks[0], resident()) - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--layer", type=int, help="where the edit is; default: the middle")
    parser.add_argument("--rank", type=int, default=7)
    parser.add_argument("--draws", type=int, default=20, help="of each drawn control")
    parser.add_argument("--clips", type=int, default=40, help="test scenes")
    parser.add_argument("--fold", type=int, default=4, help="conditions that the other tools fold into a batch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    encoder = load_encoder(chosen.model)
    if not isinstance(encoder, VJepa2Encoder):
        parser.error(f"'{chosen.model}' is no V-JEPA 2 of transformers, which is what the tools are run on.")
    layer = encoder.card.depth // 2 if chosen.layer is None else chosen.layer
    if not 1 <= layer < encoder.card.depth:
        parser.error(f"--layer must lie in 1..{encoder.card.depth - 1}, where there are blocks before and after the site.")
    if chosen.clips < CLASSES or chosen.fold < 1 or chosen.rounds < 1:
        parser.error(f"there must be at least {CLASSES} clips (one of each class), one condition in a batch, and one round.")
    found = available()
    sweep = prepared(encoder, layer, chosen.rank, chosen.draws, chosen.clips)
    clips = len(sweep.clips.pixels)
    shapes = batches(clips, len(sweep.conditions), chosen.fold)
    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers")} | found
    held = {name: getattr(sweep.clips, name).nbytes / MB for name in ("pixels", "hidden", "donor")}
    print(f"{encoder.card.name}: {encoder.card.tokens} tokens x {encoder.card.width}, edit at layer {layer} of {encoder.card.depth}, "
          f"{len(sweep.conditions)} conditions x {clips} clips, {chosen.threads} thread(s); "
          + ", ".join(f"{name} {version}" for name, version in versions.items()))  # fmt: skip
    print("clips x conditions in a batch: " + ", ".join(f"{form} {shape[0]} x {shape[1]}" for form, shape in shapes.items()))
    print(f"lie ready: the twins' states {held['donor']:.1f} MB for all, the clips' states {held['hidden']:.1f} MB for ours, "
          f"pixels {held['pixels']:.1f} MB for the others")  # fmt: skip

    readout = torch.randn(encoder.card.width, CLASSES, generator=torch.Generator().manual_seed(0))
    others = forms(sweep, found, shapes)
    ours, logits = runner(sweep, torch.eye(encoder.card.width)).float(), runner(sweep, readout)
    largest = ours.abs().max().item()
    moved = (ours - sweep.scenes.source.pooled(encoder.card.depth)).abs().max().item()
    differences = {}
    for (name, form), work in others.items():  # the first round: parity, and everything is warm afterwards
        theirs = work()
        differences[name, form] = (theirs - ours).abs().max().item()
        if not differences[name, form] <= TOLERANCE * largest:
            raise SystemExit(f"{name} ({form}) is off the runner's pooled result by {differences[name, form]:.2g}: nothing to compare.")
        if not torch.allclose(logits, (theirs @ readout).double(), rtol=0, atol=10 * TOLERANCE * logits.abs().max().item()):
            raise SystemExit(f"{name} ({form}) leads to other logits than the runner's: nothing to compare.")
    print(f"pooled results agree: largest difference {max(differences.values()):.1e}, where values reach {largest:.3g} "
          f"and the edits move them by up to {moved:.2g}")  # fmt: skip

    timed: dict[tuple[str, str], Callable[[], object]] = {
        RUNNER: lambda: runner(sweep, readout),
        STATES: lambda: states(sweep, shapes[SAME][0]),
        SURROGATE: lambda: first_order(sweep),
        **others,
    }
    states(sweep, shapes[SAME][0])
    rounds: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in timed}
    for _ in range(chosen.rounds):
        for key, work in timed.items():
            rounds[key].append(seconds(work))
    memory = {key: max(peak_memory(work), peak_memory(work)) for key, work in timed.items()}
    about = {"model": encoder.card.name, "layer": layer, "depth": encoder.card.depth, "conditions": len(sweep.conditions), "clips": clips,
             "threads": chosen.threads, "batches": shapes, "largest_difference": max(differences.values()),
             "versions": versions}  # fmt: skip
    plain, followed = worth(sweep)
    gain = (1 + plain) / len(sweep.conditions)
    print(f"{len(sweep.conditions)} conditions say as much as {1 + plain:.0f} plain ones: first-order effects follow "
          + ", ".join(f"{name} r {r:.2f}" for name, r in followed.items()))  # fmt: skip
    report(rounds, memory, sweep.edited, clips, {**about, "correlation": followed, "plain_conditions": 1 + plain}, gain)


def report(
    rounds: dict[tuple[str, str], list[tuple[float, float]]],
    memory: dict[tuple[str, str], float],
    edited: int,
    clips: int,
    about: dict[str, object],
    gain: float,
) -> None:
    """A line for each tool and form, one for each tool's ratios, and one of JSON."""

    def median(key: tuple[str, str], clock: int) -> float:
        """Milliseconds per edited clip; for the states per clip."""
        return 1e3 / (clips if key == STATES else edited) * statistics.median(spent[clock] for spent in rounds[key])

    def ratio(key: tuple[str, str], clock: int, counted: bool = False) -> float:
        """``counted``: with what the stored states cost, for those that start from them."""
        theirs, ours = counted * (key[0] == SKIPPING), counted
        triples = zip(rounds[key], rounds[RUNNER], rounds[STATES], strict=True)
        return statistics.median((b[clock] + theirs * made[clock]) / (a[clock] + ours * made[clock]) for b, a, made in triples)

    def end_to_end(key: tuple[str, str]) -> float:
        """CPU time for the same standard error of the controls' means; the draws cost the others ``gain`` times as much."""
        pairs = zip(rounds[key], rounds[RUNNER], rounds[SURROGATE], strict=True)
        return statistics.median(gain * b[1] / (a[1] + first[1]) for b, a, first in pairs)

    print(f"{'':30s}{'wall ms':>9s}{'CPU ms':>9s}{'extra MB':>10s}   per edited clip; peak")
    each = {}
    for key in rounds:
        wall, cpu, extra = median(key, 0), median(key, 1), memory[key] / MB
        each[", ".join(key)] = {"wall_ms": wall, "cpu_ms": cpu, "extra_mb": extra}
        print(f"{', '.join(key):30s}{wall:9.3f}{cpu:9.3f}{extra:10.1f}{'   (per clip, once)' if key == STATES else ''}")
    ratios = {}
    for name in dict.fromkeys(name for name, _ in rounds if name != "ours"):
        mine = [key for key in rounds if key[0] == name]
        best, least = min(mine, key=lambda key: median(key, 1)), min(mine, key=lambda key: memory[key])
        found = {
            "wall": ratio(best, 0), "cpu": ratio(best, 1), "cpu_with_states": ratio(best, 1, True),
            "memory": memory[best] / memory[RUNNER], "memory_same_batch": memory[name, SAME] / memory[RUNNER],
            "least_memory": memory[least] / memory[RUNNER], "end_to_end": end_to_end(best),
        }  # fmt: skip
        ratios[name] = {"form": best[1], "least_memory_form": least[1], **found}
        print(f"{name} over ours: wall-clock {found['wall']:.2f}, CPU {found['cpu']:.2f} ({found['cpu_with_states']:.2f} with the states), "
              f"end to end {found['end_to_end']:.1f}, "
              f"memory {found['memory']:.2f} ({best[1]}); at the same batch {found['memory_same_batch']:.2f}; "
              f"least {found['least_memory']:.2f} ({least[1]})")  # fmt: skip
    whole = [ratios[name]["end_to_end"] for name in INSTALL if name in ratios]
    said = {"name": "interventions", "ratio": min(whole) if whole else None, "ratios": ratios, **about, "per_edited_clip": each}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
