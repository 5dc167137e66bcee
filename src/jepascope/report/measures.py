"""One run's figures as they stand beside another run's and beside the paper's: read from its tables, each with interval and control."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan
from statistics import fmean
from typing import Any, Protocol, runtime_checkable

from jepascope.discovery.probes.leaks import BEYOND, NONE, leak_verdict
from jepascope.discovery.probes.readings import Measure, chosen_probes
from jepascope.findings.numbers import finite
from jepascope.findings.selection import Edited, claim_layer, comparable, edited_of, finders_of, reading_at, tokens_of
from jepascope.findings.selectivity import reading
from jepascope.findings.sparsity import determined
from jepascope.intervention.control_words import CONTROLS
from jepascope.report.folder import RunFolder

MOST_WHOLE = 10**9


@runtime_checkable
class Ranged(Protocol):
    """Anything with a value and its interval."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True)
class Estimate:
    """A value, its interval and the scenes or clips behind it."""

    value: float
    low: float
    high: float
    n: float


@dataclass(frozen=True)
class Accuracy(Estimate):
    """The dense probe at the best layer, beside chance and untrained twins (mean and range over ``untrained_seeds``)."""

    chance: float
    untrained: float
    untrained_low: float
    untrained_high: float
    untrained_seeds: int


@dataclass(frozen=True)
class Against:
    """The CE of ablating as a control does (mean of ``draws``) and the ratio of the subspace's CE to it; ``bound``: a lower bound.

    ``stated``: whether the ratio may be stated; ``standing``: how the effect stands to the control (``intervention.claims``).
    """

    control: Estimate
    draws: float
    value: float
    low: float
    high: float
    bound: bool
    stated: bool
    standing: str


@dataclass(frozen=True)
class Leaks:
    """Motionless baselines above chance, and those above what position or axis explains."""

    found: int
    beyond: int
    of: int


@dataclass(frozen=True)
class Effects:
    """CE by finder and edit, controls of ablation by finder, and how much was drawn and tested."""

    rank: float = nan
    ce: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    against: dict[str, dict[str, Against]] = field(default_factory=dict)
    draws: float = nan
    scenes: float = nan


def mapping(value: Any) -> dict[str, Any]:
    """The value where it is a mapping, else none: summaries come from strangers."""
    return value if isinstance(value, dict) else {}


def whole(value: Any) -> int | None:
    """A count that a file states, or None where it states none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not finite(value):
        return None
    return int(value) if value == int(value) and 0 <= value < MOST_WHOLE else None


def depth_of(run: RunFolder) -> int | None:
    """Blocks of the encoder: what provenance says, else the last layer of the study."""
    layers = run.summary["layers"]
    known = [layer for layer in map(whole, layers if isinstance(layers, list) else []) if layer is not None]
    return whole(mapping(run.provenance.get("encoder")).get("depth")) or (max(known) if known else None)


def accuracy(run: RunFolder, layer: int | None = None) -> Accuracy | None:
    """The dense probe at a layer (default: the best one) and the study's tokens."""
    probes = run.table("probes")
    layer = run.best_layer if layer is None else layer
    at = None if probes is None or layer is None else reading(probes, layer, tokens_of(run, probes))
    if at is None:
        return None
    drawn = at.untrained
    twins = (fmean(drawn), min(drawn), max(drawn)) if drawn else (nan, nan, nan)
    return Accuracy(at.accuracy, at.low, at.high, at.n, at.chance, *twins, len(drawn))


def support(run: RunFolder) -> float:
    """Share of coordinates that the L1 probe uses at the best layer (one-standard-error choice); NaN where that is not determined."""
    probes = run.table("probes")
    if probes is None:
        return nan
    own = determined(chosen_probes(probes, "l1", "model", run.best_layer, tokens_of(run, probes)))
    return float(own["support"].iloc[0]) if len(own) else nan


def effects(run: RunFolder, layer: int | None = None) -> Effects:
    """By the judge probe at dose 1, at a layer (default: that of the claims)."""
    table = run.table("ce")
    if table is None:
        return Effects()
    rows = comparable(run, table)
    rows = rows[rows["layer"] == (claim_layer(run, rows) if layer is None else layer)]
    finders, own = finders_of(run, rows), rows[rows["control"] == "subspace"]
    ce: dict[str, dict[str, Estimate]] = {finder: {} for finder in finders}
    for row in own.to_dict("records"):
        ce[str(row["finder"])][str(row["edit"])] = estimate(row)
    ablated = {finder: edited_of(run, rows, finder, "ablate") for finder in finders}
    against = {finder: {} if edit is None else _against(edit) for finder, edit in ablated.items()}
    drawn = rows[(rows["edit"] == "ablate") & rows["control"].isin(CONTROLS)]["draws"]
    rank = float(own["rank"].iloc[0]) if len(own) else nan
    return Effects(rank, ce, against, float(drawn.min()), float(own["n"].max()))


def _against(edit: Edited) -> dict[str, Against]:
    """By control, in the order of the table."""
    stands = {against.control: against for against in edit.beside}
    return {
        control: Against(estimate(row), at.draws, at.ratio, at.ratio_low, at.ratio_high, at.is_bound, at.has_ratio, at.standing)
        for control, row in edit.controls.items()
        if control in CONTROLS and (at := stands[control])
    }


def estimate(row: Any) -> Estimate:
    """The value of a table's row with its interval."""
    return Estimate(*(float(row[name]) for name in ("value", "low", "high", "n")))


@dataclass(frozen=True)
class ValueRead:
    """One output of the variable at the best layer: R^2, or the error (``measure``), beside chance and the mean of untrained twins."""

    measure: str
    output: str
    unit: str
    value: float
    low: float
    high: float
    n: float
    chance: float
    untrained: float
    read: bool


def values_read(run: RunFolder) -> tuple[bool | None, tuple[ValueRead, ...]]:
    """Whether the variable is read at the best layer (None where nothing was probed), and its values there."""
    read = reading_at(run)
    if read is None:
        return None, ()

    def entry(at: Measure) -> ValueRead:
        twins = at.rival("untrained twins")
        about = (at.chance, nan if twins is None else twins.value, at.read)
        return ValueRead(at.name, at.output, at.unit, at.value, at.low, at.high, at.n, *about)

    return read.read, tuple(map(entry, read.values))


def leaks(run: RunFolder) -> Leaks | None:
    """How many motionless baselines read the variable."""
    table = run.table("leaks")
    if table is None:
        return None
    verdicts = [leak_verdict(row) for row in table.to_dict("records")]
    return Leaks(sum(verdict != NONE for verdict in verdicts), verdicts.count(BEYOND), len(table))


def seconds(run: RunFolder) -> float:
    """Wall clock of all stages."""
    spent = [float(value) for value in mapping(run.summary.get("seconds")).values() if finite(value)]
    return sum(spent) if spent else nan
