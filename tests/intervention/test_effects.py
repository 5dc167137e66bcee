"""Effects at a site: what the tables say is what hooked forwards give, shared or not, in whatever batch."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from jepascope.activations.site import Site, pool
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
from jepascope.findings.effect import judge_readings
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.conditions import merged
from jepascope.intervention.control_entry import AS_GIVEN
from jepascope.intervention.controls import ControlDraw, matched_controls
from jepascope.intervention.edit_entry import USUAL
from jepascope.intervention.edits.swap import swap_displacement
from jepascope.intervention.effects import intervene, outcome
from jepascope.intervention.judges import ProbeJudge, margin, target_margin

LAYER, DRAWS = 1, 2
EFFECTS_COLUMNS = [
    *("layer", "tokens", "finder", "rank", "edit", "control", "draw", "dose", "judge", "read_layer", "read", "scene", "target"),
    *("numerator", "numerator_direct", "denominator", "correct", "correct_before", "kl", "angle_error", "angle_error_before"),
    *("nearest", "nearest_before", "mahalanobis", "mahalanobis_before"),
]
KEY = ["finder", "edit", "control", "draw", "dose", "scene"]


def controls_of(study, finders: dict[str, Subspace], tokens: str = "object") -> dict[str, list[ControlDraw]]:
    cov = study.whole.moments(LAYER, tokens).covariance
    avoid = torch.cat([subspace.basis for subspace in finders.values()], dim=1)
    return {
        name: matched_controls(subspace, cov, DRAWS, 0, [study.subspace(50 + draw) for draw in range(DRAWS)], avoid)
        for name, subspace in finders.items()
    }


@pytest.fixture(scope="module")
def finders(study) -> dict[str, Subspace]:
    return {"one": study.subspace(1), "two": study.subspace(2)}


@pytest.fixture(scope="module")
def tables(study, finders) -> tuple[pd.DataFrame, pd.DataFrame]:
    return intervene(
        study.encoder, Site(LAYER, "object"), study.scenes, finders, controls_of(study, finders), [study.judge], doses=(1.0, 0.5)
    )


def test_tables_have_the_columns_of_the_run_folder(tables) -> None:
    effects, matching = tables
    assert list(effects.columns) == EFFECTS_COLUMNS
    assert list(matching.columns) == [
        *("layer", "finder", "edit", "control", "draw", "rank", "variance_target", "variance"),
        *("pooled_variance_target", "pooled_variance", "overlap", "norm_target", "norm", "shift_target", "shift"),
    ]
    conditions = 2 * 3 * (1 + len(AS_GIVEN) * DRAWS)
    assert len(effects) == conditions * 2 * 8 and not effects.duplicated(KEY).any()
    assert len(matching) == 2 * 3 * len(AS_GIVEN) * DRAWS
    assert effects["correct"].dtype == bool and np.isfinite(effects[["numerator", "denominator"]]).all(axis=None)


@pytest.mark.parametrize("name", USUAL)
def test_an_effect_is_that_of_the_formula_in_a_whole_forward(study, finders, tables, name: str) -> None:
    scenes, encoder, u = study.scenes, study.encoder, finders["two"]
    h, donor = scenes.source.tokens(LAYER).double(), scenes.twin.tokens(LAYER).double()
    mask = scenes.source.object_mask | scenes.twin.object_mask
    projector = u.basis.double() @ u.basis.double().T
    steered = (scenes.class_means[scenes.target] - scenes.class_means[scenes.label]).double()[:, None]
    r = {"ablate": u.mean.double() - h, "swap": donor - h, "steer": steered.expand_as(h)}[name]
    edited = torch.where(mask[..., None], h + r @ projector, h).float()

    def hook(module: torch.nn.Module, args: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (edited, *output[1:])

    last: list[Tensor] = []
    handles = [
        encoder.model.encoder.layer[LAYER - 1].register_forward_hook(hook),
        encoder.model.encoder.layer[-1].register_forward_hook(lambda module, args, output: last.append(output[0])),
    ]
    try:
        with torch.inference_mode():
            encoder.model(encoder.preprocess(scenes.source.clips.video()), skip_predictor=True)
    finally:
        for handle in handles:
            handle.remove()
    logits = study.judge.logits(pool(last[0], mask))
    clean, twin = (study.judge.logits(pool(encoder.run(a.tokens(LAYER), LAYER), mask)) for a in (scenes.source, scenes.twin))
    if name == "ablate":
        numerator, denominator = margin(clean, scenes.label) - margin(logits, scenes.label), margin(clean, scenes.label)
    else:
        before = target_margin(clean, scenes.label, scenes.target)
        numerator = target_margin(logits, scenes.label, scenes.target) - before
        denominator = target_margin(twin, scenes.label, scenes.target) - before
    rows = tables[0].query("finder == 'two' and edit == @name and control == 'subspace' and dose == 1.0")
    np.testing.assert_allclose(rows["numerator"], numerator, atol=1e-4)
    np.testing.assert_allclose(rows["denominator"], denominator, atol=1e-6)
    expected = scenes.label if name == "ablate" else scenes.target
    assert rows["target"].tolist() == expected.tolist()
    assert rows["correct"].tolist() == (logits.argmax(dim=-1) == expected).tolist()
    assert rows["scene"].tolist() == scenes.ids.tolist()


def test_swapping_everything_does_what_the_twin_does(study) -> None:
    """With all tokens a swap in a subspace and in its complement gives the twin: the two effects of a linear net would add to 1.

    Here the whole-space displacement is put in: every row's CE is then exactly the twin's own change.
    """
    scenes, encoder = study.scenes, study.encoder
    clean, twin = (study.judge.logits(pool(encoder.run(a.tokens(LAYER), LAYER))) for a in (scenes.source, scenes.twin))
    swapped = encoder.run(scenes.source.tokens(LAYER) + swap_displacement(scenes.source.tokens(LAYER), scenes.twin.tokens(LAYER)), LAYER)
    numerator, denominator = outcome("swap", study.judge.logits(pool(swapped))[None], clean, twin, scenes.label, scenes.target)
    torch.testing.assert_close(numerator[0], denominator, atol=1e-5, rtol=1e-4)


def test_the_direct_path_is_all_of_an_edit_at_the_last_layer_and_not_before(study, finders) -> None:
    """Edited after the last block nothing runs any more, so what arrives is the edit itself; before it the blocks add theirs."""
    for layer, same in ((3, True), (LAYER, False)):
        judge = ProbeJudge(study.judge.probe, "all")
        effects, _ = intervene(study.encoder, Site(layer, "all"), study.scenes, finders, {}, [judge], edits=USUAL)
        close = np.allclose(effects["numerator"], effects["numerator_direct"], atol=1e-4)
        assert close is same


def test_steering_controls_take_a_step_of_the_true_length_along_other_directions(study, finders) -> None:
    """The step lies in the span of the class means, so projecting it on a complement would take no step at all."""
    _, matching = intervene(
        study.encoder, Site(LAYER, "object"), study.scenes, finders, controls_of(study, finders), [study.judge], edits=("steer",)
    )
    carried = matching[matching["control"].isin(["random", "variance", "norm"])]
    np.testing.assert_allclose(carried["norm"], carried["norm_target"], rtol=1e-4)
    assert (carried["overlap"] < 1e-6).all()


def test_norms_of_the_norm_control_are_the_true_edits_and_others_are_printed(tables) -> None:
    matching = tables[1]
    norm = matching[matching["control"] == "norm"]
    np.testing.assert_allclose(norm["norm"], norm["norm_target"], rtol=1e-5)
    carried = matching[matching["control"] == "carried"]
    np.testing.assert_allclose(carried["norm"], carried["norm_target"], rtol=1e-4)
    np.testing.assert_allclose(carried["shift"], carried["shift_target"], rtol=1e-4)
    other = matching[~matching["control"].isin(["norm", "carried"]) & (matching["edit"] != "steer")]
    for size in ("norm", "shift"):
        assert (np.abs(other[size] / other[f"{size}_target"] - 1) > 1e-3).mean() > 0.9
    assert (np.abs(norm["shift"] / norm["shift_target"] - 1) > 1e-3).any(), "tokens of the right size, which cancel otherwise"
    variance = matching[matching["control"] == "variance"]
    np.testing.assert_allclose(variance["variance"], variance["variance_target"], rtol=1e-4)


@pytest.mark.parametrize("name", ["swap", "steer"])
@pytest.mark.parametrize("tokens", ["all", "object"])
def test_the_printed_norm_is_the_mean_length_of_a_tokens_edit(study, finders, name: str, tokens: str) -> None:
    scenes, u = study.scenes, finders["one"]
    _, matching = intervene(
        study.encoder, Site(LAYER, tokens), scenes, {"one": u}, controls_of(study, {"one": u}), [study.judge], edits=(name,), batch=3
    )
    h, donor = scenes.source.tokens(LAYER), scenes.twin.tokens(LAYER)
    steered = (scenes.class_means[scenes.target] - scenes.class_means[scenes.label])[:, None].expand_as(h)
    lengths = ((donor - h if name == "swap" else steered) @ u.basis).norm(dim=-1)
    edited = scenes.mask(tokens)
    mean = lengths.mean() if edited is None else lengths[edited].mean()
    np.testing.assert_allclose(matching["norm_target"], mean, rtol=1e-5)


@pytest.mark.slow
def test_a_finder_has_the_same_rows_alone_and_in_company(study, finders, tables) -> None:
    controls = controls_of(study, finders)
    alone, _ = intervene(
        study.encoder, Site(LAYER, "object"), study.scenes, {"two": finders["two"]}, controls, [study.judge], doses=(1.0, 0.5), batch=5
    )
    company = tables[0].query("finder == 'two'")
    pd.testing.assert_frame_equal(
        alone.sort_values(KEY).reset_index(drop=True), company.sort_values(KEY).reset_index(drop=True), check_exact=True
    )


def test_shared_controls_run_once(study, finders) -> None:
    conditions = merged(finders, controls_of(study, finders), (1.0,))
    shared = [condition for condition in conditions if len(condition.owners) > 1]
    assert sorted({owner.control for condition in shared for owner in condition.owners}) == ["random", "shuffled", "whole"]
    assert len(conditions) == 2 * (1 + len(AS_GIVEN) * DRAWS) - len(shared)


def test_progress_counts_every_edited_clip(study, finders) -> None:
    seen: list[tuple[int, int]] = []
    intervene(
        study.encoder,
        Site(LAYER),
        study.scenes,
        finders,
        {},
        [study.judge],
        batch=3,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (2 * 3 * 8, 2 * 3 * 8)
    assert all(a[0] < b[0] for a, b in pairwise(seen))


def test_ce_is_the_ratio_of_sums_and_sits_beside_its_controls(tables) -> None:
    effects = tables[0]
    table = ce_table(effects, seed=3, resamples=200)
    assert list(table.columns) == [
        *("layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge", "value", "low", "high", "n", "draws"),
        *("difference", "difference_low", "difference_high", "excess_low", "excess_high"),
        *("ratio", "ratio_low", "ratio_high", "ratio_is_bound", "percentile", "p", "p_holm", "p_floor"),
        *("direct", "direct_low", "direct_high", "accuracy", "accuracy_before", "kl", "kl_low", "kl_high"),
        *("angle_error", "angle_error_low", "angle_error_high", "angle_error_before", "read_layer", "read", "correlation", "worth"),
        *(f"one_{of}{end}" for of in ("", "difference_", "excess_", "ratio_") for end in ("low", "high")),
    ]
    assert len(table) == 2 * 3 * 2 * (1 + len(AS_GIVEN))
    assert table["ratio_is_bound"].dtype == bool
    pd.testing.assert_frame_equal(table, ce_table(effects, seed=3, resamples=200))


def planted(effect: float, control: float, draws: int = 20) -> pd.DataFrame:
    """An effects table with known causal effects: the control's vary a little by draw."""
    rng = np.random.default_rng(0)
    below = rng.uniform(1, 2, 30)
    rows = []
    for finder, scale in (("used", effect), ("unused", control)):
        for name, draw, value in [("subspace", 0, scale), *(("random", i, control + 0.01 * rng.standard_normal()) for i in range(draws))]:
            for scene, denominator in enumerate(below):
                rows.append((4, "all", finder, 2, "swap", name, draw, 1.0, "probe", 6, "", scene, 0, value * denominator, denominator))
    return pd.DataFrame(rows, columns=[*EFFECTS_COLUMNS[: EFFECTS_COLUMNS.index("numerator")], "numerator", "denominator"])


