"""Claims: the model's own action-conditioned predictor uses the state, and carries it over a rollout; whether rollouts follow reality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from jepascope.findings.claim import Answer, Evidence, Number, Question, Verdict, row_key, row_number, sentence_of
from jepascope.findings.effect import JudgeReading
from jepascope.findings.facts import Facts
from jepascope.findings.numbers import count, decimals, finite, percent, share_words, with_interval
from jepascope.findings.selection import Edited, claim_layer, comparable_of, edited_of, first_finder
from jepascope.findings.used import ONE_FIT, UNIT, WITH_FITS, numbers_of, words
from jepascope.findings.verdict import verdict_of
from jepascope.intervention.edit_entry import LEADING
from jepascope.stats import side

JUDGE = "rollout"
READ_AS = {"rollout": "rolled", "future": "real", "code": "code"}
"""The column of the table ``fidelity`` that says how the probes of a reading read the variable."""
TWIN = "its twin's own rollout"

Row = Mapping[Any, Any]


def fidelity_at(facts: Facts, step: int) -> Row | None:
    """How far rollouts of so many steps can be believed; step 0: the last one. None where nothing was rolled out."""
    table = facts.table("fidelity")
    if table is None:
        return None
    rows = table[table["step"] == (step or table["step"].max())].to_dict("records")
    return rows[0] if rows else None


def follows(row: Row) -> bool:
    """Whether the rollout is nearer to the real latents than the present repeated: the interval of its share of error lies below 1."""
    return side(float(row["error_low"]), float(row["error_high"]), 1.0) == "below"


def reading_of(row: Row, reading: str) -> JudgeReading:
    """How the probes of a reading read the variable at a step."""
    name = READ_AS[reading]
    return JudgeReading(*(float(row[column]) for column in (name, f"{name}_low", f"{name}_high", "n", "chance")))


def rolled_rows(facts: Facts, reading: str, step: int) -> pd.DataFrame | None:
    """Rows of ``rollouts`` that claims are made of; None where there are none."""
    table = facts.table("rollouts")
    rows = None if table is None else table[(table["reading"] == reading) & (table["step"] == step)]
    if rows is None or rows.empty:
        return None
    rows = comparable_of(facts, rows, JUDGE)
    return rows[rows["layer"] == claim_layer(facts, rows)]


def rolled(facts: Facts, reading: str, row: Row, finder: str, edit: str) -> Edited | None:
    """An edit of one subspace, so many steps on."""
    rows = rolled_rows(facts, reading, int(row["step"]))
    return None if rows is None else edited_of(facts, rows, finder, edit, {JUDGE: reading_of(row, reading)})


def leading_edits(facts: Facts, reading: str, row: Row) -> list[Edited]:
    """The edits of the first finder's subspace that claims lead with, as far as they have an interval."""
    finder = first_finder(facts)
    found = (rolled(facts, reading, row, finder, edit) for edit in LEADING)
    return [one for one in found if one is not None and one.effect.side != "unknown"]


def follows_words(row: Row) -> str:
    """Whether unedited rollouts follow reality, with the number."""
    miss = f"{with_interval(row['error'], row['error_low'], row['error_high'])} times what repeating the present misses"
    steps = _steps(row)
    size = f"{steps} on it misses the real latents by {miss} (squared distance, n = {count(row['n'])} test scenes)"
    return f"The rollout follows reality: {size}." if follows(row) else f"The rollout does not follow reality: {size}."


def read_words(row: Row, reading: str) -> str:
    """How probes read the variable of unedited rollouts, of real latents there, and by chance."""
    own = reading_of(row, reading)
    text = f"{share_words(own.accuracy, own.low, own.high)} of unedited rollouts are read rightly {_steps(row)} on"
    real = "" if reading == "code" else f", {share_words(*(row[name] for name in ('real', 'real_low', 'real_high')))} of real latents"
    return f"{text}{real}; chance {percent(own.chance)}"


def by_first_step(facts: Facts) -> Answer | None:
    """Of the first step, in the code of rollouts themselves: whether what the predictor arrives at depends on the state at all."""
    row = fidelity_at(facts, 1)
    if row is None:
        return None
    if not reading_of(row, "code").reads:
        return _silent(
            row, f"its own action-conditioned predictor is not shown to keep {facts.variable}: {read_words(row, 'code')}", "not shown"
        )
    edits = leading_edits(facts, "code", row)
    return _answer(facts, row, edits, "by its own action-conditioned predictor, one step on (read as rollouts are)")


