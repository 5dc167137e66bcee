"""plan: what a study would run, counted from its spec and the model's configuration. Imports neither torch nor pandas."""

from __future__ import annotations

import os
from dataclasses import dataclass

from jepascope.errors import BadArgument
from jepascope.study.geometry import Geometry, geometry
from jepascope.study.ranks import spanned
from jepascope.study.spec import StudySpec, need_ablation

CONTROL_COUNT = 4
DEGRADED_SETS = 4
DIRECTIONS = 8  # classes that the clip set is balanced over
SPLIT_SHARES = (0.5, 0.3)  # fit and judge; test gets the rest
PORT_DRAWS = 5  # of the random and of the variance control at each dose of the dose curves, which portability reads again
REFIT_DRAWS, ISOLATION_DRAWS, CALIBRATION_DRAWS = 3, 3, 2  # of the random control
REQUESTS = 12  # angles that clips are steered to
HALVINGS = 4  # of the fit clips behind each split-half ceiling
DAS_SEEDS, DAS_STEPS, DAS_CLIPS, DAS_EVERY, DAS_HELD = 3, 40, 16, 5, 1 / 5  # das: rotations, steps, clips of each, looks, share looked at
BACKWARD = 3  # a step forward and back costs about three passes
BATCH = 32  # clips folded into one batch
FLOAT32 = 4  # bytes
COPIES = 12  # hidden states alive at once in a block, its four times wider feed-forward counted in
BASE_MEMORY = 0.6e9  # Python with torch and scikit-learn loaded, as measured
DEVICES = ("cpu", "cuda", "mps", "xpu")
CPU_RATE = 20e9  # multiply-adds of small float32 blocks on one core, x 2: measured 15 to 35 GFLOP/s a core on the build machines
GPU_RATE = 50e12  # a data-centre GPU in float32 with tensor cores off is nearer this than its bf16 peak


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
    are run once, where no subspace reaches the variance asked for; a variable other than direction may leave fewer test
    scenes of a class than asked for; and das stops training when it gains no more.
    """

    steps: tuple[PlanStep, ...]
    forwards: int
    block_passes: int
    tflops: float
    seconds: float
    memory_gb: float
    disk_gb: float
    notes: tuple[str, ...]


def make_plan(spec: StudySpec, device: str = "cpu") -> Plan:
    """Count a study's passes and estimate its cost."""
    if device.split(":")[0] not in DEVICES:
        raise BadArgument(f"There is no device '{device}'; devices are {', '.join(DEVICES)}, with a number where there are several.")
    need_ablation(spec)
    model = geometry(spec)
    layers = range(model.depth) if isinstance(spec.layers, str) else spec.layers
    best = spec.best_layer if spec.best_layer is not None else min(1, model.depth - 1)
    for layer in (*layers, best):
        if not 0 <= layer < model.depth:
            raise BadArgument(
                f"'{spec.model}' has layers 0..{model.depth}, and 0..{model.depth - 1} can be intervened on; "
                f"there is no layer {layer} to edit."
            )
    rank = max(spec.rank_of(finder) for finder in spec.finders)
    if rank * 2 > model.width:
        raise BadArgument(
            f"Rank {rank} leaves no orthogonal control of equal rank in width {model.width}; ask for at most {model.width // 2}."
        )
    fit, judge = (DIRECTIONS * round(share * spec.clips_per_class) for share in SPLIT_SHARES)
    test = DIRECTIONS * spec.clips_per_class - fit - judge
    scenes = min(test, max(1, spec.test_scenes // spec.classes) * spec.classes)
    finders, draws = len(spec.finders), spec.draws
    variable, ranks = spec.state_variable, {spec.rank_of(finder) for finder in spec.finders}
    shared = model.width - spanned(spec.finders, spec.rank, variable) >= 2 * spec.full_rank
    random = len(ranks) if shared else finders  # finders of one rank that avoid each other's subspaces share their random draws
    # in steering every draw carries one finder's own step over, and nothing is shared
    at_best = sum(finders + draws * ((finders if edit == "steer" else random) + (CONTROL_COUNT - 1) * finders) for edit in spec.edits)
    elsewhere = finders + spec.draws_elsewhere * random
    others = [layer for layer in layers if layer != best]
    other_seed = fit if variable.rendered else 0  # scenes of another seed have no labels of one's own
    sweep = ((2 if other_seed else 1) * finders + PORT_DRAWS * (random + finders)) * len(spec.doses)
    twins = scenes if variable.rendered else 0  # donors are test clips
    # under object tokens the scenes and their twins are read once more beside every edit, over the tokens of both
    read = 2 if spec.tokens == "object" and variable.rendered else 0

    def through(clips: int) -> PlanStep:
        return PlanStep("", clips, clips * model.depth)

    def suffix(name: str, count: int, layer: int) -> PlanStep:
        return PlanStep(name, count * scenes, count * scenes * (model.depth - layer))

    captured = through(fit + judge + test + twins)
    token_map = through(fit + test if spec.token_map else 0)
    degraded = DEGRADED_SETS if spec.variable == "direction" else 0  # motion is all that can be taken away
    baselines = through((spec.untrained_seeds + degraded) * (fit + test))
    elsewhere_passes = sum((elsewhere + read) * scenes * (model.depth - layer) for layer in others)
    steps = (
        PlanStep("capture clips and twins", captured.forwards, captured.block_passes),
        PlanStep("untrained twins and leak check", baselines.forwards, baselines.block_passes),
        PlanStep(f"tokens of fit and test clips at layer {best}", token_map.forwards, token_map.block_passes),
        suffix(f"{len(spec.edits)} edits at layer {best}, every control", at_best + read * len(spec.edits), best),
        PlanStep("ablation at the other layers", (elsewhere + read) * scenes * len(others), elsewhere_passes),
        PlanStep("fit clips of another seed", other_seed, other_seed * model.depth),
        suffix("dose sweep for portability", sweep + read, best),
        *([_das(spec, model, fit, {*layers, best}, best)] if "das" in spec.finders else []),
    )
    passes = sum(step.block_passes for step in steps)
    per_block = 24 * model.width**2 * model.tokens + 4 * model.tokens**2 * model.width
    flops = passes * per_block
    rate = CPU_RATE * (os.cpu_count() or 1) if device == "cpu" else GPU_RATE
    kept = len({*layers, best} | ({*range(1, model.depth)} if spec.best_layer is None else set()))
    exchanged = 4 * fit if "das" in spec.finders else 0  # fit clips and their twins, of both data seeds
    disk = ((scenes + twins + exchanged) * kept + token_map.forwards) * model.tokens * model.width * FLOAT32
    memory = BASE_MEMORY + model.parameters * FLOAT32 + BATCH * model.tokens * model.width * FLOAT32 * COPIES
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


def _das(spec: StudySpec, model: Geometry, fit: int, layers: set[int], best: int) -> PlanStep:
    """Fit clips and their twins with tokens, of both data seeds, and training at its longest: at every layer for the finder, at the
    best one for the shuffled control, the halves of the split-half ceiling and the other seed."""
    one = DAS_STEPS * DAS_CLIPS * BACKWARD + (DAS_STEPS // DAS_EVERY + 2) * round(fit * DAS_HELD)  # clips of one rotation
    trained = {layer: DAS_SEEDS for layer in layers}
    trained[best] += spec.draws + (2 * HALVINGS + 1) * DAS_SEEDS
    captured = 4 * fit
    return PlanStep(
        "das: fit clips' twins and training, at most",
        captured + one * sum(trained.values()),
        captured * model.depth + sum(one * count * (model.depth - layer) for layer, count in trained.items()),
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
