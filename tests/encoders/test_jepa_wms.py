"""World models of jepa-wms: a pass and a rollout as the reference code makes them; the file lies in its encoder's folder, or is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from encoders_at_hand import patterned
from test_meta import State, saved
from torch import nn
from transformers import Dinov2Config, Dinov2Model, VJEPA2Config, VJEPA2Model
from typer.testing import CliRunner

import jepascope as js
from jepascope.cli import app
from jepascope.encoders import action_predictor
from jepascope.encoders.action_predictor import ActionPredictor
from jepascope.encoders.adaln_predictor import AdaLNPredictor
from jepascope.encoders.card import EncoderCard
from jepascope.encoders.dino_wm_predictor import DinoWMPredictor
from jepascope.encoders.jepa_wms import PUBLISHED, WINDOW, Scale, Task
from jepascope.encoders.load import load_encoder
from jepascope.encoders.pixels import HALF, IMAGENET
from jepascope.encoders.selftest import parts_test, self_test
from jepascope.encoders.step_predictor import StepPredictor, causal
from jepascope.encoders.vjepa2_ac import ByFrame
from jepascope.encoders.world_model import WorldModel, scaled
from jepascope.errors import BadArgument, BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

WIDTH, TIMES, NUMBERS, STATES = 12, 5, 4, 3
# what facebookresearch/jepa-wms (forward_pred of app/vjepa_wm/video_wm.py; unroll of modelcustom/simu_env_planning/vit_enc_preds.py, with
# its window of two) gives of the same weights and inputs, run outside of this project: three values each of tokens 0, 5 and 11 of one pass
# over three frames; and of tokens 0, 5 and 15 of a rollout of four frames from one
REFERENCE = {
    "AdaLN": (
        "1.08387589 0.946700215 0.91798389 -0.123837143 -0.215662688 -0.110246062 1.20616126 0.918136954 0.740753651",
        "1.08387637 0.946700692 0.917984366 0.970808864 0.675611019 0.509579301 0.372522056 0.149621308 0.0960616171",
    ),
    "dino_wm": (
        "-0.274839371 0.0547554679 -0.242300153 -1.23847294 0.166165188 0.330187857 -0.683163166 -1.08976102 -0.136805207",
        "-0.274839342 0.0547572486 -0.242298707 -0.938298583 -0.897182226 0.877756476 -1.72065592 -0.679749906 0.303145856",
    ),
    "vjepa2_ac": (
        "-0.281829029 1.28147697 0.582030177 -0.296950936 1.27334619 0.597876549 -0.3862409 1.24473846 0.687064648",
        "-0.281829178 1.28147697 0.582030177 -0.247748777 1.28730607 0.547886074 -0.206454486 1.29684567 0.505647898",
    ),
}
STUDY: dict[str, Any] = {
    "finders": ("diff_means",),
    "judges": ("probe", "rollout"),
    "edits": ("ablate", "swap"),
    "chapters": (),
    "context": 2,
    "best_layer": 1,
    "rank": 1,
    "draws": 4,
    "draws_elsewhere": 2,
    "test_scenes": 16,
    "resamples": 100,
    "folds": 2,
    "untrained_seeds": 0,
    "control_seeds": 1,
    "fits": 0,
    "stability_subsamples": 2,
    "permutations": 2,
}
MADE: dict[str, Callable[[], StepPredictor]] = {
    "AdaLN": lambda: AdaLNPredictor(WIDTH, 22, 2, 2, 104, NUMBERS, STATES, 4),  # heads 13 wide: an odd number, as the published ones' 25
    "dino_wm": lambda: DinoWMPredictor(WIDTH, 2, 128, 24, 16, (NUMBERS, 2), (STATES, 3)),
    "vjepa2_ac": lambda: ActionPredictor(WIDTH, 24, 2, 2, 96, NUMBERS, 0, False),
}


def as_published(predictor: StepPredictor, layout: str) -> dict[str, State]:
    """Its weights by key and name as the authors' training saves them; matrices that embed numbers as convolutions over one time."""
    held: dict[str, State] = {"predictor": {}}
    beside = {"AdaLN": ("proprio_encoder",), "dino_wm": ("action_encoder", "proprio_encoder"), "vjepa2_ac": ()}[layout]
    for name, value in predictor.state_dict().items():
        key, _, rest = name.partition(".")
        if key in beside:
            held.setdefault(key, {})[f"patch_embed.{rest}"] = value[..., None] if value.ndim == 2 else value
        else:
            held["predictor"][name] = value
    return held


