"""Judges read what they are said to read, alone and side by side; margins are what they are said to be, and splits never meet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch
from encoders_at_hand import save_classifier
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import VJEPA2ForVideoClassification

from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.conditions import merged
from jepascope.intervention.effects import angle_errors, intervene
from jepascope.intervention.judges import HeadJudge, ProbeJudge, correct, divergence, margin, require_disjoint, target_margin
from jepascope.intervention.run import run_edit
from jepascope.intervention.scenes import Scenes

LABELS = ("left", "right", "up", "down", "elsewhere")


@dataclass(frozen=True)
class Scaled:
    """A probe whose logits are the activation times a number."""

    by: float = 1.0

    def logits(self, x: Tensor) -> Tensor:
        return x * self.by


def test_the_margin_is_the_logit_over_the_mean_of_the_others() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 0.0, 6.0]], dtype=torch.float64)
    label = torch.tensor([0, 1])
    assert margin(logits, label).tolist() == [1.5, -3.0]
    assert target_margin(logits, label, torch.tensor([2, 2])).tolist() == [-1.0, 6.0]
    assert correct(logits, label).tolist() == [True, False]
    assert torch.equal(margin(logits.expand(4, 2, 3), label), margin(logits, label).expand(4, 2))


def test_margins_ignore_what_all_classes_share() -> None:
    logits, label = torch.randn(5, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0])
    torch.testing.assert_close(margin(logits + 7.0, label), margin(logits, label))
    torch.testing.assert_close(target_margin(logits + 7.0, label, label.flip(0)), target_margin(logits, label, label.flip(0)))


def test_a_judge_reads_any_number_of_conditions() -> None:
    pooled = torch.randn(3, 4, 5)
    torch.testing.assert_close(ProbeJudge(Scaled(2.0)).logits(pooled), 2 * pooled.double())


def test_logits_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(BadData, match="NaN or infinite logits"):
        ProbeJudge(Scaled(float("inf"))).logits(torch.ones(2, 3))
    with pytest.raises(BadArgument, match="no token selection"):
        ProbeJudge(Scaled(), tokens="sky")


def test_splits_that_share_a_scene_are_refused() -> None:
    require_disjoint({"fit": np.arange(3), "judge": np.arange(3, 6), "test": np.arange(6, 9)})
    with pytest.raises(BadData, match=r"scene 5, lie both in 'judge' and in 'test'"):
        require_disjoint({"fit": np.arange(3), "judge": np.arange(3, 6), "test": np.arange(5, 9)})


# divergence


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), size=st.floats(0.01, 50))
def test_the_divergence_is_zero_for_equal_logits_and_never_below(seed: int, size: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    clean, edited = size * torch.randn(6, 4, generator=generator).double(), size * torch.randn(3, 6, 4, generator=generator).double()
    assert torch.equal(divergence(clean, clean[None]), torch.zeros(1, 6).double())
    torch.testing.assert_close(divergence(clean, (clean + 3)[None]), torch.zeros(1, 6).double(), atol=1e-9, rtol=0)
    found = divergence(clean, edited)
    assert found.shape == (3, 6) and (found > -1e-12).all() and torch.isfinite(found).all()
    wanted = torch.nn.functional.kl_div(edited.log_softmax(-1), clean.log_softmax(-1).expand(3, 6, 4), reduction="none", log_target=True)
    torch.testing.assert_close(found, wanted.sum(dim=-1), atol=1e-9, rtol=1e-6)


# the task head


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> tuple[VJepa2Encoder, VJEPA2ForVideoClassification]:
    folder = tmp_path_factory.mktemp("classifier") / "tiny"
    model = save_classifier(folder, LABELS)
    return load_encoder(str(folder)), model


@pytest.fixture(scope="module")
def shown(classifier, study) -> Scenes:
    """The study's scenes as the classifier sees them; two of its labels are paired with classes 0 and 1."""
    encoder, _ = classifier
    source, twin = (capture(encoder, part.clips, sites=(1,)) for part in (study.scenes.source, study.scenes.twin))
    label = torch.arange(8) % 2
    return Scenes(source, twin, label, 1 - label, torch.zeros(2, encoder.card.width))


