"""How often intervals of causal effects hold the true value, and how often nothing is called an effect.

Planted studies: on the network ``clean``, with frame, clips, judge and control draws of its own, each study edits a plane of known
effect: two directions between the causal plane and a nuisance, CE 0.3 to 0.7. 40 test scenes and 20 draws, as in the demo.

The true value. An interval resamples scenes and draws; subspace, mean, encoder and judge are held fixed, and what it is an interval for
is therefore the CE over all scenes *as this judge reads it* ("judge"): computable, because network and judge are linear. The analytic
value of encoders.planted.expected ("analytic") is that of a judge that treats all classes alike, which training on finite clips only
approaches; it differs by an error that no resampling of scenes can see, and an interval that covers it covers that error too.
Both are counted. Of the control the true value is the mean over all Haar planes of the complement: CE is linear in the projector U U',
whose mean there is rank / (width - rank) times the projector on the complement.

Scenes: "balanced" over classes, as studies have them, or "random" (classes drawn at random), as a bootstrap of scenes supposes.
Balanced scenes vary less from study to study than the bootstrap believes, so there intervals cover more than they say.

No effect: a further draw of a control posing as a finder (exchangeable with the draws), alone beside 20 draws and three at a time
(a family, Holm) beside 60, as 20 draws cannot bring a family of three to 0.05 at all; and a plane that no block reads.

With first-order effects: the same synthetic studies beside a surrogate of the draws that is biased in size and place and follows them with
a correlation of 0.6, 0.9 or 0.98; intervals of the control's mean, the difference and the ratio are then those of adjusted draws.

Synthetic studies: heavy-tailed scenes (t with 5 degrees of freedom, log-normal margins) and skewed draws (gamma), no network; and
random planes beside draws from their own complement, by linear algebra alone.

    python benchmarks/coverage.py --studies 200 --synthetic 2000
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.clips.clipset import ClipSet
from jepascope.clips.planted import planted_clips
from jepascope.clips.presets import twins
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.planted.encoder import DEPTH, SITE, PlantedEncoder, planted_encoder
from jepascope.encoders.planted.expected import CLASSES, expected_effect, output, site_means
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.controls import ControlDraw, complement, haar, matched_controls
from jepascope.intervention.edits import class_means
from jepascope.intervention.effects import intervene, outcome
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes
from jepascope.stats import EffectRatio, Interval, Variate, causal_effect_ratio, p_value, proportion

EDITS = ("ablate", "swap")
FAMILY = 3  # finders that are corrected for together
FAMILY_DRAWS = 60  # the fewest round number with which FAMILY / (1 + draws) is below 0.05
ALPHA = 0.05
TOGETHER = 25  # judges that are trained in one batch
QUANTITIES = ("effect", "control", "difference", "ratio")
CORRELATIONS = (0.6, 0.9, 0.98)


@dataclass(frozen=True)
class Study:
    """``effects`` as ``intervene`` gives them, of the subspace "partly" and of "inert"; ``sampled``: scene ids by how they were chosen;
    ``truth``: edit, target -> true CE of the subspace and of the mean control draw."""

    effects: pd.DataFrame
    sampled: Mapping[str, np.ndarray]
    truth: Mapping[tuple[str, str], tuple[float, float]]


def planted_studies(seeds: Sequence[int], scenes: int = 40, draws: int = 20) -> Iterator[Study]:
    """A study a seed, everything in it drawn by that seed. Judges are trained some at a time: planted clips have the same labels."""
    for start in range(0, len(seeds), TOGETHER):
        some = seeds[start : start + TOGETHER]
        encoders = [planted_encoder("clean", seed) for seed in some]
        clips = [planted_clips(seed, fit=24, judge=16, test=scenes // 2) for seed in some]
        judged = [capture(encoder, one.split("judge"), batch=512) for encoder, one in zip(encoders, clips, strict=True)]
        probes = dense_probes({seed: one.pooled(DEPTH) for seed, one in zip(some, judged, strict=True)}, _labels(judged[0]))
        for seed, encoder, one in zip(some, encoders, clips, strict=True):
            yield _study(seed, encoder, one, ProbeJudge(probes[seed].probe), scenes, draws)


def _study(seed: int, encoder: PlantedEncoder, clips: ClipSet, judge: ProbeJudge, scenes: int, draws: int) -> Study:
    rng = np.random.default_rng([0xC0BE, seed])
    fitted = capture(encoder, clips.split("fit"), sites=(SITE,), moments=(SITE,), batch=512)
    mean, covariance = fitted.pooled(SITE).mean(dim=0), fitted.moments(SITE).covariance
    test, sampled = _sampled(clips.split("test"), scenes, rng)
    source, twin = (capture(encoder, some, sites=(SITE,), batch=512) for some in (test, twins(test, "direction", seed)))
    means = class_means(fitted.pooled(SITE), _labels(fitted), CLASSES)
    subspaces = {"partly": Subspace(partly_causal(encoder, rng), mean), "inert": Subspace(encoder.inert, mean)}
    wanted = {"partly": max(draws, FAMILY_DRAWS) + FAMILY, "inert": draws}
    controls = {name: matched_controls(one, covariance, wanted[name], seed, names=("random",)) for name, one in subspaces.items()}
    effects = run(encoder, Scenes(source, twin, _labels(source), _labels(twin), means), subspaces, controls, judge)
    basis, truth = subspaces["partly"].basis, {}
    rest = complement(basis)
    share = basis.shape[1] / rest.shape[1]
    for edit in EDITS:
        own, other = (expected_effect(encoder, edit, some, mean) for some in (basis, rest))
        truth[edit, "analytic"] = (own, share * other)
        own, other = (expected_for_judge(encoder, judge, edit, some, mean) for some in (basis, rest))
        truth[edit, "judge"] = (own, share * other)
    return Study(effects, sampled, truth)


def run(
    encoder: PlantedEncoder, scenes: Scenes, subspaces: Mapping[str, Subspace], controls: Mapping[str, list[ControlDraw]], judge: ProbeJudge
) -> pd.DataFrame:
    """The library's effects, without what it measures beside them."""
    effects, _ = intervene(encoder, Site(SITE), scenes, subspaces, controls, [judge], EDITS, batch=512)
    kept = ["layer", "tokens", "finder", "rank", "edit", "control", "draw", "dose", "judge", "read_layer", "read", "scene"]
    return effects[[*kept, "numerator", "denominator"]]