def test_planted_effects_come_out_as_planted() -> None:
    table = ce_table(planted(0.8, 0.2), seed=0).set_index(["finder", "control"])
    used, null = table.loc[("used", "subspace")], table.loc[("used", "random")]
    assert used["value"] == pytest.approx(0.8) and used["low"] == pytest.approx(0.8) and used["n"] == 30
    assert null["value"] == pytest.approx(0.2, abs=0.01) and null["draws"] == 20
    assert null["ratio_low"] < 0.8 / null["value"] == pytest.approx(null["ratio"])
    assert null["difference"] == pytest.approx(0.8 - null["value"])
    assert null["p"] == pytest.approx(1 / 21) and null["percentile"] == 100
    assert null["p_holm"] == pytest.approx(2 / 21)  # the smaller of two tests counts twice
    assert null["p_floor"] == pytest.approx(2 / 21)
    assert table.loc[("unused", "random")]["p_holm"] > 0.05
    assert np.isnan(used["p_floor"]) and null["excess_low"] > 0


def test_a_subspace_found_twice_is_one_test() -> None:
    once = planted(0.8, 0.2)
    again = once[once["finder"] == "used"].assign(finder="again", numerator=lambda t: t["numerator"] * (1 + 1e-8))
    table = ce_table(pd.concat([once, again], ignore_index=True)).set_index(["finder", "control"])
    alone = ce_table(once).set_index(["finder", "control"])
    for finder in ("used", "again"):
        assert table.loc[(finder, "random"), "p_holm"] == alone.loc[("used", "random"), "p_holm"]
    assert table.loc[("used", "random"), "p_floor"] == pytest.approx(2 / 21)
    other = again.assign(numerator=again["numerator"] * 1.01)
    assert ce_table(pd.concat([once, other], ignore_index=True))["p_floor"].max() == pytest.approx(3 / 21)


