"""Steps of stage three, declared: subspaces of other scenes, layers and clip sets, pairs of finders exchanged, and subspaces peeled off."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from jepascope.discovery.finder_entry import FINDERS, needing, peeled_by
from jepascope.study.sizes import Counts, Passes
from jepascope.study.spec import StudySpec
from jepascope.study.step import Step
from jepascope.study.steps.at_best import PORT_DRAWS
from jepascope.study.steps.discover import rotation_clips, rotations, splits

EXCHANGE_DRAWS = 20  # of the random and of the variance control of every exchange: the fewest that can say that an effect lies outside them
EXCHANGE_CONTROLS = 2
RECORDED = 1  # pass of the scenes as they are, which norms are held by
LEFT = 2  # exchanges: of all that was not peeled off, and the ablation that it is measured from
NORM_DRAWS = 2  # at equal token norm: of permuted labels and of the variance control
PEEL_ROUNDS = 2  # of finding peeled subspaces again: each training takes seconds on a small encoder and minutes on a large one
BESIDE = EXCHANGE_CONTROLS * EXCHANGE_DRAWS  # controls of an exchange that has room for them


def _ported(counts: Counts) -> Iterator[Passes]:
    """Scenes of another seed have no labels of one's own. Other clip sets are captured like the study's own; there the finders' own
    subspaces with their controls, and the study's in their place."""
    spec, sets = counts.spec, counts.spec.carried_to
    elsewhere = spec.renewable + len({*counts.layers, counts.best}) - 1
    yield counts.captured("fit clips of another seed", counts.fit if spec.renewable else 0)
    used = elsewhere * len(spec.finders) * len(spec.doses) * counts.scenes
    pairs = len(spec.finders) * (len(spec.finders) - 1 + elsewhere)
    natives = [_at_norm(counts, finder, elsewhere) for finder in spec.finders] if pairs else []
    used += sum(natives) * counts.scenes
    yield counts.at("subspaces of other scenes and layers at every dose, and at equal token norm", used)
    if sets:
        named, captured = " and ".join(sets), splits(counts, "", 1)
        yield sum((captured for _ in sets), Passes(f"clips and twins of {named}", 0, 0))
        used = (counts.conditions("ablate", PORT_DRAWS, 1) + len(spec.finders)) * len(spec.doses) * counts.scenes + counts.read
        used += sum(_beside_native(finder, 1) for finder in spec.finders) * counts.scenes
        yield counts.at(f"subspaces carried to {named} at every dose, and at equal token norm", len(sets) * used)


def _beside_native(finder: str, places: int) -> int:
    """What is run at a native subspace's token norm where its finder's is carried from so many ``places``: itself and its variance
    controls; from each place the used one, its permuted labels (of finders that are permuted cheaply) and PCA."""
    return 1 + NORM_DRAWS + places * (2 + _permuted(finder))


def _permuted(finder: str) -> int:
    return NORM_DRAWS if FINDERS.entry(finder).permuted_cheaply else 0


def _at_norm(counts: Counts, native: str, elsewhere: int) -> int:
    """The same, and every other finder's in its place; PCA of one rank is one."""
    others = [finder for finder in counts.spec.finders if finder != native]
    ranks = {counts.spec.rank_of(finder) for finder in others}
    return _beside_native(native, elsewhere) + sum(1 + _permuted(finder) for finder in others) + len(ranks)


