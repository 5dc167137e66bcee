"""One video left out at a time: every video is tested once, by a subspace and a read-out of the other videos.

Where few videos are left for the test, a single split says little. Here each of all the videos is tested in turn, and held out with it is
the video that its clips are swapped with. The others are parted into fit and judge, and the layer, the subspace, its controls and the
read-out are found anew. Definitions: docs/science.md, "Real video".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope import schema
from jepascope.activations.activations import Activations
from jepascope.activations.moments import Moments, MomentsFitter
from jepascope.activations.site import SELECTIONS, Site
from jepascope.clips.clipset import ClipSet
from jepascope.clips.donors import fewest_scenes, held_out_donors
from jepascope.clips.video.enough import FEW_TESTED, FEWEST_VIDEOS, FOLDER_SHARES
from jepascope.clips.video.parted import dealt_enough
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.finders import find, find_shuffled
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import dense_probes, l1_paths
from jepascope.discovery.probes.readouts import LinearProbe
from jepascope.errors import BadArgument, BadData
from jepascope.findings.effect import JudgeReading, judge_readings
from jepascope.findings.numbers import json_number as number
from jepascope.findings.summary import by_judge
from jepascope.intervention.causal_effect import COLUMNS, ce_table
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.edit_entry import LEADING
from jepascope.intervention.edits import class_means
from jepascope.intervention.effects import intervene
from jepascope.intervention.judges import require_disjoint
from jepascope.intervention.scenes import Scenes
from jepascope.stats import Interval, scene_proportion
from jepascope.study.captures import Captures
from jepascope.study.discover.probes import earliest_of
from jepascope.study.intervene.judges import trained_probe
from jepascope.study.intervene.requested import fixed_draws
from jepascope.study.sizes import LEFT_OUT_FIXED
from jepascope.study.steps.at_best import MOST_LEFT_OUT

SHARES = {name: FOLDER_SHARES[name] / (1 - FOLDER_SHARES["test"]) for name in ("fit", "judge")}  # of the videos that are not left out
EACH = -1  # in place of a layer: every fold has its own
VIDEO_COLUMNS = schema.TABLES["leave_one_out_videos"].written


@dataclass(frozen=True)
class Pool:
    """All clips of the study in the clip set's order, whatever their split: pooled activations by layer, class indices and values."""

    clips: ClipSet
    pooled: Mapping[int, Float[Tensor, "clips width"]]
    y: Int[Tensor, " clips"]
    values: Float[Tensor, "clips outputs"] | None

    @classmethod
    def of(cls, captures: Captures) -> Pool:
        parts = [part for part in (captures.fit, captures.judge, captures.test, captures.spare_test) if part is not None]
        order = torch.tensor(np.argsort(np.concatenate([part.clips.factors["clip"].to_numpy() for part in parts])))
        layers, tokens, values = range(captures.encoder.card.depth + 1), captures.spec.tokens, captures.clips.values(captures.spec.variable)
        return cls(
            captures.clips,
            {layer: torch.cat([part.pooled(layer, tokens) for part in parts])[order] for layer in layers},
            torch.tensor(captures.clips.labels(captures.spec.variable)[0]),
            None if values is None else torch.tensor(values, dtype=torch.float32),
        )

    @property
    def scenes(self) -> Int[Tensor, " clips"]:
        return torch.tensor(self.clips.factors["scene"].to_numpy(copy=True))


@dataclass(frozen=True)
class Fold:
    """One video left out (``scene``) with the one that its clips are swapped with (``donor``), and what became of the other videos' clips;
    ``folds``: of cross-validations inside fit and judge."""

    scene: int
    donor: int
    fit: Bool[Tensor, " clips"]
    judge: Bool[Tensor, " clips"]
    test: Bool[Tensor, " clips"]
    folds: int


def few_tested(clips: ClipSet, variable: str) -> bool:
    """Whether so few videos are left for the test, or so few of a class, that each video is left out in turn as well."""
    tested = clips.split("test")
    return tested.factors["scene"].nunique() < FEW_TESTED or fewest_scenes(tested, variable) < FEWEST_VIDEOS


def left_out_figures(captures: Captures, ce: pd.DataFrame, videos: pd.DataFrame) -> dict[str, Any]:
    """What summary.json says of it: accuracy over all clips, CE and its ratios over videos."""
    if ce.empty:
        return {}
    share, judged = _share(videos, "right", "n"), _share(videos, "judged_right", "edited")
    reading = JudgeReading(judged.value, judged.low, judged.high, judged.n, float(videos["judged_chance"].iloc[0]))
    largest = np.bincount(captures.clips.labels(captures.spec.variable)[0]).max()
    accuracy = {"value": share.value, "low": number(share.low), "high": number(share.high), "n": share.n, "chance": largest / share.n}
    by = by_judge(ce)
    layers = {str(layer): int(count) for layer, count in videos["layer"].value_counts().sort_index().items()}
    about = {"videos": len(videos), "rank": int(ce["rank"].iloc[0]), "layers": layers, "accuracy": accuracy}
    return {
        "leave_one_out": {
            **about,
            "ce": by["by_judge"]["probe"],
            "ratio_by_judge": by["ratio_by_judge"],
            "judge_reading": {"probe": reading.stored()},
            "leads": True,  # not in folders of versions that swapped nothing here
        }
    }


