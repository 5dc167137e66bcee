"""Planted networks: what each reads, what each ignores, and that the calculated effect is the measured one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.activations.suffix import PooledReader, Rerun, Sweep, rerun
from jepascope.clips.planted import planted_clips
from jepascope.clips.presets import twins
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.planted.encoder import SITE, PlantedEncoder, planted_encoder
from jepascope.encoders.planted.expected import expected_effect, site_means, unit_circle
from jepascope.encoders.planted.networks import DECOY, NETWORKS, RHO
from jepascope.errors import BadArgument
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.edits import class_means
from jepascope.intervention.effects import intervene
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes

ROUNDING = 1e-3  # of a CE: float32, and the solver's tolerance in the judge
EDITS = ("ablate", "swap", "steer")


@dataclass(frozen=True)
class Stand:
    """A network with clips captured and a judge trained."""

    encoder: PlantedEncoder
    fit: Activations
    test: Activations
    scenes: Scenes
    judge: ProbeJudge

    @property
    def mean(self) -> Tensor:
        return self.fit.pooled(SITE).mean(dim=0)

    def measured(self, bases: dict[str, Tensor]) -> pd.DataFrame:
        found = {name: Subspace.spanned_by(basis, self.mean) for name, basis in bases.items()}
        effects, _ = intervene(self.encoder, Site(SITE), self.scenes, found, {}, [self.judge], EDITS, batch=512)
        return ce_table(effects, resamples=400).set_index(["finder", "edit"])


def labels(activations: Activations) -> Tensor:
    return torch.tensor(activations.clips.labels("direction")[0])


@lru_cache
def stand(name: str) -> Stand:
    encoder = planted_encoder(name, seed=3)
    everything = capture(encoder, planted_clips(seed=3, fit=16, judge=16, test=8), sites=(SITE,))
    fit, judge, test = (everything.split(split) for split in ("fit", "judge", "test"))
    twin = capture(encoder, twins(test.clips, "direction"), sites=(SITE,))
    last = encoder.card.depth
    probe = dense_probes({last: judge.pooled(last)}, labels(judge))[last].probe
    scenes = Scenes(test, twin, labels(test), labels(twin), class_means(fit.pooled(SITE), labels(fit), 8))
    return Stand(encoder, fit, test, scenes, ProbeJudge(probe))


def between(a: Tensor, b: Tensor, degrees: float) -> Tensor:
    turn = np.deg2rad(degrees)
    return float(np.cos(turn)) * a + float(np.sin(turn)) * b


EVERY = [name if name in ("clean", "degenerate") else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]
"""All networks, most of them with the slow tests, for what takes seconds each."""


@pytest.mark.parametrize("name", EVERY)
def test_truth_and_inert_have_the_effect_that_was_planted(name: str) -> None:
    at = stand(name)
    known = {"truth": at.encoder.causal, "inert": at.encoder.inert, **at.encoder.references}
    table = at.measured(known)
    for (finder, edit), row in table.iterrows():
        expected = expected_effect(at.encoder, edit, known[finder], at.mean, at.scenes.class_means)
        assert row["low"] - ROUNDING <= expected <= row["high"] + ROUNDING, (finder, edit)
    assert np.abs(table.loc["inert", "value"]).max() < 1e-4
    whole = {"self_repair": (1 - RHO) ** 2}.get(name, 1.0)
    assert table.loc[("truth", "ablate"), "value"] == pytest.approx(whole, abs=ROUNDING)
    assert table.loc[("truth", "swap"), "value"] == pytest.approx(1.0, abs=ROUNDING)


@pytest.mark.parametrize("name", EVERY)
def test_the_expected_effect_holds_for_subspaces_between_the_planes(name: str) -> None:
    at = stand(name)
    planes = at.encoder.frame.planes
    nuisance = planes["N"][:, 5:7]
    bases = {
        "half of C": planes["C"][:, :1],
        "C towards noise": between(planes["C"], nuisance, 40),
        "C towards B": between(planes["C"], planes["B"], 60),
        "C and noise": torch.cat([planes["C"], nuisance], dim=1),
        "Haar": torch.linalg.qr(torch.randn(64, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))).Q,
    }
    table = at.measured({key: basis.float() for key, basis in bases.items()})
    misses = []
    for (finder, edit), row in table.iterrows():
        expected = expected_effect(at.encoder, edit, bases[finder], at.mean, at.scenes.class_means)
        if not row["low"] - ROUNDING <= expected <= row["high"] + ROUNDING:
            misses.append((finder, edit, expected, row["low"], row["high"]))
    assert len(misses) <= 1, misses  # of 15 intervals of 95 %


@pytest.mark.parametrize("name", ["clean", "decoy", "correlated", "dormant"])
def test_the_linear_networks_effect_is_a_trace(name: str) -> None:
    """E <e, G' U U' x> / E |e|^2 with x the class-mean displacement: the closed form, written out again."""
    encoder = planted_encoder(name)
    planes, circle = encoder.frame.planes, unit_circle()
    triple = circle[3 * torch.arange(8) % 8]
    other = {"clean": 0 * circle, "decoy": DECOY * triple, "correlated": circle, "dormant": DECOY * circle}[name]
    read = planes["C"] + (planes["E"] if name == "dormant" else 0)
    x = circle @ planes["C"].T + other @ planes["B"].T
    u = torch.linalg.qr(torch.randn(64, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(2))).Q
    closed = float(((circle @ read.T) * (x @ u @ u.T)).sum(dim=1).mean())
    for edit in EDITS:
        assert expected_effect(encoder, edit, u) == pytest.approx(closed, abs=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_at_the_site_the_planes_hold_what_is_said(name: str) -> None:
    at = stand(name)
    means = class_means(at.fit.pooled(SITE), labels(at.fit), 8).double()
    written = ("C", "B", "E", "q", "R")
    expected = site_means(at.encoder).mean(dim=1)
    for plane in written:
        basis = at.encoder.frame.planes[plane]
        torch.testing.assert_close(means @ basis, expected @ basis, atol=0.3 if at.encoder.network.linear else 1e-5, rtol=0)
    tokens = at.test.tokens(SITE).double()
    assert float((tokens @ at.encoder.frame.planes["R"]).abs().max()) < 1e-5
    assert float((tokens @ at.encoder.frame.planes["E"]).abs().max()) < 1e-5  # never varies, in no network


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_layer_holds_what_was_read_and_nothing_else(name: str) -> None:
    at = stand(name)
    last = at.test.pooled(5)
    out = at.encoder.frame.planes["R"].float()
    torch.testing.assert_close(last @ out @ out.T, last, atol=1e-5, rtol=0)
    circle = unit_circle()[labels(at.test)].float()
    apart = (last @ out - circle).norm(dim=1)
    assert float(apart.max()) < (1.5 if at.encoder.network.linear else 1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_running_the_blocks_after_the_site_is_the_whole_forward(name: str) -> None:
    at = stand(name)
    again: dict[int, torch.Tensor] = {}
    readers = {layer: PooledReader() for layer in (2, 5)}
    rerun(
        at.encoder,
        [Rerun(Sweep(at.test.tokens(SITE), SITE, lambda hidden, part: hidden[None], readers), 1, lambda part, read: again.update(read))],
    )
    for layer, read in again.items():
        assert torch.equal(read[0], at.test.pooled(layer))


def test_self_repair_fades_along_the_layers_that_are_read() -> None:
    at = stand("self_repair")
    planes = at.encoder.frame.planes
    h = at.test.tokens(SITE)
    project = (planes["C"] @ planes["C"].T).float()
    edited = h - (h - at.mean) @ project
    r = planes["R"].float()
    for layer in (2, 3, 4, 5):
        clean, ablated = (at.encoder.run(hidden, SITE, layer) @ r for hidden in (h, edited))
        lost = ((clean - ablated) * clean).sum(dim=-1).mean() / clean.square().sum(dim=-1).mean()
        assert float(lost) == pytest.approx((1 - RHO) ** min(layer - 2, 2), abs=1e-4)


def test_degenerate_copies_are_each_enough() -> None:
    at = stand("degenerate")
    table = at.measured({"both": at.encoder.causal, **at.encoder.references})["value"]
    assert table["copy A", "ablate"] == pytest.approx(0, abs=ROUNDING)
    assert table["copy B", "ablate"] == pytest.approx(0, abs=ROUNDING)
    assert table["both", "ablate"] == pytest.approx(1, abs=ROUNDING)


def test_the_illusion_works_though_neither_of_its_halves_does() -> None:
    at = stand("dormant")
    table = at.measured({"inert": at.encoder.inert, **at.encoder.references})["value"]
    assert table["illusion", "swap"] == pytest.approx(1, abs=ROUNDING)
    assert abs(table["inert", "swap"]) < 1e-4 and abs(table["dormant plane", "swap"]) < 1e-4


def test_nonlinear_class_means_vanish_and_a_linear_probe_is_at_chance() -> None:
    at = stand("nonlinear")
    causal = at.encoder.causal
    assert causal.shape == (64, 3)
    fit, test = at.fit.pooled(SITE), at.test.pooled(SITE)
    assert float((class_means(fit, labels(at.fit), 8) @ causal).abs().max()) < 1e-5
    probe = dense_probes({SITE: fit @ causal}, labels(at.fit))[SITE].probe
    assert probe.accuracy(test @ causal, labels(at.test)) <= 0.25  # two of eight: what a class and its opposite share
    everything = dense_probes({SITE: fit}, labels(at.fit))[SITE].probe
    assert everything.accuracy(test, labels(at.test)) <= 0.25


@pytest.mark.parametrize("name", ["decoy", "dormant"])
def test_the_decoy_is_the_more_decodable(name: str) -> None:
    at = stand(name)
    inside = {}
    for key, basis in {"causal": at.encoder.causal, "decoy": at.encoder.inert}.items():
        probe = dense_probes({SITE: at.fit.pooled(SITE) @ basis}, labels(at.fit))[SITE].probe
        inside[key] = probe.accuracy(at.test.pooled(SITE) @ basis, labels(at.test))
    assert inside["decoy"] > inside["causal"] > 0.5


def test_correlated_planes_hold_one_code_each_with_noise_of_its_own() -> None:
    at = stand("correlated")
    pooled = at.fit.pooled(SITE).double()
    planes = {name: at.encoder.frame.planes[name] for name in "CB"}
    means = {name: class_means(at.fit.pooled(SITE), labels(at.fit), 8).double() @ plane for name, plane in planes.items()}
    torch.testing.assert_close(means["C"], means["B"], atol=0.35, rtol=0)
    own = [pooled @ plane - means[name][labels(at.fit)] for name, plane in planes.items()]
    together = torch.corrcoef(torch.cat(own, dim=1).T)[:2, 2:]
    assert float(together.abs().max()) < 0.3  # 128 clips; the class is all that the two have in common
    for name, plane in planes.items():
        probe = dense_probes({SITE: at.fit.pooled(SITE) @ plane.float()}, labels(at.fit))[SITE].probe
        assert probe.accuracy(at.test.pooled(SITE) @ plane.float(), labels(at.test)) > 0.5, name


@pytest.mark.parametrize("name", NETWORKS)
def test_a_copy_is_as_large_as_what_is_enough_by_itself(name: str) -> None:
    encoder = planted_encoder(name)
    copies = {key: basis for key, basis in encoder.references.items() if key.startswith("copy")} or {"truth": encoder.causal}
    assert len(copies) == encoder.network.copies
    assert all(basis.shape[1] == encoder.copy_rank for basis in copies.values())


def test_planes_are_orthonormal_and_along_no_coordinate() -> None:
    planes = planted_encoder("clean", seed=5).frame.planes
    whole = torch.cat(list(planes.values()), dim=1)
    torch.testing.assert_close(whole.T @ whole, torch.eye(whole.shape[1], dtype=torch.float64), atol=1e-12, rtol=0)
    assert float(whole.abs().max()) < 0.6
    torch.testing.assert_close(planes["R"].norm(dim=1), torch.full((64,), (2 / 64) ** 0.5, dtype=torch.float64))


def test_an_untrained_twin_reads_nothing_of_the_class() -> None:
    at = stand("clean")
    twin = at.encoder.untrained(0)
    assert twin.card.width == at.encoder.card.width and twin.card.digest != at.encoder.card.digest
    clips = at.test.clips
    there, here = (capture(encoder, clips).pooled(5) @ at.encoder.frame.planes["R"].float() for encoder in (twin, at.encoder))
    circle = unit_circle()[labels(at.test)].float()
    assert float((here * circle).sum(dim=1).mean()) == pytest.approx(1, abs=0.2)
    assert abs(float((there * circle).sum(dim=1).mean())) < 0.4
    assert twin.card.digest == at.encoder.untrained(0).card.digest != at.encoder.untrained(1).card.digest


def test_moving_keeps_the_network() -> None:
    encoder = planted_encoder("degenerate", seed=2)
    video = planted_clips(fit=2, judge=2, test=2).video(slice(0, 4))
    moved = encoder.to("cpu", torch.float64)
    assert moved.embed(video).dtype == torch.float64
    torch.testing.assert_close(moved.run(moved.embed(video), 0).float(), encoder.run(encoder.embed(video), 0), atol=1e-4, rtol=0)
    assert moved.card == encoder.card and str(moved.device) == "cpu"


def test_unknown_names_are_listed() -> None:
    with pytest.raises(BadArgument, match="clean, decoy, correlated, degenerate, self_repair, dormant, nonlinear"):
        planted_encoder("messy")
    with pytest.raises(BadArgument, match="ablate, swap and steer"):
        expected_effect(planted_encoder("clean"), "rotate", planted_encoder("clean").causal)
