"""What the nano encoders are trained with, that training resumes to the bit, and that what ships is worth studying."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders_at_hand import SHIPPED
from hypothesis import given
from hypothesis import strategies as st

from jepascope.encoders.models import WEIGHTS
from jepascope.encoders.nano.folder import training_folder
from jepascope.encoders.nano.masks import future_mask, tube_mask
from jepascope.encoders.nano.recipe import RECIPES, Recipe, recipe_named
from jepascope.encoders.nano.stimuli import training_clips
from jepascope.encoders.nano.train import Trainer, momentum_at, rate_at, train
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, RunFolderError

SMALL = Recipe(
    "small", 3, depth=1, width=24, heads=2, predictor_depth=1, predictor_width=12, predictor_heads=1, size=16, frames=4,
    steps=4, batch=4, warmup=2, future=0.5, future_context=(1,),
)  # fmt: skip
GRIDS = st.tuples(st.integers(2, 5), st.integers(1, 8), st.integers(2, 8))

# masks


def check_mask(grid: tuple[int, int, int], context: torch.Tensor, targets: torch.Tensor) -> None:
    assert len(context) > 0 and len(targets) > 0
    assert sorted([*context.tolist(), *targets.tolist()]) == list(range(grid[0] * grid[1] * grid[2]))


@given(grid=GRIDS, context=st.integers(1, 4))
def test_a_future_mask_hides_all_that_comes_later_and_nothing_else(grid: tuple[int, int, int], context: int) -> None:
    context = min(context, grid[0] - 1)
    seen, hidden = future_mask(grid, context)
    check_mask(grid, seen, hidden)
    assert seen.max() < hidden.min()
    assert len(seen) == context * grid[1] * grid[2]


@given(grid=GRIDS, keep=st.floats(0.01, 0.9), seed=st.integers(0, 2**31))
def test_a_tube_mask_hides_the_same_places_at_all_times_and_leaves_some(grid: tuple[int, int, int], keep: float, seed: int) -> None:
    height, width = grid[1:]
    seen, hidden = tube_mask(grid, keep, torch.Generator().manual_seed(seed))
    check_mask(grid, seen, hidden)
    plane = torch.zeros(grid[0] * height * width, dtype=torch.bool)
    plane[hidden] = True
    plane = plane.view(grid[0], -1)
    assert (plane == plane[0]).all()
    assert (~plane[0]).float().mean() <= keep or (~plane[0]).sum() == 1


# training clips


def clips(seed: int, count: int = 64) -> torch.Tensor:
    return training_clips(count, 4, 24, torch.Generator().manual_seed(seed))


def test_training_clips_are_pixels_named_by_their_generator() -> None:
    video = clips(0)
    assert video.shape == (64, 4, 3, 24, 24) and video.min() >= 0 and video.max() <= 1
    assert torch.equal(video, clips(0))
    assert not torch.equal(video, clips(1))


def test_training_clips_are_varied() -> None:
    video = clips(0)
    flat = video.flatten(1)
    assert torch.pdist(flat).min() > 1.0
    assert video.mean((1, 2, 3, 4)).std() > 0.05  # brightness
    detail = video.diff(dim=-1).abs().mean((1, 2, 3, 4))
    assert detail.max() > 1.5 * detail.min()  # flat grounds and textures
    motion = video.diff(dim=1).abs().mean((1, 2, 3, 4))
    assert motion.max() > 2 * motion.min()  # slow and fast


# the schedule and the trainer


def test_the_learning_rate_rises_to_its_peak_and_falls_to_its_final_share() -> None:
    recipe = RECIPES["nano"]
    rates = [rate_at(recipe, step) for step in range(recipe.steps + 1)]
    assert max(rates) == pytest.approx(recipe.learning_rate) and rates.index(max(rates)) in (recipe.warmup - 1, recipe.warmup)
    assert rates[-1] == pytest.approx(recipe.learning_rate * recipe.final_rate)
    assert momentum_at(recipe, 0) == recipe.ema and momentum_at(recipe, recipe.steps) == pytest.approx(recipe.ema_end)


def weights(encoder: VJepa2Encoder) -> dict[str, torch.Tensor]:
    return encoder.model.state_dict()


def same(a: VJepa2Encoder, b: VJepa2Encoder) -> bool:
    return all(torch.equal(value, weights(b)[name]) for name, value in weights(a).items())


def test_a_step_moves_the_student_and_the_teacher_follows_slowly() -> None:
    trainer = Trainer(SMALL, "cpu")
    start = trainer.shipped()
    trainer.step()
    teacher, student = trainer.teacher.encoder.state_dict(), trainer.student.encoder.state_dict()
    for name, before in start.model.encoder.state_dict().items():
        expected = torch.lerp(before, student[name], 1 - momentum_at(SMALL, 0))
        torch.testing.assert_close(teacher[name], expected, msg=name)
    assert not same(start, trainer.shipped())


def test_what_is_shipped_is_a_copy_with_a_digest_of_its_own_weights() -> None:
    trainer = Trainer(SMALL, "cpu")
    trainer.step()
    first = trainer.shipped()
    digest = VJepa2Encoder(first.model, "again").card.digest
    trainer.step()
    assert first.card.digest == digest == VJepa2Encoder(first.model, "again").card.digest != trainer.shipped().card.digest
    assert first.extra == {"targets": "centred"}


def test_training_with_one_seed_is_the_same_twice_and_leaves_the_callers_random_state_alone() -> None:
    before = torch.get_rng_state()
    runs = [Trainer(SMALL, "cpu") for _ in range(2)]
    losses = [[run.step().item() for _ in range(3)] for run in runs]
    assert losses[0] == losses[1] and same(runs[0].shipped(), runs[1].shipped())
    assert torch.equal(torch.get_rng_state(), before)
    assert not same(Trainer(replace(SMALL, seed=4), "cpu").shipped(), Trainer(SMALL, "cpu").shipped())


def trained(recipe: Recipe, path: Path, **how: Any) -> Trainer:
    with training_folder(path) as files:
        return train(Trainer(recipe, "cpu"), files, **how)


def test_a_restored_trainer_goes_on_bit_for_bit(tmp_path: Path) -> None:
    straight, first, second = (Trainer(SMALL, "cpu") for _ in range(3))
    expected = [straight.step().item() for _ in range(4)]
    found = [first.step().item() for _ in range(2)]
    torch.save(first.state(), tmp_path / "state.pt")
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    found += [second.step().item() for _ in range(2)]
    assert found == expected and same(straight.shipped(), second.shipped())
    moments = [run.optimiser.state_dict()["state"] for run in (straight, second)]
    assert all(torch.equal(moments[0][i]["exp_avg_sq"], moments[1][i]["exp_avg_sq"]) for i in moments[0])


def test_a_run_stopped_in_the_middle_ends_with_the_weights_and_curves_of_one_that_was_not(tmp_path: Path) -> None:
    watch = lambda encoder: {"digest": encoder.card.digest}  # noqa: E731
    whole = trained(SMALL, tmp_path / "whole", watch=watch, checkpoint_every=2)
    stopped = trained(SMALL, tmp_path / "parts", watch=watch, checkpoint_every=2, max_seconds=0)
    assert stopped.done == 1
    with (tmp_path / "parts" / "curves.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')  # what a kill of version 0.2 in the middle of a line leaves
    rest = trained(SMALL, tmp_path / "parts", watch=watch, checkpoint_every=2)
    assert same(whole.shipped(), rest.shipped())
    curves = [[json.loads(line) for line in (tmp_path / name / "curves.jsonl").read_text().splitlines()] for name in ("whole", "parts")]
    assert [line["step"] for line in curves[0]] == [0, 2, 4] and [line["step"] for line in curves[1]] == [0, 1, 2, 4]
    ends = [{line["step"]: line["digest"] for line in curve} for curve in curves]
    assert all(ends[1][step] == digest for step, digest in ends[0].items())
    assert rest.seconds > stopped.seconds > 0


KILLED = """
import os, sys
from pathlib import Path
from jepascope.encoders.nano.recipe import Recipe
import jepascope.encoders.nano.train as module
from jepascope.encoders.nano.folder import training_folder

