"""The rollout as judge: edit the beginning of a clip, let the model's own action-conditioned predictor go on from it under the actions
that were taken, and read the variable of what it arrives at, step by step.

With m_h(.) the margin towards the target (ablation: of the clip's own class) that a probe reads of latents h steps on, pooled over places:

    rollout   CE_h = sum m_h(edited rollout) - m_h(rollout) / sum m_h(twin's rollout) - m_h(rollout)    probes of real latents
    future    the same above                                / sum m_h(twin's future) - m_h(future)      probes of real latents
    code      as rollout, with probes of unedited rollouts themselves

(ablation: what the margin loses, over the margin of the rollout, or of the real future). Probes are trained on split ``judge``, one for
each step. ``rollout`` asks whether an edited state moves the rollout as the twin's real state does, ``future`` whether as reality does.
A predictor may write in another code than the encoder reads: ``code`` asks alone whether what it arrives at depends on the state.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.suffix import Placed
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.precision import exact
from jepascope.intervention.judges import EVERY, Readout, read_logits

READINGS = ("rollout", "future", "code")


@dataclass(frozen=True)
class Driven(Placed):
    """The actions of some clips, and the states where the predictor is given some; as the encoder's weights are."""

    actions: Float[Tensor, "clips steps action"]
    states: Float[Tensor, "clips times state"] | None = None

    @classmethod
    def of(cls, encoder: VideoEncoder, part: Activations) -> Driven:
        """Of captured clips."""
        recorded = part.clips.recorded
        assert recorded is not None  # the study refused clips that carry none
        actions, states = recorded.of(part.clips.factors["clip"].to_numpy())
        return cls(actions, states if encoder.card.states else None)

    def rows(self, rows: slice | Tensor) -> Driven:
        return Driven(self.actions[rows], None if self.states is None else self.states[rows])


@dataclass(frozen=True)
class World:
    """``encoder`` sees whole clips, ``early`` the first ``context`` times alone, from which rollouts start."""

    encoder: VideoEncoder
    early: VideoEncoder

    @property
    def context(self) -> int:
        return self.early.card.grid[0]

    @property
    def steps(self) -> int:
        """Of a rollout: the times that are left."""
        return self.encoder.card.grid[0] - self.context

    @torch.inference_mode()
    def future(self, last: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips steps places width"]:
        """Latents that a rollout should arrive at, of whole clips' ``h_L``."""
        space = self.encoder.forecast_space(exact(self.encoder.norm(last)))
        return by_step(space[:, self.early.card.places : self.encoder.card.places], self.encoder)

    @torch.inference_mode()
    def present(self, last: Float[Tensor, "clips context width"]) -> Float[Tensor, "clips 1 places width"]:
        """Latents of the last time that was seen, of beginnings' ``h_L``."""
        space = self.encoder.forecast_space(exact(self.early.norm(last)))
        return by_step(space[:, : self.early.card.places], self.early)[:, -1:]

    def rolled(self, last: Float[Tensor, "clips context width"], driven: Driven) -> Float[Tensor, "clips steps places width"]:
        """The rollout of beginnings' ``h_L``."""
        return rolled_out(self.early, last, driven)


@torch.inference_mode()
def rolled_out(early: VideoEncoder, last: Float[Tensor, "rows context width"], driven: Driven) -> Float[Tensor, "rows steps places width"]:
    """What an encoder of beginnings arrives at from their ``h_L``, step by step."""
    actions, states = driven.actions.to(last), None if driven.states is None else driven.states.to(last)
    return by_step(exact(early.rollout(early.norm(last)[:, : early.card.places], actions, states)), early)


def by_step(latents: Float[Tensor, "clips tokens width"], encoder: VideoEncoder) -> Float[Tensor, "clips steps places width"]:
    """Tokens in (time, row, column) order, parted by time."""
    parted: Tensor = latents.unflatten(1, (-1, encoder.card.grid[1] * encoder.card.grid[2]))
    return parted


@dataclass(frozen=True)
class RolloutReader(Placed):
    """Rolls edited beginnings out under their clips' actions; reads the latents of every step, pooled over places, side by side."""

    driven: Driven

    def __call__(self, encoder: VideoEncoder, hidden: Tensor, clips: Tensor) -> Tensor:
        self.driven.to(hidden.device)
        return rolled_out(encoder, hidden, self.driven.rows(clips)).mean(dim=2).flatten(1)


APART = " "  # between a judge's name, its reading and its step


def judge_name(reading: str, step: int) -> str:
    """Of the judge of one step of rollouts."""
    return APART.join(("rollout", reading, str(step)))


@dataclass(frozen=True)
class RolloutJudge:
    """A probe of one ``step`` (from 1) of rollouts; ``driven``: the actions of the scenes. Judges of one study share what is rolled out.
    ``again``: which of the probes that are trained anew it is, if any."""

    driven: Driven
    steps: int
    step: int
    probe: Readout
    reading: str = "rollout"
    again: int | None = None
    tokens: str = "all"
    layer: int | None = None
    variable: str = ""

    @property
    def name(self) -> str:
        name = judge_name(self.reading, self.step)
        return name if self.again is None else f"{name}{APART}again {self.again}"

    @property
    def source(self) -> str:
        return "rollout"

    @property
    def pooled(self) -> bool:
        return False

    def features(self, width: int) -> int:
        return self.steps * width

    def reader(self, mask: Bool[Tensor, "clips tokens"] | None, rows: slice = EVERY) -> RolloutReader:
        return RolloutReader(self.driven.rows(rows))

    def logits(self, read: Float[Tensor, "*batch features"]) -> Float64[Tensor, "*batch classes"]:
        return read_logits("rollout", self.probe, read.unflatten(-1, (self.steps, -1))[..., self.step - 1, :])

    def angle(self, read: Float[Tensor, "*batch features"]) -> None:
        return None
