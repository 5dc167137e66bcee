"""What a run says of each published quantity, in words with intervals; and the figures of ours that say what it is worth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, runtime_checkable

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.numbers import count, finite, interval_words, percent, ratio_text, share_words, shown, span, with_interval
from jepascope.findings.selection import tokens_of
from jepascope.findings.transfers import split
from jepascope.findings.verdict import NO_RATIO
from jepascope.report import carried_measures, measures
from jepascope.report.folder import RunFolder
from jepascope.report.inside import PORTED

Lines = tuple[str, ...]
"""One line a finder, pair or layer; none where the run does not measure it."""


@runtime_checkable
class Say(Protocol):
    """What a run says of a quantity; ``layers``: the paper's, where the run is of its encoder."""

    def __call__(self, run: RunFolder, layers: tuple[int, ...] = ()) -> Lines: ...


COMPLEX = "complex"


def accuracy(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """The dense probe at the paper's layers (for its encoder), at the best layer, and the highest."""
    depth = measures.depth_of(run)
    lines = [
        f"{share_words(at.value, at.low, at.high)} at layer {layer} of {count(depth)}"
        for layer, at in _read_at(run, layers)
        if finite(at.value)
    ]
    probes = run.table("probes")
    if lines and probes is not None:
        own = chosen_probes(probes, encoder="model", tokens=tokens_of(run, probes)).dropna(subset="accuracy").sort_values("layer")
        highest = own.iloc[int(own["accuracy"].argmax())] if len(own) else None
        if highest is not None and int(highest["layer"]) not in (*layers, run.best_layer):
            lines.append(f"highest {percent(highest['accuracy'])} at layer {highest['layer']:.0f}")
    return tuple(lines)


def untrained(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """The same probe on untrained twins."""
    return tuple(
        f"{percent(at.untrained)} at layer {layer} ({at.untrained_seeds} seed{'s' if at.untrained_seeds > 1 else ''})"
        for layer, at in _read_at(run, layers)
        if at.untrained_seeds
    )


def _read_at(run: RunFolder, layers: tuple[int, ...]) -> list[tuple[int | None, measures.Accuracy]]:
    read = ((layer, measures.accuracy(run, layer)) for layer in dict.fromkeys((*layers, run.best_layer)))
    return [(layer, at) for layer, at in read if at is not None]


def support(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """L1 support at the best layer."""
    share = measures.support(run)
    return (f"{percent(share)} at layer {count(run.best_layer)} (L1 support)",) if finite(share) else ()


def dimensions(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """The rank of the first finder's subspace beside the width."""
    rank, width = measures.effects(run).rank, measures.whole(measures.mapping(run.provenance.get("encoder")).get("width"))
    return (f"{count(rank)}{f' of {width}' if width else ''}",) if finite(rank) else ()


def stable(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """Coordinates that the L1 probe selects in nearly every half of the clips."""
    table = run.table("stability")
    rows = [] if table is None else table[table["chosen"] & (table["layer"] == run.best_layer)].to_dict("records")
    return tuple(f"{percent(row['stable'])} (in {100 * row['threshold']:.0f} % of {count(row['subsamples'])} halves)" for row in rows[:1])


def _ratios(control: str, run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    lines = []
    for layer in (*layers, None):
        against = measures.effects(run, layer).against
        if layer == run.best_layer:
            continue  # it follows, as that of the claims
        place = "" if layer is None else f" at layer {layer}"
        ratios = {finder: controls[control] for finder, controls in against.items() if control in controls}
        if layer is not None and not ratios:
            lines.append(f"not run{place}")
        for finder, beside in ratios.items():
            text = ratio_text(beside.value, beside.low, beside.high, beside.bound) if beside.stated else NO_RATIO
            lines.append(f"{finder} {text}{'×' if beside.stated and not beside.bound else ''}{place}")
    return tuple(lines)


def ratio(control: str) -> Say:
    """The CE ratio of ablation to a control, one line a finder: at the paper's layer (for its encoder) and at the best one."""
    return partial(_ratios, control)


def on_videos(control: str) -> Say:
    """The same on real videos, another run's subspaces among them; nothing for other clips."""
    return lambda run, layers=(): _ratios(control, run) if "footage" in run.summary else ()


def _of_sas(words: Callable[[carried_measures.Sas], str]) -> Say:
    """Of the first pair of finders."""

    def lines(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
        alike = (carried_measures.sas(run, pair) for pair in carried_measures.pairs(run)[:1])
        return tuple(text for pair in alike if pair is not None and (text := words(pair)))

    return lines


sas = _of_sas(lambda pair: f"{pair.a}, {pair.b}: {shown(pair.value)}")
sas_chance = _of_sas(lambda pair: f"{shown(pair.chance)} at rank {count(pair.rank)}")
sas_ceiling = _of_sas(lambda pair: shown(pair.ceiling) if finite(pair.ceiling) else "")

Transfers = Callable[[RunFolder], tuple[carried_measures.Rce, ...]]


def rce_pairs(run: RunFolder) -> tuple[carried_measures.Rce, ...]:
    """Of the first pair of finders, either in place of the other."""
    first = carried_measures.pairs(run)[:1]
    return tuple(kept for a, b in first for used in ((a, b), (b, a)) for kept in carried_measures.rce(run, "finder", used))


def carried_pairs(run: RunFolder) -> tuple[carried_measures.Rce, ...]:
    """Between the study's clips and complex ones, of the first finder."""
    kept = [rce for rce in carried_measures.rce(run, "clip set") if COMPLEX in (split(rce.a)[1], split(rce.b)[1])]
    return tuple(rce for rce in kept if split(rce.a)[0] == split(kept[0].a)[0])


def _retained(of: Transfers) -> Say:
    def said(rce: carried_measures.Rce) -> str:
        value = with_interval(rce.value, rce.low, rce.high) + (" (saturated)" if rce.saturated else "")
        return f"{rce.a} for {rce.b}: {value if finite(rce.value) else 'no value'}"

    return lambda run, layers=(): tuple(map(said, of(run)))


rce, carried = _retained(rce_pairs), _retained(carried_pairs)


def floor(of: Transfers, name: str) -> Say:
    """What random or variance-matched subspaces retain in the same place."""
    return lambda run, layers=(): tuple(f"for {rce.b}: {shown(getattr(rce, name))}" for rce in of(run))


def degeneracy(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """Verdicts on pairs of finders, and on peeling."""
    pairs = ((f"{told.a}, {told.b}" if told.b else f"peeling {told.a}", told.verdict) for told in carried_measures.degeneracy(run))
    return tuple(f"{pair}: {verdict}" for pair, verdict in pairs)


def cca(metric: str, chance: bool = False) -> Say:
    """Held-out (or in-sample) CCA with another model, from port-*/similarity.parquet; or its chance under shuffled pairs."""

    return lambda run, layers=(): tuple(_similarity(row, chance) for row in similarities(run, metric))


def _similarity(row: dict[str, Any], chance: bool) -> str:
    text = interval_words(row) if finite(row["low"]) else shown(row["value"])
    text = f"{shown(row['chance'])} {span(row['chance_low'], row['chance_high'])}" if chance else text
    where = f"{row['source']}, {row['target']} (layers {count(row['source_layer'])}, {count(row['target_layer'])})"
    return f"{where}: {text}" + (f", {count(row['components'])} components" if row["components"] > 0 else "")


def similarities(run: RunFolder, metric: str) -> list[dict[str, Any]]:
    """For each comparison with another model the row of a metric at the run's best layer (or its first)."""
    rows = []
    for ported in PORTED.read(run.path):
        table = ported.table("similarity")
        own = None if table is None else table[table["metric"] == metric]
        if own is not None and len(own):
            at_best = own[own["source_layer"] == run.best_layer]
            rows.append({str(name): value for name, value in (own if at_best.empty else at_best).iloc[0].to_dict().items()})
    return rows
