"""The run folder's tables of degeneracy: exchanges of a pair, its verdict, and the curve of peeled subspaces."""

from __future__ import annotations

from math import nan

from jepascope.portability.degeneracy import PairTest, Part
from jepascope.portability.peeling import Peeling
from jepascope.portability.verdict import Beside, pair_verdict, peeling_verdict
from jepascope.schema import TABLES
from jepascope.stats import NOTHING, EffectRatio

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
        stored = {"b without a": "a without b", "b": "a"}.get(name, name)
        rows += [{**where, "part": stored, **row} for row in part_rows(part)]
    return rows


def part_rows(part: Part) -> list[Row]:
    """A part's own row and one for each control."""
    own = {"rank": part.rank, "control": "subspace", **part.effect.columns(), "n": part.effect.n, "draws": 1}
    return [own, *({"rank": part.rank, "control": name, **_control(compared)} for name, compared in part.against.items())]


def verdict_row(test: PairTest, beside: Beside, layer: int, a: str, b: str) -> Row:
    """The verdict on a pair, its reason, and all that it is given on."""
    word, reason = pair_verdict(test, beside, a, b)
    refits = (
        {"refit": NOTHING, "erased": NOTHING} if beside.refit is None else {"refit": beside.refit.ablated, "erased": beside.refit.erased}
    )
    return {
        "layer": layer,
        "a": a,
        "b": b,
        "verdict": word,
        "reason": reason,
        "sas": beside.sas,
        "sas_chance": beside.sas_chance,
        "ceiling": beside.ceiling,
        **(beside.readings or NOTHING).columns("readings"),
        "readings_chance": beside.readings_chance,
        **(beside.rce or NOTHING).columns("rce"),
        "rce_dose": beside.rce_dose,
        "rce_floor": beside.rce_floor,
        "saturated": beside.saturated,
        **_alone("a", test.a_alone),
        **_alone("b", test.b_alone),
        **test.whole.effect.columns("whole"),
        **test.surplus.columns("surplus"),
        **{name: value for side, held in zip("ab", test.held.alone, strict=True) for name, value in held.columns(f"{side}_held").items()},
        **test.held.surplus.columns("surplus_held"),
        **test.interplay.columns("interplay"),
        "a_spans": test.spans[0],
        "b_spans": test.spans[1],
        **{
            f"{name}_{end}": value
            for name, read in refits.items()
            for end, value in zip(("accuracy", "low", "high"), read.ends, strict=True)
        },
        "refit_chance": nan if beside.refit is None else beside.refit.chance,
        "n": test.whole.effect.n,
    }


def peeling_rows(peeling: Peeling, layer: int, finder: str) -> list[Row]:
    """One row a stage and one for each of its controls; what all carriers do together, and the verdict, stand in every stage's own row."""
    rows: list[Row] = []
    whole, surplus = (NOTHING, NOTHING) if peeling.added is None else (peeling.added.whole, peeling.added.surplus)
    held = NOTHING if peeling.held is None else peeling.held.surplus
    word, reason = peeling_verdict(peeling, finder)
    of_all = {**whole.columns("whole"), **surplus.columns("surplus"), **held.columns("surplus_held")}
    of_all |= (peeling.rest or NOTHING).columns("rest")
    summed = {"copies": peeling.copies, "verdict": word, "reason": reason}
    if not peeling.stages:  # the verdict and its reason are kept all the same
        rows.append({"layer": layer, "finder": finder, "stage": 0, "control": "subspace", "above": False, **NOTHING.columns(), **summed})
    for number, stage in enumerate(peeling.stages, start=1):
        own, *controls = part_rows(stage.peeled)
        alone = NOTHING if stage.alone is None else stage.alone.effect
        together = {"above": stage.above, **alone.columns("alone"), **of_all, **summed}
        rows += [{"layer": layer, "finder": finder, "stage": number, **row} for row in ({**own, **together}, *controls)]
    return rows


def _control(compared: EffectRatio) -> Row:
    """``excess`` holds the value of the difference and the ends of the interval against one new draw."""
    columns = {**compared.control.columns(), **compared.excess.columns("excess"), "excess": compared.difference.value}
    return {**columns, "n": compared.control.n, "draws": compared.draws}


def _alone(name: str, part: Part) -> Row:
    variance = part.against.get("variance")
    floor, excess = (NOTHING, NOTHING) if variance is None else (variance.control, variance.excess)
    ends = {f"{name}_floor": floor.value, f"{name}_excess_low": excess.low, f"{name}_excess_high": excess.high}
    return {**part.effect.columns(f"{name}_alone"), **ends}
