"""Steps of stage one, declared: what is captured, what probes say of the variable, and the subspaces that finders find."""

from __future__ import annotations

from collections.abc import Iterator

from jepascope.discovery.finder_entry import needing
from jepascope.study.sizes import Counts, Passes
from jepascope.study.spec import StudySpec
from jepascope.study.step import Step

DEGRADED_SETS = 4
BACKWARD = 3  # a step forward and back costs about three passes
HALVINGS = 4  # of the fit clips behind each split-half ceiling
DAS_SEEDS, DAS_STEPS, DAS_CLIPS, DAS_EVERY, DAS_HELD = 3, 40, 16, 5, 1 / 5  # das: rotations, steps, clips of each, looks, share looked at


def splits(counts: Counts, name: str, sites: int) -> Passes:
    """Every split and the twins, with tokens of the test scenes at so many layers."""
    found = counts.captured(name, counts.fit, moments=sites) + counts.captured("", counts.judge)
    found += counts.captured("", counts.scenes, sites) + counts.captured("", counts.twins, sites)
    return found + counts.captured("", counts.test - counts.scenes)


def _captured(counts: Counts) -> Iterator[Passes]:
    yield splits(counts, "capture clips and twins", counts.kept)


def _untrained(counts: Counts) -> Iterator[Passes]:
    yield counts.captured("untrained twins", counts.fit + counts.test, times=counts.spec.untrained_seeds)


def _token_map(counts: Counts) -> Iterator[Passes]:
    seen = counts.fit + counts.test if counts.spec.token_map else 0
    yield counts.captured(f"tokens of fit and test clips at layer {counts.best}", seen, sites=1)


def _degraded(counts: Counts) -> Iterator[Passes]:
    motion = counts.spec.variable == "direction"  # all that can be taken away
    yield counts.captured("leak check", counts.fit + counts.test, times=DEGRADED_SETS if motion else 0)


def rotations(found: int) -> int:
    """Rotations that are trained to find so many subspaces."""
    return found * DAS_SEEDS


def rotation_clips(counts: Counts) -> int:
    """Clips that one rotation runs through the blocks after its site, a step back counted in."""
    return DAS_STEPS * DAS_CLIPS * BACKWARD + (DAS_STEPS // DAS_EVERY + 2) * round(counts.fit * DAS_HELD)


def _trained(counts: Counts) -> Iterator[Passes]:
    """Training for ``das``, which many steps share, at its longest: fit clips and their twins with tokens, of both data seeds and every
    clip set; at every layer for the finder, at those in full for the shuffled control, at the best one for the other seed, the other clip
    sets, and the halves of each split-half ceiling."""
    spec = counts.spec
    if not needing("suffix", spec.finders):
        return
    trained = {layer: rotations(1) for layer in {*counts.layers, counts.best}}
    for layer in counts.full:
        trained[layer] += spec.draws
    trained[counts.best] += rotations(1 + 2 * HALVINGS) * (1 + len(spec.carried_to))
    found = counts.captured("das: fit clips' twins and training, at most", counts.fit, counts.kept, times=4 if spec.renewable else 2)
    found += counts.captured("", counts.fit, sites=1, times=2 * len(spec.carried_to))
    for layer, count in trained.items():
        found += counts.at("", rotation_clips(counts) * count, (layer,))
    yield found


def _no_map(spec: StudySpec) -> str:
    return "" if spec.token_map else "the study leaves the token map out (token_map)"


def _no_halves(spec: StudySpec) -> str:
    return "" if spec.stability_subsamples else "the study leaves stability selection out (stability_subsamples)"


def _no_motion(spec: StudySpec) -> str:
    return "" if spec.variable == "direction" else f"only motion can be taken away, and a single frame may show {spec.variable}"


CAPTURE = Step(name="capture", run="captures:capture_all", needs=("captures",), cost=_captured, beside=1.0)
DIMENSIONS = Step(name="dimensions", tables=("dimensions",), run="discover.dimensions:run_dimensions", needs=("captures", "best"))
SUBSPACES = Step(name="subspaces", run="discover.subspaces:run_subspaces", needs=("captures", "layers", "rank"), cost=_trained)
READ = (
    Step(name="probes", tables=("probes",), run="discover.probes:run_probes", needs=("captures",), cost=_untrained, beside=14.0),
    Step(name="values", tables=("values", "readings"), run="discover.values:run_values", needs=("captures", "best"), beside=4.0),
    Step(
        name="stability",
        tables=("stability", "frequencies"),
        run="discover.stability:run_stability",
        needs=("captures",),
        skipped=_no_halves,
        beside=5.0,
    ),
    Step(
        name="token map",
        tables=("token_map",),
        run="discover.token_map:run_token_map",
        needs=("captures", "best"),
        cost=_token_map,
        skipped=_no_map,
        beside=1.0,
    ),
)
"""What probes say of one variable."""

LEAKS = Step(
    name="leaks",
    tables=("leaks",),
    run="discover.leaks:run_leaks",
    needs=("captures", "best"),
    cost=_degraded,
    skipped=_no_motion,
    chapter="trust",
    beside=5.0,
)