def test_the_floor_of_p_is_reached_by_effects_above_all_draws_and_never_passes_one() -> None:
    many = [planted(0.8 + 0.01 * i, 0.2, draws=10).assign(layer=i).query("finder == 'used'") for i in range(12)]
    few = ce_table(pd.concat(many[:5], ignore_index=True), resamples=50).query("control == 'random'")
    assert few["p_holm"].tolist() == pytest.approx([5 / 11] * 5) == few["p_floor"].tolist()
    assert (ce_table(pd.concat(many, ignore_index=True), resamples=50).query("control == 'random'")["p_floor"] == 1).all()


def test_few_draws_carry_no_test_and_do_not_enlarge_the_family() -> None:
    whole, thin = planted(0.8, 0.2), planted(0.8, 0.2, draws=3).assign(layer=5)
    table = ce_table(pd.concat([whole, thin], ignore_index=True))
    few = table.query("layer == 5 and control == 'random'")
    comparisons = ["difference", "difference_low", "excess_low", "ratio", "ratio_high", "percentile", "p", "p_holm", "p_floor"]
    assert few[comparisons].isna().all(axis=None) and not few["ratio_is_bound"].any() and (few["draws"] == 3).all()
    assert (few["low"] <= few["value"]).all() and (few["value"] <= few["high"]).all()
    assert table.query("layer == 4")["p_floor"].max() == pytest.approx(2 / 21)


