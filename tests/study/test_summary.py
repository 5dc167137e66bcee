"""summary.json holds the keys that were promised, finite numbers or null, and nothing that the tables do not say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from controls_named import OF_FORMULA
from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import preset
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadData
from jepascope.study import scenes as scenes_module
from jepascope.study.captures import Captures
from jepascope.study.checks import check_spec_fits
from jepascope.study.folder import Run
from jepascope.study.progress import Silent
from jepascope.study.spec import StudySpec

PROMISED = {
    *("film", "title", "replies"),
    *("schema", "model", "clips", "variable", "layers", "best_layer", "probe", "ce", "controls"),
    *("ce_ratio", "sas", "rce", "leaks", "seconds"),
}
CONTROLS = {*OF_FORMULA} - {"subspace"}
EDITS = {"ablate", "swap", "steer"}


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def summary(finished_run: Path) -> dict[str, Any]:
    found: dict[str, Any] = strict((finished_run / "summary.json").read_text())
    return found


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    else:
        yield value


def test_the_promised_keys_are_there(summary: dict[str, Any]) -> None:
    assert summary.keys() >= PROMISED
    assert summary["probe"].keys() >= {"dense", "dense_untrained", "l1_support"}
    layers = {str(layer) for layer in summary["layers"]}
    assert all(summary["probe"][kind].keys() == layers for kind in ("dense", "dense_untrained", "l1_support"))
    for edits in summary["ce"].values():
        assert edits.keys() == EDITS
        assert all(figure.keys() >= {"value", "low", "high", "n"} for figure in edits.values())
    assert summary["controls"].keys() == CONTROLS
    for edits in summary["controls"].values():
        assert edits.keys() == EDITS
        assert all(figure.keys() >= {"value", "low", "high", "draws"} for figure in edits.values())
    for ratios in summary["ce_ratio"].values():
        assert ratios.keys() == CONTROLS
        assert all(figure.keys() >= {"value", "low", "high"} for figure in ratios.values())
    assert all(figure.keys() >= {"accuracy", "chance", "leak"} for figure in summary["leaks"].values())
    assert summary["seconds"].keys() == {
        *("capture", "probes", "values", "stability", "token map", "leaks", "subspaces", "intervene", "statistics"),
        *("heterogeneity", "dimensions", "fits", "ranks"),
        *("isolation", "doses", "calibration", "refits", "port", "degeneracy"),
    }


def test_every_number_is_finite(summary: dict[str, Any]) -> None:
    numbers = [leaf for leaf in leaves(summary) if isinstance(leaf, float)]
    assert len(numbers) > len(PROMISED)
    assert np.isfinite(numbers).all()


def test_the_figures_are_those_of_the_tables(summary: dict[str, Any], finished_run: Path, tiny_spec: StudySpec) -> None:
    best = summary["best_layer"]
    ce = pd.read_parquet(finished_run / "ce.parquet")
    ce = ce[(ce["layer"] == best) & (ce["judge"] == "probe")].set_index(["control", "edit"])

    def said(figure: dict[str, Any], row: pd.Series, *columns: str) -> bool:
        wanted = [None if np.isnan(row[column]) else row[column] for column in columns]
        return [figure[key] for key in ("value", "low", "high")] == wanted

    for edit in EDITS:
        assert said(summary["ce"]["diff_means"][edit], ce.loc[("subspace", edit)], "value", "low", "high")
        assert summary["ce"]["diff_means"][edit]["n"] == tiny_spec.test_scenes
    for control in CONTROLS:
        assert said(summary["ce_ratio"]["diff_means"][control], ce.loc[(control, "ablate")], "ratio", "ratio_low", "ratio_high")
        assert all(said(summary["controls"][control][edit], ce.loc[(control, edit)], "value", "low", "high") for edit in EDITS)
    probes = pd.read_parquet(finished_run / "probes.parquet")
    chosen = probes[probes["chosen"] & (probes["tokens"] == tiny_spec.tokens) & (probes["encoder"] == "model")]
    accuracy = chosen[chosen["probe"] == "dense"].set_index("layer")["accuracy"]
    assert summary["probe"]["dense"] == {str(layer): value for layer, value in accuracy.items()}
    at = chosen[(chosen["probe"] == "dense") & (chosen["layer"] == best)].iloc[0]
    assert f"accuracy {accuracy[best]:.3f} [{at['low']:.2f}, {at['high']:.2f}] at layer {best}" in summary["headline"]
    value = pd.read_parquet(finished_run / "values.parquet").query("encoder == 'model' and held_out == 'clips' and layer == @best")
    error = value[value["tokens"] == tiny_spec.tokens].iloc[0]
    assert (
        ("is not shown to be read above chance" in summary["headline"])
        == (error["high"] >= error["chance"])
        == (not summary["reading"]["read"])
    )
    leaks = pd.read_parquet(finished_run / "leaks.parquet")
    assert {row["baseline"]: row["accuracy"] for _, row in leaks.iterrows()} == {
        name: figure["accuracy"] for name, figure in summary["leaks"].items()
    }


def test_the_tables_hold_what_the_spec_asks_for(finished_run: Path, tiny_spec: StudySpec) -> None:
    effects = pd.read_parquet(finished_run / "effects.parquet")
    best = strict((finished_run / "summary.json").read_text())["best_layer"]
    at_best = effects[effects["layer"] == best]
    assert set(at_best["edit"]) == EDITS
    assert set(at_best["control"]) == {"subspace", *CONTROLS}
    assert at_best.query("control not in ('subspace', 'top_pca')").groupby(["edit", "control"])["draw"].nunique().eq(tiny_spec.draws).all()
    assert at_best["scene"].nunique() == tiny_spec.test_scenes
    assert np.isfinite(effects[["numerator", "denominator"]].to_numpy()).all()
    clips = preset(tiny_spec.clips, tiny_spec.seed, per_class=tiny_spec.clips_per_class).factors
    assert set(effects["scene"]) <= set(clips.loc[clips["split"] == "test", "scene"])  # nothing fitted or judging is tested


def test_a_bench_refuses_splits_that_share_a_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    class Overlapping(ClipSet):
        def __post_init__(self) -> None:
            pass  # a clip set refuses this itself; here is one that does not

    def overlapping(*arguments: Any, **sizes: Any) -> ClipSet:
        clips = preset(*arguments, **sizes)
        factors = clips.factors.copy()
        factors.loc[factors["split"] == "test", "scene"] = factors.loc[factors["split"] == "fit", "scene"].iloc[0]
        return Overlapping(clips.name, factors, clips.source, clips.frames, clips.size)

    monkeypatch.setattr(scenes_module, "preset", overlapping)
    run = Run.open(tmp_path, tiny_spec)
    with pytest.raises(BadData, match="'fit' and in 'test'"):
        Captures.of_run(run, tiny_encoder, Silent())
    run.close()
    with pytest.raises(BadData, match="more than one of"):
        clips = preset("directions8", 0, per_class=10)
        replace(clips, factors=clips.factors.assign(scene=0))


def test_folds_follow_the_smallest_class(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    said: list[str] = []

    class Saying(Silent):
        def say(self, line: str) -> None:
            said.append(line)

    run = Run.open(tmp_path, tiny_spec)
    captures = Captures.of_run(run, tiny_encoder, Saying())
    run.close()
    counts = [np.bincount(captures.clips.split(split).labels("direction")[0]).min() for split in ("fit", "judge")]
    assert captures.folds == min(tiny_spec.folds, *counts) == 3
    assert "3-fold" in said[0]


def test_a_rank_that_leaves_no_control_is_refused(tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    narrow = copy(tiny_encoder)
    narrow.card = replace(narrow.card, width=12)
    with pytest.raises(BadArgument, match="at most 6"):
        check_spec_fits(tiny_spec, narrow)