def patterned_predictor(layout: str) -> StepPredictor:
    """With the weights that the reference code was given: in the order of their published names."""
    predictor = MADE[layout]().eval().requires_grad_(False)
    ordered = sorted((f"{key}.{name}", value) for key, state in as_published(predictor, layout).items() for name, value in state.items())
    for number, (name, value) in enumerate(ordered):
        value.copy_(0.3 * patterned(tuple(value.shape), number) + float(value.ndim == 1 and name.endswith("weight")))
    return predictor


def world_of(predictor: StepPredictor, window: int | None = WINDOW, task: Task | None = None) -> WorldModel:
    """Without an encoder: latents are given."""
    world = object.__new__(WorldModel)
    world.predictor, world.window, world.task, world.sized = predictor, window, task or Task(), True
    numbers = {"actions": predictor.numbers, "states": predictor.state_numbers}
    world.card = EncoderCard("world", WIDTH, 1, TIMES, 28, (TIMES, 2, 2), "", **numbers)
    return world


@torch.inference_mode()
@pytest.mark.parametrize("layout", REFERENCE)
def test_one_pass_and_a_rollout_are_those_of_the_reference_code(layout: str, capsys: pytest.CaptureFixture[str]) -> None:
    latents, actions, states = patterned((1, TIMES * 4, WIDTH), 50), patterned((1, TIMES, NUMBERS), 51), patterned((1, TIMES, STATES), 52)
    predictor = patterned_predictor(layout)
    world = world_of(predictor)
    beside = predictor.beside(states, 3, 4) if predictor.state_numbers else None
    seen = world.forecast_space(latents).unflatten(1, (TIMES, 4))
    one = world.forecast_space(predictor(seen[:, :3], actions[:, :3], beside, (2, 2))[0]).flatten(1, 2)[0, [0, 5, 11], :3]
    rolled = world.rollout(latents[:, :4], actions[:, :-1], states)[0, [0, 5, 15], :3]
    expected = [torch.tensor([float(number) for number in numbers.split()]).view(3, 3) for numbers in REFERENCE[layout]]
    differences = [float((found - numbers).abs().max()) for found, numbers in zip((one, rolled), expected, strict=True)]
    with capsys.disabled():
        print(f"\n{layout}: largest difference from the reference code: one pass {differences[0]:.1e}, rollout {differences[1]:.1e}")
    assert max(differences) < 5e-6


# what a rollout depends on


