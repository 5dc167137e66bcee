"""What the probing steps write: same clips for every source, figures that their own readings give back, rows that are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.activations.capture import capture
from jepascope.discovery.probes.circular import circular_errors
from jepascope.discovery.probes.paths import dense_probes
from jepascope.study.captures import Captures
from jepascope.study.discover import probed
from jepascope.study.discover import probes as steps
from jepascope.study.discover.probed import Source, Target, count_sources, model_source, small_pixels, sources
from jepascope.study.discover.probes import Asked, permuted_rows, probe_rows, probe_table, run_probes
from jepascope.study.discover.token_map import run_token_map, token_activations, token_table
from jepascope.study.discover.values import COLUMNS, READINGS, run_values, value_tables
from jepascope.study.folder import Run
from jepascope.study.progress import Silent


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, line: str) -> None:
        self.sentences.append(line)


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory, tiny_spec: Any, tiny_encoder: Any) -> Iterator[Captures]:
    spec = tiny_spec.model_copy(update={"permutations": 4, "control_seeds": 2})
    run = Run.open(tmp_path_factory.mktemp("runs") / "probed", spec)
    yield Captures.of_run(run, tiny_encoder, Silent())
    run.close()


def one_layer(captures: Captures, layer: int = 1) -> Source:
    whole = model_source(captures, "all")
    return replace(whole, fit={layer: whole.fit[layer]}, test={layer: whole.test[layer]})


@pytest.fixture(scope="module")
def probes(captures: Captures) -> pd.DataFrame:
    return run_probes(captures)


def test_every_source_holds_the_clips_of_the_target_in_order(captures: Captures) -> None:
    target = Target.of(captures.clips, "direction")
    found = list(sources(captures))
    assert len(found) == count_sources(captures)
    assert all(len(x) == len(target.fit) for source in found for x in source.fit.values())
    assert all(len(x) == len(target.test) for source in found for x in source.test.values())
    own = capture(captures.encoder, target.test)  # the model's test clips are captured in two parts, chosen scenes first
    for layer, x in model_source(captures, "object").test.items():
        torch.testing.assert_close(x, own.pooled(layer, "object"))
    twin = capture(captures.encoder.untrained(0), target.test)
    (untrained,) = (source for source in found if source.encoder == "untrained" and source.tokens == "all")
    torch.testing.assert_close(untrained.test[2], twin.pooled(2))


def test_control_tasks_and_permuted_labels_stand_beside_the_dense_probe_they_question(captures: Captures, probes: pd.DataFrame) -> None:
    layers = captures.encoder.card.depth + 1
    own = probes[
        (probes["encoder"] == "model") & (probes["tokens"] == captures.spec.tokens) & (probes["probe"] == "dense") & probes["chosen"]
    ]
    for encoder, seeds in (("control_task", 2), ("permuted", 4)):
        rows = probes[probes["encoder"] == encoder]
        assert sorted(rows["seed"].unique()) == list(range(seeds))
        assert len(rows) == seeds * layers
        assert rows["chosen"].all() and set(rows["probe"]) == {"dense"} and set(rows["tokens"]) == {captures.spec.tokens}
        assert (rows["n"] == len(captures.clips.split("test"))).all()
    permuted = probes[probes["encoder"] == "permuted"].merge(own, on="layer", suffixes=("", "_true"))
    assert (permuted["strength"] == permuted["strength_true"]).all()
    assert (permuted["chance"] == 1 / 8).all()


def test_chance_is_the_share_of_the_largest_class_of_the_clips_scored(captures: Captures) -> None:
    target = Target.of(captures.clips, "position")
    source, counts = one_layer(captures), np.bincount(target.test_labels)
    dense = dense_probes(source.fit, target.fit_labels, folds=2)
    rows = probe_rows(dense, source.test, target.test_labels, target.test_scenes) + permuted_rows(source, target, dense, 2, 0)
    assert {row["chance"] for row in rows} == {counts.max() / counts.sum()}
    assert counts.max() / counts.sum() != 1 / 4


def test_clips_without_other_factors_have_no_control_rows_and_it_is_said(captures: Captures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "l1_paths", lambda *given, **named: {})  # not what this is about, and slow
    target, heard = Target.of(captures.clips, "direction"), Heard()
    bare = [replace(part, factors=part.factors[["scene", "split", "direction", "angle"]]) for part in (target.fit, target.test)]
    table = probe_table([one_layer(captures)], 1, Asked(Target(*bare, "direction"), captures.spec, 4), heard)
    assert not (table["encoder"] == "control_task").any() and (table["encoder"] == "permuted").any()
    assert any("No control tasks for direction" in sentence for sentence in heard.sentences)


def test_angles_are_read_beside_every_baseline_and_the_readings_give_back_the_errors(captures: Captures) -> None:
    values, readings = run_values(captures, 2)
    assert list(values.columns) == COLUMNS and list(readings.columns) == READINGS
    assert set(values["encoder"]) == {"model", "untrained", "pixels", "frame_differences"}
    assert set(values["held_out"]) == {"clips", "arcs"} and set(values["unit"]) == {"degrees"}
    assert values["chance"].to_numpy() == pytest.approx(90)
    assert (values["low"] <= values["error"]).all() and (values["error"] <= values["high"]).all()
    clips, arcs = (values[values["held_out"] == held].reset_index(drop=True) for held in ("clips", "arcs"))
    assert clips["r2"].notna().all() and clips[["floor", "gap", "p_order"]].isna().all(axis=None)
    assert arcs["r2"].isna().all() and (arcs["floor"] < 1e-3).all()
    assert (arcs["gap_low"] <= arcs["gap"]).all() and (arcs["gap"] <= arcs["gap_high"]).all()
    both = arcs.merge(clips, on=["encoder", "seed", "layer", "tokens"], suffixes=("", "_clips"))
    assert both["gap"].to_numpy() == pytest.approx((both["error"] - both["error_clips"]).to_numpy())
    claimed = arcs[(arcs["encoder"] == "model") & (arcs["layer"] == 2) & (arcs["tokens"] == captures.spec.tokens)]
    assert arcs["p_order"].dropna().index.tolist() == claimed.index.tolist() and 1 / 201 <= claimed["p_order"].item() <= 1
    assert set(readings["layer"]) == {2}
    at = values[(values["encoder"] == "model") & (values["layer"] == 2)].set_index(["tokens", "held_out"])
    for key, rows in readings.groupby(["tokens", "held_out"]):
        true, predicted = (torch.tensor(rows[name].to_numpy(copy=True)) for name in ("true", "predicted"))
        assert at.loc[key, "error"] == pytest.approx(float(circular_errors(true, predicted).mean()), abs=1e-4)
        assert rows["scene"].tolist() == captures.clips.split("test").factors["scene"].tolist()
    assert len(readings) == 4 * len(captures.clips.split("test"))


def test_numbers_of_another_variable_are_read_from_the_same_run(captures: Captures) -> None:
    target = Target.of(captures.clips, "position")
    values, readings = value_tables(sources(captures), count_sources(captures), target, 1, captures.spec, 4, Silent())
    assert set(values["output"]) == {"x", "y"} and set(values["probe"]) == {"ridge"} and set(values["held_out"]) == {"clips"}
    fit, test = target.fit.factors, target.test.factors
    for output in ("x", "y"):
        chance = (test[output] - fit[output].median()).abs().mean()
        assert values.loc[values["output"] == output, "chance"].to_numpy() == pytest.approx(chance, abs=1e-5)
        rows = readings[(readings["output"] == output) & (readings["tokens"] == "all")]
        assert rows["true"].to_numpy() == pytest.approx(test[output].to_numpy(), abs=1e-6)
        at = values[(values["encoder"] == "model") & (values["layer"] == 1) & (values["tokens"] == "all") & (values["output"] == output)]
        assert at["error"].item() == pytest.approx((rows["true"] - rows["predicted"]).abs().mean(), abs=1e-5)


def test_a_variable_without_values_has_empty_tables_of_the_same_columns(captures: Captures) -> None:
    target = Target.of(captures.clips, "shape")
    values, readings = value_tables(iter([]), 0, target, 1, captures.spec, 4, Silent())
    assert list(values.columns) == COLUMNS and values.empty
    assert list(readings.columns) == READINGS and readings.empty


def test_the_token_map_has_every_token_in_its_place(captures: Captures) -> None:
    table = run_token_map(captures, 2)
    times, rows, columns = captures.encoder.card.grid
    assert len(table) == times * rows * columns
    place = (table["t"] * rows + table["row"]) * columns + table["column"]
    assert (place == table["token"]).all() and table["token"].tolist() == list(range(len(table)))
    assert set(table["metric"]) == {"accuracy"} and (table["null"] > table["chance"]).all()
    number = token_table(token_activations(captures, 2), 2, Target.of(captures.clips, "speed"), captures.spec)
    assert set(number["metric"]) == {"r2"} and (number["chance"] == 0).all()


def test_a_token_map_reads_the_token_that_holds_the_class(captures: Captures) -> None:
    """Whatever the tiny encoder sees: one token is replaced by the class in the store itself."""
    target = Target.of(captures.clips, "direction")
    own = capture(captures.encoder, captures.probed_clips, sites=(2,))
    labels = torch.tensor(captures.probed_clips.labels("direction")[0])
    for index, shard in own.reader.store.shards.items():  # type: ignore[attr-defined]
        some = labels[50 * index : 50 * index + len(shard["tokens.2"])]
        shard["tokens.2"][:, 5, :8] = 3 * torch.nn.functional.one_hot(some, 8).float() + 0.01 * shard["tokens.2"][:, 5, :8]
    table = token_table(own, 2, target, captures.spec)
    assert table.loc[table["accuracy"] > table["null"], "token"].tolist() == [5]
    assert table["accuracy"][5] == 1


def test_still_pictures_have_pixels_and_no_frame_differences(captures: Captures, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be the same for every clip, which no probe can be fitted to: a study ended there."""
    read = {source.encoder for source in sources(captures)}
    still = small_pixels
    monkeypatch.setattr(probed, "small_pixels", lambda clips, grey: still(clips, grey)[:, :1].expand(-1, 4, -1, -1, -1))
    assert {source.encoder for source in sources(captures)} == read - {"frame_differences"} == {"model", "untrained", "pixels"}
