"""Section: the paper's published figures beside this run's."""

from __future__ import annotations

from typing import Any

from jepascope.report.blocks import Grid, Paragraph, Section, not_run
from jepascope.report.folder import RunFolder
from jepascope.report.numbers import finite, percent, shown
from jepascope.report.verdict import is_bound, ratio_words

PAPER = "Causal State Variables in V-JEPA 2 Latents: Discovery, Intervention, and Portability (OpenReview CC5xKstwmf)"
NOT_MEASURED = "not measured"
TITLE = "Beside the published figures"


def published(run: RunFolder) -> Section:
    """Quantity by quantity; what this run did not measure says so."""
    if not run.is_direction:
        why = f"the published figures are about the direction of motion, and this study is about {run.variable}"
        return not_run("published", TITLE, why)
    probe = run.summary.get("probe") or {}
    rows = (
        (
            "dense-probe accuracy, 8 directions",
            "96 % at layer 4, 100 % by layer 7",
            "ViT-L, synthetic",
            _dense(run, probe.get("dense") or {}),
        ),
        ("share of latent dimensions of the direction subspace", "57 %", "ViT-L", _support(run, probe.get("l1_support") or {})),
        ("CE ratio, ablation over random directions", "43× at layer 7", "ViT-L, synthetic", _ratios(run, "random")),
        ("CE ratio, ablation over variance-matched directions", "not published", "", _ratios(run, "variance")),
        ("SAS", "0.35", "ViT-L", _matrix(run.summary.get("sas"))),
        ("RCE", "0.99", "ViT-L", _matrix(run.summary.get("rce"))),
        ("CE ratio on real Kinetics video", "5.3×", "ViT-L", NOT_MEASURED),
        ("CE ratio, larger encoder", "54×", "ViT-H", NOT_MEASURED),
        ("cross-architecture CCA alignment", "near perfect", "ViT-L against ViT-H", NOT_MEASURED),
    )
    head = ("quantity", "published", "published for", f"this run ({run.model})")
    note = (
        "Another encoder, other clips and, where the abstract leaves it open, other definitions: the columns stand side by side for "
        "orientation, not as a replication. "
        "Only the paper's abstract is public; it gives no intervals and names neither the rank behind SAS nor what its SAS and RCE were "
        "measured across."
    )
    return Section("published", TITLE, (Grid(head, rows, f"Published: {PAPER}.", words=4), Paragraph(note)))


def _dense(run: RunFolder, dense: dict[str, Any]) -> str:
    known = {int(layer): value for layer, value in dense.items() if finite(value)}
    if not known:
        return NOT_MEASURED
    best = run.best_layer if run.best_layer in known else max(known, key=lambda layer: known[layer])
    top = max(known, key=lambda layer: (known[layer], -layer))
    highest = "" if top == best else f", highest {percent(known[top])} at layer {top}"
    return f"{percent(known[best])} at layer {best} of {max(known)}{highest}"


def _support(run: RunFolder, support: dict[str, Any]) -> str:
    value = support.get(str(run.best_layer))
    return (
        f"{percent(value)} at layer {run.best_layer} (L1 support, one-standard-error choice; not a dimension)"
        if finite(value)
        else NOT_MEASURED
    )


def _ratios(run: RunFolder, control: str) -> str:
    ratios = run.summary.get("ce_ratio") or {}
    found = [(finder, of[control]) for finder, of in ratios.items() if control in of]
    return "; ".join(f"{finder} {ratio_words(ratio)}{'' if is_bound(ratio) else '×'}" for finder, ratio in found) or NOT_MEASURED


def _matrix(matrix: dict[str, dict[str, Any]] | None) -> str:
    pairs = []
    for a, others in (matrix or {}).items():
        for b, entry in others.items():
            value = entry.get("value") if isinstance(entry, dict) else entry
            if a != b and finite(value):
                pairs.append(f"{a} → {b} {shown(value)}")
    return "; ".join(pairs) or NOT_MEASURED
