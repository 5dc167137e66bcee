"""The test scenes as stage two needs them: whole, as beginnings for the predictor, and those that the task head can judge."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import ShownAs, capture
from jepascope.activations.site import of_beginning
from jepascope.activations.suffix import chunks
from jepascope.clips.classes import changed
from jepascope.clips.clipset import ClipSet
from jepascope.clips.donors import donor_rows, drawn_elsewhere
from jepascope.discovery.probes.circular import decoded_angle
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import RESIDUAL
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.circle import Circle
from jepascope.intervention.edits import class_means
from jepascope.intervention.forecast import ForecastJudge
from jepascope.intervention.judges import HeadJudge
from jepascope.intervention.judges.head import head_columns, paired_classes
from jepascope.intervention.judges.predictor import check_context
from jepascope.intervention.ring import Ring
from jepascope.intervention.scenes import Scenes
from jepascope.study.captures import Captures
from jepascope.study.edited_layers import shown_before


def _first(video: Tensor, frames: int) -> Tensor:
    return video[:, :frames]


def beginning(frames: int) -> ShownAs:
    """Clips cut to their first frames."""
    return ShownAs(f"first-{frames}-frames", partial(_first, frames=frames))


def scenes_at(captures: Captures, layer: int) -> Scenes:
    """The chosen test scenes with their partners, steering means and circle of split ``fit`` at the layer, and labels of other factors."""
    pooled, values = captures.at_site(captures.fit, layer), captures.values(captures.fit)
    labels = captures.labels(captures.fit)
    means = class_means(pooled, labels, len(captures.classes))
    others = {name: torch.tensor(captures.test.clips.labels(name)[0]) for name in captures.other_variables}
    circular = values is not None and captures.variable.kind == "circular"
    return Scenes(
        captures.test,
        captures.twins,
        captures.labels(captures.test),
        captures.labels(captures.twins),
        means,
        captures.donor,
        others,
        _angle(captures, captures.test) if circular else None,
        _angle(captures, captures.twins) if circular else None,
        Circle.fitted(pooled, values) if circular and values is not None else None,
        ring=Ring(decoded_angle(class_means(values, labels, len(means))), means) if circular and values is not None else None,
    )


def _angle(captures: Captures, part: Activations) -> Float[Tensor, " clips"]:
    values = captures.values(part)
    assert values is not None
    return torch.atan2(values[:, 1], values[:, 0])


def early_encoder(encoder: VideoEncoder, context: int) -> VideoEncoder:
    """The same encoder for the first ``context`` tubelets; BadArgument where nothing would be left to forecast."""
    card = encoder.card
    check_context(card, context)
    return encoder.at(context * card.frames // card.grid[0], card.size)


def beginnings(captures: Captures, whole: Scenes, early: VideoEncoder) -> Scenes:
    """The same scenes as ``early`` sees them. Which tokens show the object is known from the whole clip: the places it passes."""
    parts, sites = ((whole.source, "clips"), (whole.twin, "twins")), captures.full_sites
    source, twin = (beginning_of(captures, part, early, what, sites, captures.spec.part) for part, what in parts)
    return replace(whole, source=source, twin=twin)


def beginning_of(
    captures: Captures, part: Activations, early: VideoEncoder, what: str, sites: tuple[int, ...], of: str = RESIDUAL
) -> Activations:
    """Captured clips as ``early`` sees them, with tokens at ``sites``, of the residual stream or of a part of these blocks."""
    tick = captures.progress.start(f"capture beginnings of {what}")
    shown_as = beginning(early.card.frames)
    kept = (*sites, *shown_before(sites, early.context_layers))
    captured = capture(early, part.clips, captures.store, sites=kept, transform=shown_as, progress=tick, part=of)
    return replace(captured, shown=of_beginning(part.object_mask, early.card.places, early.card.extra))


def judge_futures(captures: Captures, judge: ForecastJudge, layer: int) -> Float[Tensor, "clips features"]:
    """Really rendered futures of split ``judge``, coarse: what the predictor's angle is read with. Run from their tokens at ``layer``."""
    part = captures.capture(captures.judge.clips, "capture tokens of judge clips", sites=(layer,))
    futures = []
    for rows in chunks(part.encoder_card, len(part)):
        with torch.inference_mode():
            hidden = part.tokens(layer, rows).to(captures.encoder.device)
            futures.append(judge.coarse(judge.future(captures.encoder.run(hidden, layer))).cpu())
    return torch.cat(futures)


def head_judge(captures: Captures) -> HeadJudge:
    """The task head, reading the labels that the study pairs with its classes."""
    return HeadJudge(captures.encoder, head_columns(captures.spec, captures.encoder))


def head_scenes(captures: Captures, whole: Scenes) -> Scenes:
    """The scenes whose class the head can name, each with a partner of another such class: its twin, or a donor among these scenes where
    the study's swaps take from donors. Labels are places among those classes. BadArgument where no scene shows one, BadData where all that
    do show the same."""
    classes = torch.tensor([index for index, _ in paired_classes(captures.spec)])
    place = torch.full((len(captures.classes),), -1)
    place[classes] = torch.arange(len(classes))
    rows = torch.nonzero(place[whole.label] >= 0).flatten()
    if not len(rows):
        raise BadArgument("No test scene shows a class that head_classes pairs with a label.")
    source = whole.source.select(rows.numpy())
    label = place[whole.label[rows]]
    if captures.donor == "class":
        donors = donor_rows(source.clips, captures.spec.variable, captures.spec.seed)
        twin, target = source.select(donors), label[donors]
    else:
        target = (label + 1 + torch.arange(len(label)) % max(1, len(classes) - 1)) % len(classes)
        shown, part = _shown(source.clips, captures, classes[target].numpy()), captures.spec.part
        twin = captures.capture(shown, "capture twins for the task head", sites=captures.full_sites, part=part)
    return replace(
        whole,
        source=source,
        twin=twin,
        donor=captures.donor,
        label=label,
        target=target,
        class_means=whole.class_means[classes],
        others={name: labels[rows] for name, labels in whole.others.items()},
        angle=None if whole.angle is None else whole.angle[rows],
        target_angle=None if whole.angle is None else _angle(captures, twin),
    )


def _shown(clips: ClipSet, captures: Captures, classes: np.ndarray) -> ClipSet:
    """The same scenes showing these classes."""
    rng = np.random.default_rng([captures.spec.seed, 3])
    return clips.with_factors(f"{clips.name}-head-twins", **changed(clips.factors, captures.variable, classes, rng))


def same_class_draws(clips: ClipSet, variable: str, draws: int, seed: int) -> list[Int[np.ndarray, " clips"]]:
    """For each clip the row of another one of its own class, drawn with replacement: different assignments, at most ``draws``.

    Fewer where a class has so few scenes that there are no more. BadData where a class has a single scene.
    """
    labels, names = clips.labels(variable)
    members, scenes = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}, clips.factors["scene"].to_numpy()
    for label, rows in members.items():
        if len(rows) < 2:
            raise BadData(
                f"self_swap takes from another clip of the same class, and {variable} '{names[label]}' has one; take more test scenes."
            )
    rng = np.random.default_rng([seed, 4])
    assignments: dict[bytes, np.ndarray] = {}
    for _ in range(10 * draws):
        rows = drawn_elsewhere([members[label] for label in labels], scenes, rng)
        assignments.setdefault(rows.tobytes(), rows)
        if len(assignments) == draws:
            break
    return list(assignments.values())