@torch.inference_mode()
@pytest.mark.parametrize("layout", REFERENCE)
def test_the_last_two_times_are_shown_and_no_later_action_changes_what_comes_before_it(layout: str) -> None:
    world = world_of(patterned_predictor(layout))
    latents, actions, states = patterned((1, 12, WIDTH), 50), patterned((1, TIMES - 1, NUMBERS), 51), patterned((1, TIMES, STATES), 52)
    rolled = world.rollout(latents, actions, states)
    earlier, last = latents.clone(), latents.clone()
    earlier[:, :4], last[:, 8:] = 1.0, 1.0
    assert torch.equal(world.rollout(earlier, actions, states), rolled)
    assert not torch.allclose(world.rollout(last, actions, states), rolled, atol=1e-2)
    later = actions.clone()
    later[:, -1] = 1.0
    assert torch.equal(world.rollout(latents, later, states)[:, :4], rolled[:, :4])
    assert not torch.allclose(world.rollout(latents, later, states)[:, 4:], rolled[:, 4:], atol=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize("layout", ["AdaLN", "dino_wm"])
def test_states_are_recorded_of_the_times_that_are_seen_and_foretold_after(layout: str) -> None:
    world = world_of(patterned_predictor(layout))
    latents, actions, states = patterned((1, 8, WIDTH), 50), patterned((1, TIMES - 1, NUMBERS), 51), patterned((1, TIMES, STATES), 52)
    rolled, future, past = world.rollout(latents, actions, states), states.clone(), states.clone()
    future[:, 2:], past[:, :2] = 9.0, 9.0
    assert torch.equal(world.rollout(latents, actions, future), rolled)
    assert not torch.allclose(world.rollout(latents, actions, past), rolled, atol=1e-2)
    with pytest.raises(BadArgument, match="under recorded states too; give 3 numbers a time"):
        world.rollout(latents, actions)


def test_actions_of_several_steps_side_by_side_are_scaled_alike() -> None:
    given = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    assert scaled(given, Scale((1.0, 2.0), (0.5, 2.0))).tolist() == [[[0.0, 0.0, 4.0, 1.0]]]
    assert scaled(given, Scale()) is given


# files


def folder_of(folder: Path, hidden: int = 48, **changes: Any) -> Path:
    """A random DINOv2 as transformers saves it, as small as can be on frames of 224 pixels."""
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 3, "mlp_ratio": 2, "patch_size": 14, "image_size": 518}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Dinov2Model(Dinov2Config(hidden_size=hidden, **{**sizes, **changes}))
        model.embeddings.position_embeddings.data.normal_()
    model.save_pretrained(folder)
    return folder


def published(layout: str, width: int = 48) -> dict[str, Any]:
    """A file as small as can be, with the actions and states of Push-T."""
    made: dict[str, Callable[[], StepPredictor]] = {
        "AdaLN": lambda: AdaLNPredictor(width, 92, 1, 16, 96, 10, 4, 4),
        "dino_wm": lambda: DinoWMPredictor(width, 1, 64, 32, 1024, (10, 3), (4, 5)),
    }
    held: dict[str, Any] = as_published(made[layout]().fresh(3), layout)
    if layout == "dino_wm":
        held["predictor"]["transformer.layers.0.0.bias"] = causal(4, 256, torch.device("cpu")).float()[None, None]
    held["predictor"] = {f"module.{name}": value for name, value in held["predictor"].items()}
    return {**held, "opt": {"state": {}, "param_groups": [{}]}, "scaler": None, "epoch": 50}


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("models") / "dinov2-small")


