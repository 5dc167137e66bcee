"""Checkpoints as the world has them: compiled, wrapped, under other keys, with names of other releases. Or refused by name."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders_at_hand import noise_video, tiny_config
from families_at_hand import CONFIGS, drawn, saved
from safetensors.torch import load_file, save_file
from test_meta import State, as_meta, random_model
from transformers import VJEPA2Model

from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.meta import load_meta
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.encoders.weight_names import renamed, unwrapped
from jepascope.errors import BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

DDP, COMPILED, FSDP = "module.", "_orig_mod.", "_fsdp_wrapped_module."


def named(state: State, change: Callable[[str], str]) -> State:
    return {change(name): value for name, value in state.items()}


def test_wrappers_are_taken_off_wherever_they_stand_and_nothing_else_is() -> None:
    wrapped = ["module._orig_mod.blocks.0._checkpoint_wrapped_module.norm1.weight", "_fsdp_wrapped_module.modules.bias", "n_averaged"]
    assert list(unwrapped(wrapped, "x")) == ["blocks.0.norm1.weight", "modules.bias"]
    with pytest.raises(BadCheckpoint, match=r"'x' has a\.b twice, as a\.b and as module\.a\.b, and nothing says which is meant"):
        unwrapped(["a.b", "module.a.b"], "x")


def test_names_that_changed_are_paired_with_those_that_are_missing() -> None:
    layer = "encoder.layer.0.attention.attention"
    said = renamed([f"{layer}.query.bias", f"{layer}.value.bias"], [f"{layer}.q_bias", f"{layer}.v_bias"])
    assert said == f", but has {layer}.q_bias, which looks like {layer}.query.bias under another name (and 1 more such pairs)"
    assert renamed(["norm.weight"], ["classifier.something.else"]) == ", and has others that are not known: classifier.something.else"
    assert renamed(["norm.weight"], []) == ""


# Meta's files

PREFIXES = [
    "module._orig_mod.backbone.",
    "_orig_mod.module.backbone.",
    "backbone._orig_mod.",
    "_orig_mod.",
    "module.module.model.backbone.",
]


@pytest.mark.parametrize("prefix", [*PREFIXES, FSDP + "net.", "encoder.", "model.encoder.backbone."])
def test_a_meta_file_is_read_with_any_wrappers_in_any_order(prefix: str, tmp_path: Path) -> None:
    encoder, predictor = as_meta(random_model(), prefix)
    predictor = named(predictor, lambda name: name.replace("encoder.", "predictor."))
    torch.save({"target_encoder": encoder, "predictor": predictor}, tmp_path / "v.pt")
    assert exact(tmp_path / "v.pt", predictor=True) == "target_encoder and predictor"


def exact(path: Path, predictor: bool) -> str:
    """Every weight is that of the model; what was read, in words."""
    model, extra, _ = load_meta(path)
    expected = random_model().state_dict()
    if not predictor:
        expected = {name: value for name, value in expected.items() if not name.startswith("predictor.")}
    state = model.state_dict()
    assert state.keys() == expected.keys() and all(torch.equal(state[name], value) for name, value in expected.items())
    return str(extra["source"]).partition(": ")[2].partition(" (")[0]


def layouts() -> dict[str, tuple[Any, str]]:
    encoder, predictor = as_meta(random_model(), "module._orig_mod.backbone.")
    bare, _ = as_meta(random_model(), "")
    whole = {**named(encoder, "encoder.".__add__), **named(predictor, "predictor.".__add__)}
    optimiser = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}
    return {
        "a state dict alone": (encoder, "encoder"),
        "without a prefix": (bare, "encoder"),
        "Lightning's": ({"state_dict": whole, "epoch": 3, "optimizer_states": [optimiser]}, "encoder of state_dict and predictor"),
        "a model and its optimiser": ({"model": encoder, "optimizer": optimiser}, "encoder of model"),
        "a teacher": ({"teacher": named(encoder, "backbone.".__add__)}, "encoder of teacher"),
        "an average": ({"ema": {"n_averaged": torch.tensor(7), **encoder}}, "encoder of ema"),
        "as Meta's, one level down": (
            {"model": {"target_encoder": encoder, "predictor": predictor}},
            "target_encoder of model and predictor",
        ),
        "parameters": ({"model": {name: torch.nn.Parameter(value) for name, value in encoder.items()}}, "encoder of model"),
        "blocks compiled one by one": (named(bare, lambda name: re.sub(r"^(blocks\.\d+)", r"\1._orig_mod", name)), "encoder"),
    }


@pytest.mark.parametrize("layout", layouts())
def test_a_model_is_found_under_the_keys_that_training_code_uses(layout: str, tmp_path: Path) -> None:
    state, read = layouts()[layout]
    torch.save(state, tmp_path / "v.pt")
    assert exact(tmp_path / "v.pt", predictor="predictor" in read) == read


def test_bfloat16_is_read_as_float32(tmp_path: Path) -> None:
    encoder, _ = as_meta(random_model(), COMPILED)
    torch.save({"state_dict": {name: value.bfloat16() for name, value in encoder.items()}}, tmp_path / "v.pt")
    state, expected = load_meta(tmp_path / "v.pt")[0].state_dict(), random_model().state_dict()
    assert all(value.dtype == torch.float32 and torch.equal(value, expected[name].bfloat16().float()) for name, value in state.items())


def refusals() -> list[tuple[Any, str]]:
    encoder, predictor = as_meta(random_model(), "")
    optimiser = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}
    half = sorted(encoder)[: len(encoder) // 2]
    mixed = {("encoder." if name in half else "ema_encoder.") + name: value for name, value in encoder.items()}
    return [
        ({"model": encoder, "ema": encoder}, r"has weights under model and ema, and nothing says which are meant; save those alone"),
        ({"encoder": mixed}, r"has weights of several models as encoder: ema_encoder\.[\w.]+ and encoder\.[\w.]+"),
        (
            {**encoder, **named(predictor, "predictor.".__add__)},
            r"with and without a model's name before them: predictor\.[\w.]+ and blocks",
        ),
        ({**encoder, "module.norm.bias": encoder["norm.bias"]}, r"has norm\.bias twice, as norm\.bias and as module\.norm\.bias"),
        (optimiser, "holds an optimiser's state and no weights of a model"),
        ({"opt": optimiser, "epoch": 3}, "holds an optimiser's state and no weights of a model"),
        ({"state_dict": random_model().state_dict()}, r"has transformers' names of weights .*model\.save_pretrained"),
        (named(encoder, lambda name: name.replace("mlp.fc1", "mlp.fc_1")), r"misshapen|lacks weights: encoder\.blocks\.0\.mlp\.fc1"),
        (
            {name.replace("norm1", "norm_1"): value for name, value in encoder.items()},
            r"lacks weights: encoder\.blocks\.0\.norm1\.bias and 5 more, but has encoder\.blocks\.0\.norm_1\.bias, which looks like",
        ),
    ]


@pytest.mark.parametrize("case", range(len(refusals())))
def test_what_cannot_be_told_is_refused_by_name(case: int, tmp_path: Path) -> None:
    state, said = refusals()[case]
    torch.save(state, tmp_path / "v.pt")
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_meta(tmp_path / "v.pt")
    assert str(caught.value).isprintable()


@pytest.mark.slow
def test_of_several_models_one_is_saved_alone_by_the_command_that_is_offered(tmp_path: Path) -> None:
    encoder, _ = as_meta(random_model(), COMPILED)
    path = tmp_path / "it's mine" / "v.pt"
    path.parent.mkdir()
    torch.save({"state_dict": {"model": encoder, "ema": named(encoder, DDP.__add__)}}, path)
    with pytest.raises(BadCheckpoint, match="and nothing says which are meant") as caught:
        load_meta(path)
    command, _, then = str(caught.value).partition("`")[2].rpartition("`")
    assert subprocess.run(command, shell=True).returncode == 0
    (model,) = re.findall(r"--model (.+)\.$", then)
    assert exact(Path(*shlex.split(model)), predictor=False) == "encoder of model"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_a_sharded_model_becomes_one_file_by_the_command_that_is_offered(tmp_path: Path) -> None:
    import torch.distributed.checkpoint as dcp

    encoder, _ = as_meta(random_model(), DDP)
    dcp.save({"model": encoder}, checkpoint_id=tmp_path / "my shares", no_dist=True)
    with pytest.raises(BadCheckpoint, match=r"is a model in shares") as caught:
        load_encoder(str(tmp_path / "my shares"))
    command = str(caught.value).partition("`")[2].rpartition("`")[0]
    assert subprocess.run(command, shell=True).returncode == 0
    assert exact(tmp_path / "my shares.pt", predictor=False) == "encoder of model"


@pytest.mark.parametrize("qualname", ["torch.distributed.tensor.DTensor", "torch.distributed._shard.sharded_tensor.api.ShardedTensor"])
def test_one_share_of_a_sharded_model_is_refused_with_what_saves_all_of_it(qualname: str, tmp_path: Path) -> None:
    from jepascope.encoders.torch_file import _refusal

    said = str(_refusal(tmp_path / "v.pt", f"Unsupported global: GLOBAL {qualname} was not an allowed global by default."))
    assert "one process's share of a sharded model" in said and "full_state_dict=True" in said
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    assert get_model_state_dict(torch.nn.Linear(2, 2), options=StateDictOptions(full_state_dict=True, cpu_offload=True))


# folders


def rewritten(folder: Path, change: Callable[[str], str]) -> None:
    save_file(named(load_file(folder / "model.safetensors"), change), folder / "model.safetensors", {"format": "pt"})


def in_two_parts(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    (folder / "model.safetensors").unlink()
    index: dict[str, str] = {}
    for part, some in enumerate((names[::2], names[1::2])):
        file = f"model-0000{part + 1}-of-00002.safetensors"
        save_file({name: weights[name] for name in some}, folder / file, {"format": "pt"})
        index |= dict.fromkeys(some, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("name", ["vjepa2", *(name for name in CONFIGS if " " not in name)])
def test_a_folder_saved_from_a_compiled_or_spread_model_is_read(name: str, parts: bool, tmp_path: Path) -> None:
    if name == "vjepa2":
        save_encoder(VJepa2Encoder.from_config(tiny_config(), seed=0), tmp_path / "saved", {})
    else:
        saved(drawn(name), tmp_path / "saved")
    plain = load_encoder(str(shutil.copytree(tmp_path / "saved", tmp_path / "plain")))
    rewritten(tmp_path / "saved", lambda name: DDP + COMPILED + re.sub(r"(layer\.\d+)", r"\1._orig_mod", name))
    if parts:
        in_two_parts(tmp_path / "saved")
    assert load_encoder(str(tmp_path / "saved")).card.digest == plain.card.digest


def test_a_weight_with_and_without_a_wrapper_is_refused(tmp_path: Path) -> None:
    save_encoder(VJepa2Encoder.from_config(tiny_config(), seed=0), tmp_path / "saved", {})
    weights = load_file(tmp_path / "saved" / "model.safetensors")
    both = {**weights, "_orig_mod.encoder.layernorm.bias": torch.zeros(48)}
    save_file(both, tmp_path / "saved" / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadCheckpoint, match=r"has encoder\.layernorm\.bias twice, as .*, and nothing says which is meant"):
        load_encoder(str(tmp_path / "saved"))


PUBLISHED = {"query.bias": "q_bias", "value.bias": "v_bias"}  # of MCG-NJU's VideoMAE on the hub, which has no bias of keys


def published_videomae(folder: Path) -> Path:
    def older(name: str) -> str:
        return next((name.removesuffix(ours) + theirs for ours, theirs in PUBLISHED.items() if name.endswith(f"attention.{ours}")), name)

    rewritten(saved(drawn("videomae"), folder), older)
    assert sum(name.endswith(("q_bias", "v_bias")) for name in load_file(folder / "model.safetensors")) == 6
    return folder


@torch.inference_mode()
def test_videomae_is_read_as_it_is_published_and_as_older_releases_saved_it(tmp_path: Path) -> None:
    """A bias of keys, which transformers had up to 5.17, adds the same to a query's score with every key: softmax takes it out."""
    published = load_encoder(str(published_videomae(tmp_path / "published")))
    assert published.card.digest == drawn("videomae").card.digest
    folder = saved(drawn("videomae"), tmp_path / "older")
    rewritten(folder, lambda name: name.replace("q_bias", "query.bias").replace("v_bias", "value.bias"))
    weights = load_file(folder / "model.safetensors")
    keys = {f"encoder.layer.{layer}.attention.attention.key.bias": torch.randn(24) for layer in range(3)}
    save_file({**weights, **keys}, folder / "model.safetensors", {"format": "pt"})
    older = load_encoder(str(folder))
    assert older.card.digest == published.card.digest
    video = noise_video(published, 1)  # type: ignore[arg-type]
    latents = published.run(published.embed(video), 0)
    for layer, bias in enumerate(keys.values()):
        attention = older.model.encoder.layer[layer].attention.attention
        attention.key = biased(attention.key, bias)
    assert float((older.run(older.embed(video), 0) - latents).abs().max()) < 1e-5