def test_the_head_says_what_transformers_says_with_the_edit_hooked_in(classifier, shown, study) -> None:
    encoder, model = classifier
    judge = HeadJudge(encoder, (3, 1))
    subspace = study.subspace(4, rank=8)
    (condition,) = merged({"one": subspace}, {}, (1.0,), "swap")
    edited = run_edit(encoder, Site(1), shown, [condition], [judge], "swap")
    donor = shown.twin.tokens(1)

    def swapped(module: torch.nn.Module, args: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (output[0] + (donor - output[0]) @ subspace.basis @ subspace.basis.T, *output[1:])

    video = encoder.preprocess(shown.source.clips.video())
    with torch.inference_mode():
        clean, twin = (model(encoder.preprocess(part.clips.video())).logits[:, [3, 1]] for part in (shown.source, shown.twin))
        handle = model.vjepa2.encoder.layer[0].register_forward_hook(swapped)
        try:
            theirs = model(video).logits[:, [3, 1]]
        finally:
            handle.remove()
    (read,) = edited.reads
    torch.testing.assert_close(read.logits[0], theirs.double(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(read.clean, clean.double(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(read.twin, twin.double(), atol=1e-6, rtol=1e-5)
    assert (theirs - clean).abs().max() > 1e-3
    assert read.direct.isnan().all() and read.angle.isnan().all()


@pytest.mark.parametrize("turned", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["probe first", "head first"])
def test_head_and_probes_side_by_side_read_what_each_reads_alone(classifier, shown, study, turned: bool) -> None:
    encoder, _ = classifier
    judges = [
        ProbeJudge(study.judge.probe),
        HeadJudge(encoder, (0, 4)),
        ProbeJudge(Scaled(2.0), name="scaled", layer=3),
        ProbeJudge(Scaled(), name="early", layer=1),
        ProbeJudge(Scaled(3.0), name="later", layer=2),
    ]
    if turned:
        judges.insert(0, judges.pop(1))
    conditions = merged({"one": study.subspace(4), "two": study.subspace(5)}, {}, (1.0, 0.5), "ablate")
    together = run_edit(encoder, Site(1), shown, conditions, judges, "ablate", batch=3)
    for judge, read in zip(judges, together.reads, strict=True):
        (alone,) = run_edit(encoder, Site(1), shown, conditions, [judge], "ablate", batch=3).reads
        for name in ("logits", "clean", "twin"):
            assert torch.equal(getattr(read, name), getattr(alone, name)), (judge.name, name)
        torch.testing.assert_close(read.direct, alone.direct, equal_nan=True)


def test_head_logits_that_are_no_numbers_are_refused(classifier) -> None:
    judge = HeadJudge(classifier[0], (0, 1))
    with pytest.raises(BadData, match="task head gave NaN or infinite logits; the edit or the dose"):
        judge.logits(torch.tensor([[float("nan"), 1.0]]))


# several judges


def test_judges_of_several_layers_and_variables_read_what_each_reads_alone(study) -> None:
    labels = torch.arange(8) % 3
    scenes = replace(study.scenes, others={"size": labels})
    probe = study.judge.probe
    judges = [
        ProbeJudge(probe, "object"),
        ProbeJudge(probe, "object", "mlp"),
        ProbeJudge(probe, "object", layer=1),
        ProbeJudge(probe, "object", layer=2),
        ProbeJudge(Scaled(), "object", layer=3, variable="size"),
    ]
    one = {"one": study.subspace(1)}
    together, _ = intervene(study.encoder, Site(1, "object"), scenes, one, {}, judges, ("ablate", "swap"))
    alone = [intervene(study.encoder, Site(1, "object"), scenes, one, {}, [judge], ("ablate", "swap"))[0] for judge in judges]
    order = ["edit", "judge", "read_layer", "read", "scene"]
    pd.testing.assert_frame_equal(
        together.sort_values(order, ignore_index=True), pd.concat(alone).sort_values(order, ignore_index=True), check_exact=True
    )
    assert set(zip(together["judge"], together["read_layer"], together["read"], strict=True)) == {
        ("probe", 3, ""),
        ("mlp", 3, ""),
        ("probe", 1, ""),
        ("probe", 2, ""),
        ("probe", 3, "size"),
    }


def test_of_another_variable_every_edit_is_asked_what_it_loses(study) -> None:
    labels = torch.arange(8) % 3
    scenes = replace(study.scenes, others={"size": labels})
    judge = ProbeJudge(Scaled(), layer=3, variable="size")
    effects, _ = intervene(study.encoder, Site(1), scenes, {"one": study.subspace(1)}, {}, [judge], ("swap",))
    clean = margin(scenes.source.pooled(3).double(), labels)
    np.testing.assert_allclose(effects["denominator"], clean, rtol=1e-6)
    assert effects["target"].tolist() == labels.tolist() and effects["angle_error"].isna().all()
    with pytest.raises(BadData, match="reads size, and the scenes have no labels of it"):
        intervene(study.encoder, Site(1), study.scenes, {"one": study.subspace(1)}, {}, [judge], ("swap",))


def test_an_edit_is_read_at_its_own_layer_as_it_was_made(study) -> None:
    """No block has run: what arrives is the edit, all of it directly."""
    judge = ProbeJudge(study.judge.probe, layer=1)
    effects, _ = intervene(study.encoder, Site(1), study.scenes, {"one": study.subspace(1)}, {}, [judge], ("ablate", "swap", "steer"))
    np.testing.assert_allclose(effects["numerator"], effects["numerator_direct"], atol=1e-5)


def test_judges_that_cannot_read_together_are_refused(study) -> None:
    one, probe = {"one": study.subspace(1)}, study.judge.probe
    for judges, message in (
        ([], "without a judge"),
        ([ProbeJudge(probe), ProbeJudge(probe, "object")], "read the same tokens, not all, object"),
        ([ProbeJudge(probe, layer=0)], r"edit at layer 1, all tokens cannot be read at layer 0; read it at 1\.\.3"),
        ([ProbeJudge(probe, layer=4)], r"cannot be read at layer 4; read it at 1\.\.3"),
    ):
        with pytest.raises(BadArgument, match=message):
            intervene(study.encoder, Site(1), study.scenes, one, {}, judges, ("ablate",))


# angles


def test_the_angle_error_is_the_shorter_way_round_in_degrees() -> None:
    expected = torch.tensor([3.0, 0.0, 1.0])
    decoded = torch.tensor([[-3.0, 0.0, 1.0 + torch.pi], [3.0, 2 * torch.pi, 1.5]]).double()
    found = angle_errors(expected, decoded)
    wanted = torch.tensor([[2 * torch.pi - 6, 0.0, torch.pi], [0.0, 0.0, 0.5]]).double().rad2deg()
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)
    assert angle_errors(None, decoded).isnan().all()


@dataclass(frozen=True)
class First:
    """Decodes (cos, sin) from the first two coordinates."""

    def predict(self, x: Tensor) -> Tensor:
        return x[:, :2]


def test_a_decoder_rides_along_with_the_angle_that_the_edit_should_leave(study) -> None:
    angle = torch.arange(8) * 0.5
    scenes = replace(study.scenes, angle=angle, target_angle=angle + 1)
    judge = ProbeJudge(study.judge.probe, decoder=First())
    effects, _ = intervene(study.encoder, Site(3), scenes, {"one": study.subspace(1)}, {}, [judge], ("ablate", "swap"))
    clean = scenes.source.pooled(3).double()
    read = torch.atan2(clean[:, 1], clean[:, 0])
    for edit, wanted in (("ablate", angle), ("swap", angle + 1)):
        rows = effects[effects["edit"] == edit]
        np.testing.assert_allclose(rows["angle_error_before"], angle_errors(wanted, read), atol=1e-4)
        assert (rows["angle_error"] != rows["angle_error_before"]).all()
