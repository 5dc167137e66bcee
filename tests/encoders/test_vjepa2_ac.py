"""V-JEPA 2-AC: frames by themselves, and a rollout as Meta's own code makes it; other files are refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from encoders_at_hand import patterned
from test_meta import State, as_meta, random_model, saved
from torch import Tensor
from typer.testing import CliRunner

from jepascope.cli import app
from jepascope.encoders import action_predictor
from jepascope.encoders.action_predictor import ActionPredictor
from jepascope.encoders.card import EncoderCard
from jepascope.encoders.jepa_wms import Task
from jepascope.encoders.load import load_encoder
from jepascope.encoders.selftest import parts_test, self_test
from jepascope.encoders.vjepa2_ac import ByFrame
from jepascope.encoders.world_model import WorldModel
from jepascope.errors import BadArgument, BadCheckpoint

WIDTH, INNER, NUMBERS, TIMES = 24, 48, 7, 4
# what facebookresearch/vjepa2 (src/models/ac_predictor.py, c2963a4) gives of the same weights and inputs, run outside of this project:
# three values each of tokens 0, 5 and 11 of one pass over three frames; and of tokens 4, 9 and 15 of a rollout as in its training loop
ONE_PASS = """-0.4400220811367035 -0.3003894090652466 1.5473289489746094 -0.6435832977294922 -0.2310153841972351 1.6527338027954102
-0.6186022758483887 -0.25266778469085693 1.6583889722824097"""
ROLLOUT = """-0.4795241951942444 -0.2114541381597519 1.312368631362915 -0.29580652713775635 -0.3323982059955597 1.383094310760498
-0.28166142106056213 -0.3414074182510376 1.3875876665115356"""


def weights(width: int = WIDTH, depth: int = 2) -> State:
    """Of a predictor, under Meta's names."""
    shapes = {
        name: tuple(value.shape)
        for name, value in ActionPredictor(width, INNER, depth, 2, 4 * INNER, NUMBERS, NUMBERS).state_dict().items()
    }
    ones = {name: float("norm" in name and name.endswith("weight")) for name in shapes}
    return {name: 0.3 * patterned(shapes[name], number) + ones[name] for number, name in enumerate(sorted(shapes))}


def expected(numbers: str) -> Tensor:
    return torch.tensor(list(map(float, numbers.split()))).view(3, 3)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictors as narrow as ours are of a known number of heads too."""
    monkeypatch.setitem(action_predictor.HEADS, INNER, 2)


@pytest.fixture
def file(tmp_path: Path, narrow: None) -> Callable[..., Path]:
    """A checkpoint as Meta publishes it: encoder and predictor; ``change`` is done to the predictor's weights."""

    def make(change: Callable[[State], object] = lambda _: None) -> Path:
        predictor = weights(width=192)
        change(predictor)
        held = {"encoder": as_meta(random_model())[0], "predictor": {f"module.{name}": value for name, value in predictor.items()}}
        return saved(tmp_path / "ac.pt", held)

    return make


@torch.inference_mode()
def test_one_pass_and_a_rollout_are_those_of_metas_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    latents, actions, states = patterned((1, TIMES * 4, WIDTH), 50), patterned((1, 3, NUMBERS), 51), patterned((1, TIMES, NUMBERS), 52)
    predictor = ActionPredictor(WIDTH, INNER, 2, 2, 4 * INNER, NUMBERS, NUMBERS).eval()
    predictor.load_state_dict(weights())
    one = predictor(latents[:, :12].unflatten(1, (3, 4)), actions, states[:, :3], (2, 2))[0].flatten(1, 2)[0, [0, 5, 11], :3]
    world = object.__new__(WorldModel)  # an encoder as narrow is none of V-JEPA 2's
    world.predictor, world.window, world.task = predictor, None, Task()
    world.card = EncoderCard("ac", WIDTH, 1, TIMES, 32, (TIMES, 2, 2), "", actions=NUMBERS, states=NUMBERS)
    rolled = world.rollout(latents[:, :4], actions, states)[0, [0, 5, 11], :3]
    differences = [float((found - expected(numbers)).abs().max()) for found, numbers in ((one, ONE_PASS), (rolled, ROLLOUT))]
    with capsys.disabled():
        print(f"\nlargest difference from Meta's code: one pass {differences[0]:.1e}, rollout {differences[1]:.1e}")
    assert max(differences) < 5e-6


@torch.inference_mode()
def test_a_file_gives_an_encoder_that_sees_frames_by_themselves_and_can_be_rolled_out(file: Callable[..., Path]) -> None:
    encoder = load_encoder(str(file()), frames=3, size=64)
    assert isinstance(encoder, WorldModel) and isinstance(encoder.inner, ByFrame) and not encoder.card.has_predictor
    by_tubelet = encoder.inner.inner
    assert (encoder.card.actions, encoder.card.states, encoder.card.grid) == (NUMBERS, NUMBERS, (3, 2, 2))
    assert "beside an action-conditioned predictor" in encoder.card.source
    self_test(encoder)
    parts_test(encoder)
    video = torch.rand(2, 3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    latents = encoder.norm(encoder.run(encoder.embed(video), 0))
    for time in range(3):  # a frame is shown as often as a tubelet has frames
        alone = by_tubelet.norm(by_tubelet.run(by_tubelet.embed(video[:, [time, time]]), 0))
        torch.testing.assert_close(latents[:, 4 * time : 4 * time + 4], alone, atol=1e-5, rtol=1e-5)  # batches of other sizes
    actions, states = torch.ones(2, 2, NUMBERS), torch.ones(2, 3, NUMBERS)
    with pytest.raises(BadArgument, match="under recorded states too; give"):
        encoder.rollout(latents[:, :4], actions)
    rolled = encoder.rollout(latents[:, :4], actions, states)
    assert rolled.shape == (2, 8, 192) and torch.allclose(rolled, F.layer_norm(rolled, (192,)), atol=1e-4)
    assert not torch.allclose(rolled, encoder.rollout(latents[:, :4], 2 * actions, states), atol=1e-3)
    fresh = encoder.untrained(0)
    assert fresh.card.digest != encoder.card.digest and self_test(fresh) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights.pop("predictor_norm.bias"), "lacks weights of its action-conditioned predictor: predictor_norm.bias"),
        (lambda weights: weights.pop("action_encoder.weight"), "predictor without action_encoder.weight"),
        (lambda weights: weights.update(strange=torch.zeros(3)), "has unknown weights of its action-conditioned predictor: strange"),
        (lambda weights: weights.update({"predictor_norm.bias": torch.zeros(3)}), r"predictor_norm.bias is \(3,\), but must be \(48,\)"),
        (lambda weights: weights.update({"predictor_embed.weight": torch.zeros(40, 192)}), "predictor 40 wide.*how many heads one has"),
    ],
)
def test_a_predictor_that_is_not_the_published_one_is_refused_in_one_line(file, change: Callable[[State], object], said: str) -> None:
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(str(file(change)), frames=2, size=64)
    assert str(caught.value).isprintable()


def test_models_says_that_its_predictor_is_given_actions(file: Callable[..., Path]) -> None:
    answer = CliRunner().invoke(app, ["models", str(file())])
    assert answer.exit_code == 0 and "Its predictor is given actions: the judge rollout asks it." in answer.stdout