def biased(linear: torch.nn.Linear, bias: torch.Tensor) -> torch.nn.Linear:
    other = torch.nn.Linear(linear.in_features, linear.out_features)
    other.weight, other.bias = linear.weight, torch.nn.Parameter(bias)
    return other


def test_missing_weights_are_named_with_those_that_look_like_their_old_names(tmp_path: Path) -> None:
    folder = saved(drawn("ijepa"), tmp_path / "saved")
    rewritten(folder, lambda name: name.replace("layernorm_before", "norm_before"))
    with pytest.raises(
        BadCheckpoint, match=r"lacks weights: .*layernorm_before\.bias and 5 more, but has .*norm_before\.bias, which"
    ) as caught:
        load_encoder(str(folder))
    assert "`jepascope doctor` says whether that is a release to use" in str(caught.value)


# what --model may be


def test_a_folder_that_holds_a_checkpoint_says_what_to_pass(tmp_path: Path) -> None:
    model = tmp_path / "my models" / "vit"
    save_encoder(VJepa2Encoder.from_config(tiny_config(), seed=0), model, {})
    for given in (str(model.parent), str(model / "config.json"), str(model / "model.safetensors"), f"{model.parent}/"):
        for read in (load_encoder, lambda name: geometry(StudySpec(model=name))):
            with pytest.raises(BadCheckpoint, match="pass --model ") as caught:
                read(given)
            (path,) = shlex.split(str(caught.value).partition("pass --model ")[2].removesuffix("."))
            assert load_encoder(path).card.width == 48
    (tmp_path / "meta").mkdir()
    torch.save({}, tmp_path / "meta" / "vitl.pt")
    with pytest.raises(BadCheckpoint, match=r"it holds a checkpoint: pass --model .*/meta/vitl\.pt"):
        load_encoder(str(tmp_path / "meta"))


