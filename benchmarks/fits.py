"""How often intervals that are said of the encoder hold what a re-fit on new clips gives, and the mean of all re-fits.

The nano encoder, direction, diff_means at one layer and rank. Every data seed is a study of its own: its fit clips find the subspace, its
judge clips train the read-out, its test scenes are edited; parts of its fit and judge scenes are left out in turn for the interval.

- *own mean*: CE of the procedure on new scenes all over, by the mean of all seeds. This is what the interval is for.
- *re-fits*: subspace and read-out of other seeds on the same test scenes: what the review did with five. A re-fit has a fit error of its
  own, which no interval for a mean holds; that the study's own has one, too, and the scenes are shared, makes up for it about.
- *one subspace*: how often the plain interval, over scenes alone, holds the same.

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
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.load import load_encoder
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.judges import ProbeJudge
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.fits import Refits
from jepascope.study.intervene.judges import last_layer_probe
from jepascope.study.spec import StudySpec

FINDER, OTHERS = "diff_means", 5


class SeedStudy:
    """One data seed: captures, subspace, read-out, test scenes."""

    def __init__(self, encoder: object, seed: int, layer: int, rank: int, groups: int, edits: tuple[str, ...]) -> None:
        spec = StudySpec(seed=seed, rank=rank, finders=(FINDER,), fit_groups=groups, edits=edits, extra_controls=())
        activations = capture(encoder, directions8(seed=seed).at(encoder.card.frames, encoder.card.size), None)
        self.captures = Captures.over(encoder, activations, spec, layer)
        self.judge = replace(last_layer_probe(self.captures), name="probe")
        self.subspace = find(FINDER, self.captures.labelled(layer, finder=FINDER), rank, seed)
        self.context: InterventionContext = context_at(self.captures, layer, [self.judge])

    def intervals(self, groups: int) -> pd.DataFrame:
        """CE of every edit with both intervals."""
        edits, named = self.captures.spec.edits, {FINDER: self.subspace}
        effects, _ = self.context.edit(named, {}, edits)
        refits = Refits(self.captures, self.context, named, groups)
        fits = pd.concat([refits.rows(edit) for edit in edits], ignore_index=True)
        return ce_table(effects, self.captures.spec.seed, fits=fits).set_index("edit")

    def by(self, others: dict[str, tuple[Subspace, ProbeJudge]]) -> pd.Series:
        """CE of other seeds' subspaces, each by its own read-out, on these test scenes."""
        values = {}
        for name, (subspace, judge) in others.items():
            context = replace(self.context, judges=[judge])
            effects, _ = context.edit({name: subspace}, {}, self.captures.spec.edits)
            sums = effects.groupby("edit")[["numerator", "denominator"]].sum()
            values[name] = sums["numerator"] / sums["denominator"]
        return pd.DataFrame(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--layer", type=int, default=2)
    parser.add_argument("--rank", type=int, default=2)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--edits", default="swap,ablate")
    chosen = parser.parse_args()
    start, encoder, edits = time.process_time(), load_encoder("nano"), tuple(chosen.edits.split(","))
    studies, tables = [], []
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        study = SeedStudy(encoder, seed, chosen.layer, chosen.rank, chosen.groups, edits)
        tables.append(study.intervals(chosen.groups).assign(seed=seed))
        studies.append(study)
        if seed == chosen.first:
            print(tables[0][["value", "low", "high", "one_low", "one_high"]].round(3).to_string(), flush=True)
    table = pd.concat(tables).reset_index()
    again: dict[str, list[pd.Series]] = {edit: [] for edit in edits}
    for i, study in enumerate(studies):
        near = [(i + step) % len(studies) for step in range(1, OTHERS + 1)]
        values = study.by({str(j): (studies[j].subspace, studies[j].judge) for j in near if j != i})
        for edit in edits:
            again[edit].append(values.loc[edit])
    said = {"seeds": chosen.seeds, "layer": chosen.layer, "rank": chosen.rank, "groups": chosen.groups}
    for edit in edits:
        rows = table[table["edit"] == edit]
        mean, values = rows["value"].mean(), rows["value"].to_numpy()
        figures = {"mean": mean, "sd": values.std(ddof=1)}
        for name, low, high in (("encoder", "low", "high"), ("one subspace", "one_low", "one_high")):
            ends = rows[[low, high]].to_numpy()
            held = [((others >= lo) & (others <= hi)).mean() for others, (lo, hi) in zip(again[edit], ends, strict=True)]
            figures[f"{name}: own mean"] = float(((ends[:, 0] <= mean) & (mean <= ends[:, 1])).mean())
            figures[f"{name}: re-fits"] = float(np.mean(held))
            figures[f"{name}: half-width"] = float((ends[:, 1] - ends[:, 0]).mean() / 2)
        figures["first five re-fits"] = [round(float(value), 3) for value in again[edit][0]]
        said[edit] = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps(said | {"cpu_seconds": round(time.process_time() - start, 1)}))


if __name__ == "__main__":
    main()
