"""The last step of a command: what was found, read off the tables that it wrote. summary.json, its headline and claims.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from jepascope.encoders.card import EncoderCard
from jepascope.findings.claims import FILE, READ_BY, claims_json, claims_of, headline
from jepascope.findings.facts import Facts
from jepascope.findings.questions import replies
from jepascope.findings.title import title_of
from jepascope.schema import TABLES
from jepascope.schema.check import with_numbers
from jepascope.study.folder import Run
from jepascope.study.spec import StudySpec


def studied(spec: StudySpec, card: EncoderCard) -> dict[str, Any]:
    """Plain facts of a study, as summary.json holds them."""
    variable = spec.state_variable
    return {
        "model": card.name,
        "clips": spec.clips_name,
        "variable": spec.variable,
        "kind": variable.kind,
        "classes": spec.class_count,
        **({"labels_read": variable.note} if variable.note else {}),
        "tokens": spec.tokens,
        "layers": list(range(card.depth + 1)),
        "rank": spec.rank_of(spec.finders[0]),
        "swap_donor": spec.swap_donor or ("twin" if variable.rendered else "class"),
    }


def tables_of(run: Run, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Those tables that the folder has."""
    return {name: with_numbers(TABLES[name], run.table(name)) for name in names if run.has(f"{name}.parquet")}


def conclude(run: Run, of: str, summary: dict[str, Any]) -> dict[str, Any]:
    """Write claims.json and summary.json, with the headline that the claims make; ``of``: the command."""
    known = {"footage": {}, **summary} if run.spec.of_videos else summary  # edits of videos are counted in videos
    facts = Facts(known, tables_of(run, READ_BY[of]))
    claims = claims_of(facts, of)
    summary["headline"] = headline(facts, claims)
    if of == "run":
        first = {"title": title_of(facts, claims), "replies": [reply.stored() for reply in replies(claims)]}
        summary |= first  # what a first screen, a terminal and lists say
    run.write_json(FILE, claims_json(claims))
    run.write_json("summary.json", summary)
    return summary
