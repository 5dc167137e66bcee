"""Whether a study fits its encoder: said before anything runs, and before there is a folder."""

from __future__ import annotations

from jepascope.activations.site import Site, time_mask, time_span
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.intervention.judge_entry import check_judge
from jepascope.study.edited_layers import check_sizes
from jepascope.study.scenes import folds_of, other_clips, study_clips
from jepascope.study.spec import StudySpec
from jepascope.study.videos.enough import check_self_swap


def check_spec_fits(spec: StudySpec, encoder: VideoEncoder) -> None:
    """Refuse layers and ranks that this encoder does not have, and classes of which there are too few clips."""
    check_sizes(spec, encoder.card.name, encoder.card.depth, encoder.card.width)
    if spec.untrained_seeds and (why := encoder.no_twin()):
        raise BadArgument(why)
    folds_of(spec, study_clips(spec), other_clips(spec))


def validate_for_encoder(spec: StudySpec, encoder: VideoEncoder) -> None:
    """Refuse tokens that the clips do not have, a context that leaves no future, and pairs of classes and labels that there are not."""
    site = Site(0, spec.edited_tokens)
    check_self_swap(spec)
    if time_span(site.tokens) is not None:
        time_mask(site.tokens, encoder.card.grid)
    for name in spec.judges:
        check_judge(name, spec, encoder)
