"""What a spec asks of stage two and this encoder may not have: said before anything runs, and before there is a folder."""

from __future__ import annotations

from jepascope.activations.site import Site, time_mask, time_span
from jepascope.encoders.base import EncoderCard, VideoEncoder
from jepascope.errors import BadArgument
from jepascope.study.spec import StudySpec
from jepascope.study.videos.enough import check_self_swap


def check_asked(spec: StudySpec, encoder: VideoEncoder) -> None:
    """Refuse tokens that the clips do not have, a context that leaves no future, and pairs of classes and labels that there are not."""
    card, rendered = encoder.card, spec.state_variable.rendered
    site = Site(0, spec.edited_tokens)
    check_self_swap(spec)
    if time_span(site.tokens) is not None:
        time_mask(site.tokens, card.grid)
    if "predictor" in spec.judges and card.has_predictor and rendered and card.grid[0] > 1:
        check_context(card, context_of(spec, card))
    if "head" in spec.judges and card.has_head and rendered and spec.head_classes:
        head_columns(spec, encoder)


def context_of(spec: StudySpec, card: EncoderCard) -> int:
    """Tubelets that the predictor is shown: the study's, or half of the clip."""
    return spec.context or card.grid[0] // 2


def check_context(card: EncoderCard, context: int) -> None:
    """BadArgument where nothing would be left to forecast."""
    if not 1 <= context < card.grid[0]:
        raise BadArgument(
            f"The predictor needs 1 to {card.grid[0] - 1} of the {card.grid[0]} tubelets as context, "
            f"so that a future is left; not {context}. Set context."
        )


def paired_classes(spec: StudySpec) -> list[tuple[int, str | int]]:
    """(class index, label of the head) in the order of the classes; the spec has seen to it that there are two."""
    pairs = dict(spec.head_classes or {})
    return [(i, pairs[name]) for i, name in enumerate(spec.state_variable.classes) if name in pairs]


def head_columns(spec: StudySpec, encoder: VideoEncoder) -> tuple[int, ...]:
    """For each of the paired classes, its place among the head's labels."""
    known = encoder.head_labels
    columns = []
    for _, label in paired_classes(spec):
        if isinstance(label, str) and label not in known:
            near = [name for name in known if label.lower() in name.lower()][:3]
            meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
            raise BadArgument(f"head_classes: the head has no label '{label}'{meant}")
        column = known.index(label) if isinstance(label, str) else int(label)
        if column >= len(known):
            raise BadArgument(f"head_classes: the head has labels 0..{len(known) - 1}, not {column}.")
        columns.append(column)
    return tuple(columns)