calls, rename = [], os.rename
def renamed(*names, **how):
    calls.append(names)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    rename(*names, **how)
    if len(calls) == -int(sys.argv[2]):
        os.kill(os.getpid(), 9)
os.rename = renamed
with training_folder(Path(sys.argv[1])) as files:
    module.train(module.Trainer(Recipe(**eval(sys.argv[3])), "cpu"), files, checkpoint_every=2)
"""


@pytest.mark.slow
@pytest.mark.long("ten trainings, each killed and begun again")
@pytest.mark.parametrize("at", [1, -1, 2, -2, 3, -3, 4, -4, 6, -6])
def test_a_training_that_was_killed_ends_with_the_same_weights_and_curves_to_the_byte(at: int, tmp_path: Path) -> None:
    whole = trained(SMALL, tmp_path / "whole", checkpoint_every=2)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "killed"), str(at), repr(asdict(SMALL))])
    assert killed.returncode == -9
    again = trained(SMALL, tmp_path / "killed", checkpoint_every=2)
    assert same(whole.shipped(), again.shipped())
    assert (tmp_path / "killed" / "curves.jsonl").read_bytes() == (tmp_path / "whole" / "curves.jsonl").read_bytes()
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == [".lock", "checkpoint.pt", "curves.jsonl"]


def test_a_folder_that_another_training_has_is_refused(tmp_path: Path) -> None:
    with training_folder(tmp_path), pytest.raises(RunFolderError, match="in use by another jepascope process"):
        trained(SMALL, tmp_path)


def test_a_checkpoint_of_version_0_2_goes_on_with_the_curves_beside_it(tmp_path: Path) -> None:
    stopped = trained(SMALL, tmp_path, checkpoint_every=2, max_seconds=0)
    older = {name: value for name, value in stopped.state().items() if name not in ("curves", "seconds")}
    torch.save(older, tmp_path / "checkpoint.pt")
    lines = [{**line, "seconds": 7.0} for line in stopped.curves]
    (tmp_path / "curves.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 2, "lo')
    rest = trained(SMALL, tmp_path, checkpoint_every=2)
    assert rest.curves[: len(lines)] == lines and [line["step"] for line in rest.curves] == [0, 1, 2, 4] and rest.seconds > 7.0


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = trained(SMALL, tmp_path)
    curves = (tmp_path / "curves.jsonl").read_bytes()
    assert same(trained(SMALL, tmp_path).shipped(), first.shipped())
    assert (tmp_path / "curves.jsonl").read_bytes() == curves


def test_a_checkpoint_of_another_recipe_is_refused_and_stays(tmp_path: Path) -> None:
    trained(SMALL, tmp_path, max_seconds=0)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(RunFolderError, match="belongs to another recipe"):
        trained(replace(SMALL, learning_rate=1e-4), tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize("left", [0, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused_with_what_to_do(tmp_path: Path, left: float) -> None:
    trained(SMALL, tmp_path, max_seconds=0)
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(whole[: int(left * len(whole))])
    with pytest.raises(RunFolderError, match=r"not a readable checkpoint.*delete it"):
        trained(SMALL, tmp_path)


def test_checkpoints_are_read_as_weights_only(tmp_path: Path) -> None:
    torch.save({"recipe": Path("an object that only a full unpickler makes")}, tmp_path / "checkpoint.pt")
    with pytest.raises(RunFolderError, match="not a readable checkpoint"):
        trained(SMALL, tmp_path)


def test_an_unknown_recipe_is_refused_with_the_list() -> None:
    with pytest.raises(BadArgument, match=f"no recipe 'giant'.*{', '.join(RECIPES)}"):
        recipe_named("giant")


# what ships


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_encoder_is_worth_studying_by_its_measured_card(name: str) -> None:
    card = json.loads((WEIGHTS / name / "card.json").read_text())
    worth_studying(card["trained"], card["untrained"], card["forecast"])
    config = json.loads((WEIGHTS / name / "config.json").read_text())
    recipe = recipe_named(name)
    assert (config["hidden_size"], config["num_hidden_layers"]) == (recipe.width, recipe.depth)
    assert card["recipe"]["seed"] == recipe.seed


def worth_studying(trained: dict, untrained: list[dict], forecast: list[dict]) -> None:
    """Direction at the best layer's object tokens: at least 0.9, and 0.15 above the best untrained twin; forecasts follow the twin."""
    best = max(range(len(trained["object"])), key=lambda layer: trained["object"][layer])
    assert trained["object"][best] >= 0.9
    assert trained["object"][best] - max(max(twin["object"]) for twin in untrained) >= 0.15
    assert len(untrained) >= 1 and len(forecast) >= 1
    for figures in forecast:
        assert figures["to_twin"] < figures["to_source"]
        assert figures["identified"]["low"] > 0.5


@pytest.mark.slow
@pytest.mark.long("all that a card says is measured again")
@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_of_a_shipped_encoder_is_what_is_measured_again(name: str) -> None:
    from jepascope.encoders.load import load_encoder
    from jepascope.training.card import measure_card

    card = json.loads((WEIGHTS / name / "card.json").read_text())
    again = measure_card(load_encoder(name), recipe_named(name), [], "here")
    worth_studying(again["trained"], again["untrained"], again["forecast"])
    for tokens in ("all", "object"):
        assert again["trained"][tokens] == pytest.approx(card["trained"][tokens], abs=0.03)
    for now, then in zip(again["forecast"], card["forecast"], strict=True):
        assert now["to_twin"] == pytest.approx(then["to_twin"], rel=0.02)
        assert now["to_source"] == pytest.approx(then["to_source"], rel=0.02)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_of_a_shipped_encoder_says_what_its_figures_are(name: str) -> None:
    from jepascope.training.card import card_markdown

    assert card_markdown(json.loads((WEIGHTS / name / "card.json").read_text())) == (WEIGHTS / name / "card.md").read_text()