def by_last_step(facts: Facts) -> Answer | None:
    """Of the last step, as real latents are read: whether an edited state moves the rollout as the twin's real state does, all the way."""
    row = fidelity_at(facts, 0)
    if row is None:
        return None
    if not follows(row):
        return _silent(row, f"{follows_words(row).rstrip('.')}, so that nothing is said of what it carries")
    real, own = reading_of(row, "future"), reading_of(row, "rollout")
    if not own.reads:
        lost = "the rollout is not shown to carry" if real.reads else "nothing is said of what the rollout carries of"
        return _silent(row, f"{lost} {facts.variable}: {read_words(row, 'rollout')}", "not shown" if real.reads else "undecided")
    edits = leading_edits(facts, "rollout", row)
    return _answer(facts, row, edits, f"over {_steps(row)} of its rollout, read as real latents are")


def _answer(facts: Facts, row: Row, edits: list[Edited], opening: str) -> Answer:
    if not edits:
        return _silent(row, f"{opening} no effect of an edit can be stated: the twin's own rollout is not shown to move the margin")
    tested = f"{facts.tested}; 95 % intervals{WITH_FITS if edits[0].effect.of_encoder else ONE_FIT}"
    clauses = "; ".join(
        words(facts, edit, tested if edit is edits[0] else facts.tested, judge="its", named=(), partner=TWIN) for edit in edits
    )
    over = _over_steps(facts, edits[0]) if int(row["step"]) > 1 else ""
    numbers = [*(number for edit in edits for number in numbers_of(edit)), *_fidelity_numbers(row)]
    key = ("layer", "tokens", "reading", "step", "finder", "rank", "edit", "dose")
    evidence = (*(Evidence("rollouts", row_key(edit.row, *key)) for edit in edits), _evidence(row))
    return Answer(verdict_of(edits[0].effect, edits[0].beside), sentence_of(f"{opening}: {clauses}{over}"), tuple(numbers), evidence)


def _silent(row: Row, clause: str, verdict: Verdict = "undecided") -> Answer:
    """Nothing is said of edits: why, and the numbers that it rests on."""
    return Answer(verdict, sentence_of(clause), tuple(_fidelity_numbers(row)), (_evidence(row),))


def _over_steps(facts: Facts, edit: Edited) -> str:
    """The same effect at every step on the way."""
    table = facts.table("rollouts")
    assert table is not None
    same = ("layer", "tokens", "reading", "finder", "rank", "edit", "control", "dose")
    rows = table[(table[list(same)] == pd.Series({name: edit.row[name] for name in same})).all(axis=1)].sort_values("step")
    values = [decimals(100 * value, 0) if finite(value) else "none" for value in rows["value"]]
    return f"; step by step {', '.join(values)} %"


def _fidelity_numbers(row: Row) -> list[Number]:
    def of(name: str) -> tuple[str, ...]:
        return name, f"{name}_low", f"{name}_high", "n"

    step = int(row["step"])
    numbers = [row_number(f"rollout error at step {step}", row, "of repeating the present", columns=of("error"))]
    return numbers + [
        row_number(f"read rightly at step {step}, {name}", row, UNIT, columns=of(name)) for name in ("real", "rolled", "code")
    ]


def _evidence(row: Row) -> Evidence:
    return Evidence("fidelity", row_key(row, "context", "step"))


def _steps(row: Row) -> str:
    return "1 step" if int(row["step"]) == 1 else f"{count(row['step'])} steps"


STEPPED = Question(
    "used by its own rollout",
    "Does its own action-conditioned predictor use it?",
    "A probe trained on rollouts of split judge reads the variable of unedited ones, one step on; the interval of the swap's effect,"
    f"{WITH_FITS}, lies above zero; and the effect lies outside the draws of every matched control, the closest one "
    "deciding.",
    by_first_step,
)
KEPT = Question(
    "carried by its own rollout",
    "Does its own rollout carry it?",
    "The rollout follows reality: at its last step it is nearer to the real latents than the present repeated. A probe trained on real "
    "latents of that step reads the variable of unedited rollouts. Then as for the first step. Undecided where it does not follow.",
    by_last_step,
)