def partly_causal(encoder: PlantedEncoder, rng: np.random.Generator) -> Tensor:
    """A plane of CE 0.3 to 0.7: each direction of the (turned) causal plane mixed with a nuisance, by shares that differ."""
    planes = encoder.frame.planes
    share = torch.from_numpy(rng.uniform([0.15, 0.45], [0.5, 0.9]))
    turn = rng.uniform(0, 2 * np.pi)
    turned = planes["C"] @ torch.tensor([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], dtype=torch.float64)
    nuisances = planes["N"][:, torch.from_numpy(rng.choice(planes["N"].shape[1], 2, replace=False))]
    return (share.sqrt() * turned + (1 - share).sqrt() * nuisances).float()


def expected_for_judge(encoder: PlantedEncoder, judge: ProbeJudge, edit: str, basis: Tensor, mean: Tensor) -> float:
    """CE over all scenes of a linear network as a given linear judge reads it: noise has mean zero, so class means are enough."""
    project, clean = basis.double() @ basis.double().T, site_means(encoder)[:, 0]

    def read(hidden: Tensor) -> Tensor:
        return judge.logits(output(encoder, hidden) @ encoder.frame.planes["R"].T)

    source, target = (index.flatten() for index in torch.meshgrid(torch.arange(CLASSES), torch.arange(CLASSES), indexing="ij"))
    source, target = source[source != target], target[source != target]
    moved = mean.double() - clean[source] if edit == "ablate" else clean[target] - clean[source]
    edited = read(clean[source] + moved @ project)[None]
    numerator, denominator = outcome(edit, edited, read(clean[source]), read(clean[target]), source, target)
    return float(numerator.sum() / denominator.sum())


