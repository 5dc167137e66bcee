"""Which part writes a subspace and which reads it: found where they are known, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pandas as pd
import pytest
import torch
from relay import LOUD, READER, WRITER, Cancelled, Doubling, Loud, Relay, relay
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.clips.planted import planted_clips
from jepascope.clips.presets import twins
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.selftest import parts_test
from jepascope.findings.facts import Facts
from jepascope.findings.traced import WRITTEN
from jepascope.intervention.components import components, read
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.edits import class_means
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes
from jepascope.intervention.written import added_by, told_along, within_margin, writers, written, written_margin
from jepascope.planted.bench import VARIABLE, labels, scene_ids
from jepascope.schema.components import DIRECTLY, EVERYWHERE, READS, WITHIN, WRITES

Table = Callable[[int, str], pd.DataFrame]
DRAWS = 20
VISIBLE = 0.02  # of what there is: more than float32 gives by chance


@dataclass(frozen=True)
class Traced:
    encoder: Relay
    fit: Activations
    test: Activations
    site: Callable[[int], InterventionContext]

    def table(self, layer: int, plane: str) -> pd.DataFrame:
        """Of a plane at a layer."""
        context, subspace = self.site(layer), self.subspace(plane)
        controls = {plane: matched_controls(subspace[plane], context.covariance, DRAWS, 0, {}, names=("random", "variance"))}
        return components(self.writes(layer, plane), read(context, subspace, controls))

    def writes(self, layer: int, plane: str, label: Callable[[Tensor], Tensor] = lambda label: label) -> pd.DataFrame:
        """Its writers alone, where the classes are what ``label`` makes of them."""
        context = self.site(layer)
        given, target = label(context.scenes.label), (label(context.scenes.label) + 1) % 8
        context = replace(context, scenes=replace(context.scenes, label=given, target=target))
        return components(written(context, (self.fit, label(labels(self.fit))), self.test, "all", self.subspace(plane)))

    def subspace(self, plane: str) -> dict[str, Subspace]:
        return {plane: Subspace(self.encoder.planes[plane].float(), torch.zeros(self.encoder.card.width))}


@cache
def traced_of(kind: type[Relay]) -> Traced:
    encoder = relay(kind=kind)
    assert parts_test(encoder) <= 1e-5
    clips = planted_clips(0, 24, 24, 6)
    judged = capture(encoder, clips.split("judge"))
    judge = ProbeJudge(dense_probes({0: judged.pooled(5)}, labels(judged), scene_ids(judged))[0].probe)
    by_parts, test_parts = (capture(encoder, clips.split(split), part="mlp") for split in ("fit", "test"))

    @cache
    def site(layer: int) -> InterventionContext:
        fit, test = (capture(encoder, clips.split(split), sites=(layer,), moments=(layer,)) for split in ("fit", "test"))
        twin = capture(encoder, twins(test.clips, VARIABLE, 0), sites=(layer,))
        scenes = Scenes(test, twin, labels(test), labels(twin), class_means(fit.pooled(layer), labels(fit), 8))
        mean = fit.pooled(layer).mean(0)
        return InterventionContext(encoder, Site(layer), scenes, [judge], fit.moments(layer).covariance, mean, resamples=500)

    return Traced(encoder, by_parts, test_parts, site)


@pytest.fixture(scope="module")
def traced() -> Traced:
    return traced_of(Relay)


@pytest.fixture(scope="module")
def table(traced: Traced) -> Callable[[int, str], pd.DataFrame]:
    return cache(traced.table)


def values(table: pd.DataFrame, role: str, control: str = "subspace") -> dict[tuple[int, str], float]:
    rows = table[(table["role"] == role) & (table["control"] == control)]
    return {(int(block), str(part)): float(value) for block, part, value in zip(rows["block"], rows["part"], rows["value"], strict=True)}


def part(table: pd.DataFrame, block: int, name: str) -> dict[str, Any]:
    """The rows of a writer, by control."""
    rows = table[(table["role"] == WRITES) & (table["block"] == block) & (table["part"] == name)]
    return {str(row["control"]): row for row in rows.to_dict("records")}


def claimed(table: pd.DataFrame) -> tuple[str, str]:
    """What is claimed of the part that writes most, and how it is said."""
    claim = WRITTEN.claim(Facts({"variable": "direction"}, {"components": table}))
    return claim.verdict, claim.sentence


def others(found: dict[tuple[int, str], float], *but: tuple[int, str]) -> float:
    return max(abs(value) for of, value in found.items() if of not in but)


def test_the_writer_and_the_reader_are_found_and_no_other(table: Table) -> None:
    """Plane C after block 3: attention of block 2 wrote all of it, and the MLP of block 4 reads all of it."""
    made = table(3, "C")
    wrote, reads, directly = (values(made, role) for role in (WRITES, READS, DIRECTLY))
    assert list(wrote) == writers(3) and list(reads) == [(0, "residual"), (4, "attention"), (4, "mlp"), (5, "attention"), (5, "mlp")]
    assert wrote[WRITER, "attention"] == pytest.approx(1, abs=1e-4) and others(wrote, (WRITER, "attention")) < VISIBLE
    assert reads[READER, "mlp"] == pytest.approx(1, abs=VISIBLE) and others(reads, (READER, "mlp")) < VISIBLE
    assert directly[READER, "mlp"] == pytest.approx(1, abs=VISIBLE) and others(directly, (READER, "mlp")) < VISIBLE


def test_a_subspace_that_holds_nothing_yet_has_no_shares(traced: Traced) -> None:
    """Plane C after block 1, before anything is written there: nothing to take a share of, nor to hold it against."""
    made = traced.writes(1, "C")
    assert list(values(made, WRITES)) == writers(1) and made["value"].isna().all() and made["difference"].isna().all()
    assert claimed(made)[0] == "undecided"


def test_a_part_that_wrote_all_of_a_subspace_and_little_else_is_said_to_have_written_it(table: Table) -> None:
    """In C there is nothing to tell its writing of the class from; in the rest of the stream there is."""
    own = part(table(3, "C"), WRITER, "attention")
    assert own[WITHIN]["value"] == pytest.approx(1, abs=1e-3) and own[WITHIN]["difference"] == pytest.approx(0, abs=1e-3)
    assert own[EVERYWHERE]["value"] < 0.1 and own[EVERYWHERE]["difference_low"] > 0.8 and own[EVERYWHERE]["p_holm"] < 0.05
    verdict, sentence = claimed(table(3, "C"))
    assert verdict == "shown" and f"attention of block {WRITER} wrote 100 [100, 100] %" in sentence
    assert "it wrote all that varies there within a class as well" in sentence


def test_a_part_that_wrote_all_of_everything_is_not(table: Table) -> None:
    """After block 1 the embedding wrote all there is, so that it wrote B as well says nothing of B."""
    verdict, sentence = claimed(table(1, "B"))
    assert verdict == "undecided" and "it wrote all that varies in the whole stream within a class as well" in sentence


def test_a_loud_part_that_writes_blindly_is_held_against_what_it_writes() -> None:
    """It writes most of what varies in C, nothing of the class; the writer of the class stands out of it."""
    made = traced_of(Loud).writes(3, "C")
    blind, writer = part(made, LOUD, "mlp"), part(made, WRITER, "attention")
    # nuisance of variance 0.8^2 and 0.75^2 beside the 0.33^2 that came with the class
    assert blind[WITHIN]["value"] == pytest.approx(0.85, abs=0.05) and blind["subspace"]["low"] < 0 < blind["subspace"]["high"]
    assert blind[WITHIN]["difference_high"] < -0.5
    assert writer[WITHIN]["value"] == pytest.approx(0.15, abs=0.05) and writer[WITHIN]["difference_low"] > 0.5
    verdict, sentence = claimed(made)
    assert verdict == "shown" and f"attention of block {WRITER} wrote" in sentence


def test_a_part_that_doubles_whatever_is_there_is_not_said_to_write_the_class() -> None:
    """It wrote half of the class difference, and half of all else."""
    made = traced_of(Doubling).writes(3, "C")
    for block, name in ((LOUD, "mlp"), (WRITER, "attention")):
        own = part(made, block, name)
        assert own["subspace"]["value"] == pytest.approx(0.5, abs=1e-3) and own["subspace"]["low"] > 0.4
        assert own[WITHIN]["value"] == pytest.approx(0.5, abs=1e-3)
    assert claimed(made)[0] == "not shown"


def test_what_one_part_takes_away_again_is_in_no_share() -> None:
    """Loud nuisance that is gone at the layer: who wrote it and who took it away have shares of the class that chance alone moves."""
    made = traced_of(Cancelled).writes(3, "C")
    taker, writer = part(made, LOUD, "mlp"), part(made, WRITER, "attention")
    assert (
        taker["subspace"]["low"] < 0 < taker["subspace"]["high"] and taker[WITHIN]["difference_low"] < 0 < taker[WITHIN]["difference_high"]
    )
    assert writer["subspace"]["low"] < 1 < writer["subspace"]["high"]


@pytest.mark.parametrize("seed", range(4))
def test_classes_that_mean_nothing_are_written_by_nobody(seed: int) -> None:
    """Labels handed out by chance to the scenes of the fit and of the test."""

    def permuted(label: Tensor) -> Tensor:
        return label[torch.randperm(len(label), generator=torch.Generator().manual_seed(seed))]

    for kind in (Relay, Loud):
        assert claimed(traced_of(kind).writes(3, "C", permuted))[0] != "shown"


def test_a_share_that_is_not_told_from_zero_is_said_not_to_be_shown(table: Table) -> None:
    made = table(3, "C")
    verdict, sentence = claimed(made.assign(low=made["low"].where(made["value"] < 0.5, -0.1)))
    assert verdict in ("not shown", "no power") and sentence.startswith("No part is shown to write"), sentence


def test_controls_do_not_have_that_reader(table: Table) -> None:
    made = table(3, "C")
    for control in ("random", "variance"):
        assert others(values(made, READS, control)) < VISIBLE
        rows = made[(made["role"] == READS) & (made["control"] == control)]
        row = rows[(rows["block"] == READER) & (rows["part"] == "mlp")]
        assert float(row["excess_low"].iloc[0]) > 0.5 and float(row["p"].iloc[0]) == pytest.approx(1 / (1 + DRAWS))
        assert float(row["p_holm"].iloc[0]) >= float(row["p"].iloc[0])


@pytest.mark.slow
def test_a_path_goes_on_through_later_blocks_unless_they_are_held(table: Table) -> None:
    """Plane B after block 1 was written by the embedding, and is read by attention of block 2, which only writes what block 4 reads."""
    made = table(1, "B")
    wrote, reads, directly = (values(made, role) for role in (WRITES, READS, DIRECTLY))
    assert wrote[0, "embedding"] == pytest.approx(1, abs=1e-4) and others(wrote, (0, "embedding")) < VISIBLE
    assert reads[WRITER, "attention"] == pytest.approx(1, abs=VISIBLE) and others(reads, (WRITER, "attention")) < VISIBLE
    assert others(directly) < VISIBLE


@pytest.mark.parametrize("seed", range(3))
def test_what_all_parts_write_sums_to_the_layer_in_every_subspace(traced: Traced, table: Table, seed: int) -> None:
    """By linearity, clip by clip, and so do the shares."""
    width = traced.encoder.card.width
    basis = torch.linalg.qr(torch.randn(width, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q
    label = labels(traced.test)
    means = class_means(traced.fit.pooled(3), labels(traced.fit), 8).double() @ basis
    means = means - means.mean(dim=0)
    added, whole = [added_by(traced.test, of, "all").double() @ basis for of in writers(3)], traced.test.pooled(3).double() @ basis
    for margin in (lambda x: written_margin(x, label, means), lambda x: within_margin(x, whole, means)):
        of_layer = margin(whole)
        assert float((sum(map(margin, added)) - of_layer).abs().max()) <= 1e-5 * float(of_layer.abs().max())
    for control in ("subspace", WITHIN, EVERYWHERE):
        assert sum(values(table(3, "C"), WRITES, control).values()) == pytest.approx(1, abs=1e-6)


def test_directions_count_as_far_as_the_class_lies_out_however_much_varies_there() -> None:
    """Along one axis clips vary ten times as much: each class weighs the same. Where nothing varies nothing is told."""
    means = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    varying = torch.tensor([[10.0, 1.0], [-10.0, 1.0], [10.0, -1.0], [-10.0, -1.0]], dtype=torch.float64)
    along = told_along(means, varying, 1e-6)
    weights = torch.stack([within_margin(varying, varying, along[[at]]).sum() for at in range(2)])
    assert torch.equal(weights, torch.tensor([4.0, 4.0], dtype=torch.float64))
    assert not told_along(means, 0 * varying, 1e-6).any()
