"""Stage three as a study writes it: what is carried across what, read-outs on other clips, exchanges, and the curve of peeled subspaces."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.activations.site import Site
from jepascope.clips.presets import directions8
from jepascope.discovery.finder_entry import peeled_by
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadData
from jepascope.intervention.control_entry import FLOORS
from jepascope.portability.degeneracy_tables import DEGENERACY_COLUMNS, PEELING_COLUMNS, VERDICT_COLUMNS
from jepascope.portability.tables import ANGLE_COLUMNS, PORTABILITY_COLUMNS, portability_table, readings_rows, sas_rows
from jepascope.portability.verdict import VERDICTS
from jepascope.schema import TABLES as SCHEMA
from jepascope.study.captures import Captures
from jepascope.study.discover.subspaces import run_subspaces
from jepascope.study.folder import Run
from jepascope.study.given import given_in
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.judges import StudyJudges, last_layer_probe
from jepascope.study.port import across, found_elsewhere
from jepascope.study.port.degeneracy import beside_of, run_degeneracy
from jepascope.study.port.found_elsewhere import carried_to, elsewhere
from jepascope.study.progress import Silent
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec

COLUMNS = {
    "portability": PORTABILITY_COLUMNS,
    "angles": ANGLE_COLUMNS,
    "carried_readout": SCHEMA["carried_readout"].written,
    "degeneracy": DEGENERACY_COLUMNS,
    "verdicts": VERDICT_COLUMNS,
    "peeling": PEELING_COLUMNS,
}
ACROSS = {"data seed": r"(\w+) \(other seed\)", "layer": r"(\w+) \(layer \d\)", "clip set": r"(\w+) \(circle\)"}
"""Names of subspaces found elsewhere: by what they are carried across."""


@pytest.fixture(scope="module")
def tables(finished_run: Path) -> dict[str, pd.DataFrame]:
    return {name: pd.read_parquet(finished_run / f"{name}.parquet") for name in COLUMNS}


@pytest.fixture(scope="module")
def summary(finished_run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((finished_run / "summary.json").read_text())
    return found


@pytest.fixture
def captures(tmp_path: Path, finished_run: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> Iterator[Captures]:
    """The finished study's, whose captures are there."""
    shutil.copytree(finished_run, tmp_path / "run")
    run = Run.open(tmp_path / "run", tiny_spec)
    yield Captures.of_run(run, tiny_encoder, Silent())
    run.close()


# portability


def test_tables_have_their_columns_and_nothing_else(tables: dict[str, pd.DataFrame]) -> None:
    for name, columns in COLUMNS.items():
        assert list(tables[name].columns) == columns, name


def test_subspaces_are_carried_across_scenes_layers_and_clip_sets_under_names_that_say_so(
    tables: dict[str, pd.DataFrame], summary: dict[str, Any], tiny_spec: StudySpec
) -> None:
    table, best = tables["portability"], summary["best_layer"]
    assert set(table["across"]) == set(ACROSS) and set(table["layer"]) == {best}  # one finder: none with another
    for kind, rows in table.groupby("across"):
        # a is used in place of b: what was found elsewhere in place of the study's own, but on other clips the study's own
        elsewhere, own = ("b", "a") if kind == "clip set" else ("a", "b")
        for there, here in zip(rows[elsewhere], rows[own], strict=True):
            match = re.fullmatch(ACROSS[str(kind)], there)
            assert match is not None and match.group(1) == here == "diff_means"
    layers = {name for name in table["a"] if "layer" in name}
    assert layers == {f"diff_means (layer {layer})" for layer in range(3) if layer != best}
    angles = tables["angles"].groupby(["across", "a", "b"])["index"].max() + 1
    assert set(angles.index) == set(map(tuple, table[["across", "a", "b"]].to_numpy())) and set(angles) == {summary["rank"]}


def test_every_pair_has_its_alignment_what_both_read_and_what_is_kept_at_every_dose(
    tables: dict[str, pd.DataFrame], tiny_spec: StudySpec
) -> None:
    table = tables["portability"]
    assert table["saturated"].dtype == bool
    for _, rows in table.groupby(["across", "a", "b"]):
        by_metric = rows.groupby("metric")
        assert set(by_metric.groups) == {"sas", "readings", "rce", "rce_norm"}
        sas, readings, kept = (by_metric.get_group(metric) for metric in ("sas", "readings", "rce"))
        norm = by_metric.get_group("rce_norm")
        assert len(norm) == 1 and norm["dose"].item() in tiny_spec.doses and 0 < norm["p_holm"].item() <= 1
        assert norm["looked_at"].item() == (table["metric"] == "rce_norm").sum()
        floors = norm[["floor_variance", "floor_shuffled", "floor_pca"]]
        assert kept["value"].isna().all() or np.isfinite(floors).all(axis=None)
        assert np.isfinite(sas[["null_shuffled", "null_pca", "fit_low", "pca_low"]]).all(axis=None)
        assert len(sas) == len(readings) == 1 and sorted(kept["dose"]) == sorted(tiny_spec.doses)
        assert readings["n"].item() == 16 and readings["value"].between(0, 1).all() and readings["chance"].item() > 0
        assert (kept["n"] == tiny_spec.test_scenes).all() and np.isfinite(sas["ceiling"].item())