@torch.inference_mode()
@pytest.mark.parametrize(("name", "layout"), [("jepa_wm_pusht", "AdaLN"), ("pt_dino-wm", "dino_wm")])
def test_a_file_in_its_encoders_folder_is_loaded_with_it(name: str, layout: str, encoder_folder: Path) -> None:
    path = saved(encoder_folder / f"{name}.pth.tar", published(layout))
    world, alone = load_encoder(str(path)), load_encoder(str(encoder_folder), frames=4, size=224)
    assert isinstance(world, WorldModel) and world.card.name == path.name and world.card.source.startswith(f"{path.name}: world model ")
    assert (world.card.actions, world.card.states, world.card.grid, world.card.size) == (10, 4, (4, 16, 16), 224)
    assert world.inner.pixels.constants == (HALF if layout == "dino_wm" else IMAGENET).constants and world.card.digest != alone.card.digest
    assert self_test(world) == 0 and parts_test(world) < 1e-5
    video = torch.rand(1, 4, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    latents = world.norm(world.run(world.embed(video), 0))[:, :512]
    actions, states = torch.ones(1, 3, 10), torch.ones(1, 4, 4)
    rolled = world.rollout(latents, actions, states)
    assert rolled.shape == (1, 512, 48) and not torch.allclose(rolled, world.rollout(latents, 2 * actions, states), atol=1e-4)
    fresh = world.untrained(0)
    assert fresh.card.digest != world.card.digest and self_test(fresh) == 0
    with pytest.raises(BadArgument, match="takes frames of 224 pixels alone, which its predictor was trained on"):
        world.at(4, 112)
    changed = published(layout)
    changed["predictor"] = {name: 2 * value if "norm" in name else value for name, value in changed["predictor"].items()}
    other = load_encoder(str(saved(encoder_folder / f"{name}.pth.tar", changed)))
    assert other.card.digest != world.card.digest  # what a study keeps of one is not taken for the other's


@torch.inference_mode()
@pytest.mark.parametrize(("name", "states"), [("vjepa2_ac_droid", 0), ("vjepa2_ac_oss", 7)])
def test_v_jepa_2_sees_frames_by_themselves(name: str, states: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(action_predictor.HEADS, 48, 2)  # of so narrow a predictor it is not known how many heads it has
    sizes = {"hidden_size": 192, "num_attention_heads": 3, "num_hidden_layers": 2, "pred_num_hidden_layers": 1, "mlp_ratio": 2.0}
    VJEPA2Model(VJEPA2Config(**sizes)).save_pretrained(tmp_path / "vjepa2")
    held = {"predictor": ActionPredictor(192, 48, 1, 2, 96, 7, states).fresh(0).state_dict()}
    world = load_encoder(str(saved(tmp_path / "vjepa2" / f"{name}.pth.tar", held)))
    assert isinstance(world, WorldModel) and isinstance(world.inner, ByFrame) and not world.card.has_predictor
    assert (world.card.actions, world.card.states, world.card.grid, world.window) == (7, states, (4, 16, 16), WINDOW)
    assert self_test(world) == 0
    latents, actions = torch.randn(1, 256, 192, generator=torch.Generator().manual_seed(0)), torch.ones(1, 3, 7)
    rolled = world.rollout(latents, actions, torch.ones(1, 4, states) if states else None)
    assert torch.allclose(rolled, F.layer_norm(rolled, (192,)), atol=1e-2)  # of small latents the norm is not quite 1


@torch.inference_mode()
def test_positions_of_dinov2_are_those_of_metas_hub(encoder_folder: Path) -> None:
    world, alone = (
        load_encoder(str(saved(encoder_folder / "jepa_wm_pusht.pth.tar", published("AdaLN")))),
        load_encoder(str(encoder_folder)),
    )
    trained = alone.model.embeddings.position_embeddings[:, 1:].unflatten(1, (37, 37)).permute(0, 3, 1, 2)
    # interpolate_pos_encoding of dinov2/models/vision_transformer.py: 0.1 is added to the grid of 16 x 16
    theirs = F.interpolate(trained, scale_factor=(16.1 / 37, 16.1 / 37), mode="bicubic").permute(0, 2, 3, 1).flatten(1, 2)
    video = torch.rand(1, 4, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    added = world.embed(video) - alone.at(4, 224).embed(video)
    ours = world.inner.model.embeddings.position_embeddings
    assert torch.equal(ours[:, 1:], theirs) and torch.equal(ours[:, 0], alone.model.embeddings.position_embeddings[:, 0])
    assert float(added[:, :1024].abs().max()) > 0.01 and float(added[:, 1024:].abs().max()) == 0


def plan_of(path: Path) -> Any:
    return geometry(StudySpec(model=str(path)))


def test_models_and_plan_know_what_it_is(encoder_folder: Path, tmp_path: Path) -> None:
    path = saved(encoder_folder / "jepa_wm_pusht.pth.tar", published("AdaLN"))
    planned = plan_of(path)
    assert (planned.tokens, planned.times, planned.actions, planned.has_predictor) == (4 * 257, 4, 10, False)
    with pytest.raises(BadArgument, match="takes frames of 224 pixels alone, not of 112"):
        geometry(StudySpec(model=str(path), size=112))
    answer = CliRunner().invoke(app, ["models", str(path)])
    assert answer.exit_code == 0 and "world model jepa_wm_pusht of jepa-wms" in answer.stdout and f"--model {path}" in answer.stdout
    alone = CliRunner().invoke(app, ["models", str(saved(tmp_path / "jepa_wm_pusht.pth.tar", published("AdaLN")))])
    assert alone.exit_code == 0 and "hf download facebook/dinov2-small --local-dir dinov2-small && mv " in alone.stdout
    listed = CliRunner().invoke(app, ["models"]).stdout
    assert all(f"{world.file} " in listed for world in PUBLISHED) and "vjepa2-ac-vitg.pt" in listed


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("name", "layout", "change", "said"),
    [
        ("mine", "AdaLN", lambda _: None, "its name is none of those published.*jepa_wm_pusht"),
        ("dino_wm_pusht", "AdaLN", lambda _: None, "has a predictor of layout AdaLN, and dino_wm_pusht is published with dino_wm"),
        ("jepa_wm_metaworld", "AdaLN", lambda _: None, "actions of 10 numbers and states of 4, and jepa_wm_metaworld is published with"),
        ("jepa_wm_pusht", "AdaLN", lambda held: held.pop("proprio_encoder"), "has misshapen weights|actions of 10 numbers and states of 0"),
        ("jepa_wm_pusht", "AdaLN", lambda held: held["predictor"].pop("module.predictor_norm.bias"), "lacks weights of its .*norm.bias"),
        ("jepa_wm_pusht", "AdaLN", lambda held: held["predictor"].update(strange=torch.zeros(3)), "has unknown weights of its .*: strange"),
        (
            "jepa_wm_pusht",
            "AdaLN",
            lambda held: held.update(published("AdaLN", 64)),
            r"64 wide, patches of 14; its folder holds another encoder \(DINOv2, 48 wide, patches of 14\)",
        ),
        ("dino_wm_pusht", "dino_wm", lambda held: held["predictor"].pop("module.pos_embedding"), "predictor without pos_embedding"),
        (
            "dino_wm_pusht",
            "dino_wm",
            lambda held: held["predictor"].update({"module.pos_embedding": torch.zeros(1, 1000, 56)}),
            "has 1000 positions, and its frames have 256 places each",
        ),
        (
            "dino_wm_pusht",
            "dino_wm",
            lambda held: held["predictor"].update({"module.transformer.layers.0.0.bias": torch.ones(1, 1, 1024, 1024)}),
            "layers.0.0.bias is not the mask of 4 frames of 256 places that see what was before",
        ),
        ("jepa_wm_pusht", "AdaLN", lambda held: held["predictor"].update({"module.predictor_norm.bias": "text"}), "not a plain tensor"),
    ],
)
def test_what_is_not_what_its_name_says_is_refused_in_one_line(
    name: str, layout: str, change: Change, said: str, encoder_folder: Path
) -> None:
    held = published(layout)
    change(held)
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(str(saved(encoder_folder / f"{name}.pth.tar", held)))
    assert str(caught.value).isprintable()


def test_without_its_encoder_or_where_it_is_not_it_says_what_to_do(tmp_path: Path, encoder_folder: Path) -> None:
    fetched, here = "`hf download facebook/dinov2-small --local-dir dinov2-small && ", tmp_path / "jepa_wm_pusht.pth.tar"
    then = "`, then --model dinov2-small/jepa_wm_pusht.pth.tar."
    for refused in (load_encoder, plan_of):
        with pytest.raises(BadCheckpoint, match=r"goes on from latents of facebook/dinov2-small, .* no encoder is in its folder") as caught:
            refused(saved(here, published("AdaLN")))
        assert f"{fetched}mv {here} dinov2-small/{then}" in str(caught.value)
    with pytest.raises(BadCheckpoint, match="is not there; fetch it, and its encoder") as caught:
        load_encoder(str(tmp_path / "there" / "jepa_wm_pusht.pth.tar"))
    assert f"{fetched}hf download facebook/jepa-wms jepa_wm_pusht.pth.tar --local-dir dinov2-small{then}" in str(caught.value)
    cut = saved(encoder_folder / "jepa_wm_wall.pth.tar", published("AdaLN"))
    cut.write_bytes(cut.read_bytes()[:-3000])
    with pytest.raises(BadCheckpoint, match=r"could not be read.*Download it again"):
        load_encoder(str(cut))


def test_modules_of_a_predictor_are_all_layers_that_its_fresh_twin_draws_anew() -> None:
    for layout in MADE:
        predictor = patterned_predictor(layout)
        fresh = predictor.fresh(0)
        assert all(
            torch.equal(module.weight, torch.ones_like(module.weight)) for module in fresh.modules() if isinstance(module, nn.LayerNorm)
        )
        assert all(not torch.equal(a, b) for a, b in zip(predictor.state_dict().values(), fresh.state_dict().values(), strict=True))


def carrying() -> dict[str, Any]:
    """A file whose predictor says of every time that it goes on as it is: gates are shut, and latents pass through norm and projections."""
    held = published("AdaLN")
    for value in (*held["predictor"].values(), *held["proprio_encoder"].values()):
        value.zero_()
    held["predictor"]["module.predictor_norm.weight"].fill_(0.5**0.5)  # half of what it norms is 0
    for matrix in ("predictor_embed", "predictor_proj"):
        weight = held["predictor"][f"module.{matrix}.weight"]
        weight.copy_(torch.eye(*weight.shape))
    return held


@pytest.mark.slow  # a whole study: 45 s of CPU
def test_a_study_asks_it_by_its_rollouts(encoder_folder: Path, tmp_path: Path) -> None:
    """Clips are red or blue; where the predictor changes nothing, what is swapped is carried, and what controls swap is not."""
    rng, count = np.random.default_rng(0), 60
    blue = rng.integers(0, 2, count)
    ground = rng.integers(40, 120, (count, 4, 28, 28, 3), dtype=np.uint8)

    def videos(blue: np.ndarray) -> np.ndarray:
        drawn = ground.copy()
        for clip, channel in enumerate(2 * blue):
            drawn[clip, ..., channel] += 100
        return drawn.repeat(8, axis=2).repeat(8, axis=3)

    def words(blue: np.ndarray) -> list[str]:
        return ["blue" if cold else "red" for cold in blue]

    twins = {"video": videos(1 - blue), "tint": words(1 - blue)}
    recorded = {"actions": rng.normal(size=(count, 3, 10)), "states": rng.normal(size=(count, 4, 4))}
    clips = js.clips.from_arrays(videos(blue), {"tint": words(blue)}, twins=twins, name="tints", **recorded)
    encoder = js.load_encoder(str(saved(encoder_folder / "jepa_wm_pusht.pth.tar", carrying())))
    run = js.study(encoder, clips, variable="tint", out=tmp_path / "run", **STUDY)
    fidelity, rollouts = (
        run.table("fidelity").set_index("step"),
        run.table("rollouts").set_index(["reading", "step", "edit", "control"]).sort_index(),
    )
    assert list(fidelity.index) == [1, 2] and (fidelity["rolled"] == 1).all()
    for step in (1, 2):
        swapped = rollouts.loc["rollout", step, "swap"]
        assert swapped.loc["subspace", "low"] > 0.5 > abs(swapped.loc["random", "value"])
    told = json.loads((tmp_path / "run" / "provenance.json").read_text())["encoder"]
    assert told["digest"] == encoder.card.digest and told["source"].startswith(
        "jepa_wm_pusht.pth.tar: world model jepa_wm_pusht of jepa-wms"
    )
