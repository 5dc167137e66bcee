"""All claims, in the order in which they are told; claims.json and the headline are made of them and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jepascope.encoders.part_names import PARTS, part_of_block
from jepascope.findings.beside import unread_judge
from jepascope.findings.claim import Claim
from jepascope.findings.copies import COPIES_OF
from jepascope.findings.facts import Facts
from jepascope.findings.fresh import FRESH
from jepascope.findings.heterogeneity import tails_words
from jepascope.findings.isolation import ISOLATED
from jepascope.findings.names import short
from jepascope.findings.ported import CARRIES, PORTED
from jepascope.findings.read import READ, SHORTCUTS
from jepascope.findings.rollouts import KEPT, STEPPED
from jepascope.findings.traced import TRACED
from jepascope.findings.used import HEADED, PREDICTED, USED
from jepascope.findings.videos import LEFT_OUT, REAL, reach_words

SCHEMA = 1
FILE = "claims.json"
CLAIMS = {
    "run": (READ, USED, PREDICTED, STEPPED, KEPT, HEADED, FRESH, ISOLATED, SHORTCUTS, *CARRIES, COPIES_OF, LEFT_OUT, REAL),
    "intervene": (USED, PREDICTED, STEPPED, KEPT, HEADED, FRESH, ISOLATED),
    "probe": (READ,),
    "trace": TRACED,
    "port": PORTED,
}
"""By the command whose folder they are of."""

READ_BY = {
    "run": (
        *("probes", "values", "dimensions", "leaks", "ce", "matching", "forecasts", "rollouts", "fidelity", "refits", "reads"),
        *("isolation", "spread", "portability", "verdicts", "peeling", "leave_one_out"),
    ),
    "intervene": ("ce", "matching", "forecasts", "rollouts", "fidelity", "refits", "reads", "isolation", "spread"),
    "probe": ("probes", "values"),
    "trace": ("components",),
    "port": ("similarity", "transport", "portability"),
}
"""The tables that they are read off."""

TOLD = {
    READ.name,
    USED.name,
    PREDICTED.name,
    STEPPED.name,
    KEPT.name,
    HEADED.name,
    FRESH.name,
    ISOLATED.name,
    LEFT_OUT.name,
    REAL.name,
    *(question.name for question in (*TRACED, *PORTED)),
}
"""Claims that the headline tells."""


def claims_of(facts: Facts, of: str = "run") -> tuple[Claim, ...]:
    """Every claim of a folder, from its tables; those that nothing was run for among them."""
    return tuple(question.claim(facts) for question in CLAIMS[of])


def headline(facts: Facts, claims: tuple[Claim, ...]) -> str:
    """The sentences of the claims that a headline tells, as they stand there; where the judge of effects reads nothing, none on edits."""
    unread = "ce" in facts.tables and unread_judge(facts) is not None
    silent = {question.name for question in (PREDICTED, STEPPED, KEPT, HEADED, FRESH, ISOLATED)} if unread else set()
    sentences = [claim.sentence for claim in claims if claim.name in TOLD - silent and claim.sentence]
    return " ".join(filter(None, (part_words(facts.summary), *sentences, tails_words(facts), reach_words(facts.summary))))


def part_words(summary: Mapping[str, Any]) -> str:
    """Where subspaces are found and edited, if not in the residual stream; else nothing."""
    if (part := summary.get("part")) not in PARTS:
        return ""
    return f"Found and edited in what {part_of_block(str(part), short(summary.get('best_layer')))} adds to the residual stream."


def claims_json(claims: tuple[Claim, ...]) -> dict[str, Any]:
    """claims.json: keys are added, never renamed."""
    return {"schema": SCHEMA, "claims": [claim.stored() for claim in claims]}
