"""plan: what a study would run, counted from its spec and the model's configuration. Imports neither torch nor pandas."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from jepascope.discovery.finder_entry import needing
from jepascope.encoders.budget import BATCH, FLOAT32, hidden_bytes
from jepascope.encoders.part_names import PARTS
from jepascope.errors import BadArgument, quoted
from jepascope.study.edited_layers import EditedLayers, check_sizes
from jepascope.study.geometry import Geometry, geometry
from jepascope.study.machine import BYTES, Machine
from jepascope.study.memory import Load
from jepascope.study.sizes import CONTROL_COUNT, Counts, Passes, left_out_conditions
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import check_whole
from jepascope.study.steps.at_best import TRACE, left_out_clips, traced_conditions
from jepascope.study.steps.discover import HALVINGS, SUBSPACES
from jepascope.study.steps.whole import STEPS
from jepascope.study.videos.enough import check_clips_per_class, check_labels_used, check_self_swap

DEVICES = ("cpu", "cuda", "mps", "xpu")
EFFICIENCY = 0.45  # of a plain matrix product that whole blocks reach on a CPU: attention, norms and small layers are slower
PROBE_SECONDS = 3.0  # of one layer of width 96 on 200 fit clips: all probes, controls and baselines
PATH_SECONDS = 0.4  # of one sparse probe's path, there
ROW_SECONDS = 2e-4  # of a scene under one condition, in tables and resampling
START_SECONDS = 12.0  # loading, rendering, the report
GPU_RATES = {"float32": 50e12, "bfloat16": 200e12}  # of a data-centre GPU: float32 without TF32, and a part of its bf16 peak
STORED = {"float32": "F32", "bfloat16": "BF16"}  # types by the names that the store gives them
MEASURED = "measured here just now"
PARTS_STORED = ("tokens", "pooled", "moments", "masks", "headers")
"""What a capture's bytes are counted by, in the order in which they are said."""
SLOW_BFLOAT16 = 7.0  # times slower than float32 on a CPU without instructions for it, as measured (with them: twice as fast)


@dataclass(frozen=True)
class Plan:
    """What a study would run. The counts are upper bounds, and exact in most studies.

    The best layer is known only after the probes and is counted at its earliest; draws of the variance control coincide, and
    are run once, where no subspace reaches the variance asked for; a variable other than direction may leave fewer test
    scenes of a class than asked for; a finder's subspace may lie inside another one's; peeling ends with the first subspace that
    does no more than its controls; and das stops training when it gains no more.
    """

    steps: tuple[Passes, ...]
    forwards: int
    block_passes: int
    tflops: float
    seconds: float
    memory_gb: float
    disk_gb: float  # of all captures; the tables beside them are small
    stored_bytes: dict[str, int]  # the same by what it holds: tokens, pooled, moments, masks, headers
    notes: tuple[str, ...]


def make_plan(spec: StudySpec, machine: Machine = Machine()) -> Plan:  # noqa: B008, it is frozen
    """Count a study's passes and estimate its cost."""
    device = machine.device
    if device.split(":")[0] not in DEVICES:
        raise BadArgument(f"There is no device '{device}'; devices are {', '.join(DEVICES)}, with a number where there are several.")
    check_whole(spec)
    if spec.of_videos:
        check_labels_used(spec)
        check_clips_per_class(spec)
        if spec.of_labels:
            check_self_swap(spec)
    model = geometry(spec)
    counts = counts_of(spec, model, machine)
    check_sizes(spec, spec.model, model.depth, model.width)
    if spec.context is not None and (counts.predicted or counts.rolled_out) and not spec.context < model.times:
        raise BadArgument(
            f"context: clips of {model.times} tubelets leave a future to forecast after 1 to {model.times - 1} of them, not {spec.context}."
        )
    planned = tuple(passes for step in STEPS if not step.left_out(spec) for passes in step.cost(counts))
    notes = [
        f"{counts.scenes} test {'clips' if spec.of_videos else 'scenes'}, up to {spec.draws} draws of each of {CONTROL_COUNT} controls at "
        f"{'the best layer' if len(counts.full) == 1 else f'layers {sorted(counts.full)}'}"
        + (f", {spec.draws_elsewhere} at {len(counts.surveyed)} others" if counts.surveyed else ""),
    ]
    if spec.of_videos:
        looked_at = "they are read" if spec.of_labels else "they are read and their motion is measured"
        notes.append(
            f"clips are counted at most ({spec.clips_per_class} a class): how many windows of the videos can be used is known only once "
            f"{looked_at}, which comes first and is not counted (a quarter of a second a window, once); `jepascope videos "
            f"{quoted(spec.clips)}` counts them"
        )
    if spec.state_variable.note:
        notes.append(spec.state_variable.note)
    if spec.best_layer is None:
        notes.append(f"the best layer is chosen by the probes; counted here as layer {counts.best}, where most blocks run")
    if steps := sum(step.steps for step in planned):
        notes.append(f"{steps:,} steps of rollouts, a clip each, of which every one is counted as the encoder's blocks on half a clip")
    if spec.peels:
        notes.append(f"up to {spec.peels} subspaces are peeled off; counted as if each of them had an effect outside its controls")
    return _plan_of(counts, planned, load_of(counts, planned), _beside_blocks(counts), machine, notes)


