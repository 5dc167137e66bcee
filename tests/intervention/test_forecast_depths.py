"""A predictor that is shown several depths as judge: it sees those before the edit as they are, and later ones as the edit leaves them."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import torch
from encoders_at_hand import tiny_config
from torch import Tensor

from jepascope.activations import suffix
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.clips.presets import directions8, twins
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.intervention.conditions import Condition, Owner
from jepascope.intervention.forecast import ForecastJudge, Foreseen, forecast_outcome, run_forecast
from jepascope.intervention.scenes import Scenes
from jepascope.study.intervene.scenes import beginning

DEPTHS, FRAMES, WIDTH = (3, 6, 9, 12), 4, 48
EARLY, LATE, ON = 1, 7, 6  # layers: before the first depth, between two, and at one of them


@pytest.fixture(scope="module")
def judge() -> ForecastJudge:
    config = tiny_config(num_hidden_layers=12, num_distillation_outputs=4, rotary="vjepa2.1", initializer_range=0.15)
    encoder = VJepa2Encoder.from_config(config, seed=0)
    assert encoder.context_layers == DEPTHS
    return ForecastJudge(encoder, encoder.at(FRAMES, 32))


@pytest.fixture(scope="module")
def scenes(judge) -> tuple[Scenes, Scenes]:
    """Whole clips with their twins, and the beginnings of both."""
    clips = directions8(seed=0, per_class=5, frames=8, size=32).split("test")
    parts = [capture(judge.encoder, part, sites=(EARLY, ON, LATE)) for part in (clips, twins(clips))]
    begun = []
    for part in parts:
        captured = capture(judge.early, part.clips, sites=(EARLY, LATE, *DEPTHS), transform=beginning(FRAMES))
        begun.append(replace(captured, shown=part.object_mask[:, : judge.early.card.tokens]))
    labels, targets = (torch.from_numpy(part.clips.labels("direction")[0]) for part in parts)
    whole = Scenes(*parts, labels, targets, torch.zeros(8, WIDTH))
    return whole, replace(whole, source=begun[0], twin=begun[1])


def swapped(judge: ForecastJudge, scenes: tuple[Scenes, Scenes], layer: int, dose: float = 1.0) -> Foreseen:
    """Everything at a layer."""
    every = Condition(torch.eye(WIDTH), torch.eye(WIDTH), torch.zeros(WIDTH), False, False, dose, [Owner("whole", "subspace", 0, None)])
    return run_forecast(judge, Site(layer), *scenes, [every], "swap", batch=3)


@torch.inference_mode()
def forecast(judge: ForecastJudge, *shown: Tensor) -> Tensor:
    """From hidden states at the four depths, by hand."""
    encoder = judge.encoder
    norms = [*encoder.model.predictor.norms, encoder.model.encoder.layernorm]
    context = torch.cat([norm(hidden) for norm, hidden in zip(norms, shown, strict=True)], dim=-1)
    ids, seen = torch.arange(encoder.card.tokens).expand(len(context), -1), judge.early.card.tokens
    return encoder.dense_forecast(context, ids[:, :seen], ids[:, seen:]).targets[..., -WIDTH:]


def test_swapping_everything_before_the_first_depth_is_as_good_as_seeing_the_twins_beginning(judge, scenes) -> None:
    found = swapped(judge, scenes, EARLY)
    numerator, denominator = forecast_outcome("swap", found)
    torch.testing.assert_close(numerator[0], denominator, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize(("layer", "kept"), [(LATE, 2), (ON, 1)])
def test_depths_before_the_edit_are_shown_as_they_are(judge, scenes, layer: int, kept: int) -> None:
    whole, begun = scenes
    found = swapped(judge, scenes, layer)
    source, twin = ([part.tokens(depth) for depth in DEPTHS] for part in (begun.source, begun.twin))
    unedited, edited, natural = (forecast(judge, *shown) for shown in (source, [*source[:kept], *twin[kept:]], twin))
    latents = [judge.encoder.norm(judge.encoder.run(part.tokens(layer), layer)) for part in (whole.source, whole.twin)]
    futures = [judge.encoder.forecast_space(each)[:, judge.early.card.tokens :] for each in latents]
    d = (futures[1] - futures[0]).double()
    for moved, wanted in ((found.edited.moved[0], edited), (found.twin.moved, natural)):
        torch.testing.assert_close(moved, ((wanted - unedited).double() * d).sum(dim=(1, 2)), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(found.edited.moved[0], found.twin.moved, rtol=0.01)  # the earlier depths still say what the clip shows


def test_without_an_edit_nothing_has_moved(judge, scenes) -> None:
    found = swapped(judge, scenes, LATE, dose=0.0)
    assert found.edited.moved.abs().max() < 1e-5 * float(found.twin.moved.abs().max())


def test_a_worker_that_is_sent_the_task_foresees_the_same(judge, scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes the earlier depths goes to the forecast in the worker's copy too."""
    here, ran = swapped(judge, scenes, LATE), suffix.run_conditions

    def sent(encoder: VJepa2Encoder, sweep: suffix.Sweep, part: slice, batch: int) -> tuple[dict[int, Tensor], int]:
        return ran(encoder, pickle.loads(pickle.dumps(sweep)), part, batch)

    monkeypatch.setattr(suffix, "run_conditions", sent)
    assert torch.equal(swapped(judge, scenes, LATE).edited.moved, here.edited.moved)
