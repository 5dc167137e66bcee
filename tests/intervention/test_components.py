"""Which part writes a subspace and which reads it: found where they are known, and nowhere else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
import pytest
import torch
from relay import READER, WRITER, Relay, relay

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.clips.planted import planted_clips
from jepascope.clips.presets import twins
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.selftest import parts_test
from jepascope.intervention.components import added_by, components, read, writers, written, written_margin
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.edits import class_means
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes
from jepascope.planted.bench import VARIABLE, labels, scene_ids
from jepascope.schema.components import DIRECTLY, READS, WRITES

DRAWS = 20
VISIBLE = 0.02  # of what there is: more than float32 gives by chance


@dataclass(frozen=True)
class Traced:
    encoder: Relay
    fit: Activations
    test: Activations
    table: Any

    def of(self, layer: int, plane: str) -> pd.DataFrame:
        """The table of a plane at a layer."""
        made: pd.DataFrame = self.table(layer, plane)
        return made


@pytest.fixture(scope="module")
def traced() -> Traced:
    encoder = relay()
    assert parts_test(encoder) <= 1e-5
    clips = planted_clips(0, 24, 24, 6)
    judged = capture(encoder, clips.split("judge"))
    judge = ProbeJudge(dense_probes({0: judged.pooled(5)}, labels(judged), scene_ids(judged))[0].probe)
    by_parts, test_parts = (capture(encoder, clips.split(split), part="mlp") for split in ("fit", "test"))

    @cache
    def table(layer: int, plane: str) -> pd.DataFrame:
        fit, test = (capture(encoder, clips.split(split), sites=(layer,), moments=(layer,)) for split in ("fit", "test"))
        twin = capture(encoder, twins(test.clips, VARIABLE, 0), sites=(layer,))
        means = class_means(fit.pooled(layer), labels(fit), 8)
        scenes = Scenes(test, twin, labels(test), labels(twin), means)
        covariance, mean = fit.moments(layer).covariance, fit.pooled(layer).mean(0)
        context = InterventionContext(encoder, Site(layer), scenes, [judge], covariance, mean, resamples=500)
        subspace = {plane: Subspace(encoder.planes[plane].float(), mean)}
        controls = {plane: matched_controls(subspace[plane], covariance, DRAWS, 0, {}, names=("random", "variance"))}
        writes = written(context, (by_parts, labels(fit)), test_parts, "all", subspace, controls)
        return components(writes, read(context, subspace, controls))

    return Traced(encoder, by_parts, test_parts, table)


def values(table: pd.DataFrame, role: str, control: str = "subspace") -> dict[tuple[int, str], float]:
    rows = table[(table["role"] == role) & (table["control"] == control)]
    return {(int(block), str(part)): float(value) for block, part, value in zip(rows["block"], rows["part"], rows["value"], strict=True)}


def others(found: dict[tuple[int, str], float], *but: tuple[int, str]) -> float:
    return max(abs(value) for of, value in found.items() if of not in but)


def test_the_writer_and_the_reader_are_found_and_no_other(traced: Traced) -> None:
    """Plane C after block 3: attention of block 2 wrote all of it, and the MLP of block 4 reads all of it."""
    table = traced.of(3, "C")
    wrote, reads, directly = (values(table, role) for role in (WRITES, READS, DIRECTLY))
    assert list(wrote) == writers(3) and list(reads) == [(0, "residual"), (4, "attention"), (4, "mlp"), (5, "attention"), (5, "mlp")]
    assert wrote[WRITER, "attention"] == pytest.approx(1, abs=1e-4) and others(wrote, (WRITER, "attention")) < VISIBLE
    assert reads[READER, "mlp"] == pytest.approx(1, abs=VISIBLE) and others(reads, (READER, "mlp")) < VISIBLE
    assert directly[READER, "mlp"] == pytest.approx(1, abs=VISIBLE) and others(directly, (READER, "mlp")) < VISIBLE


def test_a_subspace_that_holds_nothing_yet_has_no_shares(traced: Traced) -> None:
    """Plane C after block 1, before anything is written there: nothing to take a share of."""
    wrote = values(traced.of(1, "C"), WRITES)
    assert list(wrote) == writers(1) and all(math.isnan(value) for value in wrote.values())


def test_controls_neither_have_that_writer_nor_that_reader(traced: Traced) -> None:
    """Random subspaces beside C hold what the embedding wrote into B, which nothing reads any more."""
    table = traced.of(3, "C")
    for control in ("random", "variance"):
        assert values(table, WRITES, control)[0, "embedding"] > 0.9
        assert others(values(table, WRITES, control), (0, "embedding")) < 0.1
        assert others(values(table, READS, control)) < VISIBLE
        for role, of in ((WRITES, (WRITER, "attention")), (READS, (READER, "mlp"))):
            row = table[(table["role"] == role) & (table["control"] == control) & (table["block"] == of[0]) & (table["part"] == of[1])]
            assert float(row["excess_low"].iloc[0]) > 0.5 and float(row["p"].iloc[0]) == pytest.approx(1 / (1 + DRAWS))
            assert float(row["p_holm"].iloc[0]) >= float(row["p"].iloc[0])


def test_a_path_goes_on_through_later_blocks_unless_they_are_held(traced: Traced) -> None:
    """Plane B after block 1 was written by the embedding, and is read by attention of block 2, which only writes what block 4 reads."""
    table = traced.of(1, "B")
    wrote, reads, directly = (values(table, role) for role in (WRITES, READS, DIRECTLY))
    assert wrote[0, "embedding"] == pytest.approx(1, abs=1e-4) and others(wrote, (0, "embedding")) < VISIBLE
    assert reads[WRITER, "attention"] == pytest.approx(1, abs=VISIBLE) and others(reads, (WRITER, "attention")) < VISIBLE
    assert others(directly) < VISIBLE


@pytest.mark.parametrize("seed", range(3))
def test_what_all_parts_write_sums_to_the_layer_in_every_subspace(traced: Traced, seed: int) -> None:
    """By linearity, clip by clip, and so do the shares."""
    width = traced.encoder.card.width
    basis = torch.linalg.qr(torch.randn(width, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q
    label = labels(traced.test)
    means = class_means(traced.fit.pooled(3), labels(traced.fit), 8).double()
    means = means - means.mean(dim=0)
    parts = [written_margin(added_by(traced.test, of, "all").double(), label, means, basis) for of in writers(3)]
    whole = written_margin(traced.test.pooled(3).double(), label, means, basis)
    assert float((sum(parts) - whole).abs().max()) <= 1e-5 * float(whole.abs().max())
    for control in ("subspace", "random", "variance"):
        assert sum(values(traced.of(3, "C"), WRITES, control).values()) == pytest.approx(1, abs=1e-6)