def test_the_direct_part_is_read_from_its_own_numerators() -> None:
    effects = planted(0.8, 0.2).assign(numerator_direct=lambda t: t["numerator"] / 2)
    table = ce_table(effects, seed=0).set_index(["finder", "control"])
    own, null = table.loc[("used", "subspace")], table.loc[("used", "random")]
    assert (own["direct"], own["direct_low"], own["direct_high"]) == pytest.approx((0.4, 0.4, 0.4))
    assert null["direct"] == pytest.approx(null["value"] / 2) and np.isnan(null["direct_low"])
    assert ce_table(planted(0.8, 0.2), resamples=50)["direct"].isna().all()


def test_bad_input_is_refused(study, finders) -> None:
    scenes = study.scenes
    with pytest.raises(BadData, match="twin of its own class"):
        replace(scenes, target=scenes.label)
    with pytest.raises(BadData, match="not of the same scenes"):
        replace(scenes, twin=scenes.twin.select(np.arange(8)[::-1].copy()))
    with pytest.raises(BadData, match="as many labels and targets"):
        replace(scenes, label=scenes.label[:3], target=scenes.target[:3])
    foreign = Subspace(torch.eye(20)[:, :2], torch.zeros(20))
    with pytest.raises(BadArgument, match=r"has width 20.*48"):
        intervene(study.encoder, Site(LAYER), scenes, {"foreign": foreign}, {}, [study.judge])
    with pytest.raises(BadArgument, match="no edit 'burn'"):
        intervene(study.encoder, Site(LAYER), scenes, finders, {}, [study.judge], edits=("burn",))
    with pytest.raises(BadData, match="exactly one is needed"):
        ce_table(planted(1, 0).query("control != 'subspace'"))


def test_how_a_judge_reads_is_told_by_unedited_scenes_of_ablation(tables) -> None:
    effects = tables[0]
    own = effects[(effects["edit"] == "ablate") & (effects["control"] == "subspace")]
    one = own[own["finder"] == own["finder"].iloc[0]].drop_duplicates("scene")
    reading = judge_readings(effects)[str(one["judge"].iloc[0])]
    assert reading.accuracy == pytest.approx(one["correct_before"].mean()) and reading.n == len(one)
    assert reading.chance == one["target"].value_counts().max() / len(one)
    coin = effects.assign(correct_before=effects["scene"] % 2 == 0)
    assert not judge_readings(coin.assign(judge="predictor"))["predictor"].reads  # right half of the time, as a coin is
    assert judge_readings(effects[effects["edit"] != "ablate"]) == {}
