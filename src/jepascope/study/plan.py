"""plan: what a study would run, counted from its spec and the model's configuration. Imports neither torch nor pandas."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from jepascope.encoders.models import WEIGHTS, known_models
from jepascope.errors import BadArgument
from jepascope.study.spec import StudySpec

CONTROL_COUNT = 4
DEGRADED_SETS = 4
SPLIT_SHARES = (0.5, 0.3, 0.2)
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
    """The count is exact, except that the best layer is known only after the probes: it is counted at its earliest."""

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
        try:
            config = json.loads(path.read_text())
            width, depth, patch, tubelet = (config[key] for key in ("hidden_size", "num_hidden_layers", "patch_size", "tubelet_size"))
            frames, size = spec.frames or config["frames_per_clip"], spec.size or config["crop_size"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadArgument(f"'{path}' is not the configuration of a V-JEPA 2 model ({type(error).__name__}: {error}).") from None
        parameters = known[spec.model].parameters if spec.model in known else 12 * depth * width * width
    elif spec.model in known:
        row = known[spec.model]
        width, depth, parameters, patch, tubelet = row.width, row.depth, row.parameters, 16, 2
        frames, size = spec.frames or row.frames, spec.size or row.size
    else:
        raise BadArgument(f"There is no model '{spec.model}'; known are {', '.join(known)}, and any local folder with a config.json.")
    if frames % tubelet or size % patch:
        raise BadArgument(f"'{spec.model}' cannot take {frames} frames of {size} pixels: multiples of {tubelet} and {patch} are needed.")
    return Geometry(spec.model, width, depth, (frames // tubelet) * (size // patch) ** 2, parameters)


def make_plan(spec: StudySpec, device: str = "cpu") -> Plan:
    """Count a study's passes and estimate its cost."""
    model = geometry(spec)
    layers = range(model.depth) if spec.layers == "all" else spec.layers
    best = spec.best_layer if spec.best_layer is not None else min(1, model.depth - 1)
    for layer in (*layers, best):
        if not 0 <= layer < model.depth:
            raise BadArgument(
                f"'{spec.model}' has layers 0..{model.depth}, and 0..{model.depth - 1} can be intervened on; there is no layer {layer} to edit."
            )
    fit, judge, test = (round(share * spec.clips_per_class) * 8 for share in SPLIT_SHARES)
    scenes = min(test, max(1, spec.test_scenes // spec.classes) * spec.classes)
    finders, draws = len(spec.finders), spec.draws
    shared = model.width - finders * spec.full_rank >= 2 * spec.full_rank
    at_best = finders + draws * ((1 if shared else finders) + (CONTROL_COUNT - 1) * finders)
    elsewhere = finders + spec.draws_elsewhere * (1 if shared else finders)
    others = [layer for layer in layers if layer != best]
    sweep = (2 * finders + PORT_DRAWS * ((1 if shared else finders) + finders)) * len(spec.doses)

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
        suffix(f"{len(spec.edits)} edits at layer {best}, every control", at_best * len(spec.edits), best),
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
    memory = model.parameters * 4 + 16 * model.tokens * model.width * 4 * 12
    notes = (
        f"about {flops / 1e12:.1f} TFLOP: roughly {_duration(flops / rate)} on {device} (assumes {rate / 1e9:.0f} GFLOP/s; machines differ by several times)",
        f"about {memory / 1e9:.1f} GB of memory for weights and one batch, {disk / 1e9:.2f} GB on disk for tokens at {kept} layers",
        f"{scenes} test scenes, {draws} draws of each of {CONTROL_COUNT} controls at the best layer, {spec.draws_elsewhere} of the random control elsewhere",
        *(
            ()
            if spec.best_layer is not None
            else (f"the best layer is chosen by the probes; counted here as layer {best}, where most blocks run",)
        ),
    )
    return Plan(steps, sum(step.forwards for step in steps), passes, flops / 1e12, flops / rate, memory / 1e9, disk / 1e9, notes)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


PORT_DRAWS = 5
"""Draws of the random and of the variance control at each dose of the portability sweep."""