def test_a_folder_without_weights_says_what_fetches_them(tmp_path: Path) -> None:
    folder = tmp_path / "my models" / "vjepa2-vitl-fpc64-256"
    save_encoder(VJepa2Encoder.from_config(tiny_config(), seed=0), folder, {})
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match=r"has no \.safetensors weights") as caught:
        load_encoder(str(folder))
    words = shlex.split(re.findall("`([^`]+)`", str(caught.value))[0])
    assert words == ["hf", "download", "facebook/vjepa2-vitl-fpc64-256", "model.safetensors", "--local-dir", str(folder)]


def test_a_path_is_taken_with_a_slash_a_tilde_or_spaces_and_plan_finds_what_run_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    torch.manual_seed(0)
    VJEPA2Model(tiny_config()).save_pretrained(tmp_path / "my model")
    revision = tmp_path / "hub" / "models--some--cached" / "snapshots" / ("a" * 40)
    blobs = revision.parents[1] / "blobs"
    for folder in (revision, blobs, revision.parents[1] / "refs"):
        folder.mkdir(parents=True)
    (revision.parents[1] / "refs" / "main").write_text("a" * 40)
    for number, file in enumerate(sorted((tmp_path / "my model").iterdir())):
        (blobs / str(number)).write_bytes(file.read_bytes())
        (revision / file.name).symlink_to(Path("../../blobs") / str(number))
    names = ["./my model/", "~/my model", "my model", str(tmp_path / "my model"), "some/cached", str(revision), f"{revision}/"]
    read = {load_encoder(name).card.digest for name in names}
    assert len(read) == 1
    assert {geometry(StudySpec(model=name)).width for name in names} == {48}


def test_what_run_refuses_plan_refuses_in_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("Nanoo", "./nowhere", "empty", "../weights/nano", "nothing/at/all", "other.pt"):
        with pytest.raises(Exception, match=re.escape(name)) as run:
            load_encoder(name)
        with pytest.raises(type(run.value), match=re.escape(str(run.value))):
            geometry(StudySpec(model=name))


@pytest.mark.parametrize(
    ("given", "meant"), [("NANO", "nano"), ("nano/", "nano"), ("Facebook/VJEPA2-ViTL-fpc64-256", "facebook/vjepa2-vitl-fpc64-256")]
)
def test_capitals_and_slashes_are_no_other_name(given: str, meant: str) -> None:
    with pytest.raises(Exception, match=rf"Did you mean {meant}\?"):
        load_encoder(given)
