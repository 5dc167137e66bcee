"""rollout: an action-conditioned predictor, which goes on from an edited beginning under the actions that were taken."""

from __future__ import annotations

from typing import Any

from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.card import EncoderCard
from jepascope.errors import BadArgument
from jepascope.intervention.judge_entry import JudgeEntry
from jepascope.intervention.judges.predictor import check_context, context_of, no_future

DECLARED = JudgeEntry(
    name="rollout",
    meaning="the encoder's own action-conditioned predictor: what is read of its rollout, step by step",
    run="jepascope.intervention.judges.rollout:DECLARED",
    order=5,
    made="run",
    beside=True,
    asked=True,
    reads="rollout",
    unavailable="unavailable",
    check="check",
    words="its own rollout",
)


def unavailable(card: EncoderCard, spec: Any) -> str:
    """It needs a predictor that is given actions, clips that carry them, and a twin whose real future is known."""
    if not card.actions:
        return "this encoder has no predictor that is given actions"
    if "actions" not in spec.asked.recorded:
        return "these clips carry no actions (array 'actions' of an .npz, or actions= of clips.from_arrays)"
    return no_future(card, spec)


def check(spec: Any, encoder: VideoEncoder) -> None:
    """BadArgument where clips carry actions, or states, that this encoder does not take, or nothing would be left to roll out."""
    card = encoder.card
    check_context(card, context_of(spec, card))
    for name, numbers, times in (("actions", card.actions, card.grid[0] - 1), ("states", card.states, card.grid[0])):
        held = spec.asked.recorded.get(name)
        if numbers and (held is None or held[1:] != (times, numbers)):
            has = "none" if held is None else f"{held[1]} of {held[2]} numbers"
            raise BadArgument(
                f"Encoder '{card.name}' is rolled out under {times} {name} of {numbers} numbers a clip; the clips carry {has}. Give clips "
                f"of as many frames as it takes ({card.frames}), with {name} to match."
            )
