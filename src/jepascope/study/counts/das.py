"""Training rotations counted, at its longest: das as a finder of the study."""

from __future__ import annotations

from jepascope.discovery.finder_entry import needing
from jepascope.study.counts import BACKWARD, DAS_CLIPS, DAS_EVERY, DAS_HELD, DAS_SEEDS, DAS_STEPS, HALVINGS
from jepascope.study.counts.sizes import Counts, PlanStep


def rotations(found: int) -> int:
    """Rotations that are trained to find so many subspaces."""
    return found * DAS_SEEDS


def rotation_clips(counts: Counts) -> int:
    """Clips that one rotation runs through the blocks after its site, a step back counted in."""
    return DAS_STEPS * DAS_CLIPS * BACKWARD + (DAS_STEPS // DAS_EVERY + 2) * round(counts.fit * DAS_HELD)


def das(counts: Counts) -> list[PlanStep]:
    """Fit clips and their twins with tokens, of both data seeds and every clip set, and training: at every layer for the finder, at those
    in full for the shuffled control, at the best one for the other seed, the other clip sets, and the halves of each split-half ceiling."""
    spec = counts.spec
    if not needing("suffix", spec.finders):
        return []
    trained = {layer: rotations(1) for layer in {*counts.layers, counts.best}}
    for layer in counts.full:
        trained[layer] += spec.draws
    sets = 1 + len(spec.carried_to)
    trained[counts.best] += rotations(1 + 2 * HALVINGS) * sets  # subspaces of other scenes: of another seed, and of every clip set
    captured, depth, one = (2 + 2 * sets) * counts.fit, counts.model.depth, rotation_clips(counts)
    return [
        PlanStep(
            "das: fit clips' twins and training, at most",
            captured + one * sum(trained.values()),
            captured * depth + sum(one * count * (depth - layer) for layer, count in trained.items()),
        )
    ]