def _share(videos: pd.DataFrame, right: str, of: str) -> Interval:
    """The share of clips that are read right, with its interval over videos."""
    hits = np.concatenate([np.arange(row[of]) < row[right] for row in videos.to_dict("records")])
    return scene_proportion(hits, np.repeat(videos["scene"].to_numpy(), videos[of].to_numpy()))


def run_left_out(captures: Captures) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CE of swaps and of ablation by what the study's first finder finds, over all videos, with its controls (columns as in ce.parquet,
    ``layer`` -1); and a row for each video: its layer, and how many of its clips a dense probe of the fold's fit videos reads.

    Both are empty, and it is said why, where the other videos do not do without two of them: the study's own figures stand.
    """
    try:
        return _each_in_turn(captures, Pool.of(captures))
    except (BadData, BadArgument) as error:
        captures.progress.say(f"No video is left out in turn: {error}")
        return pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=VIDEO_COLUMNS)


def _each_in_turn(captures: Captures, pool: Pool) -> tuple[pd.DataFrame, pd.DataFrame]:
    what, clips, scenes = "capture clips of videos left out in turn", pool.clips, pool.scenes.numpy()
    # of every video a clip of each class that it shows: what a read-out prefers on one video then takes no side
    chosen = np.flatnonzero(captures.clips_chosen(clips, min(len(np.unique(scenes)), MOST_LEFT_OUT)))
    folds, donors = folds_without(captures, pool, chosen)
    read = [_read(captures, pool, fold) for fold in folds]
    layers = tuple(sorted({layer for layer, _ in read}))
    edited = captures.capture(clips.select(chosen), what, sites=layers)
    moments = {scene: captures.capture(clips.select(scenes == scene), what, moments=layers) for scene in np.unique(scenes).tolist()}
    tick = captures.progress.start("leave out one video at a time")
    effects: list[pd.DataFrame] = []
    rows: list[dict[str, object]] = []
    for fold, (layer, probe) in zip(folds, read, strict=True):

        def work(fold: Fold = fold, layer: int = layer) -> tuple[pd.DataFrame, ...]:
            return (_edited(captures, pool, fold, layer, edited, donors, moments),)

        effects += captures.run.part(f"in-turn-{fold.scene}", ("effects",), work)
        rows.append(_row(pool, fold, layer, probe, effects[-1]))
        tick(len(rows), len(folds))
    every = pd.concat(effects, ignore_index=True)
    chance = judge_readings(every)["probe"].chance
    rows = [{**row, "judged_chance": chance} for row in rows]
    return ce_table(every.assign(layer=EACH), captures.spec.seed, captures.spec.resamples), pd.DataFrame(rows, columns=VIDEO_COLUMNS)


def folds_without(captures: Captures, pool: Pool, chosen: Int[np.ndarray, " edited"]) -> tuple[list[Fold], Int[np.ndarray, " edited"]]:
    """A fold for every video that has a ``chosen`` clip, and for each of these the place among them of the clip that it is swapped with.

    Raises BadData where a video has no other one to be swapped with without which fit and judge have enough videos of every class.
    """
    scenes, y = pool.scenes.numpy(), pool.y.numpy()
    made: dict[tuple[int, int], Fold] = {}
    why: dict[int, BadData] = {}

    def allowed(scene: int, donor: int) -> bool:
        try:
            made[scene, donor] = made.get((scene, donor)) or fold_without(captures, pool, scene, donor)
        except BadData as error:
            why.setdefault(scene, error)
        return (scene, donor) in made

    donors = held_out_donors(y[chosen], scenes[chosen], allowed, captures.spec.seed)
    if (donors < 0).any():
        row = int(chosen[donors < 0][0])
        none = BadData(f"no other video shows another class than each of the clips of '{pool.clips.factors['source'].iloc[row]}'.")
        raise why.get(int(scenes[row]), none)
    of = dict(zip(scenes[chosen].tolist(), scenes[chosen][donors].tolist(), strict=True))
    return [made[scene, donor] for scene, donor in sorted(of.items())], donors


def fold_without(captures: Captures, pool: Pool, scene: int, donor: int) -> Fold:
    """All other videos parted as the study parts its own. Raises BadData where fit or judge gets too few videos of a class."""
    factors, names = pool.clips.factors, np.array(captures.classes)[pool.y.numpy()]
    table = pd.DataFrame({"source": factors["source"].to_numpy(), "scene": factors["scene"].to_numpy(), "kind": names})
    fewest = {name: FEWEST_VIDEOS for name in SHARES}
    rest, few = dealt_enough(table[~table["scene"].isin([scene, donor])], captures.classes, captures.spec.seed, SHARES, fewest=fewest)
    if few:
        left, other = (table["source"][table["scene"] == one].iloc[0] for one in (scene, donor))
        raise BadData(
            f"without '{left}' and '{other}' there are too few videos of {captures.spec.variable} {', '.join(few)} for a fit and a judge."
        )
    fit, judge = (torch.tensor((rest["split"] == name).reindex(table.index, fill_value=False).to_numpy()) for name in SHARES)
    test = torch.tensor((table["scene"] == scene).to_numpy())
    scenes = pool.scenes.numpy()
    require_disjoint({"fit": scenes[fit.numpy()], "judge": scenes[judge.numpy()], "test": np.array([scene, donor])})
    least = int(rest.groupby(["split", "kind"])["scene"].nunique().min())
    return Fold(scene, donor, fit, judge, test, min(captures.spec.folds, least))


def _read(captures: Captures, pool: Pool, fold: Fold) -> tuple[int, LinearProbe]:
    """The layer that the fold's own fit videos choose, by the study's rule, and the dense probe there."""
    wanted = range(captures.encoder.card.depth + 1) if captures.spec.best_layer is None else (captures.spec.best_layer,)
    inputs = {layer: pool.pooled[layer][fold.fit] for layer in wanted}
    paths = dense_probes(inputs, pool.y[fold.fit], pool.scenes[fold.fit], fold.folds, seed=captures.spec.seed)
    layer = earliest_of(paths, captures.encoder.card.depth) if captures.spec.best_layer is None else captures.spec.best_layer
    return layer, paths[layer].probe


def _row(pool: Pool, fold: Fold, layer: int, probe: LinearProbe, effects: pd.DataFrame) -> dict[str, object]:
    right = probe.right(pool.pooled[layer][fold.test], pool.y[fold.test])
    videos = {f"{name}_videos": len(pool.scenes[clips].unique()) for name, clips in (("fit", fold.fit), ("judge", fold.judge))}
    source = pool.clips.factors["source"][fold.test.numpy()].iloc[0]
    share = {"n": len(right), "right": int(right.sum()), "accuracy": float(right.double().mean())}
    own = effects[(effects["control"] == "subspace") & (effects["edit"] == "ablate")]  # whose clips keep their class
    judged = {"edited": len(own), "judged_right": int(own["correct_before"].sum())}
    return {"source": source, "scene": fold.scene, "layer": layer, **videos, **share, **judged}


def _edited(
    captures: Captures,
    pool: Pool,
    fold: Fold,
    layer: int,
    edited: Activations,
    donors: Int[np.ndarray, " edited"],
    moments: Mapping[int, Activations],
) -> pd.DataFrame:
    """Effects of swaps and of ablation on the clips of the video that is left out; the subspace of fit, its controls (those that need no
    clips made for them), the read-out of judge."""
    spec, card, finder = captures.spec, captures.encoder.card, captures.spec.finders[0]
    rows = np.flatnonzero(edited.clips.factors["scene"].to_numpy() == fold.scene)
    where, scenes = Site(layer, spec.tokens), pool.scenes
    data = Labelled(
        pool.pooled[layer][fold.fit],
        pool.y[fold.fit],
        None if pool.values is None else pool.values[fold.fit],
        scenes[fold.fit],
        where=f"{where} without one video",
    )
    if needing("path", [finder]):
        data = replace(data, path=l1_paths({layer: data.x}, data.y, data.groups, fold.folds, seed=spec.seed)[layer])
    where_found = {"layer": layer, "tokens": spec.tokens, "model": card.name}
    subspace = find(finder, data, spec.rank_of(finder), spec.seed, **where_found)
    draws = min(spec.draws, spec.draws_beside)
    shuffled = find_shuffled(finder, data, subspace.rank, draws, spec.seed, layer=layer)
    covariance = _covariance(spec.edited_tokens, layer, [moments[scene] for scene in scenes[fold.fit].unique().tolist()])
    controls = matched_controls(subspace, covariance, draws, spec.seed, shuffled, pooled_covariance=Moments.of(data.x).covariance)
    controls += fixed_draws(data, subspace, LEFT_OUT_FIXED, covariance, spec.seed)
    last = pool.pooled[card.depth][fold.judge]
    reader = trained_probe(last, pool.y[fold.judge], scenes[fold.judge], spec.tokens, fold.folds, spec.seed)
    source, partner = edited.select(rows), edited.select(donors[rows])
    means = class_means(data.x, data.y, data.classes)
    left_out = Scenes(source, partner, captures.labels(source), captures.labels(partner), means, "class")
    effects, _ = intervene(
        captures.encoder,
        Site(layer, spec.edited_tokens),
        left_out,
        {finder: subspace},
        {finder: controls},
        [reader],
        LEADING,
        spec.edit_doses[:1],
        ablate_to=spec.ablate_to,
    )
    return effects


def _covariance(edited: str, layer: int, videos: list[Activations]) -> Float64[Tensor, "width width"]:
    """Of the tokens of all these videos' clips at the layer."""
    tokens = edited if edited in SELECTIONS else "all"
    fitter = MomentsFitter(videos[0].encoder_card.width)
    for video in videos:
        fitter.merge(video.moments(layer, tokens))
    return fitter.fit().covariance
