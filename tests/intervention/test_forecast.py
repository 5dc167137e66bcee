"""The predictor as judge: it sees beginnings alone, and its effect is 1 where an edit does all that it can."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument
from jepascope.intervention.conditions import Condition, Owner, merged
from jepascope.intervention.controls import Matched
from jepascope.intervention.effects import intervene
from jepascope.intervention.forecast import ForecastJudge, Foreseen, forecast_outcome, forecast_right, run_forecast
from jepascope.intervention.forecast_tables import COLUMNS, forecast_rows, forecast_table
from jepascope.intervention.scenes import Scenes

LAYER, CONTEXT, FRAMES = 1, 2, 4
SITE = Site(LAYER)


@dataclass(frozen=True)
class Beginning:
    """The first frames; ``then``: what the later ones are replaced with before, where anything."""

    then: float | None = None

    @property
    def name(self) -> str:
        return f"beginning-{self.then}"

    def __call__(self, video: Tensor) -> Tensor:
        if self.then is not None:
            video = torch.cat([video[:, :FRAMES], torch.full_like(video[:, FRAMES:], self.then)], dim=1)
        return video[:, :FRAMES]


@pytest.fixture(scope="module")
def judge(study) -> ForecastJudge:
    return ForecastJudge(study.encoder, study.encoder.at(FRAMES, 32))


@pytest.fixture(scope="module")
def begun(study, judge) -> Scenes:
    """The study's scenes as the predictor's encoder sees them."""
    both = []
    for part in (study.scenes.source, study.scenes.twin):
        captured = capture(judge.early, part.clips, sites=(LAYER,), transform=Beginning())
        both.append(replace(captured, shown=part.object_mask[:, : judge.early.card.tokens]))
    return replace(study.scenes, source=both[0], twin=both[1])


def whole(width: int, dose: float = 1.0, draw: int | None = None) -> Condition:
    """Everything at the site: no subspace may be so large, and a condition may."""
    matched = None if draw is None else Matched(width, 0.0, 0.0, 0.0, 0.0, 0.0)
    owner = Owner("whole", "subspace" if draw is None else "random", draw or 0, matched)
    return Condition(torch.eye(width), torch.eye(width), torch.zeros(width), False, False, dose, [owner])


def foreseen(study, judge, begun, conditions: list[Condition], edit: str = "swap", **options) -> Foreseen:
    return run_forecast(judge, SITE, study.scenes, begun, conditions, edit, **options)


def last(encoder: VJepa2Encoder, hidden: Tensor) -> Tensor:
    with torch.inference_mode():
        return encoder.run(hidden, LAYER)


def futures(study, judge) -> tuple[Tensor, Tensor]:
    """Really rendered futures of scenes and twins, in the predictor's target space, from whole forwards."""
    found = []
    for part in (study.scenes.source, study.scenes.twin):
        with torch.inference_mode():
            latents = study.encoder.norm(study.encoder.run(study.encoder.embed(part.clips.video()), 0))
            found.append(study.encoder.forecast_space(latents)[:, judge.early.card.tokens :])
    return found[0], found[1]


def forecasts(study, judge, part) -> Tensor:
    """transformers' own predictor, shown the first tubelets of clips that have no others."""
    encoder, early = study.encoder, judge.early
    ids = torch.arange(encoder.card.tokens).expand(len(part), -1)
    with torch.inference_mode():
        latents = early.norm(early.run(early.embed(part.clips.video()[:, :FRAMES]), 0))
        return encoder.forecast(latents, ids[:, : early.card.tokens], ids[:, early.card.tokens :])


# what 1 is


def test_swapping_everything_is_as_good_as_seeing_the_twins_beginning(study, judge, begun) -> None:
    found = foreseen(study, judge, begun, [whole(48)])
    numerator, denominator = forecast_outcome("swap", found)
    torch.testing.assert_close(numerator[0], denominator, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.edited.margin[0], found.twin.margin, atol=1e-5, rtol=1e-4)
    table = forecast_table(SITE, CONTEXT, study.scenes, [whole(48)], "swap", found, ["whole"], resamples=100).set_index("control")
    for name in ("recovery", "recovery_low", "identified"):
        assert table.loc["subspace", name] == pytest.approx(table.loc["natural", name], rel=1e-4)


