"""How often intervals that are said of the encoder hold what a re-fit on new clips gives, and the mean of all re-fits.

The nano encoder, direction, diff_means at one layer and rank. Every data seed is a study of its own: its fit clips find the subspace, its
judge clips train the read-out, its test scenes are edited. Intervals: subspaces found anew in other seeds' clips ("new clips", as studies
of clip sets have it), in its own with a part left out ("left out", as studies of videos, arrays and own labels have it), and the plain one
over scenes ("one subspace"). How often they hold

- *re-fits*: CE by subspace and read-out of five further seeds on the same test scenes;
- *mean*: the mean CE of all studies, each on scenes of its own: the procedure's.

The last line is JSON.

    python benchmarks/fits.py --seeds 60
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from jepascope.activations.capture import capture
from jepascope.clips.presets import directions8
from jepascope.discovery.finders import find
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.load import load_encoder
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.refits import LEFT_OUT, NEW
from jepascope.stats import groups_of
from jepascope.study.captures import Captures
from jepascope.study.intervene.anew import Anew, anew_of
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.fits import Refits
from jepascope.study.intervene.judges import last_layer_probe
from jepascope.study.spec import StudySpec

FINDER, OTHERS = "diff_means", 5


class SeedStudy:
    """One data seed: captures, subspace, read-out, test scenes."""

    def __init__(self, encoder: VideoEncoder, seed: int, layer: int, rank: int, edits: tuple[str, ...]) -> None:
        spec = StudySpec(seed=seed, rank=rank, finders=(FINDER,), edits=edits)
        activations = capture(encoder, directions8(seed=seed).at(encoder.card.frames, encoder.card.size), None)
        self.captures = Captures.over(encoder, activations, spec, layer)
        captures = self.captures
        self.anew = anew_of(captures, layer, captures.fit, captures.judge)
        self.judge = replace(last_layer_probe(captures), name="probe")
        self.subspace = find(FINDER, self.anew.fit, rank, seed)
        self.context: InterventionContext = context_at(captures, layer, [self.judge])

    def intervals(self, parts: list[Anew], how: str) -> pd.DataFrame:
        """CE of every edit with both intervals."""
        edits, named = self.captures.spec.edits, {FINDER: self.subspace}
        effects, _ = self.context.edit(named, {}, edits)
        refits = Refits(self.captures, self.context, named, parts)
        fits = pd.concat([refits.rows(edit) for edit in edits], ignore_index=True).assign(how=how)
        return ce_table(effects, self.captures.spec.seed, fits=fits).set_index("edit")

    def by(self, others: list[SeedStudy]) -> pd.DataFrame:
        """CE of other seeds' subspaces, each by its own read-out, on these test scenes: edits x seeds."""
        values = {}
        for number, other in enumerate(others):
            context = replace(self.context, judges=[other.judge])
            effects, _ = context.edit({str(number): other.subspace}, {}, self.captures.spec.edits)
            sums = effects.groupby("edit")[["numerator", "denominator"]].sum()
            values[number] = sums["numerator"] / sums["denominator"]
        return pd.DataFrame(values)


def ways(study: SeedStudy, others: list[SeedStudy], fits: int) -> dict[str, list[Anew]]:
    """What subspaces are found anew in: clips of other seeds, or the study's own with a part left out."""
    captures, whole = study.captures, study.anew
    fit, judge = (
        groups_of(captures.labels(part).numpy(), captures.scenes(part).numpy(), fits, captures.spec.seed)
        for part in (captures.fit, captures.judge)
    )
    return {NEW: [other.anew for other in others], LEFT_OUT: [whole.without(fit, judge, group) for group in range(fits)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=60, help="studies; at least fits + 6")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--layer", type=int, default=2)
    parser.add_argument("--rank", type=int, default=2)
    parser.add_argument("--fits", type=int, default=10)
    parser.add_argument("--edits", default="swap,ablate")
    chosen = parser.parse_args()
    start, encoder, edits = time.process_time(), load_encoder("nano"), tuple(chosen.edits.split(","))
    studies = [SeedStudy(encoder, seed, chosen.layer, chosen.rank, edits) for seed in range(chosen.first, chosen.first + chosen.seeds)]
    rows, again = [], []
    for i, study in enumerate(studies):
        near = [studies[(i + step) % len(studies)] for step in range(1, chosen.fits + OTHERS + 1)]
        again.append(study.by(near[chosen.fits :]))
        for how, parts in ways(study, near[: chosen.fits], chosen.fits).items():
            rows.append(study.intervals(parts, how).assign(how=how, study=i))
    table = pd.concat(rows).reset_index()
    said: dict[str, object] = vars(chosen)
    for edit in edits:
        means = table[(table["edit"] == edit) & (table["how"] == NEW)]["value"]
        said[edit] = {"mean": round(means.mean(), 3), "sd over studies": round(means.std(), 3)}
        said[edit]["first five re-fits"] = again[0].loc[edit].round(3).tolist()
        first = table[(table["edit"] == edit) & (table["study"] == 0) & (table["how"] == NEW)].iloc[0]
        said[edit]["first study"] = {name: round(float(first[name]), 3) for name in ("value", "low", "high", "one_low", "one_high")}
        for how, low, high in ((NEW, "low", "high"), (LEFT_OUT, "low", "high"), ("one subspace", "one_low", "one_high")):
            own = table[(table["edit"] == edit) & (table["how"] == (NEW if how == "one subspace" else how))].sort_values("study")
            ends = own[[low, high]].to_numpy()
            held = [((others.loc[edit] >= lo) & (others.loc[edit] <= hi)).mean() for others, (lo, hi) in zip(again, ends, strict=True)]
            said[edit][how] = {
                "re-fits": round(float(np.mean(held)), 3),
                "mean": round(float(((ends[:, 0] <= means.mean()) & (means.mean() <= ends[:, 1])).mean()), 3),
                "half-width": round(float((ends[:, 1] - ends[:, 0]).mean() / 2), 3),
            }
    print(json.dumps(said | {"cpu_seconds": round(time.process_time() - start, 1)}))


if __name__ == "__main__":
    main()
