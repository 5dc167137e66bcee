"""Subspaces carried between layers of planted networks: one causal plane, written in two frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.clips.clipset import ClipSet
from jepascope.clips.planted import planted_clips
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.planted.encoder import SITE, planted_encoder
from jepascope.errors import BadData
from jepascope.findings.carried import FLOORS, FREE_FLOOR
from jepascope.findings.claims import claims_of, headline
from jepascope.findings.facts import Facts
from jepascope.findings.port_summary import models_figures
from jepascope.portability.similarity import Similarity
from jepascope.study.captures import Captures
from jepascope.study.folder import Run
from jepascope.study.port.carried import DRAWS, carried_by
from jepascope.study.port.sides import Side, best_of, check_paired
from jepascope.study.port.similarity import LayerPair, best_match, layer_pairs, relative_depth, similar_layers, similarity_table
from jepascope.study.port.transport import transport_table
from jepascope.study.progress import Silent
from jepascope.study.spec import StudySpec


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return planted_clips(0, fit=20, judge=12, test=4)


Planted = Callable[..., Side]


@pytest.fixture
def planted(clips: ClipSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    """Sides of planted networks on planted clips, in captures like any other."""
    monkeypatch.setattr("jepascope.study.captures.other_clips", lambda spec: None)
    monkeypatch.setattr("jepascope.study.captures.folds_of", lambda *_: 4)
    monkeypatch.setattr(Captures, "other_variables", ())

    def side(seed: int, name: str = "clean", shown: ClipSet = clips, kind: type[Captures] = Captures, **changes: Any) -> Side:
        monkeypatch.setattr("jepascope.study.captures.study_clips", lambda spec: shown)
        values = {"finders": ("lda_pattern",), "rank": 2, "test_scenes": 16, "resamples": 200, "doses": (0.5, 1.0), **changes}
        encoder: VideoEncoder = planted_encoder(name, seed)
        run = Run(tmp_path / f"{name}-{seed}", StudySpec(**values))
        return Side(kind.of_run(run, encoder, Silent()), SITE, run.path, f"{name} {seed}")

    yield side


def test_relative_depth_is_the_nearest_share_that_can_be_edited() -> None:
    assert [relative_depth(layer, 4, 8) for layer in range(4)] == [1, 2, 4, 6]
    assert [relative_depth(layer, 8, 4) for layer in range(8)] == [1, 1, 1, 1, 2, 2, 3, 3]  # of two as near, the earlier
    assert relative_depth(2, 4, 1) == 0


def test_best_match_has_the_largest_similarity_among_layers_that_can_be_edited() -> None:
    def similar(value: float) -> Similarity:
        return Similarity(value, *[0.0] * 2, 40, *[0] * 7)

    values = {0: 0.99, 1: 0.5, 2: 0.7, 3: 0.7, 4: 0.99}  # the ends have no block before or after
    grid = {(1, layer): similar(value) for layer, value in values.items()} | {
        (2, layer): similar(1 - value) for layer, value in values.items()
    }
    assert best_match(1, 4, grid) == 2 and best_match(2, 4, grid) == 1


def test_two_choices_are_two_pairs(planted: Planted) -> None:
    a, b = planted(0), planted(1)
    alike = Similarity(0.5, *[0.0] * 2, 40, *[0] * 7)
    grid = {(here, there): replace(alike, value=0.5 + (there == 3) / 4) for here in range(6) for there in range(6)}
    found = [(pair.source_layer, pair.target_layer, pair.choice) for pair in layer_pairs(a, b, grid)]
    assert found == [(SITE, SITE, "relative depth"), (SITE, 3, "best match")]
    assert [one.places for one in layer_pairs(b, a, grid)] == [((b, SITE), (a, SITE)), ((b, SITE), (a, 3))]


def transported(pair: LayerPair, folder: Path, finder: str = "lda_pattern") -> pd.DataFrame:
    return transport_table([pair], (finder,), None, Run(folder, pair.source.captures.spec))


def pair_of(a: Side, b: Side) -> LayerPair:
    return LayerPair(a, b, SITE, SITE, "both")


@pytest.mark.slow
def test_a_subspace_carried_to_the_same_network_in_another_frame_is_the_one_found_there(planted: Planted, tmp_path: Path) -> None:
    a, b = planted(0, doses=(0.5, 0.9, 2.0)), planted(1)
    table = transported(pair_of(a, b), tmp_path)
    assert (table["source"] == "clean 0").all() and (table["target"] == "clean 1").all() and (table["n"] == 16).all()
    found = table.set_index(["map", "edit", "dose", "used"]).sort_index()
    ridge = found.loc["ridge"].loc["ablate", 0.9]
    for used in ("carried", "class-free"):
        assert ridge.loc[used, "rce"] == pytest.approx(1, abs=1e-3) and ridge.loc[used, "sas"] == pytest.approx(1, abs=1e-4)
    assert ridge.loc["carried", "value"] > 0.8
    assert found.loc[("ridge", "swap", 1.0, "carried"), "rce"] == pytest.approx(1, abs=1e-3)
    # before anything is carried the two frames share nothing
    basis = a.subspace("lda_pattern", SITE, 2).basis.T @ b.subspace("lda_pattern", SITE, 2).basis
    assert float(basis.square().sum()) / 2 < 0.2
    for used in ("random", "variance", "random source", FREE_FLOOR):
        assert ridge.loc[used, "rce"] < 0.2 and ridge.loc[used, "difference_low"] > 0.5
    assert ridge.loc["shuffled pairs", "rce"] < 0.6 and ridge.loc["shuffled pairs", "difference_low"] > 0.3
    # what knows the class alone carries class means to class means
    assert ridge.loc["shuffled in class", "rce"] > 0.9
    procrustes = found.loc["procrustes"].loc["ablate", 0.9]
    assert procrustes.loc["carried", "rce"] == pytest.approx(1, abs=0.05)
    # floors stand at the largest dose that saturates neither, and each says how far what it is a floor of lies above it
    assert found.xs(2.0, level="dose")["saturated"].all() and not found.xs(0.9, level="dose")["saturated"].any()
    for name in (*FLOORS, FREE_FLOOR):
        own = procrustes.loc["class-free" if name == FREE_FLOOR else "carried", "value"]
        assert procrustes.loc[name, "difference"] == pytest.approx(own - procrustes.loc[name, "value"])
    said = summary_of(table, similarity_table(a, b, [pair_of(a, b)], None))
    assert said["carried"][0]["dose"] == 0.9 and said["carried"][0]["floors"]["variance"]["difference_low"] > 0.5
    assert (
        "clean 0 → clean 1, lda_pattern at layer 1 carried to layer 1 (" in said["headline"] and "by ridge: RCE 1.000" in said["headline"]
    )
    assert "more than that of every floor (the highest, of the map of pairs shuffled within classes: 0.836)" in said["headline"]


def summary_of(transport: pd.DataFrame, similarity: pd.DataFrame) -> dict[str, Any]:
    facts = Facts({"kind": "models", **models_figures(similarity, transport)}, {"similarity": similarity, "transport": transport})
    return {**facts.summary, "headline": headline(facts, claims_of(facts, "port"))}


@pytest.mark.slow
def test_a_subspace_that_nothing_reads_is_carried_and_keeps_nothing(planted: Planted, tmp_path: Path) -> None:
    """lda_pattern finds the decoy: the same directions in both (SAS), and no effect that could be kept (RCE)."""
    found = transported(pair_of(planted(0, "decoy"), planted(1, "decoy")), tmp_path)
    carried = found[(found["used"] == "carried") & (found["map"] == "ridge") & (found["edit"] == "ablate")]
    assert (carried["sas"] > 0.99).all() and (carried["value"].abs() < 0.05).all() and carried["rce"].isna().all()


def test_a_map_between_frames_is_all_that_two_networks_differ_by(planted: Planted) -> None:
    a, b = planted(0), planted(1)
    check_paired(a, b)
    pairs = layer_pairs(a, b, similar_layers(a, b, "fit"))
    assert [pair.names for pair in pairs] == [pair_of(a, b).names]
    rows = similarity_table(a, b, pairs, None).set_index("metric")
    for metric in ("cca", "ridge_r2"):
        assert rows.loc[metric, "value"] > 0.99 and rows.loc[metric, "n"] == 32
        assert abs(rows.loc[metric, "chance"]) < 0.05 and rows.loc[metric, "label_chance"] < 0.5
    assert rows.loc["cca_in_sample", "n"] == 160


def reordered(clips: ClipSet) -> ClipSet:
    """The same clips in another order, so that splits and classes come mixed."""
    return clips.select(np.random.default_rng(5).permutation(len(clips)))


@pytest.mark.slow
def test_clips_are_paired_by_scene_however_they_are_ordered(planted: Planted, clips: ClipSet, tmp_path: Path) -> None:
    """Another order of the clip set, and other test scenes edited (which come first in what is captured)."""
    a, b = planted(0), planted(1, shown=reordered(clips), test_scenes=8)
    assert not torch.equal(a.captures.scenes(a.captures.fit), b.captures.scenes(b.captures.fit))
    assert not torch.equal(a.captures.test_labels, b.captures.test_labels)
    check_paired(a, b)
    rows = similarity_table(a, b, [pair_of(a, b)], None).set_index(["metric", "source_layer", "target_layer"])
    assert rows.loc[("ridge_r2", SITE, SITE), "value"] > 0.99 and rows.loc[("cka", SITE, SITE), "value"] > 0.99
    found = transported(pair_of(a, b), tmp_path)
    carried = found[(found["used"] == "class-free") & (found["map"] == "ridge") & (found["edit"] == "ablate")]
    np.testing.assert_allclose(carried["rce"], 1, atol=1e-3)


def test_clips_of_other_scenes_are_refused(planted: Planted, clips: ClipSet) -> None:
    fewer = clips.select(np.flatnonzero((clips.factors["scene"] != clips.factors["scene"].iloc[0]).to_numpy()))
    with pytest.raises(BadData, match="fit clips of clean 0 and of clean 1 are not the same scenes"):
        check_paired(planted(0), planted(1, shown=fewer))


class FitAlone(Captures):
    """Captures that refuse every look at judge and test clips."""

    def _refused(self) -> Any:
        raise AssertionError("only fit clips may be looked at here")

    judge = test = twins = spare_test = property(_refused)  # type: ignore[assignment]


def test_what_is_carried_and_where_is_decided_on_fit_clips_alone(planted: Planted) -> None:
    a, b = planted(0, kind=FitAlone), planted(1, kind=FitAlone)
    assert best_of(a.captures, None) in range(1, 5)  # it looks at no other clips
    (pair,) = layer_pairs(a, b, similar_layers(a, b, "fit"))
    used = carried_by(pair, "ridge", "lda_pattern", None)
    assert {name: len(draws) for name, draws in used.floors.items()} == dict.fromkeys([*FLOORS, FREE_FLOOR], DRAWS)
    with pytest.raises(AssertionError, match="only fit clips"):
        a.pooled("test", SITE)


def test_carried_subspaces_are_ablated_to_the_mean_of_the_target(planted: Planted) -> None:
    """Of a source that lies elsewhere nothing but directions is taken."""
    used = carried_by(pair_of(planted(0), planted(1)), "procrustes", "lda_pattern", None)
    for subspace in (used.carried, used.class_free, *(draw for draws in used.floors.values() for draw in draws)):
        assert torch.equal(subspace.mean, used.native.mean) and subspace.rank == 2
    assert used.carried.provenance["carried"]["finder"] == "lda_pattern" and used.carried.provenance["map"] == "procrustes"
    assert used.overlap("native") == pytest.approx(1) and used.chance == pytest.approx(2 / used.native.width)
