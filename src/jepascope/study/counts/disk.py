"""What a study's captures take on disk: every one of them, as the layout of the store lays it out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from jepascope.activations.layout import Layout
from jepascope.discovery.finder_entry import needing
from jepascope.study.counts import DEGRADED_SETS, MOST_UNTRAINED
from jepascope.study.counts.left_out import MOST_LEFT_OUT, left_out_clips
from jepascope.study.counts.sizes import Counts

PARTS = ("tokens", "pooled", "moments", "masks", "headers")
"""What a capture's bytes are counted by, in the order in which they are said."""


def stored_bytes(counts: Counts, dtype: str = "F32") -> dict[str, int]:
    """Bytes of all captures by PARTS; ``dtype`` (as safetensors names it) is the encoder's precision, in which tokens are kept."""
    total: Counter[str] = Counter(dict.fromkeys(PARTS, 0))
    for layout in captures(counts, dtype):
        total.update(layout.stored_bytes())
    return dict(total)


def captures(counts: Counts, dtype: str = "F32") -> list[Layout]:
    """Every capture of a study. Which layers they keep does not change their size, so the first ones stand for them."""
    spec, model = counts.spec, counts.model
    fit, judge, scenes, twins, spare = counts.fit, counts.judge, counts.scenes, counts.twins, counts.test - counts.scenes
    seen, kept, trained = fit + counts.test, counts.kept, bool(needing("suffix", spec.finders))
    found: list[Layout] = []

    def add(clips: int, sites: int = 0, moments: int = 0, times: int = 1) -> None:
        whole = Layout(clips, model.depth + 1, model.width, model.tokens, tuple(range(sites)), tuple(range(moments)), dtype)
        found.extend([whole] * times if clips else [])

    for clips, sites, moments in ((fit, 0, kept), (judge, 0, 0), (scenes, kept, 0), (twins, kept, 0), (spare, 0, 0)):
        add(clips, sites, moments)
    add(seen, times=spec.untrained_seeds + (DEGRADED_SETS if spec.variable == "direction" else 0))
    add(seen if spec.token_map else 0, sites=1)
    add(judge, sites=1)  # read by the predictor's judge, and by read-outs that are fitted again
    if counts.predicted:  # beginnings of scenes and twins
        add(scenes, sites=counts.maybe_full, times=2)
        tokens = model.tokens * (spec.context or model.times // 2) // model.times
        found[-2:] = [replace(one, tokens=tokens) for one in found[-2:]]
    add(counts.head_scenes, sites=counts.maybe_full)
    if "untrained" in spec.extra_controls:
        seeds = min(spec.untrained_seeds, MOST_UNTRAINED)
        for clips in (fit, judge):
            add(clips, times=seeds)
        for clips in (scenes, twins):
            add(clips, sites=1, times=seeds * len(counts.full))
    if spec.renewable:  # scenes of another seed
        add(fit)
    for _ in spec.carried_to:
        for clips, sites, moments in ((fit, 0, 1), (judge, 0, 0), (scenes, 1, 0), (twins, 1, 0), (spare, 0, 0)):
            add(clips, sites, moments)
    every, edited = left_out_clips(counts)
    add(edited, sites=kept)
    add(every // MOST_LEFT_OUT, moments=kept, times=MOST_LEFT_OUT)
    if trained:  # fit clips and their twins, of both data seeds and of every clip set
        add(fit, sites=kept, times=4 if spec.renewable else 2)
        add(fit, sites=1, times=2 * len(spec.carried_to))
    elif spec.peels and spec.state_variable.rendered:
        add(fit, sites=1, times=2)
    return found
