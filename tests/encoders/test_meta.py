"""Meta's own .pt files, emulated from random transformers models: read weight by weight or refused in one sentence, and never run."""

from __future__ import annotations

import functools
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from transformers import VJEPA2Config, VJEPA2Model

from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.meta import load_meta, meta_sizes
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

State = dict[str, Any]


@functools.cache
def random_model(seed: int = 0) -> VJEPA2Model:
    """As wide as Meta's smallest, with large patches: heads of 64, and a predictor 384 wide as all released ones."""
    sizes = {"patch_size": 32, "hidden_size": 192, "num_attention_heads": 3, "num_hidden_layers": 3, "pred_num_hidden_layers": 2}
    ratios = {"mlp_ratio": 2.5, "pred_mlp_ratio": 1.25}
    config = VJEPA2Config(**sizes, **ratios, pred_num_mask_tokens=3, pred_zero_init_mask_tokens=False, initializer_range=0.2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VJEPA2Model(config).eval()
        for weight in model.parameters():  # biases and norms are not left at 0 and 1, where an exchange would not show
            weight.data += 0.1 * torch.randn_like(weight)
    return model


def as_meta(model: VJEPA2Model, prefix: str = "module.backbone.") -> tuple[State, State]:
    """Encoder and predictor under the names that Meta's code gives them: what the loader must undo."""
    encoder, predictor = {}, {}
    names = {"query": [], "key": [], "value": []}
    for name, value in model.state_dict().items():
        side, _, rest = name.partition(".")
        state, lead = (encoder, "") if side == "encoder" else (predictor, "predictor_")
        rest = rest.replace("attention.", "attn.")
        for old, new in (
            ("embeddings.patch_embeddings.", "patch_embed."),
            ("embeddings.predictor_embeddings.", "predictor_embed."),
            ("layer.", f"{lead}blocks."),
            ("layernorm.", f"{lead}norm."),
        ):
            if rest.startswith(old):
                rest = new + rest.removeprefix(old)
                break
        if rest.startswith("proj."):
            rest = "predictor_" + rest
        part = rest.split(".")[-2]
        if rest == "embeddings.mask_tokens":
            state.update({f"{prefix}mask_tokens.{row}": token for row, token in enumerate(value)})
        elif part in names:
            names[part].append((state, rest.replace(f"attn.{part}", "attn.qkv"), value))
        else:
            state[prefix + rest] = value
    for query, key, value in zip(*names.values(), strict=True):
        query[0][prefix + query[1]] = torch.cat([query[2], key[2], value[2]])
    encoder[f"{prefix}pos_embed"] = torch.zeros(1, 2048, 192)  # V-JEPA 2 has no use for them, and its hub loads around them
    predictor[f"{prefix}predictor_pos_embed"] = torch.zeros(1, 2048, 384)
    return encoder, predictor


def checkpoint(model: VJEPA2Model, prefix: str = "module.backbone.") -> State:
    """A whole training checkpoint; what is trained differs from its moving average."""
    target, predictor = as_meta(model, prefix)
    trained, _ = as_meta(random_model(seed=1), prefix)
    beside = {"opt": {"state": {}, "param_groups": [{"lr": 1e-4}]}, "scaler": None, "epoch": 3, "loss": 0.5, "lr": 1e-4}
    return {"encoder": trained, "predictor": predictor, "target_encoder": target, **beside}


@pytest.fixture(scope="module")
def reference() -> VJEPA2Model:
    return random_model()


@pytest.fixture
def whole(reference: VJEPA2Model) -> State:
    return checkpoint(reference)


def saved(path: Path, state: object, **how: Any) -> Path:
    torch.save(state, path, **how)
    return path


def refused(path: Path, said: str) -> str:
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(str(path), frames=4)
    assert str(caught.value).isprintable()  # one line, whatever the file says
    return str(caught.value)


# what is read


@torch.inference_mode()
@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "module.backbone."])
def test_every_layer_and_the_forecast_equal_transformers_to_the_bit(reference: VJEPA2Model, prefix: str, tmp_path: Path) -> None:
    encoder = load_encoder(str(saved(tmp_path / "vitx.pt", checkpoint(reference, prefix))), frames=4)
    assert isinstance(encoder, VJepa2Encoder)
    state = reference.state_dict()
    assert {name: value.shape for name, value in encoder.model.state_dict().items()} == {name: value.shape for name, value in state.items()}
    assert all(torch.equal(value, state[name]) for name, value in encoder.model.state_dict().items())
    seen: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda m, a, out: seen.append(out[0])) for layer in reference.encoder.layer]
    video, n = torch.rand(2, 4, 3, 256, 256, generator=torch.Generator().manual_seed(0)), encoder.card.tokens
    ids = torch.arange(n).expand(2, -1)
    context, target = ids[:, : n // 2].contiguous(), ids[:, n // 2 :].contiguous()
    theirs = reference(encoder.preprocess(video), context_mask=[context], target_mask=[target])
    for handle in handles:
        handle.remove()
    hidden = encoder.embed(video)
    differences = []
    for index, layer in enumerate(seen, start=1):
        hidden = encoder.block(index, hidden)
        differences.append(float((hidden - layer).abs().max()))
    latents = encoder.norm(hidden)
    differences.append(float((latents - theirs.last_hidden_state).abs().max()))
    forecast = encoder.forecast(latents[:, : n // 2], context, target)
    differences.append(float((forecast - theirs.predictor_output.last_hidden_state).abs().max()))
    print(f"prefix {prefix!r}: largest differences {differences}")
    assert len(seen) == encoder.card.depth == 3
    assert differences == [0.0] * 5


def test_queries_keys_and_values_are_split_as_metas_attention_splits_them(reference: VJEPA2Model, tmp_path: Path) -> None:
    """Meta's own arithmetic: one product, then ``unflatten(-1, (3, heads, -1))``, first axis first."""
    whole = checkpoint(reference, prefix="")
    model = load_meta(saved(tmp_path / "vitx.pt", whole))[0]
    x = torch.randn(5, 192, generator=torch.Generator().manual_seed(0))
    state, attention = whole["target_encoder"], model.encoder.layer[1].attention
    fused = F.linear(x, state["blocks.1.attn.qkv.weight"], state["blocks.1.attn.qkv.bias"]).unflatten(-1, (3, 3, -1))
    for third, part in enumerate((attention.query, attention.key, attention.value)):
        torch.testing.assert_close(part(x).unflatten(-1, (3, -1)), fused[:, third], atol=1e-5, rtol=1e-5)


def test_the_digest_is_that_of_the_same_weights_in_hugging_face_format(reference: VJEPA2Model, whole: State, tmp_path: Path) -> None:
    encoder = load_encoder(str(saved(tmp_path / "vitx.pt", whole)), frames=4)
    assert encoder.card.digest == VJepa2Encoder(reference, "hub").card.digest
    assert VJepa2Encoder(random_model(seed=1), "other").card.digest != encoder.card.digest


def test_metas_other_name_of_the_moving_average_is_known(whole: State, tmp_path: Path) -> None:
    whole["ema_encoder"] = whole.pop("target_encoder")
    model, extra, _ = load_meta(saved(tmp_path / "vitx.pt", whole))
    assert extra["source"].startswith("vitx.pt: ema_encoder and predictor")
    assert all(torch.equal(value, random_model().state_dict()[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("keys", "used"),
    [
        (("encoder", "target_encoder", "predictor"), "target_encoder and predictor"),
        pytest.param(("encoder", "target_encoder"), "target_encoder", marks=pytest.mark.slow),
        pytest.param(("encoder", "predictor"), "encoder and predictor", marks=pytest.mark.slow),
        (("encoder",), "encoder"),
    ],
)
def test_the_moving_average_comes_first_and_what_was_read_is_kept(keys: tuple[str, ...], used: str, whole: State, tmp_path: Path) -> None:
    path = saved(tmp_path / "vitx.pt", {key: whole[key] for key in keys})
    encoder = load_encoder(str(path), frames=4)
    expected = random_model(seed=0 if "target_encoder" in keys else 1).encoder.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in encoder.model.encoder.state_dict().items())
    assert encoder.card.has_predictor == ("predictor" in keys)
    assert encoder.describe()["source"] == f"vitx.pt: {used} ({path.stat().st_size:,} bytes)"
    assert encoder.untrained(0).card.source == ""  # its weights came from nowhere
    save_encoder(encoder, tmp_path / "folder", {})
    assert load_encoder(str(tmp_path / "folder"), frames=4).card.source == encoder.card.source


def test_the_name_says_the_size_that_the_released_file_was_made_for(whole: State, tmp_path: Path) -> None:
    for name, size in (("vitx.pt", 256), ("vitx-384.pth", 384)):
        card = load_encoder(str(saved(tmp_path / name, whole)), frames=2).card
        assert (card.name, card.size, card.grid) == (name, size, (1, size // 32, size // 32))
    card = load_encoder(str(tmp_path / "vitx.pt"), size=128).card
    assert (card.frames, card.size) == (64, 128)
    with pytest.raises(BadArgument, match="multiple of 32"):
        load_encoder(str(tmp_path / "vitx.pt"), size=100)


@pytest.mark.parametrize(
    ("width", "heads", "mlp", "depth"), [(1024, 16, 4096, 24), (1280, 16, 5120, 32), (1408, 22, 6144, 40)], ids=["L", "H", "g"]
)
def test_the_released_sizes_are_known_from_shapes_alone(width: int, heads: int, mlp: int, depth: int) -> None:
    with torch.device("meta"):
        shapes = {
            "encoder.patch_embed.proj.weight": torch.empty(width, 3, 2, 16, 16),
            **{f"encoder.blocks.{row}.mlp.fc1.weight": torch.empty(mlp, width) for row in range(depth)},
            "predictor.predictor_embed.weight": torch.empty(384, width),
            **{f"predictor.predictor_blocks.{row}.mlp.fc1.weight": torch.empty(1536, 384) for row in range(12)},
            **{f"predictor.mask_tokens.{row}": torch.empty(1, 1, 384) for row in range(10)},
        }
        config = VJEPA2Config(**meta_sizes(Path("vit.pt"), shapes, "encoder", True))
        parameters = sum(weight.numel() for weight in VJEPA2Model(config).parameters())
    assert (config.num_attention_heads, config.num_hidden_layers, config.crop_size, config.frames_per_clip) == (heads, depth, 256, 64)
    assert parameters == {1024: 325_971_328, 1280: 653_930_880, 1408: 1_034_555_264}[width]  # what the hub's checkpoints have


def test_half_precision_and_torchs_older_format_are_read(reference: VJEPA2Model, whole: State, tmp_path: Path) -> None:
    for key in ("target_encoder", "predictor"):
        whole[key] = {name: value.half() for name, value in whole[key].items()}
    model = load_meta(saved(tmp_path / "vitx.pt", whole, _use_new_zipfile_serialization=False))[0]
    state = reference.state_dict()
    assert all(value.dtype == torch.float32 for value in model.state_dict().values())
    assert all(torch.equal(value, state[name].half().float()) for name, value in model.state_dict().items())


def test_plan_says_that_it_opens_no_weights(whole: State, tmp_path: Path) -> None:
    path = saved(tmp_path / "vitx.pt", {})
    with pytest.raises(BadArgument, match=r"no config\.json to count from.*`jepascope run` reads it"):
        geometry(StudySpec(model=str(path)))


# what is refused

TARGET = "target_encoder"


def change(key: str, **weights: torch.Tensor | None) -> Callable[[State], object]:
    """Put weights in place of those of the same name, or take them out; ``__`` stands for a dot."""

    def edit(whole: State) -> None:
        for name, value in weights.items():
            whole[key].pop(f"module.backbone.{name.replace('__', '.')}", None)
            if value is not None:
                whole[key][f"module.backbone.{name.replace('__', '.')}"] = value

    return edit


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change(TARGET, blocks__1__mlp__fc1__weight=None), r"lacks weights: target_encoder\.blocks\.1\.mlp\.fc1\.weight"),
        (change(TARGET, blocks__1__attn__qkv__bias=None), r"lacks weights: target_encoder\.blocks\.1\.attn\.qkv\.bias"),
        (change(TARGET, patch_embed__proj__weight=None), r"lacks weights: target_encoder\.patch_embed\.proj\.weight"),
        (change("predictor", predictor_norm__bias=None), r"lacks weights: predictor\.predictor_norm\.bias"),
        (change("predictor", mask_tokens__1=None), r"lacks weights: predictor\.mask_tokens\.1"),
        (change(TARGET, cls_token=torch.zeros(1)), r"has unknown weights: target_encoder\.cls_token\. "),
        (change("predictor", blocks__0__a=torch.zeros(1), z=torch.zeros(1)), r"unknown weights: predictor\.blocks\.0\.a and 1 more"),
        (change(TARGET, norm__bias=torch.zeros(5)), r"has misshapen weights: target_encoder\.norm\.bias is \(5,\), but must be \(192,\)"),
        (change(TARGET, blocks__0__attn__qkv__bias=torch.zeros(192)), r"qkv\.bias is \(192,\), but must be \(576,\)"),
        (change(TARGET, patch_embed__proj__weight=torch.zeros(192, 3, 16, 16)), "misshapen weights: .*not a V-JEPA 2 checkpoint"),
        (change(TARGET, patch_embed__proj__weight=torch.zeros(200, 3, 2, 16, 16)), "200 wide: not a multiple of 64"),
        (change(TARGET, patch_embed__proj__weight=torch.zeros(192, 1, 2, 16, 16)), "in_chans is 1, but must be"),
        (change(TARGET, blocks__999999__a=torch.zeros(1)), "num_hidden_layers is 1000000, but must be"),
        (change("predictor", predictor_embed__weight=torch.zeros(512, 192)), "predictor 512 wide; how many heads"),
        (change(TARGET, pos_embed=torch.zeros(1, 1568, 192)), "is a V-JEPA 1 checkpoint: .*16 frames of 224 pixels"),
        (change(TARGET, norms_block__0__weight=torch.zeros(192)), r"target_encoder\.norm\.bias\. V-JEPA 2\.1 has four norms"),
        (change(TARGET, norm__bias=torch.zeros(192, dtype=torch.int64)), "norm.bias is not a plain tensor of floating-point"),
        (change(TARGET, norm__bias=torch.zeros(192, device="meta")), "norm.bias is not a plain tensor of floating-point"),
        (change(TARGET, blocks__0__attn__qkv__weight=torch.zeros(1).expand(10**6, 10**6)), "claims more weights than its"),
        (change(TARGET, **{"norm\n\x1b[31m": torch.zeros(1)}), "names a weight"),
        (change(TARGET, norm__weight=torch.full((192,), float("nan"))), "failed its self-test.*NaN"),
        (lambda whole: whole[TARGET].update({"norm.bias": torch.zeros(192)}), r"has target_encoder\.norm\.bias twice"),
        (lambda whole: whole.update({TARGET: [1]}), "target_encoder is not a dictionary"),
        (lambda whole: whole[TARGET].update({"norm.bias\u202e": 5}), "names a weight"),
        (lambda whole: [whole.pop(key) for key in (TARGET, "encoder")], r"has none of ema_encoder, .*it has: 'predictor', 'opt'"),
        (lambda whole: whole.clear(), r"has none of .*it has: nothing"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(damage: Callable[[State], object], said: str, whole: State, tmp_path: Path) -> None:
    damage(whole)
    print(refused(saved(tmp_path / "vitx.pt", whole), said))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(share: float, whole: State, tmp_path: Path) -> None:
    path = saved(tmp_path / "vitx.pt", whole)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(path, "could not be read.*Download it again")


def test_one_flipped_bit_is_found_in_what_is_used_and_left_alone_elsewhere(whole: State, tmp_path: Path) -> None:
    whole["target_encoder"]["module.backbone.norm.weight"] = marked = torch.arange(192.0) + 12345
    whole["encoder"]["module.backbone.norm.weight"] = unused = torch.arange(192.0) + 54321
    path = saved(tmp_path / "vitx.pt", whole)
    sound = path.read_bytes()
    for values, used in ((marked, True), (unused, False)):
        at = sound.index(values.numpy().tobytes())
        path.write_bytes(sound[: at + 8] + bytes([sound[at + 8] ^ 1]) + sound[at + 9 :])
        if used:
            refused(path, r"is damaged: target_encoder\.norm\.weight is not what was written")
        else:
            load_meta(path)
    at = sound.index(b"predictor_norm.bias")
    path.write_bytes(sound[:at] + b"Q" + sound[at + 1 :])
    refused(path, "could not be read: Bad CRC-32")


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04" + b"\0" * 100, os.urandom(500), b"\x80\x02}q\x00."])
def test_what_torch_did_not_write_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "vitx.pt"
    path.write_bytes(data)
    refused(path, "could not be read|not a dictionary|holds more than weights|has none of")


def test_what_holds_no_dictionary_is_refused(tmp_path: Path) -> None:
    refused(saved(tmp_path / "vitx.pt", torch.zeros(3)), "holds a Tensor, not a dictionary")


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("where", ["whole", "beside", "inside"])
def test_code_in_a_checkpoint_is_never_run(where: str, zipped: bool, whole: State, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    state: object = Trap(mark)
    if where == "beside":
        state = {**whole, "opt": Trap(mark)}
    elif where == "inside":
        state = {**whole, "target_encoder": {**whole["target_encoder"], "module.backbone.norm.bias": Trap(mark)}}
    path = saved(tmp_path / "vitx.pt", state, _use_new_zipfile_serialization=zipped)
    said = refused(path, "holds more than weights: it asks for '[a-z]+.mkdir', and such a file can run code")
    assert "weights_only" not in said  # torch's own sentence tells how to run it
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists()  # the trap works: had anything run it, the test would have seen it


def test_a_module_saved_whole_and_a_script_are_refused(tmp_path: Path) -> None:
    refused(saved(tmp_path / "module.pt", torch.nn.Linear(2, 2)), "holds more than weights: it asks for 'torch.nn.modules.linear.Linear'")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as script:  # what torch.jit.save writes, as far as torch looks before it refuses
        script.writestr("m/constants.pkl", b"\x80\x02).")
        script.writestr("m/data.pkl", b"\x80\x02).")
        script.writestr("m/version", json.dumps(3))
    (tmp_path / "script.pt").write_bytes(archive.getvalue())
    refused(tmp_path / "script.pt", "could not be read")


def test_a_compressed_archive_is_refused_before_it_grows(whole: State, tmp_path: Path) -> None:
    with zipfile.ZipFile(saved(tmp_path / "sound.pt", whole)) as sound, zipfile.ZipFile(tmp_path / "vitx.pt", "w") as small:
        for name in sound.namelist():
            small.writestr(name, sound.read(name)[:1000], zipfile.ZIP_DEFLATED)
    refused(tmp_path / "vitx.pt", "could not be read: record '.*' is compressed")


def test_a_link_to_nothing_and_a_folder_are_not_files_of_weights(tmp_path: Path) -> None:
    (tmp_path / "link.pt").symlink_to(tmp_path / "gone.pt")
    (tmp_path / "folder.pt").mkdir()
    refused(tmp_path / "link.pt", r"is not a folder with config\.json and model\.safetensors; give such a folder, a \.pt file of Meta's")
    refused(tmp_path / "folder.pt", "has no config.json")
