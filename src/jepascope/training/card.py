"""The model card of a nano encoder: every figure in it is measured here, on study clips that training never drew."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.site import SELECTIONS
from jepascope.clips.clipset import ClipSet
from jepascope.clips.presets import directions8, twins
from jepascope.discovery.probes.paths import dense_probes
from jepascope.encoders.nano.recipe import Recipe
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.stats import proportion

CARD_SEED = 2_000  # study clips of a seed that neither training nor the demo uses
UNTRAINED_SEEDS = 3


def measure_card(encoder: VJepa2Encoder, recipe: Recipe, curves: list[dict[str, Any]], machine: str, note: str = "") -> dict[str, Any]:
    """Probe accuracy by layer beside untrained twins, and the predictor's forecast beside the twin's and the source's future."""
    clips = directions8(CARD_SEED).at(encoder.card.frames, encoder.card.size)
    return {
        "name": recipe.name,
        "recipe": asdict(recipe),
        "machine": machine,
        "seconds": curves[-1]["seconds"] if curves else None,
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
    labels = torch.tensor(clips.labels("direction")[0])
    fit = torch.tensor((clips.factors["split"] == "fit").to_numpy(copy=True))
    groups = torch.tensor(clips.factors["scene"].to_numpy(copy=True))
    found: dict[str, Any] = {"n": int((~fit).sum())}
    for tokens in SELECTIONS:
        pooled = {layer: activations.pooled(layer, tokens) for layer in range(encoder.card.depth + 1)}
        paths = dense_probes({layer: x[fit] for layer, x in pooled.items()}, labels[fit], groups[fit])
        found[tokens] = [paths[layer].probe.accuracy(x[~fit], labels[~fit]) for layer, x in pooled.items()]
        found[f"{tokens}_cv"] = [paths[layer].choice.cv_accuracy for layer in pooled]
    return found


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
    forecast = encoder.forecast(encoder.encode_tokens(others.video(), seen), seen, ahead)
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
    recipe, trained = card["recipe"], card["trained"]
    layers = range(len(trained["all"]))

    def untrained(tokens: str, layer: int) -> str:
        scores = [twin[tokens][layer] for twin in card["untrained"]]
        return f"{sum(scores) / len(scores):.3f} ({min(scores):.3f} to {max(scores):.3f})"

    best = max(layers, key=lambda layer: trained["object_cv"][layer])
    margin = trained["object"][best] - max(twin["object"][best] for twin in card["untrained"])
    rows = [
        f"| {layer} | {trained['object'][layer]:.3f} | {untrained('object', layer)} | {trained['all'][layer]:.3f} | "
        f"{untrained('all', layer)} |"
        for layer in layers
    ]
    forecasts = [
        f"| {row['context']} | {row['to_twin']:.3f} | {row['to_source']:.3f} | {row['to_persistence']:.3f} | "
        f"{row['identified']['value']:.3f} "
        f"[{row['identified']['low']:.3f}, {row['identified']['high']:.3f}] | {row['identified_by_persistence']['value']:.3f} |"
        for row in card["forecast"]
    ]
    curve = [
        f"| {line['step']} | {_shown(line['loss'])} | {line['between']:.2f} | {line['rank']:.1f} | {max(line['accuracy_object']):.3f} "
        f"| {max(line['accuracy_all']):.3f} |"
        for line in card["curves"]
        if "between" in line
    ]
    return "\n".join(
        [
            f"# Model card: {card['name']}",
            "",
            f"A V-JEPA 2 encoder (transformers' `VJEPA2Model`) of {card['parameters'] / 1e6:.2f} M parameters with predictor: "
            f"{recipe['depth']} blocks of width "
            f"{recipe['width']} ({recipe['heads']} heads); predictor of {recipe['predictor_depth']} block(s) of width "
            f"{recipe['predictor_width']}. "
            f"Clips: {recipe['frames']} frames of {recipe['size']} x {recipe['size']} px, patch {recipe['patch']}, tubelet "
            f"{recipe['tubelet']}.",
            "",
            "## Data and recipe",
            "",
            "Procedural clips drawn afresh at every step (`jepascope/encoders/nano/stimuli.py`): about a fifth drifting textures, the "
            "rest one to three moving "
            "shapes on flat or textured, still or panning grounds, with sensor noise. Study clips come from another generator and "
            "seed space; none was trained on.",
            "",
            "V-JEPA objective: student and predictor see the context only and predict, by L1, the latents that an EMA teacher "
            f"(momentum {recipe['ema']} to "
            f"{recipe['ema_end']}) has of the whole clip. {100 * recipe['future']:.0f} % of steps: context = the first "
            f"{' or '.join(map(str, recipe['future_context']))} "
            "tubelet(s), target = everything later; the others: spatio-temporal blocks (tubes), at most "
            f"{100 * recipe['block_keep']:.0f} % visible. "
            "**Anti-collapse measure**: targets are the teacher's latents minus their mean over the clip's tokens, over their spread "
            "(centred targets). "
            f"AdamW {recipe['learning_rate']}, {recipe['steps']} steps of {recipe['batch']} clips, weight decay "
            f"{recipe['weight_decay']}, seed {recipe['seed']}.",
            "",
            f"Cost: {_shown(card['seconds'])} s on {card['machine']}; {card['clips_seen']:,} clips. Again: `jepascope train "
            f"{card['name']} --out DIR`.",
            "",
            "## Direction by layer",
            "",
            f"Dense probe, 8 directions, chance 0.125; fitted on 200 clips of `directions8(seed={CARD_SEED})`, scored on "
            f"{trained['n']} others. Untrained: mean (range) over "
            f"{len(card['untrained'])} fresh seeds.",
            "",
            "| layer | object tokens | untrained | all tokens | untrained |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Best at object tokens (layer chosen by cross-validation on the fitting clips): layer {best}, "
            f"{trained['object'][best]:.3f}, {margin:+.3f} over the best untrained twin.",
            "",
            "## Forecast",
            "",
            "Mean absolute difference at object tokens between the predictor's forecast of a twin and (a) the twin's rendered future, "
            "(b) the source's future "
            "(same scene, another direction), (c) for comparison, of repeating the last latents. Identified: share of 80 scenes whose "
            "forecast is nearer to (a) than to (b).",
            "",
            "| context tubelets | to twin (a) | to source (b) | persistence (c) | identified [95 %] | by persistence |",
            "|---|---|---|---|---|---|",
            *forecasts,
            "",
            "## Training curves",
            "",
            "`between`: share of the last layer's variance that lies between clips (near 1 would be collapse); rank: effective rank "
            "of the last layer; accuracies are "
            f"of a ridge classifier at the best layer (cruder than the probe above). {card['curves_note']}".rstrip(),
            "",
            "| step | loss | between | rank | best at object tokens | best at all tokens |",
            "|---|---|---|---|---|---|",
            *curve,
            "",
            "## Limits",
            "",
            "Trained on procedural clips of moving shapes and textures at one small size: it knows nothing of natural video, and "
            "figures on it say nothing about ViT-L.",
            "",
        ]
    )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """``card.json`` and ``card.md`` beside the weights."""
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    (folder / "card.md").write_text(card_markdown(card))
