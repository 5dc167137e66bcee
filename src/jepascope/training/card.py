"""The model card of a nano encoder: every figure in it is measured here, on study clips that training never drew."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from jinja2 import StrictUndefined, Template
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.site import SELECTIONS
from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import directions8, twins
from jepascope.discovery.probes.paths import dense_probes
from jepascope.disk.folder import Folder
from jepascope.encoders.nano.recipe import Recipe
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.stats import proportion
from jepascope.training.monitor import directions

CARD_SEED = 2_000  # study clips of a seed that neither training nor the demo uses
UNTRAINED_SEEDS = 3
TEMPLATE = Path(__file__).with_name("card.md.j2")


def measure_card(
    encoder: VJepa2Encoder, recipe: Recipe, curves: list[dict[str, Any]], machine: str, seconds: float | None = None, note: str = ""
) -> dict[str, Any]:
    """Probe accuracy by layer beside untrained twins, and the predictor's forecast beside the twin's and the source's future."""
    clips = directions8(CARD_SEED).at(encoder.card.frames, encoder.card.size)
    return {
        "name": recipe.name,
        "recipe": asdict(recipe),
        "machine": machine,
        "seconds": seconds,
        "clips_seen": recipe.batch * (curves[-1]["step"] if curves else 0),
        "parameters": sum(p.numel() for p in encoder.model.parameters()),
        "trained": layer_accuracy(encoder, clips),
        "untrained": [layer_accuracy(encoder.untrained(seed), clips) for seed in range(UNTRAINED_SEEDS)],
        "forecast": [forecast_figures(encoder, clips.split("test"), context) for context in range(1, encoder.card.grid[0])],
        "curves": curves,
        "curves_note": note,
    }


def layer_accuracy(encoder: VJepa2Encoder, clips: ClipSet) -> dict[str, Any]:
    """Dense probe of direction at every layer: fitted on split fit, scored on the judge and test clips together."""
    activations = capture(encoder, clips)
    labels, fit = directions(clips)
    groups = torch.tensor(clips.factors["scene"].to_numpy(copy=True))
    figures: dict[str, Any] = {"n": int((~fit).sum())}
    for tokens in SELECTIONS:
        pooled = {layer: activations.pooled(layer, tokens) for layer in range(encoder.card.depth + 1)}
        paths = dense_probes({layer: x[fit] for layer, x in pooled.items()}, labels[fit], groups[fit])
        figures[tokens] = [paths[layer].probe.accuracy(x[~fit], labels[~fit]) for layer, x in pooled.items()]
        figures[f"{tokens}_cv"] = [paths[layer].choice.cv_accuracy for layer in pooled]
    return figures


@torch.inference_mode()
def forecast_figures(encoder: VJepa2Encoder, clips: ClipSet, context: int) -> dict[str, Any]:
    """Forecast of a twin's future from its first ``context`` tubelets, encoded alone.

    Mean absolute difference (in the predictor's target space, at tokens that either object covers) to the twin's own rendered
    future, to the source's future, and of the persistence forecast (the last context latents repeated). Identified: share of
    scenes in which the forecast is nearer to the twin's future. The twins share the middle of their path, so with half of
    the clip as context both objects stand at the same place when the forecast begins.
    """
    others = twins(clips, "direction", CARD_SEED)
    per_time = encoder.card.grid[1] * encoder.card.grid[2]
    ids = torch.arange(encoder.card.tokens, device=encoder.device).expand(len(clips), -1)
    seen, ahead = ids[:, : context * per_time], ids[:, context * per_time :]
    source, target = (_latents(encoder, both) for both in (clips, others))
    forecast = encoder.forecast(encoder.encode_context(others.video(), seen), seen, ahead)
    last = target[:, seen[0, -1] + 1 - per_time : seen[0, -1] + 1].repeat(1, ahead.shape[1] // per_time, 1)
    mask = (clips.object_tokens(encoder.card.grid) | others.object_tokens(encoder.card.grid))[:, context * per_time :].to(encoder.device)
    distance = {
        name: _distance(guess, truth[:, context * per_time :], mask)
        for name, guess, truth in (("twin", forecast, target), ("source", forecast, source), ("persistence", last, target))
    }
    repeated = _distance(last, source[:, context * per_time :], mask)
    identified = proportion(int((distance["twin"] < distance["source"]).sum()), len(clips))
    by_persistence = proportion(int((distance["persistence"] < repeated).sum()), len(clips))
    figures = {f"to_{name}": float(value.mean()) for name, value in distance.items()}
    return {"context": context, **figures, "identified": asdict(identified), "identified_by_persistence": asdict(by_persistence)}


def _latents(encoder: VJepa2Encoder, clips: ClipSet) -> Float[Tensor, "clips tokens width"]:
    return encoder.forecast_space(encoder.norm(encoder.run(encoder.embed(clips.video()), 0)))


def _distance(
    a: Float[Tensor, "clips tokens width"], b: Float[Tensor, "clips tokens width"], mask: Bool[Tensor, "clips tokens"]
) -> Float[Tensor, " clips"]:
    return ((a - b).abs().mean(dim=-1) * mask).sum(dim=1) / mask.sum(dim=1)


def card_markdown(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    trained, layers = card["trained"], range(len(card["trained"]["all"]))

    def untrained(tokens: str, layer: int) -> str:
        scores = [twin[tokens][layer] for twin in card["untrained"]]
        return f"{sum(scores) / len(scores):.3f} ({min(scores):.3f} to {max(scores):.3f})"

    best = max(layers, key=lambda layer: trained["object_cv"][layer])
    margin = trained["object"][best] - max(twin["object"][best] for twin in card["untrained"])
    template = Template(TEMPLATE.read_text(), undefined=StrictUndefined, keep_trailing_newline=True)
    text: str = template.render(
        card=card, recipe=card["recipe"], trained=trained, untrained=untrained, best=best, margin=margin, seed=CARD_SEED, shown=_shown
    )
    return text


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def write_card(files: Folder, card: dict[str, Any]) -> None:
    """``card.json`` and ``card.md`` beside the weights."""
    files.write("card.json", json.dumps(card, indent=1) + "\n")
    files.write("card.md", card_markdown(card))
