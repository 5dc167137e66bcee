"""Controls on request: nuisance axes, donors of the same class, and untrained twins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.activations.capture import capture
from jepascope.clips.planted import planted_clips
from jepascope.clips.presets import directions8
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.planted.encoder import SITE
from jepascope.errors import BadData
from jepascope.intervention.context import InterventionContext
from jepascope.planted.bench import PlantedBench, planted_benches
from jepascope.portability.alignment import sas
from jepascope.study.captures import Captures
from jepascope.study.intervene.judges import JudgeSet
from jepascope.study.intervene.requested import _in_units_of, fixed_controls, self_swaps
from jepascope.study.intervene.scenes import same_class_draws
from jepascope.study.spec_file import make_spec


@pytest.fixture(scope="module")
def planted() -> dict[str, PlantedBench]:
    return {name: planted_benches([(name, 0)], fit=12, judge=6, test=4)[0] for name in ("clean", "decoy")}


def standing_in(one: PlantedBench, extra: tuple[str, ...] = ()) -> Captures:
    """A planted network where the study's functions expect a study."""
    captures = Captures.__new__(Captures)
    captures.spec = make_spec({"extra_controls": extra}, "here")
    captures.encoder = one.encoder
    captures.__dict__["fit"] = capture(one.encoder, planted_clips(0, 12, 6, 4).split("fit"), batch=64)
    return captures


def test_on_a_decoy_network_the_largest_axes_are_the_decoy_and_nuisance_is_neither_plane(planted: dict[str, PlantedBench]) -> None:
    one = planted["decoy"]
    truth = Subspace(one.encoder.causal, one.mean)
    draws = fixed_controls(standing_in(one, ("nuisance",)), SITE, truth, one.covariance)
    found = {draw.name: draw.basis for draw in draws}
    assert list(found) == ["top_pca", "nuisance"]
    assert sas(found["top_pca"], one.encoder.inert) > 0.95
    assert sas(found["nuisance"], one.encoder.inert) < 0.2 and sas(found["nuisance"], one.encoder.causal) < 0.3
    for draw in draws:
        torch.testing.assert_close(draw.basis.T @ draw.basis, torch.eye(2), atol=1e-5, rtol=0)
        assert draw.matched.rank == 2 and draw.matched.variance_target == pytest.approx(
            float(torch.trace(truth.basis.double().T @ one.covariance @ truth.basis.double()))
        )
        assert draw.matched.overlap == pytest.approx(sas(draw.basis, truth.basis), abs=1e-5)
    # the most variance that two directions of pooled activations hold
    assert draws[0].matched.pooled_variance >= max(draws[1].matched.pooled_variance, draws[0].matched.pooled_variance_target)
    assert [draw.name for draw in fixed_controls(standing_in(one), SITE, truth, one.covariance)] == ["top_pca"], "beside every effect"


def test_a_clip_of_the_same_class_has_nothing_to_swap_in(planted: dict[str, PlantedBench]) -> None:
    one = planted["clean"]
    truth = {"truth": Subspace(one.encoder.causal, one.mean)}
    context, depth = InterventionContext(one.encoder, one.site, one.scenes, [one.judge], one.covariance, one.mean), one.encoder.card.depth
    judges = JudgeSet({("probe", depth): one.judge}, {}, depth)
    swapped = self_swaps(standing_in(one), context, truth, pd.DataFrame(), judges)
    assert set(swapped["control"]) == {"self_swap"} and swapped["draw"].nunique() == 10
    real, _ = context.edit(truth, {}, ("swap",))
    own, itself = (rows["numerator"].sum() / rows["denominator"].sum() for rows in (real, swapped))
    assert own == pytest.approx(1, abs=0.02) and abs(itself) < 0.1
    first = swapped[swapped["draw"] == 0]
    np.testing.assert_array_equal(first["denominator"], real["denominator"])  # in the same units
    assert first["target"].tolist() == real["target"].tolist()


def test_donors_of_the_same_class_are_other_clips_of_it_and_no_assignment_is_drawn_twice() -> None:
    clips = directions8(per_class=6)
    labels = clips.labels("direction")[0]
    drawn = same_class_draws(clips, "direction", 10, seed=2)
    assert len(drawn) == 10 == len({rows.tobytes() for rows in drawn})
    for rows in drawn:
        assert (rows != np.arange(len(labels))).all() and (labels[rows] == labels).all()
    again, other = (same_class_draws(clips, "direction", 10, seed) for seed in (2, 3))
    assert all((one == two).all() for one, two in zip(drawn, again, strict=True))
    assert any((one != two).any() for one, two in zip(drawn, other, strict=True))


def test_few_scenes_of_a_class_give_few_draws_and_one_gives_none() -> None:
    clips = directions8(per_class=6)
    labels = clips.labels("direction")[0]
    two = clips.select(np.flatnonzero(labels == 3)[:2])
    assert [rows.tolist() for rows in same_class_draws(two, "direction", 10, seed=0)] == [[1, 0]]
    with pytest.raises(BadData, match=r"another clip of the same class, and direction 'NW' has one; take more test scenes"):
        same_class_draws(clips.select(np.flatnonzero(labels == 3)[:1]), "direction", 10, seed=0)


def rows_of(numerators: list[float], denominators: list[float], control: str = "subspace") -> pd.DataFrame:
    said = {"layer": 1, "finder": "one", "edit": "swap", "control": control, "draw": 0, "dose": 1.0, "judge": "probe", "read_layer": 3}
    return pd.DataFrame({**said, "scene": range(len(numerators)), "numerator": numerators, "denominator": denominators})


def test_an_untrained_twins_effect_is_its_own_in_the_trained_encoders_units() -> None:
    trained = rows_of([1.0, 2.0, 3.0, 2.0], [2.0, 3.0, 4.0, 3.0])
    theirs = rows_of([0.1, 0.3, 0.2, 0.2], [0.5, 0.4, 0.6, 0.5])
    found = _in_units_of(trained, theirs, seed=2)
    assert found["denominator"].tolist() == trained["denominator"].tolist()
    assert found["numerator"].sum() / found["denominator"].sum() == pytest.approx(0.8 / 2.0)
    assert set(found["control"]) == {"untrained"} and set(found["draw"]) == {2} and found["numerator_direct"].isna().all()
    nothing_read = rows_of([0.1, 0.3, 0.2, 0.2], [0.5, -0.4, 0.6, -0.5])
    assert _in_units_of(trained, nothing_read, seed=0).empty
    assert _in_units_of(trained.assign(edit="steer"), theirs, seed=0).empty
