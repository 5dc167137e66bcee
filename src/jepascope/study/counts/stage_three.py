"""Stage three counted: subspaces of other scenes, layers and clip sets, pairs of finders exchanged, and subspaces peeled off."""

from __future__ import annotations

from itertools import combinations

from jepascope.discovery.finder_entry import FINDERS, needing
from jepascope.study.counts import EXCHANGE_CONTROLS, EXCHANGE_DRAWS, PEEL_ROUNDS, PORT_DRAWS
from jepascope.study.counts.das import rotation_clips, rotations
from jepascope.study.counts.sizes import Counts, PlanStep

BESIDE = EXCHANGE_CONTROLS * EXCHANGE_DRAWS  # controls of an exchange that has room for them


def stage_three(counts: Counts) -> list[PlanStep]:
    """In the order in which they run."""
    spec, scenes, best = counts.spec, counts.scenes, (counts.best,)
    labelled = spec.renewable  # scenes of another seed have no labels of one's own
    elsewhere = labelled + len({*counts.layers, counts.best}) - 1
    return [
        counts.through("fit clips of another seed", counts.fit if labelled else 0),
        counts.at("subspaces of other scenes and layers at every dose", elsewhere * len(spec.finders) * len(spec.doses) * scenes, best),
        *_clip_sets(counts),
        *_pairs(counts),
        *_peeling(counts),
    ]


def _clip_sets(counts: Counts) -> list[PlanStep]:
    """Each captured like the study's own; there the finders' own subspaces with their controls, and the study's in their place."""
    spec, sets = counts.spec, counts.spec.carried_to
    if not sets:
        return []
    named = " and ".join(sets)
    captured = counts.fit + counts.judge + counts.test + counts.twins
    used = (counts.conditions("ablate", PORT_DRAWS, 1) + len(spec.finders)) * len(spec.doses) * counts.scenes + counts.read
    return [
        counts.through(f"clips and twins of {named}", len(sets) * captured),
        counts.at(f"subspaces carried to {named} at every dose", len(sets) * used, (counts.best,)),
    ]


def _pairs(counts: Counts) -> list[PlanStep]:
    """Every two finders."""
    pairs = list(combinations(counts.spec.finders, 2)) if counts.spec.peels else []
    if not pairs:
        return []
    exchanged = sum(pair_exchanges(counts, a, b) for a, b in pairs)
    named = f"{len(pairs)} pair{'s' * (len(pairs) > 1)} of finders exchanged, one without the other"
    return [counts.at(named, exchanged * counts.scenes + counts.read, (counts.best,))]


def pair_exchanges(counts: Counts, a: str, b: str) -> int:
    """Each alone, both together, and each one while the other is ablated; beside each of the last three its controls, where there is
    room, and for the last two the ablation that they are measured from."""
    spec, width = counts.spec, counts.model.width
    of_a, of_b = spec.rank_of(a), spec.rank_of(b)
    one = FINDERS.entry(a).spans_means and FINDERS.entry(b).spans_means and of_a == of_b == spec.class_count - 1  # by a theorem
    both, parts = (of_a, []) if one else (min(width, of_a + of_b), [of_a, of_b])
    beside = [BESIDE for rank in (both, *parts) if width - both >= rank]
    return 2 + 1 + 2 * len(parts) + sum(beside)


def _peeling(counts: Counts) -> list[PlanStep]:
    """As if every subspace lay above its controls and all overlapped in what they do: each is then found and exchanged, all of them are
    exchanged alone and found again whenever one is added, and in the end each is exchanged in its place, and alone."""
    spec, best, stages = counts.spec, (counts.best,), peeled_stages(counts)
    if not spec.peels:
        return []
    in_turn = stages * (1 + BESIDE) + max(0, stages - 1)  # and, from the second on, the ablation of those before
    alone = sum(1 + 2 * many for many in range(2, stages + 1))  # all together, each alone, and the ablation of all others
    alone += 1 + 2 * stages if stages > 1 else 2 * stages
    read = counts.read if len(spec.finders) == 1 else 0  # else the pairs' serve
    again = in_turn if stages > 1 else 0  # what was found again
    exchanged = counts.at("subspaces peeled off and exchanged, at most", (in_turn + again + alone) * counts.scenes + read, best)
    if not spec.state_variable.rendered:
        return [exchanged]
    found = min(spec.peels, stages + 1) + PEEL_ROUNDS * sum(range(2, stages + 1))  # one may be found that has no room
    captured = 0 if needing("suffix", spec.finders) else 2 * counts.fit
    trained = counts.at("", rotations(found) * rotation_clips(counts), best)
    named = "fit clips' twins and training to peel subspaces off, at most"
    return [
        PlanStep(named, captured + trained.forwards, captured * counts.model.depth + trained.block_passes),
        exchanged,
    ]


def peeled_stages(counts: Counts) -> int:
    """The most that are asked for and have room beside their controls."""
    spec = counts.spec
    rank = spec.rank_of("das" if spec.state_variable.rendered else "inlp")
    return max(0, min(spec.peels, counts.model.width // rank - 1))
