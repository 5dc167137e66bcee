"""summary.json holds the keys that were promised, finite numbers or null, and nothing that the tables do not say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import preset
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadData
from jepascope.study import captures as captures_module
from jepascope.study import scenes as scenes_module
from jepascope.study.captures import Captures
from jepascope.study.folder import Run
from jepascope.study.progress import Silent
from jepascope.study.spec import StudySpec
from jepascope.study.steps.headline import headline

PROMISED = {
    *("schema", "model", "clips", "variable", "layers", "best_layer", "probe", "ce", "controls"),
    *("ce_ratio", "sas", "rce", "leaks", "seconds"),
}
CONTROLS = {"random", "variance", "shuffled", "norm"}
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


READS = {"probe": {"accuracy": 0.9, "low": 0.8, "high": 0.95, "n": 8, "chance": 0.125, "reads": True}}
DIRECT = {"value": 0.125, "low": 0.1, "high": 0.15}


def with_effect(summary: dict[str, Any], value: float | None = 0.5, low: float | None = 0.25, high: float | None = 0.75) -> str:
    """The headline of an ablation with this effect, three times what each control does, by a judge that reads."""
    summary["ce"] = {"diff_means": {"ablate": {"value": value, "low": low, "high": high, "n": 8, "direct": DIRECT}}}
    summary["judge_reading"] = READS
    for ratios in (summary["ce_ratio"]["diff_means"], summary["ratio_by_judge"]["probe"]["diff_means"]["ablate"]):
        for ratio in ratios.values():
            more = {"difference_low": 0.1, "difference_high": 0.4, "excess_low": 0.05, "excess_high": 0.5, "draws": 20}
            ratio.update(value=3.0, low=2.0, high=4.0, bound=False, **more)
    return headline(summary)


def test_the_headline_says_value_interval_n_and_both_controls(summary: dict[str, Any]) -> None:
    text = with_effect(summary)
    for part in (
        "removes 50 [25, 75] % of the judge's margin, 12 points of it with no block seeing the edit (n = 8",
        "3.0 times [2.0, 4.0] what random",
        "3.0 times [2.0, 4.0] what variance-matched",
        "n = 8 test scenes",
    ):
        assert part in text
    ratios = summary["ratio_by_judge"]["probe"]["diff_means"]["ablate"]
    ratios["variance"].update(value=0.3, bound=True)
    assert "No ratio to variance-matched directions can be stated." in headline(summary)
    ratios["shuffled"].update(value=1.2, low=1.1, high=1.4, excess_low=-0.1)
    text = headline(summary)
    assert "That is 1.2 times [1.1, 1.4] what subspaces found on shuffled labels do on average (single draws of which do as much)" in text
    assert "no causal effect can be stated" in with_effect(summary, None, None, None)


def test_the_headline_states_no_ratio_of_an_effect_that_is_not_shown(summary: dict[str, Any]) -> None:
    """59 [-81, 200] % is no effect, however much random edits do less."""
    text = with_effect(summary, 0.59, -0.81, 2.0)
    assert "is not shown to do anything: it removes 59 [-81, 200] % of the judge's margin (n = 8 test scenes" in text
    assert " times " not in text and "points of it" not in text
    assert " times " not in with_effect(summary, -0.4, -0.5, -0.3) and "which grows" in with_effect(summary, -0.4, -0.5, -0.3)


def test_a_judge_that_reads_nothing_states_nothing(summary: dict[str, Any]) -> None:
    with_effect(summary)
    summary["judge_reading"] = {"probe": {"accuracy": 0.47, "low": 0.3, "high": 0.65, "n": 30, "chance": 0.5, "reads": False}}
    text = headline(summary)
    assert (
        "the judge is not shown to read the direction of unedited test scenes (right for 47 [30, 65] %, chance 50 %), so no causal" in text
    )
    assert "removes" not in text and " times " not in text


def test_the_tables_hold_what_the_spec_asks_for(finished_run: Path, tiny_spec: StudySpec) -> None:
    effects = pd.read_parquet(finished_run / "effects.parquet")
    best = strict((finished_run / "summary.json").read_text())["best_layer"]
    at_best = effects[effects["layer"] == best]
    assert set(at_best["edit"]) == EDITS
    assert set(at_best["control"]) == {"subspace", *CONTROLS}
    assert at_best.query("control != 'subspace'").groupby(["edit", "control"])["draw"].nunique().eq(tiny_spec.draws).all()
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
    bench = Captures.of_run(run, tiny_encoder, Saying())
    run.close()
    counts = [np.bincount(bench.clips.split(split).labels("direction")[0]).min() for split in ("fit", "judge")]
    assert bench.folds == min(tiny_spec.folds, *counts) == 3
    assert "3-fold" in said[0]


def test_a_rank_that_leaves_no_control_is_refused(tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    narrow = tiny_encoder.at(tiny_encoder.card.frames, tiny_encoder.card.size)
    narrow.card = replace(narrow.card, width=12)
    with pytest.raises(BadArgument, match="at most 6"):
        captures_module.check_spec_fits(tiny_spec, narrow)