def compared(effects: pd.DataFrame, draws: int, finder: str = "partly", posing: int | None = None) -> dict[str, EffectRatio]:
    """Of every edit: the subspace beside its first draws; with ``posing`` a later draw in the subspace's place."""
    found = {}
    for edit, group in effects[effects["finder"] == finder].groupby("edit", sort=False):
        by = group.pivot(index=["control", "draw"], columns="scene", values="numerator").sort_index()
        below = group.groupby("scene")["denominator"].first().loc[by.columns].to_numpy()
        drawn = by.loc["random"].to_numpy()
        own = by.loc["subspace"].to_numpy()[0] if posing is None else drawn[posing]
        found[str(edit)] = causal_effect_ratio(own, below, drawn[:draws], np.random.default_rng(0))
    return found


def family(effects: pd.DataFrame, draws: int, members: int) -> pd.DataFrame:
    """The study's own table of ``members`` posing finders, draws ``-members..`` of the control, beside its first draws."""
    drawn = effects[(effects["finder"] == "partly") & (effects["control"] == "random")]
    last = int(drawn["draw"].max())
    parts = []
    for member in range(members):
        own = drawn[drawn["draw"] == last - member].assign(control="subspace", draw=0)
        parts += [part.assign(finder=f"draw {last - member}") for part in (own, drawn[drawn["draw"] < draws])]
    return ce_table(pd.concat(parts, ignore_index=True), resamples=500)


def covered_rows(study: Study, draws: int = 20) -> list[dict[str, object]]:
    """One row an edit, way of sampling, true value and quantity: whether it lies ``below`` the interval, or ``above``."""
    rows = []
    for sampling, ids in study.sampled.items():
        for edit, found in compared(study.effects[study.effects["scene"].isin(ids)], draws).items():
            for target in ("judge", "analytic"):
                where = {"scenes": sampling, "edit": edit, "target": target}
                rows += [{**where, **row} for row in missed(found, *study.truth[edit, target])]
    return rows


def missed(found: EffectRatio, effect: float, control: float) -> list[dict[str, object]]:
    """Of the four quantities: whether the true value lies below the interval or above it; a bound on a ratio has no upper end."""
    true = {"effect": effect, "control": control, "difference": effect - control, "ratio": effect / control}
    out: list[dict[str, object]] = []
    for name in QUANTITIES:
        interval: Interval = getattr(found, name)
        out.append({"quantity": name, "below": true[name] < interval.low, "above": true[name] > interval.high})
    return out


def nothing_rows(study: Study, draws: int = 20) -> list[dict[str, object]]:
    """One row an edit: what was called an effect where there is none. Balanced scenes."""
    effects = study.effects[study.effects["scene"].isin(study.sampled["balanced"])]
    last = int(effects.loc[effects["finder"] == "partly", "draw"].max())
    alone, inert = compared(effects, draws, posing=last), compared(effects, draws, "inert")
    table = family(effects, FAMILY_DRAWS, FAMILY)
    rows: list[dict[str, object]] = []
    for edit in EDITS:
        of_edit = table[table["edit"] == edit]
        rows.append(
            {
                "edit": edit,
                f"draw alone, {draws} draws: p": alone[edit].p <= ALPHA,
                f"draw alone, {draws} draws: excess": alone[edit].excess.low > 0,
                f"family of {FAMILY}, {FAMILY_DRAWS} draws: any Holm p": of_edit["p_holm"].min() <= ALPHA,
                f"family of {FAMILY}, {FAMILY_DRAWS} draws: any excess": (of_edit["excess_low"] > 0).any(),
                f"inert, {draws} draws: p": inert[edit].p <= ALPHA,
                f"inert, {draws} draws: excess": inert[edit].excess.low > 0,
            }
        )
    return rows


