"""TrainedNetwork: an encoder with a known plane and a head of its own, trained once and kept in the cache folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from jepascope.activations.site import pool
from jepascope.bench.interchange.losses import CLASSES, read_at_the_end
from jepascope.bench.interchange.recipe import ABOUT, InterchangeRecipe
from jepascope.bench.interchange.train import InterchangeTrainer
from jepascope.cache import cache_folder
from jepascope.clips.presets import directions8
from jepascope.discovery.labelled import LabelMomentsFitter
from jepascope.discovery.probes.readouts import LinearProbe
from jepascope.disk.folder import Folder
from jepascope.disk.plain import read_object, written
from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.nano.folder import training_folder
from jepascope.encoders.nano.train import train
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import JepascopeError, RunFolderError, first_line, quoted
from jepascope.planted.bench import VARIABLE, Answer
from jepascope.stats import proportion

KNOWN = "known.safetensors"  # the two planes and the head
CARD = "card.json"  # written last: a folder that has one is whole
CARD_SEED = 2_000  # study clips that the card is measured on: the nano card's
EVERY = 50  # steps between checkpoints

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class TrainedNetwork:
    """``answer``: the plane that it was trained to read, the decoy's plane. ``head``: its own read-out of the pooled last layer."""

    encoder: VJepa2Encoder
    answer: Answer
    head: LinearProbe
    card: dict[str, Any]


def trained_network(recipe: InterchangeRecipe, tick: Tick | None = None) -> TrainedNetwork:
    """The network of a recipe: read from the cache folder, or trained into it (minutes; goes on where a killed training was).

    RunFolderError where another process trains it, or where what lies there is damaged.
    """
    folder = network_folder(recipe)
    if not Folder(folder).has(CARD):
        with training_folder(folder) as files:
            if not files.has(CARD):  # another process may have been faster
                _train(recipe, files, tick)
    try:
        return _read(recipe, folder, read_object(Folder(folder), CARD))
    except (JepascopeError, OSError, SafetensorError, ValueError, KeyError) as error:
        raise RunFolderError(
            f"The trained network in '{folder}' cannot be read ({first_line(error)}); it is trained again after: rm -r {quoted(folder)}"
        ) from None


def network_folder(recipe: InterchangeRecipe) -> Path:
    """Where a recipe's network is kept: a folder for --model, too."""
    return cache_folder() / "bench" / f"{recipe.name}-{recipe.digest}"


def _train(recipe: InterchangeRecipe, files: Folder, tick: Tick | None) -> None:
    def progress(done: int, total: int, loss: float) -> None:
        if tick is not None:
            tick(done, total)

    trainer = train(InterchangeTrainer(recipe), files, checkpoint_every=EVERY, progress=progress)
    save_encoder(trainer.shipped(), files.root, {"recipe": f"interchange {recipe.name}"})
    parts = {"plane": trainer.plane, "decoy": trainer.decoy, "weights": trainer.head.weight, "bias": trainer.head.bias}
    with files.writing(KNOWN) as temporary:
        save_file({name: value.detach().contiguous() for name, value in parts.items()}, temporary)
    card = {"recipe": asdict(recipe), "seconds": trainer.seconds, "curves": trainer.curves}
    card |= measure(_read(recipe, files.root, card))
    files.write("card.md", card_markdown(card))
    files.write(CARD, written(card))


def _read(recipe: InterchangeRecipe, folder: Path, card: dict[str, Any]) -> TrainedNetwork:
    encoder = load_encoder(folder)
    if not isinstance(encoder, VJepa2Encoder):
        raise RunFolderError("it is no V-JEPA 2 encoder")
    parts = load(Folder(folder).read(KNOWN))
    answer = Answer(recipe.name, recipe.layer, parts["plane"], parts["decoy"], parts["plane"].shape[1], decoy=recipe.decoy > 0)
    return TrainedNetwork(encoder, answer, LinearProbe(parts["weights"], parts["bias"]), card)


@torch.inference_mode()
def measure(network: TrainedNetwork) -> dict[str, Any]:
    """What was trained for, on clips that training cannot have drawn: shares of clips, with n and intervals, by the network's own head.

    ``task``: it says the clip's class; ``interchange``: the other clip's, once the plane's content is that one's; ``complement``: its own
    still, once everything else is the other's; ``decoy``: the other's, once the decoy's plane is exchanged (chance: 1 in 8).
    """
    encoder, answer, layer = network.encoder, network.answer, network.answer.layer
    clips = directions8(CARD_SEED).at(encoder.card.frames, encoder.card.size)
    hidden = torch.cat([encoder.run(encoder.embed(video), 0, layer) for _, video in clips.batches(100)])
    y = torch.from_numpy(clips.labels(VARIABLE)[0])
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(CARD_SEED))
    clean, put, kept = network.head.predict(read_at_the_end(encoder, hidden, hidden[order], answer.causal, layer))
    decoy = network.head.predict(read_at_the_end(encoder, hidden, hidden[order], answer.inert, layer))[1]
    wanted = {"task": (clean, y), "interchange": (put, y[order]), "complement": (kept, y), "decoy": (decoy, y[order])}
    shares = {name: asdict(proportion(int((guess == true).sum()), len(y))) for name, (guess, true) in wanted.items()}
    return {"measured": shares, "sizes": code_sizes(pool(hidden), y, answer)}


def code_sizes(pooled: Float[Tensor, "clips width"], y: Int[Tensor, " clips"], answer: Answer) -> dict[str, float]:
    """How far class means lie from their mean in each plane (root mean square): a decoy is larger than what is read."""
    means = LabelMomentsFitter(pooled.shape[1], CLASSES).update(pooled, y).fit().centred_means.float()
    return {name: float((means @ plane).square().sum(dim=1).mean().sqrt()) for name, plane in answer.subspaces.items()}


def card_markdown(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    recipe, measured = card["recipe"], card["measured"]
    rows = [f"| {name} | {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}] | {row['n']} |" for name, row in measured.items()]
    return "\n".join(
        [
            f"# Model card: nano trained by interchange, {recipe['name']}",
            "",
            f"{ABOUT[recipe['name']][:1].upper()}{ABOUT[recipe['name']][1:]}.",
            "",
            f"Recipe: `{json.dumps(recipe)}`; {card['seconds']:.0f} s. It starts from the shipped nano, and minimises the cross-entropy of "
            "the task, of interchanges in the plane and of exchanges of everything else.",
            "",
            "Shares of clips, by the network's own head, on clips of a seed that it was not trained on (95 % intervals); interchange and "
            "decoy: it says the class of the clip that the content came from.",
            "",
            "| | share | clips |",
            "|---|---|---|",
            *rows,
            "",
            "How far class means lie from their mean at the site (root mean square): "
            + ", ".join(f"{name} {size:.3g}" for name, size in card["sizes"].items())
            + ".",
            "",
        ]
    )
