"""Training of the nano encoders: the V-JEPA objective on procedural clips, resumable, on CPU or GPU.

Student and predictor see the context tokens only and predict the latents that an exponential-moving-average teacher, which
sees the whole clip, has at the target tokens (L1). What ships is the teacher with the predictor.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import VJEPA2Model

from jepascope.disk.folder import Folder
from jepascope.disk.plain import parsed
from jepascope.encoders.lacking import kept_away
from jepascope.encoders.nano.folder import CHECKPOINT, CURVES
from jepascope.encoders.nano.masks import future_mask, tube_mask
from jepascope.encoders.nano.recipe import Recipe
from jepascope.encoders.nano.stimuli import training_clips
from jepascope.encoders.predictor import centred_targets, predict
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import RunFolderError, first_line


@runtime_checkable
class Schedule(Protocol):
    """What of a recipe decides the learning rate."""

    @property
    def steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup(self) -> int: ...
    @property
    def final_rate(self) -> float: ...


def rate_at(recipe: Schedule, step: int) -> float:
    """Learning rate: linear warm-up, then cosine to ``final_rate`` of the peak."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * (recipe.final_rate + (1 - recipe.final_rate) * 0.5 * (1 + math.cos(math.pi * done)))


def momentum_at(recipe: Recipe, step: int) -> float:
    """Teacher momentum: linear from ``ema`` to ``ema_end``."""
    return recipe.ema + (recipe.ema_end - recipe.ema) * step / recipe.steps