def synthetic_study(
    rng: np.random.Generator, effect: float = 0.5, control: float = 0.05, scenes: int = 40, draws: int = 20, shape: float = 2.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numerators, denominators and the control's numerators, with scene, draw and scene x draw effects.

    Draws are gamma of ``shape``: effects of Haar subspaces of rank k on a causal plane are about a gamma of shape k (a sum of 2 k squares).
    """
    below = rng.lognormal(-0.125, 0.5, scenes)
    own = below * (effect + 0.3 * rng.standard_t(5, scenes))
    drawn = rng.gamma(shape, control / shape, draws)
    return own, below, below * drawn[:, None] * (1 + 0.3 * rng.standard_normal((draws, scenes)))


def tally_synthetic(studies: int, seed: int = 0, scenes: int = 40, draws: int = 20, shape: float = 2.0) -> pd.DataFrame:
    """Rows as ``covered_rows``, of many studies; in "nothing" whether one more draw of the control, posing, has p <= 0.05 ("below") or
    an excess above zero ("above")."""
    rows: list[dict[str, object]] = []
    for number in range(studies):
        rng = np.random.default_rng([0x5E7, seed, number])
        own, below, drawn = synthetic_study(rng, 0.5, 0.05, scenes, draws + 1, shape)
        rows += missed(causal_effect_ratio(own, below, drawn[1:], rng), 0.5, 0.05)
        posing = causal_effect_ratio(drawn[0], below, drawn[1:], rng, resamples=500)
        rows.append({"quantity": "nothing", "below": posing.p <= ALPHA, "above": posing.excess.low > 0})
    return pd.DataFrame(rows)


MANY = 4000  # draws behind the surrogate's mean


def surrogate_of(
    drawn: np.ndarray, below: np.ndarray, control: float, shape: float, correlation: float, rng: np.random.Generator
) -> Variate:
    """First-order effects of synthetic draws: of a third of their size, off by a constant, and no closer to them than ``correlation``."""
    size = drawn.sum(axis=1) / below.sum() - control
    spread = control / np.sqrt(shape)

    def made(sizes: np.ndarray) -> np.ndarray:
        noise = spread * np.sqrt(1 / correlation**2 - 1) * rng.standard_normal(len(sizes))
        return below * (0.1 + 0.3 * (sizes + noise))[:, None]

    values, many = made(size), made(rng.gamma(shape, control / shape, MANY) - control)
    return Variate(values, many.mean(axis=0), MANY)


def tally_surrogate(studies: int, correlation: float, seed: int = 0, scenes: int = 40, draws: int = 20, shape: float = 2.0) -> pd.DataFrame:
    """Rows as ``covered_rows``, and for each study how much narrower the control's interval is than that of plain draws."""
    rows: list[dict[str, object]] = []
    for number in range(studies):
        rng = np.random.default_rng([0x5E7, seed, number])
        own, below, drawn = synthetic_study(rng, 0.5, 0.05, scenes, draws, shape)
        variate = surrogate_of(drawn, below, 0.05, shape, correlation, rng)
        plain, given = (causal_effect_ratio(own, below, drawn, rng, 1000, variate=one) for one in (None, variate))
        width = (given.control.high - given.control.low) / (plain.control.high - plain.control.low)
        rows += [{**row, "width": width, "worth": given.worth / draws} for row in missed(given, 0.5, 0.05)]
    return pd.DataFrame(rows)


def beside_own_complement(studies: int, rank: int, width: int = 64, draws: int = 20, seed: int = 0) -> int:
    """How often a random subspace has p <= 0.05 beside draws from its own complement, as controls are drawn; effect: its share of a plane.

    Such draws have no part in what the subspace itself holds, so the two are not quite exchangeable.
    """
    rng, found = np.random.default_rng([0xF1A6, seed]), 0
    for _ in range(studies):
        own = haar(torch.eye(width, dtype=torch.float64), rank, 1, rng)[0]
        drawn = haar(complement(own), rank, draws, rng)
        null = drawn[:, :2].square().sum(dim=(1, 2)).numpy()
        found += p_value(float(own[:2].square().sum()), null) <= ALPHA
    return found


def coverage(tally: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Share of intervals that hold the true value, with the two ways of missing it and Wilson's interval of the share."""
    groups = tally.groupby(by, sort=False)[["below", "above"]].sum()
    groups["n"] = tally.groupby(by, sort=False).size()
    groups["covered"] = 1 - (groups["below"] + groups["above"]) / groups["n"]
    held = [proportion(int(n - below - above), int(n)) for below, above, n in groups[["below", "above", "n"]].to_numpy()]
    return groups.assign(low=[one.low for one in held], high=[one.high for one in held])


def _sampled(pool: ClipSet, scenes: int, rng: np.random.Generator) -> tuple[ClipSet, dict[str, np.ndarray]]:
    """The clips that are needed, and the scene ids of both ways to choose ``scenes`` of them."""
    place = pool.factors.groupby("direction").cumcount().to_numpy()
    labels = pool.labels("direction")[0]
    balanced = np.flatnonzero(place < scenes // CLASSES)
    counts = rng.multinomial(scenes, np.full(CLASSES, 1 / CLASSES))
    random = np.flatnonzero(place < counts[labels])
    ids = pool.factors["scene"].to_numpy()
    return pool.select(np.union1d(balanced, random)), {"balanced": ids[balanced], "random": ids[random]}


def _labels(activations: Activations) -> Tensor:
    return torch.tensor(activations.clips.labels("direction")[0])


def _counts(tally: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Edit -> what was called an effect -> in how many studies."""
    sums = tally.groupby("edit", sort=False).sum()
    return {str(edit): {str(name): int(count) for name, count in row.items()} for edit, row in sums.iterrows()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200, help="planted studies")
    parser.add_argument("--synthetic", type=int, default=2000, help="synthetic studies of each shape of draws")
    parser.add_argument("--draws", type=int, default=20, help="of the control")
    parser.add_argument("--seed", type=int, default=0, help="of the first study; the others follow")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    start = time.perf_counter()
    covers, calls = [], []
    for study in planted_studies(range(chosen.seed, chosen.seed + chosen.studies), draws=chosen.draws):
        covers += covered_rows(study, chosen.draws)
        calls += nothing_rows(study, chosen.draws)
    planted = coverage(pd.DataFrame(covers), ["scenes", "edit", "target", "quantity"])
    nothing = _counts(pd.DataFrame(calls))
    print(f"Planted: {chosen.studies} studies, 40 scenes, {chosen.draws} draws\n{planted.round(3).to_string()}\n")
    print(f"Called an effect, of {chosen.studies} studies without one:\n{pd.DataFrame(nothing).to_string()}\n")
    between = time.perf_counter()
    synthetic = {shape: tally_synthetic(chosen.synthetic, chosen.seed, draws=chosen.draws, shape=shape) for shape in (1.0, 2.0, 7.0)}
    tables = {shape: coverage(tally[tally["quantity"] != "nothing"], ["quantity"]) for shape, tally in synthetic.items()}
    posing = {shape: tally.loc[tally["quantity"] == "nothing", ["below", "above"]].sum().tolist() for shape, tally in synthetic.items()}
    followed = {r: tally_surrogate(chosen.synthetic // 2, r, chosen.seed, draws=chosen.draws) for r in CORRELATIONS}
    for r, tally in followed.items():
        print(f"Synthetic, adjusted by first-order effects of correlation {r:g}\n{coverage(tally, ['quantity']).round(3).to_string()}")
        width, worth = tally["width"].median(), tally["worth"].median()
        print(f"the control's interval {width:.2f} times as wide, its draws worth {worth:.1f} times as many\n")
    own = {rank: beside_own_complement(chosen.synthetic, rank, seed=chosen.seed) for rank in (2, 7)}
    for shape, table in tables.items():
        print(f"Synthetic: {chosen.synthetic} studies, draws gamma of shape {shape:g}\n{table.round(3).to_string()}")
        print(f"one more draw posing: p <= {ALPHA} in {posing[shape][0]}, excess above 0 in {posing[shape][1]}\n")
    print(f"Random subspace beside 20 draws from its own complement, width 64: p <= {ALPHA} by rank {own} of {chosen.synthetic}\n")
    said = {
        "studies": chosen.studies,
        "draws": chosen.draws,
        "seed": chosen.seed,
        "planted_coverage": dict(zip(map(" ".join, planted.index.to_list()), planted["covered"].tolist(), strict=True)),
        "planted_false": nothing,
        "synthetic": chosen.synthetic,
        "synthetic_coverage": {f"shape {shape:g}": table["covered"].to_dict() for shape, table in tables.items()},
        "adjusted_coverage": {f"r {r:g}": coverage(tally, ["quantity"])["covered"].to_dict() for r, tally in followed.items()},
        "synthetic_posing": {f"shape {shape:g}": {"p": found[0], "excess": found[1]} for shape, found in posing.items()},
        "beside_own_complement": {f"rank {rank}": count for rank, count in own.items()},
        "seconds_planted": round(between - start, 1),
        "seconds_synthetic": round(time.perf_counter() - between, 1),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