def _degenerate(counts: Counts) -> Iterator[Passes]:
    """Every two finders; then peeling, as if every subspace lay above its controls and all overlapped in what they do: each is then found
    and exchanged, all of them are exchanged alone and found again whenever one is added, and in the end each is exchanged in its place, and
    alone, and alone once more with the norms held, and all that is left is exchanged. (A stage that does no more than a control does is
    exchanged once more, beside others: that is not counted.) What the scenes and their twins read unedited is known from the edits of
    the same layer."""
    spec, stages = counts.spec, peeled_stages(counts)
    if not spec.peels:
        return
    pairs = list(combinations(spec.finders, 2))
    if pairs:
        exchanged = sum(pair_exchanges(counts, a, b) for a, b in pairs)
        named = f"{len(pairs)} pair{'s' * (len(pairs) > 1)} of finders exchanged, one without the other"
        yield counts.at(named, exchanged * counts.scenes)
    if spec.state_variable.rendered:
        found = min(spec.peels, stages + 1) + PEEL_ROUNDS * sum(range(2, stages + 1))  # one may be found that has no room
        shown = 0 if needing("suffix", spec.finders) else counts.fit
        named = "fit clips' twins and training to peel subspaces off, at most"
        yield counts.captured(named, shown, sites=1, times=2) + counts.at("", rotations(found) * rotation_clips(counts))
    in_turn = stages * (1 + BESIDE) + max(0, stages - 1)  # and, from the second on, the ablation of those before
    alone = sum(1 + 2 * many for many in range(2, stages + 1))  # all together, each alone, and the ablation of all others
    last = 1 + 2 * stages if stages > 1 else 2 * stages
    alone += 2 * last + RECORDED + LEFT if stages else 0
    again = in_turn if stages > 1 else 0  # what was found again
    yield counts.at("subspaces peeled off and exchanged, at most", (in_turn + again + alone) * counts.scenes)


def pair_exchanges(counts: Counts, a: str, b: str) -> int:
    """Each alone, both together, and each one while the other is ablated; beside each of the last three its controls, where there is
    room, and for the last two the ablation that they are measured from. Then what of each lies outside the other; and the last three once
    more, with the norms held."""
    spec, width = counts.spec, counts.model.width
    of_a, of_b = spec.rank_of(a), spec.rank_of(b)
    full = spec.rank is not None and of_a == of_b == spec.class_count - 1  # a rank that is found may be lower
    same_span = full and FINDERS.entry(a).spans_means and FINDERS.entry(b).spans_means  # by a theorem
    both, parts = (of_a, []) if same_span else (min(width, of_a + of_b), [of_a, of_b])
    beside = [BESIDE for rank in (both, *parts) if width - both >= rank]
    exchanged = 1 + 2 * len(parts)
    return 2 + exchanged + sum(beside) + len(parts) + exchanged + RECORDED


def peeled_stages(counts: Counts) -> int:
    """The most that are asked for and have room beside their controls."""
    spec = counts.spec
    rank = spec.rank_of(peeled_by(spec.state_variable.rendered))
    return max(0, min(spec.peels, counts.model.width // rank - 1))


def _not_peeled(spec: StudySpec) -> str:
    return "" if spec.peels else "the study leaves degeneracy out (peels)"


PORT = (
    Step(
        name="port",
        tables=("portability", "angles", "carried_readout"),
        run="port.across:run_portability",
        needs=("captures", "context", "subspaces", "main judge", "fits", "imported"),
        cost=_ported,
        chapter="port",
        beside=20.0,
    ),
    Step(
        name="degeneracy",
        tables=("degeneracy", "verdicts", "peeling"),
        run="port.degeneracy:run_degeneracy",
        needs=("captures", "context", "own at best", "portability"),
        cost=_degenerate,
        skipped=_not_peeled,
        chapter="port",
        beside=25.0,
        share=0.25,
    ),
)

MODELS = (
    Step(name="capture", run="port.sides:capture_both", needs=("a", "b")),
    Step(name="layers", run="port.similarity:matched_layers", needs=("a", "b")),
    Step(name="similarity", tables=("similarity",), run="port.similarity:similarity_table", needs=("a", "b", "layers", "components")),
    Step(name="transport", tables=("transport",), run="port.transport:transport_table", needs=("layers", "finders", "components", "run")),
)
SUBSPACES = (
    Step(name="port", tables=("portability", "angles"), run="port.found_elsewhere:run_subspaces_table", needs=("a", "b", "finders")),
)
COMMAND = {"models": MODELS, "subspaces": SUBSPACES}
"""By what the two sides are: different models, or runs of one."""
