"""predictor: the encoder's own predictor, which forecasts the rest of a clip from its edited beginning."""

from __future__ import annotations

from typing import Any

from jepascope.activations.site import time_span
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.card import EncoderCard
from jepascope.errors import BadArgument
from jepascope.intervention.judge_entry import JudgeEntry

DECLARED = JudgeEntry(
    name="predictor",
    meaning="the encoder's own predictor: to which really rendered future its forecast leans",
    run="jepascope.intervention.judges.predictor:DECLARED",
    order=3,
    made="run",
    beside=True,
    reads="forecast",
    unavailable="unavailable",
    check="check",
    words="the encoder's own predictor",
)


def unavailable(card: EncoderCard, spec: Any) -> str:
    """Without a predictor there is no forecast."""
    return no_future(card, spec) if card.has_predictor else card.forecasts or "this encoder has no predictor"


def no_future(card: EncoderCard, spec: Any) -> str:
    """Why there is no real future to hold a forecast against; "" where there is one: it takes twins, and tubelets after those edited."""
    if not spec.state_variable.rendered:
        twinless = "real videos have no twins" if spec.of_videos else f"no twin can be rendered for {spec.variable}"
        return f"{twinless}, so there is no real future to hold a forecast against"
    if spec.swap_donor == "class":
        return "swaps take from donors here, other scenes, whose future says nothing about the clip's"
    if card.grid[0] < 2:
        return "clips of one tubelet have no future"
    if (span := time_span(spec.edited_tokens)) is not None and span[1] >= (shown := context_of(spec, card)):
        return f"it is shown the first {shown} tubelet(s) alone, and the edited tokens ({spec.edited_tokens}) lie later"
    return ""


def check(spec: Any, encoder: VideoEncoder) -> None:
    check_context(encoder.card, context_of(spec, encoder.card))


def context_of(spec: Any, card: EncoderCard) -> int:
    """Tubelets that the predictor is shown: the study's, or half of the clip."""
    return int(spec.context or card.grid[0] // 2)


def check_context(card: EncoderCard, context: int) -> None:
    """BadArgument where nothing would be left to forecast."""
    if not 1 <= context < card.grid[0]:
        raise BadArgument(
            f"The predictor needs 1 to {card.grid[0] - 1} of the {card.grid[0]} tubelets as context, "
            f"so that a future is left; not {context}. Set context."
        )