def test_on_other_clips_the_read_out_is_their_own_beside_the_studys(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["carried_readout"]
    assert list(zip(table["clips"], table["probe_from"], strict=True)) == [
        ("directions8", "directions8"),
        ("circle", "circle"),
        ("circle", "directions8"),
    ]
    assert (table["layer"] == 3).all() and (table["n"] == 16).all() and (table["chance"] == 1 / 8).all()
    assert ((table["low"] <= table["accuracy"]) & (table["accuracy"] <= table["high"])).all()


def test_the_other_clips_are_the_same_study_on_them_and_share_no_scene(captures: Captures) -> None:
    there = elsewhere(captures, "circle", 1)
    assert there.spec.clips == "circle" and there.sites == (1,) and there.store == captures.store
    assert there.spec.seed == captures.spec.seed and there.splits == captures.splits
    keys = ["angle", "speed", "size"]
    mine, theirs = (set(map(tuple, one.clips.factors[keys].to_numpy())) for one in (captures, there))
    assert mine.isdisjoint(theirs)


def test_a_clip_set_with_too_few_clips_of_a_class_is_left_out_and_said(captures: Captures, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Saying(Silent):
        def say(self, line: str) -> None:
            said.append(line)

    def refused(*_: object) -> Captures:
        raise BadData("Split 'fit' has 1 clip(s).")

    monkeypatch.setattr(found_elsewhere, "elsewhere", refused)
    captures.progress = Saying()
    carried = carried_to(captures, "circle", 1, {}, {}, {}, last_layer_probe(captures), {})
    assert carried.portability == carried.angles == carried.readout == []
    assert said == ["Subspaces are not carried to circle: Split 'fit' has 1 clip(s)."]


def test_subspaces_are_carried_to_other_clip_sets_than_the_studys(tmp_path: Path) -> None:
    assert StudySpec().carried_to == ("circle", "complex")
    assert StudySpec(clips="circle").carried_to == ("complex",)
    path, factors = tmp_path / "mine.csv", directions8(0, per_class=10).factors
    pd.DataFrame({"scene": factors["scene"], "kind": factors["scene"] % 2}).to_csv(path, index=False)
    assert make_spec({"labels": str(path), "variable": "kind", "clips_per_class": 10}, "here").carried_to == ()


# degeneracy


def test_the_curve_has_a_row_for_every_stage_and_control_and_a_verdict(
    tables: dict[str, pd.DataFrame], summary: dict[str, Any], tiny_spec: StudySpec
) -> None:
    table = tables["peeling"]
    assert set(table["finder"]) == {"das"} and set(table["layer"]) == {summary["best_layer"]} and (table["rank"] == summary["rank"]).all()
    assert 1 <= table["stage"].max() <= tiny_spec.peels
    assert table.groupby("stage")["control"].apply(list).tolist() == [["subspace", *FLOORS]] * table["stage"].max()
    own = table[table["control"] == "subspace"]
    assert set(own["verdict"]) <= set(VERDICTS) and own["reason"].str.endswith(".").all()
    said = summary["degeneracy"]
    assert said["verdicts"] == [] and len(tables["verdicts"]) == len(tables["degeneracy"]) == 0  # one finder
    assert said["peeling"] == {
        "finder": "das",
        "stages": len(own),
        "carriers": int(own["above"].sum()),
        "copies": int(own["copies"].iloc[0]),
        "verdict": own["verdict"].iloc[0],
        "reason": own["reason"].iloc[0],
    }


def test_every_two_finders_are_exchanged_and_get_a_verdict(
    captures: Captures, summary: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = summary["best_layer"]
    own = Subspace.load(captures.run.path / "subspaces" / f"diff_means-layer{layer}.safetensors")
    generator = torch.Generator().manual_seed(0)
    other = Subspace(torch.linalg.qr(torch.randn(48, 7, generator=generator))[0], own.mean)
    found = {"diff_means": own, "random": other, "again": own}
    fit, test = captures.fit.pooled(layer, "all"), captures.test_pooled(layer, "all")
    rows = [*sas_rows(found, "finder", layer), *readings_rows(found, "finder", layer, fit, test, resamples=100)]
    monkeypatch.setattr("jepascope.study.port.degeneracy.peeling_rows", lambda *_: [])
    monkeypatch.setattr("jepascope.study.port.degeneracy.peeled", lambda *_: None)
    exchanges, verdicts, curve = run_degeneracy(
        captures, context_at(captures, layer, [last_layer_probe(captures)]), found, portability_table(rows)
    )
    assert list(exchanges.columns) == DEGENERACY_COLUMNS and list(verdicts.columns) == VERDICT_COLUMNS and curve.empty
    assert list(zip(verdicts["a"], verdicts["b"], strict=True)) == [("diff_means", "random"), ("diff_means", "again"), ("random", "again")]
    assert set(verdicts["verdict"]) <= set(VERDICTS) and verdicts["verdict"].iloc[1] == "one subspace"
    assert verdicts["refit_accuracy"].between(0, 1).all() and (verdicts["n"] == 8).all() and verdicts["saturated"].dtype == bool
    counted = exchanges.groupby(["part", "control"]).size()
    assert counted["a without b", "subspace"] == 6 and counted["a without b", "random"] == 4 and counted["whole", "variance"] == 3
    nothing = exchanges[(exchanges["rank"] == 0) & (exchanges["control"] == "subspace")]
    assert set(map(frozenset, nothing[["a", "b"]].to_numpy())) == {frozenset(("diff_means", "again"))}


def kept(a: str, b: str, dose: float, value: float, saturated: bool = False) -> dict[str, object]:
    ends = {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 8, "floor_variance": value / 2}
    return {"metric": "rce", "across": "finder", "a": a, "b": b, "layer": 1, "dose": dose, "saturated": saturated, **ends}


def test_what_one_keeps_of_the_other_is_the_lower_way_round_at_the_dose_that_is_reported() -> None:
    pair: dict[str, object] = {"across": "finder", "a": "x", "b": "y", "layer": 1}
    aligned = {**pair, "value": 0.3, "chance": 0.1, "low": 0.2, "high": 0.4, "n": 16}
    beside = [{**aligned, "metric": "sas", "calibrated": 0.2, "ceiling": 0.8}, {**aligned, "metric": "readings"}]
    open_ = [kept("x", "y", 0.5, 0.7), kept("y", "x", 0.5, 0.4), kept("x", "y", 1.0, 0.1, True), kept("y", "x", 1.0, 0.2, True)]
    elsewhere = [{**row, "across": "layer", "value": 0.9} for row in open_]
    found = beside_of(portability_table([*beside, *open_, *elsewhere]), 1, "x", "y")
    assert found.rce is not None and (found.rce.value, found.rce_dose, found.rce_floor, found.saturated) == (0.4, 0.5, 0.2, False)
    assert (found.sas, found.calibrated, found.ceiling) == (0.3, 0.2, 0.8) and found.readings is not None and found.readings.n == 16
    shut = beside_of(portability_table([*beside, *open_[2:]]), 1, "y", "x")  # in either order
    # where every dose saturates the number stands beside the verdict, marked, and decides nothing
    assert shut.saturated and shut.rce is not None and shut.rce.value == 0.1 and shut.rce_dose == 1.0 and not shut.keeps
    undefined = beside_of(portability_table([*beside, {**open_[0], "value": nan}]), 1, "x", "y")
    assert undefined.rce is None and not undefined.saturated


def test_exchanges_are_of_the_studys_scenes_and_ablate_to_the_mean_of_the_fit_clips(captures: Captures) -> None:
    judge = last_layer_probe(captures)
    ground = context_at(captures, 1, [judge])
    assert str(ground.site) == str(Site(1, captures.spec.tokens)) and len(ground.scenes) == captures.spec.test_scenes
    assert ground.draws == 20 and ground.resamples == captures.spec.resamples and ground.judge is judge
    torch.testing.assert_close(ground.mean, captures.fit.pooled(1, "all").mean(dim=0))
    torch.testing.assert_close(ground.covariance, captures.fit.moments(1, "all").covariance)
    assert judge.layer == captures.encoder.card.depth and judge.tokens == captures.spec.tokens


def test_twins_to_peel_with_are_kept_at_the_one_layer_unless_das_is_a_finder(captures: Captures) -> None:
    assert peeled_by(captures.variable.rendered) == "das"
    suffix = given_in(captures, 1, finder="das").suffix
    assert suffix is not None and suffix.source.sites == suffix.twin.sites == (1,)
    captures.spec = captures.spec.model_copy(update={"finders": ("das",)})
    everywhere = given_in(captures, 1, finder="das").suffix
    assert everywhere is not None and everywhere.source.sites == captures.sites != (1,)


@pytest.mark.slow
def test_without_halves_to_compare_there_is_no_ceiling_and_all_else(captures: Captures, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips of few videos cannot be halved for every finder."""
    best = json.loads((captures.run.path / "summary.json").read_text())["best_layer"]
    subspaces = run_subspaces(captures, {*captures.edited.named, best})
    monkeypatch.setattr(across, "ceilings_of", lambda *_: {})
    captures.spec = captures.spec.model_copy(update={"port_clips": ()})
    judges = StudyJudges(captures, best)
    context, fits = context_at(captures, best, judges.trained.at(best, True)), captures.run.table("fits")
    table, *_ = across.run_portability(captures, context, subspaces, judges.trained.main, fits)
    alike = table[table["metric"] == "sas"]
    assert len(alike) and alike["ceiling"].isna().all() and alike["value"].notna().all()
