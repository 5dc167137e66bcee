"""What a run measures of each published quantity, in words with intervals; and the figures of ours that say what it is worth."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.numbers import count, finite, percent, percent_span, ratio_text, shown, span, with_interval
from jepascope.findings.selection import tokens_of
from jepascope.findings.transfers import split
from jepascope.findings.verdict import NO_RATIO
from jepascope.report import measures
from jepascope.report.folder import RunFolder
from jepascope.report.inside import PORTED

Lines = tuple[str, ...]
"""One line a finder, pair or layer; none where the run does not measure it."""


@runtime_checkable
class Say(Protocol):
    """What a run says of a quantity; ``layers``: the paper's, where the run is of its encoder."""

    def __call__(self, run: RunFolder, layers: tuple[int, ...] = ()) -> Lines: ...


COMPLEX = "complex"
BESIDE = "beside it: "
AT = {"accuracy": (4, 7), "ratio": (7,)}
"""Layers that the paper's figures are of, told apart from the best one where the run's encoder is the paper's."""


def accuracy(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """The dense probe at the paper's layers (for its encoder), at the best layer, and the highest."""
    depth = measures.depth_of(run)
    lines = [(layer, measures.accuracy(run, layer)) for layer in dict.fromkeys((*layers, run.best_layer))]
    said = [
        f"{percent(at.value)} {percent_span(at.low, at.high)} at layer {layer} of {count(depth)}"
        for layer, at in lines
        if at is not None and finite(at.value)
    ]
    highest = _highest(run)
    if said and highest is not None and highest[0] not in (*layers, run.best_layer):
        said.append(f"highest {percent(highest[1])} at layer {highest[0]}")
    return tuple(said)


def _highest(run: RunFolder) -> tuple[int, float] | None:
    probes = run.table("probes")
    if probes is None:
        return None
    own = chosen_probes(probes, encoder="model", tokens=tokens_of(run, probes)).dropna(subset="accuracy").sort_values("layer")
    read = [(int(layer), float(value)) for layer, value in zip(own["layer"], own["accuracy"], strict=True)]
    return max(read, key=lambda at: at[1]) if read else None


def untrained(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """The same probe on untrained twins."""
    found = [(layer, measures.accuracy(run, layer)) for layer in dict.fromkeys((*layers, run.best_layer))]
    return tuple(
        f"{percent(at.untrained)} at layer {layer} ({at.untrained_seeds} seed{'s' if at.untrained_seeds > 1 else ''})"
        for layer, at in found
        if at is not None and at.untrained_seeds
    )


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
    rows = None if table is None else table[table["chosen"] & (table["layer"] == run.best_layer)]
    if rows is None or rows.empty:
        return ()
    row = rows.iloc[0]
    return (f"{percent(row['stable'])} (in {100 * row['threshold']:.0f} % of {count(row['subsamples'])} halves)",)


def ratio(control: str) -> Say:
    """The CE ratio of ablation to a control, one line a finder: at the paper's layer (for its encoder) and at the best one."""

    def lines(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
        said = []
        for layer in (*layers, None):
            found = measures.effects(run, layer)
            if layer == run.best_layer:
                continue  # it follows, as that of the claims
            if layer is not None and not any(control in of for of in (found.against or {}).values()):
                said.append(f"not run at layer {layer}")
            for finder, of in (found.against or {}).items():
                if control in of:
                    one = of[control]
                    text = ratio_text(one.value, one.low, one.high, one.bound) if one.stated else NO_RATIO
                    times = "×" if one.stated and not one.bound else ""
                    said.append(f"{finder} {text}{times}" + ("" if layer is None else f" at layer {layer}"))
        return tuple(said)

    return lines


def sas(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """Alignment of the first pair of finders."""
    return tuple(f"{one.a}, {one.b}: {shown(one.value)}" for one in _first_sas(run))


def sas_chance(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """k/d of that pair."""
    return tuple(f"{shown(one.chance)} at rank {count(one.rank)}" for one in _first_sas(run))


def sas_ceiling(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """What one finder reaches with itself, on two halves of the clips."""
    return tuple(shown(one.ceiling) for one in _first_sas(run) if finite(one.ceiling))


def _first_sas(run: RunFolder) -> tuple[measures.Sas, ...]:
    found = (measures.sas(run, pair) for pair in measures.pairs(run)[:1])
    return tuple(one for one in found if one is not None)


def rce(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """Retained effect of the first pair of finders, either in place of the other."""
    return tuple(_rce_line(one) for one in _first_rce(run))


def _rce_line(one: measures.Rce) -> str:
    if not finite(one.value):
        return f"{one.a} for {one.b}: no value"
    return f"{one.a} for {one.b}: {with_interval(one.value, one.low, one.high)}{' (saturated)' if one.saturated else ''}"


def rce_floor(name: str) -> Say:
    """What random or variance-matched subspaces retain in the same place."""

    def lines(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
        return tuple(f"for {one.b}: {shown(getattr(one, name))}" for one in _first_rce(run))

    return lines


def _first_rce(run: RunFolder) -> tuple[measures.Rce, ...]:
    first = measures.pairs(run)[:1]
    return tuple(one for a, b in first for used in ((a, b), (b, a)) for one in measures.rce(run, "finder", used))


def carried(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """Retained effect between the study's clips and complex ones, for the first finder."""
    return tuple(_rce_line(one) for one in _carried(run))


def carried_floor(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """What variance-matched subspaces retain in the same place."""
    return tuple(f"for {one.b}: {shown(one.floor_variance)}" for one in _carried(run))


def _carried(run: RunFolder) -> tuple[measures.Rce, ...]:
    found = [one for one in measures.rce(run, "clip set") if COMPLEX in (split(one.a)[1], split(one.b)[1])]
    return tuple(one for one in found if split(one.a)[0] == split(found[0].a)[0])


def real(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """The CE ratio on real videos over random directions, another run's subspaces among them; nothing for other clips."""
    return ratio("random")(run) if "footage" in run.summary else ()


def real_variance(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """The same over variance-matched directions."""
    return ratio("variance")(run) if "footage" in run.summary else ()


def degeneracy(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
    """Verdicts on pairs of finders, and on peeling."""
    return tuple(f"{one.a}, {one.b}: {one.verdict}" if one.b else f"peeling {one.a}: {one.verdict}" for one in measures.degeneracy(run))


def cca(metric: str, chance: bool = False) -> Say:
    """Held-out (or in-sample) CCA with another model, from port-*/similarity.parquet; or its chance under shuffled pairs."""

    def lines(run: RunFolder, layers: tuple[int, ...] = ()) -> Lines:
        said = []
        for models, row in similarities(run, metric):
            components = f", {count(row['components'])} components" if row["components"] > 0 else ""
            where = f"{models} (layers {count(row['source_layer'])}, {count(row['target_layer'])})"
            text = (
                f"{shown(row['chance'])} {span(row['chance_low'], row['chance_high'])}"
                if chance
                else with_interval(row["value"], row["low"], row["high"])
                if finite(row["low"])
                else shown(row["value"])
            )
            said.append(f"{where}: {text}{components}")
        return tuple(said)

    return lines


def similarities(run: RunFolder, metric: str) -> list[tuple[str, Any]]:
    """For each comparison with another model: the two names, and the row of a metric at the run's best layer (or its first)."""
    found = []
    for ported in PORTED.read(run.path):
        table = ported.table("similarity")
        rows = None if table is None else table[table["metric"] == metric]
        if rows is None or rows.empty:
            continue
        here = rows[rows["source_layer"] == run.best_layer]
        row = (rows if here.empty else here).iloc[0].to_dict()
        found.append((f"{row['source']}, {row['target']}", row))
    return found


MEASURED: dict[str, Say] = {
    "accuracy": accuracy,
    "support": support,
    "ratio": ratio("random"),
    "sas": sas,
    "rce": rce,
    "kinetics": real,
    "larger": ratio("random"),
    "cca": cca("cca"),
    "complex": carried,
    "degeneracy": degeneracy,
}
"""By the key of the published quantity."""

WORTH: dict[str, dict[str, Say]] = {
    "accuracy": {f"{BESIDE}untrained twins": untrained},
    "support": {f"{BESIDE}dimensions (rank)": dimensions, f"{BESIDE}stable coordinates": stable},
    "ratio": {f"{BESIDE}ratio to variance-matched": ratio("variance"), f"{BESIDE}ratio to shuffled labels": ratio("shuffled")},
    "sas": {f"{BESIDE}chance (k/d)": sas_chance, f"{BESIDE}split-half reference": sas_ceiling},
    "rce": {
        f"{BESIDE}variance-matched ones keep": rce_floor("floor_variance"),
        f"{BESIDE}random ones keep": rce_floor("floor_random"),
    },
    "kinetics": {f"{BESIDE}ratio to variance-matched": real_variance},
    "larger": {f"{BESIDE}ratio to variance-matched": ratio("variance")},
    "cca": {f"{BESIDE}chance (shuffled pairs)": cca("cca", chance=True), f"{BESIDE}in sample, not held out": cca("cca_in_sample")},
    "complex": {f"{BESIDE}variance-matched ones keep": carried_floor},
    "degeneracy": {},
}
"""Which figures of ours answer what is to be distrusted."""


def missing(key: str, run: RunFolder) -> str:
    """Why a run does not measure a quantity."""
    reasons = {
        "kinetics": f"not measured: its clips are {run.clips}, not Kinetics",
        "cca": "not measured: jepascope port RUN OTHER does",
        "complex": "not measured: no transfer to other clips",
        "degeneracy": "not measured: no verdict in this folder",
    }
    return reasons.get(key, "not measured")
