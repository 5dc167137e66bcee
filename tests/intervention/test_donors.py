"""Donors: swapping with another clip of another class, where no twin can be rendered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from jepascope.activations.site import Site
from jepascope.clips.donors import donor_rows
from jepascope.clips.presets import directions8
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadData
from jepascope.intervention.edits import coordinates, edit
from jepascope.intervention.edits.swap import donor_displacement
from jepascope.intervention.effects import intervene
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes

LAYER, LAST = 1, 3


@pytest.fixture(scope="module")
def scenes(study) -> Scenes:
    rows = donor_rows(study.scenes.source.clips, "direction", seed=1)
    twin = study.scenes.source.select(rows)
    return replace(study.scenes, twin=twin, target=study.scenes.label[torch.from_numpy(rows)], donor="class")


def test_a_donor_is_another_clip_of_another_class_and_a_seed_names_it() -> None:
    clips = directions8(per_class=20)
    rows = donor_rows(clips, "speed", seed=3)
    labels = clips.labels("speed")[0]
    assert (labels[rows] != labels).all()
    assert (rows == donor_rows(clips, "speed", seed=3)).all()
    assert (rows != donor_rows(clips, "speed", seed=4)).any()


def test_donors_are_drawn_from_the_classes_that_occur_each_as_often() -> None:
    clips = directions8(per_class=300)
    labels = clips.labels("shape")[0]
    part = clips.select(np.isin(labels, [0, 1, 3]))
    mine = part.labels("shape")[0]
    counts = np.bincount((mine[donor_rows(part, "shape")] - mine)[mine == 0], minlength=4)
    assert counts[[0, 2]].tolist() == [0, 0]
    assert abs(counts[1] - counts[3]) < 4 * np.sqrt(counts.sum())


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_swap_gives_the_clip_the_donors_pooled_activation(seed: int) -> None:
    hidden, donor = torch.randn(2, 5, 6, 7, generator=torch.Generator().manual_seed(seed))
    shift = donor_displacement(hidden.mean(dim=1), donor.mean(dim=1))
    everything = torch.eye(7)[None]
    after = edit(hidden, coordinates(shift, everything), everything, torch.ones(1))[0]
    torch.testing.assert_close(after.mean(dim=1), donor.mean(dim=1))
    torch.testing.assert_close(after - after.mean(dim=1, keepdim=True), hidden - hidden.mean(dim=1, keepdim=True))


@pytest.mark.parametrize("tokens", ["all", "object"])
def test_swapping_all_that_the_judge_reads_at_the_last_layer_gives_what_the_donor_gives(study, scenes, tokens: str) -> None:
    weights = study.judge.probe.weights
    read = {"all that is read": Subspace(torch.linalg.qr(weights).Q, torch.zeros(len(weights)))}
    judge = ProbeJudge(study.judge.probe, tokens)
    effects, _ = intervene(study.encoder, Site(LAST, tokens), scenes, read, {}, [judge], ("swap",))
    np.testing.assert_allclose(effects["numerator"], effects["denominator"], rtol=1e-3, atol=1e-4)
    assert effects["scene"].tolist() == scenes.source.clips.factors["scene"].tolist()
    assert effects["target"].tolist() == scenes.target.tolist()


def test_the_denominator_is_what_the_judge_reads_in_the_donor(study, scenes) -> None:
    one = {"one": study.subspace(0)}
    effects, _ = intervene(study.encoder, Site(LAYER, "object"), scenes, one, {}, [study.judge], ("swap",))
    own, donor = (study.judge.logits(part.pooled(LAST, "object")) for part in (scenes.source, scenes.twin))
    row = torch.arange(len(own))
    towards = (donor - own)[row, scenes.target] - (donor - own)[row, scenes.label]
    np.testing.assert_allclose(effects["denominator"], towards.numpy(), rtol=1e-6)


def test_ablation_of_all_tokens_asks_no_partner(study, scenes) -> None:
    one = {"one": study.subspace(0)}
    judge = ProbeJudge(study.judge.probe, "all")
    mine, theirs = (intervene(study.encoder, Site(LAYER), s, one, {}, [judge], ("ablate",))[0] for s in (scenes, study.scenes))
    columns = ["scene", "numerator", "denominator", "correct"]
    assert mine[columns].equals(theirs[columns])


def test_a_donors_object_lies_elsewhere_so_the_clips_own_tokens_are_edited(scenes) -> None:
    assert torch.equal(scenes.mask("object"), scenes.source.object_mask)
    assert scenes.mask("all") is None


def test_bad_donors_are_refused(scenes) -> None:
    with pytest.raises(BadData, match="donor of its own class"):
        replace(scenes, target=scenes.label)
    with pytest.raises(BadData, match="one donor each"):
        replace(scenes, twin=scenes.twin.select(np.arange(3)))
    with pytest.raises(BadData, match="not of the same scenes"):
        replace(scenes, donor="twin")
    clips = directions8(per_class=5)
    with pytest.raises(BadData, match=r"All 5 clips .* show direction 'E'"):
        donor_rows(clips.select((clips.factors["direction"] == "E").to_numpy()), "direction")
