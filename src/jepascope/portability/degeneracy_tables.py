"""The run folder's tables of degeneracy: exchanges of a pair, its verdict, and the curve of peeled subspaces."""

from __future__ import annotations

from math import nan

from jepascope.portability.degeneracy import NONE, PairTest, Part
from jepascope.portability.peeling import Peeling
from jepascope.portability.verdict import Beside, pair_verdict, peeling_verdict
from jepascope.schema import TABLES
from jepascope.stats import EffectRatio, Interval

DEGENERACY_COLUMNS = TABLES["degeneracy"].written
VERDICT_COLUMNS = TABLES["verdicts"].written
PEELING_COLUMNS = TABLES["peeling"].written

Row = dict[str, object]


def pair_rows(test: PairTest, layer: int, a: str, b: str) -> list[Row]:
    """Every exchange of a pair and, where they were run, its controls; "b without a" is stored as "a without b" of the
    pair turned round."""
    rows: list[Row] = []
    for name, part in test.parts.items():
        turned = name in ("b without a", "b")
        where = {"layer": layer, "a": b if turned else a, "b": a if turned else b}
        said = {"b without a": "a without b", "b": "a"}.get(name, name)
        rows += [{**where, "part": said, **row} for row in part_rows(part)]
    return rows


def part_rows(part: Part) -> list[Row]:
    """A part's own row and one for each control."""
    own = {"rank": part.rank, "control": "subspace", **_ends("", part.effect), "n": part.effect.n, "draws": 1}
    return [own, *({"rank": part.rank, "control": name, **_control(found)} for name, found in part.against.items())]


def verdict_row(test: PairTest, beside: Beside, layer: int, a: str, b: str) -> Row:
    """The verdict on a pair, its reason, and all that it is given on."""
    word, reason = pair_verdict(test, beside, a, b)
    return {
        "layer": layer,
        "a": a,
        "b": b,
        "verdict": word,
        "reason": reason,
        "sas": beside.sas,
        "sas_chance": beside.sas_chance,
        "ceiling": beside.ceiling,
        **_ends("readings", beside.readings),
        "readings_chance": beside.readings_chance,
        **_ends("rce", beside.rce),
        "rce_dose": beside.rce_dose,
        "rce_floor": beside.rce_floor,
        "saturated": beside.saturated,
        **_alone("a", test.a_alone),
        **_alone("b", test.b_alone),
        **_ends("whole", test.whole.effect),
        **_ends("surplus", test.surplus),
        **_accuracy("refit", None if beside.refit is None else beside.refit.ablated),
        **_accuracy("erased", None if beside.refit is None else beside.refit.erased),
        "refit_chance": nan if beside.refit is None else beside.refit.chance,
        "n": test.whole.effect.n,
    }


def peeling_rows(peeling: Peeling, layer: int, finder: str) -> list[Row]:
    """One row a stage and one for each of its controls; what all carriers do together, and the verdict, stand in every stage's own row."""
    rows: list[Row] = []
    whole = NONE if peeling.whole is None else peeling.whole.effect
    surplus = peeling.surplus or NONE
    word, reason = peeling_verdict(peeling, finder)
    summed = {"copies": peeling.copies, "verdict": word, "reason": reason}
    if not peeling.stages:  # the verdict and its reason are kept all the same
        rows.append({"layer": layer, "finder": finder, "stage": 0, "control": "subspace", "above": False, **_ends("", None), **summed})
    for number, stage in enumerate(peeling.stages, start=1):
        own, *controls = part_rows(stage.peeled)
        alone = NONE if stage.alone is None else stage.alone.effect
        said = {"above": stage.above, **_ends("alone", alone), **_ends("whole", whole), **_ends("surplus", surplus), **summed}
        rows += [{"layer": layer, "finder": finder, "stage": number, **row} for row in ({**own, **said}, *controls)]
    return rows


def _control(found: EffectRatio) -> Row:
    excess = {"excess": found.difference.value, "excess_low": found.excess.low, "excess_high": found.excess.high}
    return {**_ends("", found.control), "n": found.control.n, "draws": found.draws, **excess}


def _alone(name: str, part: Part) -> Row:
    variance = part.against.get("variance")
    return {
        **_ends(f"{name}_alone", part.effect),
        f"{name}_floor": nan if variance is None else variance.control.value,
        f"{name}_excess_low": nan if variance is None else variance.excess.low,
        f"{name}_excess_high": nan if variance is None else variance.excess.high,
    }


def _accuracy(name: str, interval: Interval | None) -> Row:
    found = interval or NONE
    return {f"{name}_accuracy": found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _ends(name: str, interval: Interval | None) -> Row:
    found = interval or NONE
    return {name or "value": found.value, f"{name}_low".lstrip("_"): found.low, f"{name}_high".lstrip("_"): found.high}
