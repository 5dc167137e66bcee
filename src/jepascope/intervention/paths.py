"""The part of an edit's effect that goes through one part of one later block: who reads a subspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pandas as pd
import torch
from torch import Tensor

from jepascope.activations.paths import WAYS, Keep, Sent, later_places, run_paths
from jepascope.activations.suffix import Sweep, chunks
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.halves import part_of
from jepascope.intervention.conditions import alike, merged, owned
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.edits import displacement
from jepascope.intervention.effects import angle_errors, effect_frame, outcome
from jepascope.intervention.judges import correct, divergence
from jepascope.intervention.run import Group, place

Receiver = tuple[int, str]
"""A block and which of its parts."""


def path_effects(
    context: InterventionContext,
    subspaces: Mapping[str, Subspace],
    controls: Mapping[str, Sequence[ControlDraw]],
    name: str = "swap",
    progress: Callable[[int, int], None] | None = None,
) -> dict[Receiver, pd.DataFrame]:
    """For every part behind the site, in order: the effects table of an edit (see ``effects.intervene``) that reaches that part alone, by
    the judge that claims are made in.

    ``numerator`` is what goes on through the blocks after the part (total), ``numerator_direct`` what reaches the read-out with all of
    them held. ``denominator`` is that of the whole edit, so that effects of paths are shares of the same.
    """
    encoder, site, scenes, judge = context.encoder, context.site, context.scenes, context.judge
    at, clips, device = place(judge, context.depth), len(scenes), encoder.device
    conditions = merged(subspaces, controls, (1.0,), name)
    by_mean = EDITS.entry(name).of_mean(context.ablate_to)
    clean, twin = judge.logits(context.unedited.clean[at]), judge.logits(context.unedited.twin[at])
    places = later_places(site.layer, site.between, context.depth)
    logits = {there: torch.empty(len(WAYS), len(conditions), *clean.shape, dtype=torch.float64) for there in places}
    selected, read = scenes.mask(site.tokens), scenes.mask(judge.tokens)
    done = 0

    def keep(rows: slice, index: Tensor, there: int, features: Tensor) -> None:
        nonlocal done
        logits[there][:, index, rows] = judge.logits(features)
        done += len(index) * (rows.stop - rows.start)
        if progress:
            progress(done, len(places) * len(conditions) * clips)

    def sent() -> Iterator[tuple[Sent, Keep]]:
        for rows in chunks(encoder.card, clips):
            stream, hidden = (tokens.to(device) for tokens in scenes.source.edited(site, rows))
            mask = None if selected is None else selected[rows].to(device)
            reader = judge.reader(None if read is None else read[rows])
            for members in alike(conditions, by_mean):
                group = [conditions[i] for i in members]
                mean = group[0].mean if by_mean else None
                moved = displacement(name, scenes, site, rows, hidden, mean, context.ablate_to).float()
                sweep = Sweep(stream, site.layer, Group(group, moved, mask), {context.depth: reader}, between=site.between)
                yield Sent(sweep, len(group)), partial(keep, rows, torch.tensor(members))

    run_paths(encoder, sent())
    target = scenes.label if EDITS.entry(name).outcome == "lost" else scenes.target

    def rows_of(there: int) -> pd.DataFrame:
        total, direct = (outcome(name, of, clean, twin, scenes.label, scenes.target) for of in logits[there])
        nothing = torch.full(total[0].shape, torch.nan, dtype=torch.float64)
        right, kl = correct(logits[there][0], target), divergence(clean, logits[there][0])
        return effect_frame(
            scenes,
            conditions,
            owned(conditions, list(subspaces)),
            {"layer": site.layer, "tokens": site.tokens, "edit": name, "judge": judge.name, "read_layer": at[0], "read": judge.variable},
            {"numerator": total[0], "numerator_direct": direct[0], "correct": right, "kl": kl, "angle_error": angle_errors(None, nothing)},
            {"target": target, "denominator": total[1], "correct_before": correct(clean, target), "angle_error_before": nothing[0]},
        )

    return {part_of(there): rows_of(there) for there in places}