def test_without_an_edit_nothing_has_moved(study, judge, begun) -> None:
    found = foreseen(study, judge, begun, [whole(48, dose=0.0)])
    scale = float(found.twin.moved.abs().max())
    assert found.edited.moved.abs().max() < 1e-5 * scale and float(found.source.moved.abs().max()) == 0
    torch.testing.assert_close(found.edited.margin[0], found.source.margin, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_ablation_has_an_effect_of_one_where_the_forecast_ends_half_way_between_both_futures(
    study, judge, begun, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, twin = futures(study, judge)
    foresee, asked = ForecastJudge.forecast, []

    def told(self: ForecastJudge, begun: dict[int, Tensor]) -> Tensor:
        """After the two unedited forecasts it foresees whatever it is told to."""
        asked.append(begun)
        return foresee(self, begun) if len(asked) <= 2 else source + share * (twin - source)

    monkeypatch.setattr(ForecastJudge, "forecast", told)
    found = foreseen(study, judge, begun, [whole(48)], "ablate")
    numerator, denominator = forecast_outcome("ablate", found)
    apart = (twin - source).square().sum(dim=(1, 2)).double()
    torch.testing.assert_close(found.apart, apart, atol=1e-4, rtol=1e-4)
    # beyond half way by (share - 1/2) |d|^2
    torch.testing.assert_close(numerator[0] - denominator, (share - 0.5) * apart, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(found.edited.margin[0], (0.5 - share) * apart, atol=1e-3, rtol=1e-3)


# what is seen


def test_the_future_of_a_clip_changes_no_forecast(study, judge, begun) -> None:
    clips = study.scenes.source.clips
    other = capture(judge.early, clips, sites=(LAYER,), transform=Beginning(then=0.5))
    assert torch.equal(other.tokens(LAYER), begun.source.tokens(LAYER))
    begun_alike = {judge.early.card.depth: last(judge.early, other.tokens(LAYER))}
    assert torch.equal(judge.forecast(begun_alike), forecasts(study, judge, study.scenes.source))
    # the same tokens, encoded with the rest of the clip, know of it: a mask put on afterwards would leak
    seen = study.scenes.source.tokens(LAYER)[:, : judge.early.card.tokens]
    assert not torch.allclose(seen, begun.source.tokens(LAYER), atol=1e-3)


def test_forecasts_and_futures_are_those_of_whole_forwards(study, judge, begun) -> None:
    source, twin = futures(study, judge)
    f_source, f_twin = (forecasts(study, judge, part) for part in (study.scenes.source, study.scenes.twin))
    d = (twin - source).double()
    found = foreseen(study, judge, begun, [whole(48)])
    torch.testing.assert_close(found.twin.moved, ((f_twin - f_source).double() * d).sum(dim=(1, 2)), atol=1e-3, rtol=1e-3)
    for kept, f in ((found.source, f_source), (found.twin, f_twin)):
        nearer = (f - source).square().sum(dim=(1, 2)) < (f - twin).square().sum(dim=(1, 2))
        assert torch.equal(kept.margin > 0, nearer)
        assert torch.equal(forecast_right("ablate", kept.margin), nearer) and torch.equal(forecast_right("swap", kept.margin), ~nearer)
        torch.testing.assert_close(kept.margin, (((source + twin) / 2 - f).double() * d).sum(dim=(1, 2)), atol=1e-3, rtol=1e-3)


def test_persistence_is_the_last_tubelet_of_the_twins_beginning_at_every_later_time(study, judge, begun) -> None:
    ended = last(judge.early, begun.twin.tokens(LAYER))
    with torch.inference_mode():
        space = study.encoder.forecast_space(judge.early.norm(ended)).view(8, CONTEXT, 16, 48)
    kept = judge.persistence(ended).view(8, CONTEXT, 16, 48)
    assert all(torch.equal(kept[:, time], space[:, -1]) for time in range(2))
    source, twin = futures(study, judge)
    wanted = ((kept.view(8, 32, 48) - forecasts(study, judge, study.scenes.source)) * (twin - source)).sum(dim=(1, 2)).double()
    torch.testing.assert_close(foreseen(study, judge, begun, [whole(48)]).persistence.moved, wanted, atol=1e-3, rtol=1e-3)


def test_scenes_and_conditions_can_be_cut_anywhere(study, judge, begun) -> None:
    conditions = merged({"one": study.subspace(1), "two": study.subspace(2)}, {}, (1.0, 0.5), "swap")
    done: list[int] = []
    few = foreseen(study, judge, begun, conditions, batch=3, progress=done.append)
    many = foreseen(study, judge, begun, conditions)
    assert done[-1] == 4 * 8
    torch.testing.assert_close(few.edited.moved, many.edited.moved, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(few.norms, many.norms)
    assert not torch.allclose(few.edited.moved[0], few.edited.moved[1])


def test_an_edit_of_tubelets_that_are_not_shown_is_refused(study, judge, begun) -> None:
    with pytest.raises(BadArgument, match=r"Clips of 2 tubelets \(0\.\.1\) have no tokens 'time:3'"):
        run_forecast(judge, Site(LAYER, "time:3"), study.scenes, begun, [whole(48)], "swap")


# the angle


@dataclass(frozen=True)
class First:
    """Decodes (cos, sin) from the first two features of a future."""

    def predict(self, x: Tensor) -> Tensor:
        return x[:, :2]


def test_a_small_future_is_read_whole_and_a_large_one_averaged_in_place(study, judge) -> None:
    future = torch.arange(2 * 32 * 48).view(2, 32, 48).float()
    assert torch.equal(judge.coarse(future).view(2, 2, 48, 16), future.view(2, 2, 16, 48).transpose(2, 3))
    large = ForecastJudge(study.encoder.at(8, 128), study.encoder.at(FRAMES, 128))
    tall = torch.randn(1, 2 * 16 * 16, 48, generator=torch.Generator().manual_seed(0))
    wanted = tall.view(2, 8, 2, 8, 2, 48).mean(dim=(2, 4))
    torch.testing.assert_close(large.coarse(tall).view(2, 48, 8, 8), wanted.permute(0, 3, 1, 2))


def test_a_decoder_reads_the_angle_of_every_forecast(study, judge, begun) -> None:
    decoding = ForecastJudge(judge.encoder, judge.early, First())
    found = foreseen(study, decoding, begun, [whole(48)])
    f = forecasts(study, judge, study.scenes.twin)[:, :, 0]  # features: time, channel, place
    torch.testing.assert_close(found.twin.angle, torch.atan2(f[:, 1], f[:, 0]).double(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.edited.angle[0], found.twin.angle, atol=1e-3, rtol=1e-3)
    assert foreseen(study, judge, begun, [whole(48)]).twin.angle.isnan().all()


# tables


def test_rows_have_the_columns_of_the_other_judges_and_the_figures_of_the_formula(study, judge, begun) -> None:
    conditions = merged({"one": study.subspace(1)}, {}, (1.0, 0.5), "ablate")
    angle = torch.zeros(8)
    scenes = replace(study.scenes, angle=angle, target_angle=angle + 1)
    found = foreseen(study, ForecastJudge(judge.encoder, judge.early, First()), begun, conditions, "ablate")
    rows = forecast_rows(SITE, scenes, conditions, "ablate", found, ["one"], 3)
    others, _ = intervene(study.encoder, SITE, scenes, {"one": study.subspace(1)}, {}, [replace(study.judge, tokens="all")], ("ablate",))
    assert list(rows.columns) == list(others.columns)
    first = rows[rows["dose"] == 1.0]
    np.testing.assert_allclose(first["numerator"], found.edited.moved[0])
    np.testing.assert_allclose(first["denominator"], found.source.margin)
    assert first["correct"].tolist() == (found.edited.margin[0] > 0).tolist()
    assert first["correct_before"].tolist() == (found.source.margin > 0).tolist()
    np.testing.assert_allclose(first["angle_error"], found.edited.angle[0].abs().rad2deg())
    assert first["kl"].isna().all() and first["numerator_direct"].isna().all()
    assert set(rows["judge"]) == {"predictor"} and set(rows["target"]) == set(scenes.label.tolist())


def test_a_controls_row_is_the_mean_of_its_draws_with_least_and_largest(study, judge, begun) -> None:
    conditions = [whole(48), *(whole(48, dose=1.0, draw=draw) for draw in range(3))]
    found = foreseen(study, judge, begun, conditions)
    for draw, share in enumerate((0.1, 0.2, 0.6)):
        found.edited.moved[1 + draw] = share * found.apart
    table = forecast_table(SITE, CONTEXT, study.scenes, conditions, "swap", found, ["whole"], resamples=100)
    assert list(table.columns) == COLUMNS
    row = table.set_index("control").loc["random"]
    assert (row["recovery_low"], row["recovery"], row["recovery_high"], row["draws"]) == pytest.approx((0.1, 0.3, 0.6, 3))
    references = table[table["finder"] == ""].set_index("control")
    assert list(references.index) == ["natural", "none", "persistence"]
    assert references.loc["none", "recovery"] == 0 and references.loc["natural", "recovery"] == pytest.approx(
        float(found.twin.moved.sum() / found.apart.sum())
    )
    share = float((found.source.margin < 0).double().mean())
    assert references.loc["none", "identified"] == pytest.approx(share)
    assert table["angle_error"].isna().all()
