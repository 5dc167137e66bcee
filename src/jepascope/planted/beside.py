"""What of a pair of subspaces is known without running the network: how they lie, what they read, what is left when one is erased."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.planted.encoder import SITE
from jepascope.planted.bench import BATCH, VARIABLE, PlantedBench
from jepascope.portability.alignment import calibrated, sas, sas_chance
from jepascope.portability.cca import canonical_readings
from jepascope.portability.erasure import refit_after
from jepascope.portability.verdict import Beside
from jepascope.stats import Interval


@dataclass(frozen=True)
class PairSite:
    """Pooled activations of every split at the site, with labels."""

    fit: Float[Tensor, "fit width"]
    judge: Labelled
    test: Labelled

    @classmethod
    def of(cls, bench: PlantedBench) -> PairSite:
        judged = capture(bench.encoder, bench.judge_clips, batch=BATCH)
        scenes = torch.tensor(bench.judge_clips.factors["scene"].to_numpy(copy=True))
        judge = Labelled(judged.pooled(SITE), torch.tensor(bench.judge_clips.labels(VARIABLE)[0]), groups=scenes)
        return cls(bench.data.x, judge, Labelled(bench.test.pooled(SITE), bench.scenes.label))

    def beside(self, a: Subspace, b: Subspace, seed: int, resamples: int) -> Beside:
        value, chance = sas(a.basis, b.basis), sas_chance(a.width, a.rank, b.rank)
        read = [[x @ one.basis for one in (a, b)] for x in (self.fit, self.test.x)]
        said = canonical_readings(read[0][0], read[0][1], read[1][0], read[1][1], seed=seed, resamples=resamples).similarity
        refit = refit_after((a, b), self.judge, self.test, seed=seed)
        return Beside(
            sas=value,
            sas_chance=chance,
            calibrated=calibrated(value, chance),
            readings=Interval(said.value, said.low, said.high, said.n),
            readings_chance=said.chance,
            refit=refit,
        )