def plan_trace(spec: StudySpec, traced: StudySpec, machine: Machine = Machine()) -> Plan:  # noqa: B008, it is frozen
    """Count what ``trace`` passes and estimate its cost: ``traced`` is what it makes of a run's ``spec``, whose captures are there."""
    model = geometry(traced)
    check_sizes(traced, traced.model, model.depth, model.width)
    counts = counts_of(traced, model, machine)
    planned = (*SUBSPACES.cost(counts), *TRACE.cost(counts))
    if not {*counts.edited.needed} <= {*EditedLayers(spec, model.depth).needed}:
        again = counts.captured("clips and twins, with tokens at this layer", counts.scenes + counts.twins, sites=counts.kept)
        planned = (again + counts.captured("", counts.fit, moments=counts.kept), *planned)
    conditions = traced_conditions(counts)
    rows = ROW_SECONDS * counts.scenes * conditions * (2 + 2 * len(PARTS) * (model.depth - counts.best))
    load = replace(load_of(counts, planned), blocks=0, slopes=0)
    beside = START_SECONDS + rows
    return _plan_of(counts, planned, load, beside, machine, [f"{counts.scenes} test scenes, {conditions} swaps down each path"])


def _plan_of(counts: Counts, planned: tuple[Passes, ...], load: Load, beside: float, machine: Machine, notes: list[str]) -> Plan:
    """What so many passes come to, besides ``beside`` seconds of probes and statistics."""
    model, device = counts.model, machine.device
    flops = sum(flops_of(step, model) for step in planned)
    rate, how_known = rate_of(machine, model)
    stored = _stored_bytes(planned)
    disk = sum(stored.values())
    shares = ", ".join(f"{part} {_size(stored[part])}" for part in PARTS_STORED if part != "headers")
    processes = 1 if device != "cpu" or machine.compiled else machine.workers or load.processes
    memory = load.together(processes, BYTES[machine.dtype] / FLOAT32)
    spread = f" in {processes} processes" if processes > 1 else ""
    kept = f", with tokens and moments at {counts.kept} layers" if stored["tokens"] else ""
    told = [
        f"about {flops / 1e12:.1f} TFLOP of blocks: {duration(flops / rate)} on {device} in {machine.dtype} at {rate / 1e9:.0f} GFLOP/s "
        f"({how_known}), and about {duration(beside)} of probes and statistics; "
        f"{'within a factor of two while nothing else runs' if how_known == MEASURED else 'that rate can be off several times'}",
        f"about {memory / 1e9:.1f} GB of memory{spread}, {_size(disk)} on disk ({shares}){kept}",
    ]
    return Plan(
        planned,
        sum(step.forwards for step in planned),
        sum(step.block_passes for step in planned),
        flops / 1e12,
        flops / rate + beside,
        memory / 1e9,
        disk / 1e9,
        stored,
        (*told, *notes),
    )