class Trainer:
    """Student, teacher, optimiser and their random state; ``step`` advances all by one batch. ``curves``: what was noted on the way."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device = recipe, torch.device(device)
        self.done, self.seconds, self.curves = 0, 0.0, list[dict[str, Any]]()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.student = VJEPA2Model(recipe.config()).to(self.device).train()
        self.teacher = copy.deepcopy(self.student).requires_grad_(False).eval()
        self.view = VJepa2Encoder(self.teacher, recipe.name, {"targets": "centred"})
        self.eyes = copy.copy(self.view)  # the student through the same interface, but trainable
        self.eyes.model = self.student
        matrices = [p for p in self.student.parameters() if p.ndim > 1]
        vectors = [p for p in self.student.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.95), fused=self.device.type == "cuda")
        self.pixels = torch.Generator(self.device).manual_seed(2**40 + recipe.seed)
        self.choices = torch.Generator().manual_seed(2**41 + recipe.seed)
        self.autocast = torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    def mask(self) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        if float(torch.rand(1, generator=self.choices)) < recipe.future:
            pick = int(torch.randint(len(recipe.future_context), (1,), generator=self.choices))
            return future_mask(recipe.grid, recipe.future_context[pick])
        return tube_mask(recipe.grid, recipe.block_keep, self.choices)

    def step(self) -> Tensor:
        recipe = self.recipe
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(recipe, self.done)
        video = training_clips(recipe.batch, recipe.frames, recipe.size, self.pixels)
        context, target = (ids.to(self.device).expand(recipe.batch, -1) for ids in self.mask())
        with self.autocast:
            with torch.no_grad():
                whole = self.view.norm(self.view.run(self.view.embed(video), 0))
                wanted = torch.gather(centred_targets(whole.float()), 1, target[..., None].expand(-1, -1, whole.shape[-1]))
            seen = self.eyes.encode_context(video, context)
            loss = F.l1_loss(predict(self.student, seen, context, target, self.view.table, self.view.mask).float(), wanted)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), recipe.clip_norm)
        self.optimiser.step()
        with torch.no_grad():
            pairs = list(zip(self.teacher.encoder.parameters(), self.student.encoder.parameters(), strict=True))
            torch._foreach_lerp_([t for t, _ in pairs], [s for _, s in pairs], 1 - momentum_at(recipe, self.done))
        self.done += 1
        return loss.detach()

    def shipped(self) -> VJepa2Encoder:
        """The teacher's encoder with the student's predictor, as they are now: a copy that further steps leave alone."""
        model = copy.deepcopy(self.teacher)
        model.predictor.load_state_dict(self.student.predictor.state_dict())
        return VJepa2Encoder(model, self.recipe.name, self.view.extra)

    def state(self) -> dict[str, Any]:
        return {
            "recipe": asdict(self.recipe),
            "done": self.done,
            "seconds": self.seconds,
            "curves": self.curves,
            "student": self.student.state_dict(),
            "teacher": self.teacher.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "pixels": self.pixels.get_state(),
            "choices": self.choices.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.done, self.seconds, self.curves = state["done"], state["seconds"], list(state["curves"])
        self.student.load_state_dict(state["student"])
        self.teacher.load_state_dict(state["teacher"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.pixels.set_state(state["pixels"].cpu())
        self.choices.set_state(state["choices"].cpu())


@runtime_checkable
class Trains(Protocol):
    """What ``train`` carries on: anything that is trained step by step and can be put where a checkpoint is. ``recipe``: a dataclass with
    ``steps``, which the checkpoint names."""

    recipe: Any
    device: torch.device
    done: int
    seconds: float
    curves: list[dict[str, Any]]

    def step(self) -> Tensor: ...
    def shipped(self) -> VJepa2Encoder: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


T = TypeVar("T", bound=Trains)


def train(
    trainer: T,
    files: Folder,
    watch: Callable[[VJepa2Encoder], dict[str, Any]] | None = None,
    checkpoint_every: int = 500,
    max_seconds: float | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> T:
    """Train to the recipe's last step, or until ``max_seconds`` have passed; goes on from the folder's checkpoint.

    ``files``: a ``training_folder``. Writes ``checkpoint.pt`` (read back with ``weights_only=True``) and ``curves.jsonl``, which is made of
    what the checkpoint holds: the loss, and whatever ``watch`` measures on the encoder at every checkpoint. A training that was killed
    ends with the same weights and curves; only the seconds that it took, in the checkpoint, are others.
    """
    recipe = trainer.recipe
    if files.has(CHECKPOINT):
        _resume(trainer, files)
        _write_curves(trainer, files)
    began, spent = time.monotonic(), trainer.seconds
    losses: list[Tensor] = []

    def note() -> None:
        line: dict[str, Any] = {"step": trainer.done, "loss": float(torch.stack(losses).mean()) if losses else None}
        losses.clear()
        if watch is not None:
            line.update(watch(trainer.shipped()))
        trainer.curves.append(line)
        trainer.seconds = spent + time.monotonic() - began
        with files.writing(CHECKPOINT) as temporary:
            torch.save(trainer.state(), temporary)
        _write_curves(trainer, files)

    if trainer.done == 0 and not trainer.curves:
        note()
    while trainer.done < recipe.steps:
        losses.append(trainer.step())
        if progress is not None:
            progress(trainer.done, recipe.steps, losses[-1].item() if trainer.done % 50 == 0 else float("nan"))
        late = max_seconds is not None and time.monotonic() - began > max_seconds
        if trainer.done % checkpoint_every == 0 or trainer.done == recipe.steps or late:
            note()
        if late:
            break
    return trainer


def _resume(trainer: Trains, files: Folder) -> None:
    """Put the trainer where the folder's checkpoint is."""
    path = files.root / CHECKPOINT
    try:
        with files.reading(CHECKPOINT) as file:
            state = torch.load(file, map_location=trainer.device, weights_only=True)
        if same := json.dumps(state["recipe"]) == json.dumps(asdict(trainer.recipe)):
            if "curves" not in state:  # of version 0.2
                state["curves"] = [line for line in _earlier_curves(files) if line["step"] <= state["done"]]
                state["seconds"] = next((line["seconds"] for line in reversed(state["curves"])), 0.0)
            trainer.restore(state)
    except RunFolderError:
        raise
    except Exception as error:  # a damaged file makes torch raise a dozen kinds; each means the same
        if (lack := kept_away(path, error, [path])) is not None:
            raise lack from None
        raise RunFolderError(
            f"'{path}' is not a readable checkpoint ({first_line(error)}); delete it, and training starts from step 0."
        ) from None
    if not same:
        raise RunFolderError(f"'{path}' belongs to another recipe; train into an empty folder or delete it.")


def _write_curves(trainer: Trains, files: Folder) -> None:
    files.write(CURVES, "".join(json.dumps(line) + "\n" for line in trainer.curves))


def _earlier_curves(files: Folder) -> list[dict[str, Any]]:
    """The lines that version 0.2 wrote; the last one may have been cut short by a kill."""
    whole = []
    for line in files.read(CURVES).splitlines() if files.has(CURVES) else []:
        try:
            whole.append(parsed(line))
        except ValueError:
            break
    return whole
