"""plan: what a study would run, counted from its spec and the model's configuration. Imports neither torch nor pandas."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jepascope.encoders.geometry import MAX_TOKENS, check_config, read_config
from jepascope.encoders.models import WEIGHTS, known_models
from jepascope.errors import BadArgument
from jepascope.study.spec import StudySpec

CONTROL_COUNT = 4
DEGRADED_SETS = 4
DIRECTIONS = 8  # classes that the clip set is balanced over
SPLIT_SHARES = (0.5, 0.3)  # fit and judge; test gets the rest
PORT_DRAWS = 5  # of the random and of the variance control at each dose of the portability sweep
BATCH = 32  # clips folded into one batch
COPIES = 12  # hidden states alive at once in a block, its four times wider feed-forward counted in
BASE_MEMORY = 0.6e9  # Python with torch and scikit-learn loaded, as measured
DEVICES = ("cpu", "cuda", "mps", "xpu")
CPU_RATE = 20e9  # multiply-adds of small float32 blocks on one core, x 2: measured 15 to 35 GFLOP/s a core on the build machines
GPU_RATE = 50e12  # a data-centre GPU in float32 with tensor cores off is nearer this than its bf16 peak


@dataclass(frozen=True)
class Geometry:
    """What counting needs to know of a model."""

    name: str
    width: int
    depth: int
    tokens: int
    parameters: int


@dataclass(frozen=True)
class PlanStep:
    """``forwards``: clips or edited clips that run through blocks; ``block_passes``: clips x blocks that they run through."""

    name: str
    forwards: int
    block_passes: int


@dataclass(frozen=True)
class Plan:
    """What a study would run. The counts are upper bounds, and exact in most studies.

    The best layer is known only after the probes and is counted at its earliest; draws of the variance control coincide, and
    are run once, where no subspace reaches the variance asked for; and a variable other than direction may leave fewer test
    scenes of a class than asked for.
    """

    steps: tuple[PlanStep, ...]
    forwards: int
    block_passes: int
    tflops: float
    seconds: float
    memory_gb: float
    disk_gb: float
    notes: tuple[str, ...]


def geometry(spec: StudySpec) -> Geometry:
    """Width, depth and tokens from a shipped or local config.json or the list of known models."""
    path = WEIGHTS / spec.model / "config.json"
    if not path.exists():
        path = Path(spec.model).expanduser() / "config.json"
    known = {model.name: model for model in known_models()}
    if path.exists():
        sizes = check_config(read_config(path), path)
        width, depth, patch, tubelet = sizes.width, sizes.depth, sizes.patch, sizes.tubelet
        frames, size = spec.frames or sizes.frames, spec.size or sizes.size
        parameters = known[spec.model].parameters if spec.model in known else 12 * depth * width * width
    elif spec.model in known:
        row = known[spec.model]
        width, depth, parameters, patch, tubelet = row.width, row.depth, row.parameters, 16, 2
        frames, size = spec.frames or row.frames, spec.size or row.size
    else:
        raise BadArgument(f"There is no model '{spec.model}'; known are {', '.join(known)}, and any local folder with a config.json.")
    if frames % tubelet or size % patch:
        raise BadArgument(f"'{spec.model}' cannot take {frames} frames of {size} pixels: multiples of {tubelet} and {patch} are needed.")
    tokens = (frames // tubelet) * (size // patch) ** 2
    if tokens > MAX_TOKENS:
        raise BadArgument(f"{frames} frames of {size} pixels make {tokens:,} tokens a clip, more than {MAX_TOKENS:,}.")
    return Geometry(spec.model, width, depth, tokens, parameters)


def make_plan(spec: StudySpec, device: str = "cpu") -> Plan:
    """Count a study's passes and estimate its cost."""
    if device.split(":")[0] not in DEVICES:
        raise BadArgument(f"There is no device '{device}'; devices are {', '.join(DEVICES)}, with a number where there are several.")
    model = geometry(spec)
    layers = range(model.depth) if spec.layers == "all" else spec.layers
    best = spec.best_layer if spec.best_layer is not None else min(1, model.depth - 1)
    for layer in (*layers, best):
        if not 0 <= layer < model.depth:
            raise BadArgument(
                f"'{spec.model}' has layers 0..{model.depth}, and 0..{model.depth - 1} can be intervened on; "
                f"there is no layer {layer} to edit."
            )
    fit, judge = (DIRECTIONS * round(share * spec.clips_per_class) for share in SPLIT_SHARES)
    test = DIRECTIONS * spec.clips_per_class - fit - judge
    scenes = min(test, max(1, spec.test_scenes // spec.classes) * spec.classes)
    finders, draws = len(spec.finders), spec.draws
    shared = model.width - finders * spec.full_rank >= 2 * spec.full_rank
    random = 1 if shared else finders  # finders that avoid each other's subspaces share their random draws
    # in steering every draw carries one finder's own step over, and nothing is shared
    at_best = sum(finders + draws * ((finders if edit == "steer" else random) + (CONTROL_COUNT - 1) * finders) for edit in spec.edits)
    elsewhere = finders + spec.draws_elsewhere * random
    others = [layer for layer in layers if layer != best]
    sweep = (2 * finders + PORT_DRAWS * (random + finders)) * len(spec.doses)

    def through(clips: int) -> PlanStep:
        return PlanStep("", clips, clips * model.depth)

    def suffix(name: str, count: int, layer: int) -> PlanStep:
        return PlanStep(name, count * scenes, count * scenes * (model.depth - layer))

    captured = through(fit + judge + test + scenes)
    baselines = through((spec.untrained_seeds + DEGRADED_SETS) * (fit + test))
    elsewhere_passes = sum(elsewhere * scenes * (model.depth - layer) for layer in others)
    steps = (
        PlanStep("capture clips and twins", captured.forwards, captured.block_passes),
        PlanStep("untrained twins and leak check", baselines.forwards, baselines.block_passes),
        suffix(f"{len(spec.edits)} edits at layer {best}, every control", at_best, best),
        PlanStep("ablation at the other layers", elsewhere * scenes * len(others), elsewhere_passes),
        PlanStep("fit clips of another seed", fit, fit * model.depth),
        suffix("dose sweep for portability", sweep, best),
    )
    passes = sum(step.block_passes for step in steps)
    per_block = 24 * model.width**2 * model.tokens + 4 * model.tokens**2 * model.width
    flops = passes * per_block
    rate = CPU_RATE * (os.cpu_count() or 1) if device == "cpu" else GPU_RATE
    kept = len({*layers, best} | ({*range(1, model.depth)} if spec.best_layer is None else set()))
    disk = 2 * scenes * kept * model.tokens * model.width * 4
    memory = BASE_MEMORY + model.parameters * 4 + BATCH * model.tokens * model.width * 4 * COPIES
    notes = [
        f"about {flops / 1e12:.1f} TFLOP of blocks: roughly {_duration(flops / rate)} on {device} (assumes {rate / 1e9:.0f} GFLOP/s; "
        "machines differ by several times), and probes and statistics on top",
        f"about {memory / 1e9:.1f} GB of memory, {disk / 1e9:.2f} GB on disk for tokens at {kept} layers",
        f"{scenes} test scenes, {draws} draws of each of {CONTROL_COUNT} controls at the best layer, "
        f"{spec.draws_elsewhere} of the random control elsewhere",
    ]
    if spec.best_layer is None:
        notes.append(f"the best layer is chosen by the probes; counted here as layer {best}, where most blocks run")
    return Plan(steps, sum(step.forwards for step in steps), passes, flops / 1e12, flops / rate, memory / 1e9, disk / 1e9, tuple(notes))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