def counts_of(spec: StudySpec, model: Geometry, machine: Machine) -> Counts:
    """Counted at the earliest layer that may be the best, where none is named."""
    return Counts(spec, model, spec.best_layer if spec.best_layer is not None else min(1, model.depth - 1), STORED[machine.dtype])


def load_of(counts: Counts, planned: tuple[Passes, ...]) -> Load:
    """What each process has to hold."""
    model, climbed = counts.model, counts.climbed
    return Load(
        model.parameters * FLOAT32,
        hidden_bytes(model.tokens, model.width),
        model.pixels,
        tuple({layout: None for passes in planned for layout in passes.kept}),
        model.depth - climbed[0][0],
        counts.outcomes * len(climbed[0]),
    )


def _stored_bytes(planned: tuple[Passes, ...]) -> dict[str, int]:
    """Bytes of all captures by PARTS_STORED."""
    total: Counter[str] = Counter(dict.fromkeys(PARTS_STORED, 0))
    for passes in planned:
        for layout in passes.kept:
            total.update(layout.stored_bytes())
    return dict(total)


def flops_of(step: Passes, model: Geometry) -> float:
    """Of the blocks, of a tower's that makes the tokens of captured clips, and of the predictor's where it goes on from beginnings. A step
    of a rollout is taken for the encoder's blocks on half a clip: what a predictor of actions takes is known only when it runs."""
    tokens = step.share * model.tokens
    ahead = step.forecasts * model.predictor_depth * _block(model.predictor_width, model.tokens)
    ahead += step.steps * model.depth * _block(model.width, model.tokens / 2)
    if step.kept and (tower := model.tower):
        ahead += step.forwards * model.times * tower.depth * _block(tower.width, tower.tokens)
    return step.block_passes * _block(model.width, tokens) + ahead


def _block(width: int, tokens: float) -> float:
    return 24 * width**2 * tokens + 4 * tokens**2 * width


def rate_of(machine: Machine, model: Geometry) -> tuple[float, str]:
    """FLOP/s of whole blocks, and where that comes from."""
    if machine.device != "cpu":
        return GPU_RATES[machine.dtype], "assumed"
    measured = matrix_rate(model) * EFFICIENCY
    if machine.dtype == "float32" or _has_bfloat16():
        return measured, MEASURED + ("" if machine.dtype == "float32" else " in float32")
    return measured / SLOW_BFLOAT16, f"a {SLOW_BFLOAT16:.0f}th of what float32 does here: this processor has no instructions for it"


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 matrices; False where the system does not say."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
        return "amx_bf16" in flags or "avx512_bf16" in flags
    except OSError:
        return False


def matrix_rate(model: Geometry, seconds: float = 0.15, fewest: int = 3) -> float:
    """FLOP/s of a matrix product as large as a batch's in a block's feed-forward (at most 100 MB): what this machine does at present.

    The fastest of ``fewest`` at least: the first has to be given its memory, and a large one may have been kept waiting by others.
    """
    import numpy as np

    rows = min(BATCH * model.tokens, 25_000_000 // (5 * model.width))
    a, b = np.ones((rows, model.width), np.float32), np.ones((model.width, 4 * model.width), np.float32)
    took, began = list[float](), time.perf_counter()
    while len(took) < fewest or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        a @ b
        took.append(time.perf_counter() - start)
    return 2 * rows * model.width * 4 * model.width / min(took)


def _beside_blocks(counts: Counts) -> float:
    """Seconds of probes, stability selection and statistics on the build machine (two cores), which grow with layers and width."""
    spec, model = counts.spec, counts.model
    layers, width = model.depth + 1, model.width / 96
    clips = counts.fit / 200
    probes = PROBE_SECONDS * layers * width * clips
    # in the clips of another seed and of other clip sets, and in both halves of each halving of all of these
    paths = len(needing("path", spec.finders)) * (1 + 2 * HALVINGS) * (1 + len(spec.carried_to))
    rows = len(counts.full) * counts.every_control() * counts.scenes
    rows += left_out_conditions(spec) * left_out_clips(counts)[1]
    return probes + PATH_SECONDS * paths * width * clips + ROW_SECONDS * rows + START_SECONDS


def _size(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def duration(seconds: float) -> str:
    """In the unit that people would say it in."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
