"""How many clips, scenes, layers and controls a study has: what the costs of its steps are counted from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from jepascope.activations.layout import Layout
from jepascope.clips.video.enough import FOLDER_SHARES
from jepascope.discovery.finder_entry import FINDERS
from jepascope.encoders.budget import climbed_together, hidden_bytes
from jepascope.intervention.control_entry import AS_GIVEN, CONTROLS, MATCHED
from jepascope.intervention.edit_entry import COMPARED, EDITS, LEADING, takes_over
from jepascope.intervention.judge_entry import JUDGES, MAIN
from jepascope.study.edited_layers import EditedLayers
from jepascope.study.geometry import Geometry
from jepascope.study.ranks import spanned
from jepascope.study.spec import StudySpec
from jepascope.study.videos.carried_by import carried_by

CONTROL_COUNT = sum(CONTROLS.own[name].made != "run" for name in MATCHED)
LEFT_OUT_FIXED = tuple(name for name in MATCHED if CONTROLS.own[name].made == "fixed")  # beside them, and those of AS_GIVEN
DIRECTIONS = 8  # classes that a clip set is balanced over, and how its clips are shared out to fit and judge; test gets the rest
SPLIT_SHARES = (0.5, 0.3)


@dataclass(frozen=True)
class Passes:
    """What goes through the encoder for one purpose. ``forwards``: clips or edited clips; ``block_passes``: clips x blocks of them.

    ``share``: of a whole clip's tokens that they have (beginnings are shorter); ``forecasts``: how many of them the predictor goes on from;
    ``kept``: the captures that stay on disk; ``steps``: clips x steps that a predictor of states and actions takes in rollouts.
    """

    name: str
    forwards: int
    block_passes: int
    share: float = 1.0
    forecasts: int = 0
    kept: tuple[Layout, ...] = ()
    steps: int = 0

    def __add__(self, other: Passes) -> Passes:
        """Both under the first one's name."""
        forwards, passes = self.forwards + other.forwards, self.block_passes + other.block_passes
        return replace(self, forwards=forwards, block_passes=passes, kept=self.kept + other.kept, steps=self.steps + other.steps)


def draws_of(spec: StudySpec, edit: str, control: str, judge: str = MAIN) -> int:
    """Draws of a control beside an edit, at layers run in full: fewer of what stands beside, and by a judge that each costs more."""
    beside = EDITS.entry(edit).beside or CONTROLS.entry(control).beside or JUDGES.entry(judge).beside
    return min(spec.draws, spec.draws_beside) if beside else spec.draws


def left_out_conditions(spec: StudySpec) -> int:
    """Edits of a clip of a video that is left out: the first finder's subspace and its controls."""
    conditions, draws = 0, min(spec.draws, spec.draws_beside)
    for edit in LEADING:
        own = [name for name in AS_GIVEN if not (CONTROLS.entry(name).carried and EDITS.entry(edit).carries)]  # then they are random's
        conditions += 1 + len(LEFT_OUT_FIXED) + draws * len(own)
    return conditions


def screened_edits(spec: StudySpec) -> tuple[str, ...]:
    """Edits that are run at layers that no claim is made for: those that subspaces are compared by."""
    return tuple(name for name in spec.edits if name in COMPARED) or spec.edits[:1]


