"""How many clips each step of a study runs through how many blocks. Imports neither torch nor pandas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from jepascope.clips.variables import VARIABLES
from jepascope.study.geometry import Geometry
from jepascope.study.ranks import spanned
from jepascope.study.spec import StudySpec

CONTROL_COUNT = 4
DEGRADED_SETS = 4
DIRECTIONS = 8  # classes that the clip set is balanced over
SPLIT_SHARES = (0.5, 0.3)  # fit and judge; test gets the rest
PORT_DRAWS = 5  # of the random and of the variance control at each dose of the dose curves, which portability reads again
REFIT_DRAWS, ISOLATION_DRAWS, CALIBRATION_DRAWS = 3, 3, 2  # of the random control
REQUESTS = 12  # angles that clips are steered to
EXCHANGE_DRAWS = 20  # of the random and of the variance control of every exchange: the fewest that can say that an effect lies outside them
HALVINGS = 4  # of the fit clips behind each split-half ceiling
DAS_SEEDS, DAS_STEPS, DAS_CLIPS, DAS_EVERY, DAS_HELD = 3, 40, 16, 5, 1 / 5  # das: rotations, steps, clips of each, looks, share looked at
CARRIED = ("steer", "rotate")  # edits whose controls carry the finder's own step over
BACKWARD = 3  # a step forward and back costs about three passes
MOST_UNTRAINED = 9  # untrained twins that are edited: fewer than what an interval needs
SELF_SWAPS = 10  # draws of donors of the clip's own class


@dataclass(frozen=True)
class PlanStep:
    """``forwards``: clips or edited clips that run through blocks; ``block_passes``: clips x blocks that they run through.

    ``share``: of a whole clip's tokens that they have (beginnings are shorter); ``forecasts``: how many of them the predictor goes on from.
    """

    name: str
    forwards: int
    block_passes: int
    share: float = 1.0
    forecasts: int = 0


@dataclass(frozen=True)
class Counts:
    """One study on one model; ``best`` is the layer that claims are made for, or the earliest that may be."""

    spec: StudySpec
    model: Geometry
    best: int

    @property
    def fit(self) -> int:
        return DIRECTIONS * round(SPLIT_SHARES[0] * self.spec.clips_per_class)

    @property
    def judge(self) -> int:
        return DIRECTIONS * round(SPLIT_SHARES[1] * self.spec.clips_per_class)

    @property
    def test(self) -> int:
        return DIRECTIONS * self.spec.clips_per_class - self.fit - self.judge

    @property
    def scenes(self) -> int:
        """Test scenes that are intervened on."""
        return min(self.test, max(1, self.spec.test_scenes // self.spec.classes) * self.spec.classes)

    @property
    def twins(self) -> int:
        """Donors are test clips, and captured with them."""
        return self.scenes if self.rendered else 0

    @property
    def rendered(self) -> bool:
        return self.spec.state_variable.rendered and self.spec.swap_donor != "class"

    @property
    def layers(self) -> tuple[int, ...]:
        return tuple(range(self.model.depth)) if isinstance(self.spec.layers, str) else self.spec.layers

    @property
    def full(self) -> tuple[int, ...]:
        """Layers at which every edit, control and judge runs."""
        return tuple(sorted({self.best, *(() if self.spec.layers == "survey" else self.layers)}))

    @property
    def surveyed(self) -> tuple[int, ...]:
        return tuple(sorted({*self.layers} - {*self.full}))

    @cached_property
    def random(self) -> int:
        """Sets of random draws: finders of one rank that avoid each other's subspaces share theirs."""
        spec = self.spec
        ranks = {spec.rank_of(finder) for finder in spec.finders}
        shared = self.model.width - spanned(spec.finders, spec.rank, spec.state_variable) >= 2 * max(spec.full_rank, *ranks)
        return len(ranks) if shared else len(spec.finders)

    @property
    def read(self) -> int:
        """Under object tokens scenes and twins are read once more at every layer, over the tokens of both."""
        return 2 * self.scenes if self.spec.tokens == "object" and self.rendered else 0

    def conditions(self, edit: str, draws: int, specific: int) -> int:
        """Edits of every finder beside ``draws`` of the random control and of ``specific`` ones that are the finder's own.

        In steering every draw carries one finder's own step over, and nothing is shared."""
        finders = len(self.spec.finders)
        return finders + draws * ((finders if edit in CARRIED else self.random) + specific * finders)

    def steps(self) -> list[PlanStep]:
        """In the order in which they run."""
        spec, scenes = self.spec, self.scenes
        degraded = DEGRADED_SETS if spec.variable == "direction" else 0  # motion is all that can be taken away
        seen = self.fit + self.test
        named = ", ".join(map(str, self.full))
        finders = len(spec.finders)
        survey = (finders + spec.draws_elsewhere * self.random) * scenes + self.read
        other_seed = self.fit if spec.labels is None else 0  # scenes of another seed have no labels of one's own
        doses = sum(self.conditions(edit, PORT_DRAWS, 1) for edit in spec.edits) * len(spec.doses) * scenes
        return [
            self._through("capture clips and twins", self.fit + self.judge + self.test + self.twins),
            self._through("untrained twins and leak check", (spec.untrained_seeds + degraded) * seen),
            self._through(f"tokens of fit and test clips at layer {self.best}", seen if spec.token_map else 0),
            self._at(f"{len(spec.edits)} edits at layer {named}, every control", self._edits(), self.full),
            self._at("ablation at the other layers", survey, self.surveyed),
            *self._predictor(),
            *self._head(),
            *self._untrained(),
            self._at("other factors' subspaces", self._isolation(), (self.best,)),
            self._at("dose curves", doses, (self.best,)),
            self._at("steering to angles", self._calibration(), (self.best,)),
            self._refits(),
            self._through("fit clips of another seed", other_seed),
            self._at("dose sweep for portability", (finders if other_seed else 0) * len(spec.doses) * scenes, (self.best,)),
            *([self._das()] if "das" in spec.finders else []),
        ]

    def _through(self, name: str, clips: int) -> PlanStep:
        return PlanStep(name, clips, clips * self.model.depth)

    def _at(self, name: str, clips: int, layers: tuple[int, ...]) -> PlanStep:
        """The blocks after each of the layers."""
        return PlanStep(name, clips * len(layers), sum(clips * (self.model.depth - layer) for layer in layers))

    def _edits(self) -> int:
        """At one layer in full."""
        spec, finders = self.spec, len(self.spec.finders)
        fixed = len({"top_pca", "nuisance"}.intersection(spec.extra_controls)) * finders
        every = sum(self.conditions(edit, spec.draws, CONTROL_COUNT - 1) + fixed for edit in spec.edits)
        swapped = SELF_SWAPS * finders if "self_swap" in spec.extra_controls and "swap" in spec.edits else 0
        return (every + swapped) * len(spec.edit_doses) * self.scenes + self.read

    @property
    def predicted(self) -> bool:
        spec = self.spec
        return "predictor" in spec.judges and self.model.has_predictor and self.rendered and self.model.times > 1

    def _predictor(self) -> list[PlanStep]:
        """Beginnings of scenes and twins, captured; their real futures and unedited forecasts, once an edit; then every condition."""
        if not self.predicted:
            return []
        spec, depth, scenes = self.spec, self.model.depth, self.scenes
        share = (spec.context or self.model.times // 2) / self.model.times
        captured = 2 * scenes
        spec_edits = len(spec.edits)
        fixed = len({"top_pca", "nuisance"}.intersection(spec.extra_controls)) * len(spec.finders)
        conditions = sum(self.conditions(edit, spec.draws, CONTROL_COUNT - 1) + fixed for edit in spec.edits) * len(spec.edit_doses)
        begun = PlanStep("", captured, captured * depth, share)
        futures = self._at("real futures for the predictor", 2 * spec_edits * scenes, self.full)
        read = self._at("", self.judge if spec.state_variable.kind == "circular" else 0, (self.best,))
        edited = self._at("", (conditions + 2 * spec_edits) * scenes, self.full)
        forecasts = (conditions + 2 * spec_edits) * scenes * len(self.full)
        return [
            PlanStep(futures.name, futures.forwards + read.forwards, futures.block_passes + read.block_passes),
            PlanStep(
                f"the same edits, by the predictor, layer {', '.join(map(str, self.full))}",
                begun.forwards + edited.forwards,
                begun.block_passes + edited.block_passes,
                share,
                forecasts,
            ),
        ]

    def _head(self) -> list[PlanStep]:
        """Scenes of the classes that the head can name, with twins of their own."""
        spec, pairs = self.spec, self.spec.head_classes
        if "head" not in spec.judges or not self.model.has_head or not pairs or not spec.state_variable.rendered:
            return []
        scenes = self.scenes // spec.classes * len(pairs)
        fixed = len({"top_pca", "nuisance"}.intersection(spec.extra_controls)) * len(spec.finders)
        conditions = sum(self.conditions(edit, spec.draws, CONTROL_COUNT - 1) + fixed for edit in spec.edits) * len(spec.edit_doses)
        edited = self._at("the same edits, by the task head", (conditions + 2) * scenes, self.full)
        return [PlanStep(edited.name, edited.forwards + scenes, edited.block_passes + scenes * self.model.depth)]

    def _untrained(self) -> list[PlanStep]:
        spec = self.spec
        if "untrained" not in spec.extra_controls:
            return []
        seeds, finders = min(spec.untrained_seeds, MOST_UNTRAINED), len([finder for finder in spec.finders if finder != "das"])
        captured = seeds * (self.fit + self.judge + self.scenes + self.twins) * len(self.full)
        edits = len([edit for edit in spec.edits if edit != "rotate"])
        edited = self._at("", seeds * (finders * edits * len(spec.edit_doses) * self.scenes + self.read), self.full)
        return [PlanStep("untrained twins edited", captured + edited.forwards, captured * self.model.depth + edited.block_passes)]

    def _isolation(self) -> int:
        others = len([name for name in VARIABLES if name != self.spec.variable])
        return others * (1 + ISOLATION_DRAWS) * self.scenes

    def _calibration(self) -> int:
        """The first finder's subspace and the circle's plane, each beside random directions of its own, steered and rotated."""
        return 2 * 2 * (1 + CALIBRATION_DRAWS) * REQUESTS * self.scenes if self.spec.state_variable.kind == "circular" else 0

    def _refits(self) -> PlanStep:
        """Tokens of judge clips, captured (the predictor reads them too), and both splits ablated."""
        conditions = len(self.spec.finders) + REFIT_DRAWS * self.random + 1  # and unedited
        edited = self._at("", conditions * (self.judge + self.scenes), (self.best,))
        return PlanStep(
            "read-outs refitted after ablation", self.judge + edited.forwards, self.judge * self.model.depth + edited.block_passes
        )

    def _das(self) -> PlanStep:
        """Fit clips and their twins with tokens, of both data seeds, and training at its longest: at every layer for the finder, at
        those in full for the shuffled control, at the best one for the halves of the split-half ceiling and the other seed."""
        one = DAS_STEPS * DAS_CLIPS * BACKWARD + (DAS_STEPS // DAS_EVERY + 2) * round(self.fit * DAS_HELD)  # clips of one rotation
        trained = {layer: DAS_SEEDS for layer in {*self.layers, self.best}}
        for layer in self.full:
            trained[layer] += self.spec.draws
        trained[self.best] += (2 * HALVINGS + 1) * DAS_SEEDS
        captured, depth = 4 * self.fit, self.model.depth
        return PlanStep(
            "das: fit clips' twins and training, at most",
            captured + one * sum(trained.values()),
            captured * depth + sum(one * count * (depth - layer) for layer, count in trained.items()),
        )