@dataclass(frozen=True)
class Counts:
    """One study on one model; ``best`` is the layer that claims are made for, or the earliest that may be. ``dtype``: the encoder's
    precision, in which tokens are kept, as safetensors names it."""

    spec: StudySpec
    model: Geometry
    best: int
    dtype: str = "F32"

    @property
    def fit(self) -> int:
        """Of real videos at most, as all three splits are."""
        return self._split("fit", SPLIT_SHARES[0])

    @property
    def judge(self) -> int:
        return self._split("judge", SPLIT_SHARES[1])

    @property
    def test(self) -> int:
        if self.spec.of_videos:
            return self._split("test", 0)
        return self.spec.asked.count(self.spec.clips_per_class) - self.fit - self.judge

    def _split(self, name: str, share: float) -> int:
        if self.spec.of_videos:
            return self.spec.class_count * max(1, round(FOLDER_SHARES[name] * self.spec.clips_per_class))
        return (
            round(share * self.spec.asked.count(self.spec.clips_per_class))
            if self.spec.of_arrays
            else DIRECTIONS * round(share * self.spec.clips_per_class)
        )

    @property
    def taken(self) -> int:
        """Subspaces of another run that are used beside the finders' own."""
        run = carried_by(self.spec)
        return 0 if run is None else len(run.spec.finders)

    @property
    def scenes(self) -> int:
        """Test scenes that are intervened on."""
        return min(self.test, max(1, self.spec.test_scenes // self.spec.class_count) * self.spec.class_count)

    @property
    def twins(self) -> int:
        """Donors are test clips, and captured with them."""
        return self.scenes if self.rendered else 0

    @property
    def rendered(self) -> bool:
        return self.spec.state_variable.rendered and self.spec.swap_donor != "class"

    @property
    def edited(self) -> EditedLayers:
        return EditedLayers(self.spec, self.model.depth)

    @property
    def layers(self) -> tuple[int, ...]:
        return self.edited.named

    @property
    def full(self) -> tuple[int, ...]:
        """Layers at which every edit, control and judge runs."""
        return self.edited.full(self.best)

    @property
    def surveyed(self) -> tuple[int, ...]:
        return tuple(sorted({*self.layers} - {*self.full}))

    @property
    def outcomes(self) -> int:
        """Kinds of outcome that the edits have, each with slopes of its own."""
        return len({EDITS.entry(name).outcome for name in self.spec.edits})

    @property
    def climbed(self) -> list[tuple[int, ...]]:
        """Layers whose slopes come from one way back."""
        hidden = hidden_bytes(self.model.tokens, self.model.width)
        return climbed_together((*self.full, *self.surveyed), hidden, self.outcomes)

    @property
    def kept(self) -> int:
        """Layers whose tokens are kept on disk."""
        return len(self.edited.needed)

    @property
    def maybe_full(self) -> int:
        """Layers that may be run in full, before the best one is known."""
        return len(self.edited.maybe_full)

    @property
    def head_scenes(self) -> int:
        """Scenes of the classes that the task head can name."""
        spec, pairs = self.spec, self.spec.head_classes
        if "head" not in self.read_by or not self.model.has_head or not pairs:
            return 0
        return self.scenes // spec.class_count * len(pairs)

    @property
    def read_by(self) -> set[str]:
        """What the study's judges read."""
        return {JUDGES.entry(name).reads for name in self.spec.judges}

    @property
    def predicted(self) -> bool:
        return "forecast" in self.read_by and self.model.has_predictor and self.rendered and self.model.times > 1

    @property
    def rolled_out(self) -> bool:
        """Whether the model is, in clips whose actions are known."""
        asked = "rollout" in self.read_by and self.model.actions > 0 and "actions" in self.spec.asked.recorded
        return asked and self.rendered and self.model.times > 1

    @property
    def context(self) -> int:
        """Tubelets that the predictor is shown."""
        return self.spec.context or self.model.times // 2

    @property
    def ranks(self) -> set[int]:
        """Of the finders."""
        return {self.spec.rank_of(finder) for finder in self.spec.finders}

    @cached_property
    def random(self) -> int:
        """Sets of random draws: finders of one rank that avoid each other's subspaces share theirs."""
        spec, ranks = self.spec, self.ranks
        shared = self.model.width - spanned(spec.finders, spec.rank, spec.state_variable) >= 2 * max(spec.full_rank, *ranks)
        return (len(ranks) if shared else len(spec.finders)) + self.taken

    @property
    def read(self) -> int:
        """Under object tokens scenes and twins are read once more at every layer, over the tokens of both."""
        return 2 * self.scenes if self.spec.tokens == "object" and self.rendered else 0

    def conditions(self, edit: str, draws: int, specific: int) -> int:
        """Edits of every finder beside ``draws`` of the random control and of ``specific`` ones that are the finder's own.

        In steering every draw carries one finder's own step over, and nothing is shared."""
        finders = len(self.spec.finders) + self.taken
        return finders + draws * ((finders if EDITS.entry(edit).carries else self.random) + specific * finders)

    def every_control(self, full: bool = True, judge: str = MAIN) -> int:
        """Conditions of all edits at one layer in full, at one dose; or at one that is screened."""
        spec = self.spec
        # where nothing is random, finders of one rank have the same
        fixed = sum(CONTROLS.entry(name).made == "fixed" for name in spec.controls) * (len(self.ranks) + self.taken)
        edits = spec.edits if full else screened_edits(spec)
        conditions = len(edits) * (len(spec.finders) + self.taken + fixed)
        for edit, name in product(edits, spec.controls):
            if full or not CONTROLS.entry(name).beside:
                draws = draws_of(spec, edit, name, judge) if full else spec.draws_elsewhere
                conditions += draws * self._sets(name, edit)
        return conditions

    def _sets(self, name: str, edit: str) -> int:
        """How many finders a control's draws are made for: those that share them are counted once."""
        entry, finders = CONTROLS.entry(name), len(self.spec.finders) + self.taken
        if entry.made == "found":
            cheap = sum(FINDERS.entry(finder).closed_form for finder in self.spec.finders)
            return cheap if entry.given else finders
        if entry.made != "drawn":
            return 0
        if entry.carried and EDITS.entry(edit).carries:  # then they are those of ``random``
            return 0
        own = takes_over(name, edit) or entry.matches != "rank"
        return finders if own else self.random

    def captured(self, name: str, clips: int, sites: int = 0, moments: int = 0, times: int = 1, share: float = 1.0) -> Passes:
        """Whole passes that stay on disk, ``times`` of so many clips each. Which layers they keep does not change their size."""
        tokens = round(share * self.model.tokens)
        kept = Layout(clips, self.model.depth + 1, self.model.width, tokens, tuple(range(sites)), tuple(range(moments)), self.dtype)
        return Passes(name, clips * times, clips * times * self.model.depth, share, kept=(kept,) * times if clips else ())

    def at(self, name: str, clips: int, layers: tuple[int, ...] | None = None) -> Passes:
        """The blocks after each of the layers, or after the best one; nothing of it is kept."""
        layers = (self.best,) if layers is None else layers
        return Passes(name, clips * len(layers), sum(clips * (self.model.depth - layer) for layer in layers))
