"""The first screen of a run's page: the verdict, six questions, one figure, a clip beside its twin, and what to distrust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from jepascope.disk.refusals import damaged
from jepascope.findings.claim import Claim
from jepascope.findings.claims import claims_of
from jepascope.findings.distrust import Doubt, doubts
from jepascope.findings.fresh import FRESH
from jepascope.findings.names import LABEL, control_name, controls_in, edit_name, short
from jepascope.findings.numbers import count, percent
from jepascope.findings.questions import Reply, points, replies
from jepascope.findings.rollouts import STEPPED
from jepascope.findings.selection import Edited, has_twins, in_force, leading
from jepascope.findings.title import title_of
from jepascope.report.blocks import Figure, png_uri
from jepascope.report.chapters import CHAPTERS
from jepascope.report.charts import dots
from jepascope.report.charts.canvas import Drawing
from jepascope.report.charts.dots import Dot, Part
from jepascope.report.folder import RunFolder
from jepascope.report.sections.intervention import draws_of

FILM = "figures/film.png"
WHERE = {
    "read": "read",
    "used": "cause",
    "predicted": "predictor",
    "specific": "isolation",
    "copies": "degeneracy",
    "carried": "carries-over",
}
"""The part of the page that each question is answered by in full."""
ROLLED = {"predicted": "rollout"}
"""Of a model whose own predictor is given actions."""


@dataclass(frozen=True)
class Film:
    """A clip and its partner as pictures side by side in one data URI."""

    uri: str
    frames: int
    clip: str
    partner: str
    twin: bool
    alt: str


@dataclass(frozen=True)
class Plot:
    """What the dot plot shows, and how to read it."""

    title: str
    parts: tuple[Part, ...]
    caption: str


@dataclass(frozen=True)
class FirstScreen:
    """All of it, from claims and tables."""

    title: str
    replies: tuple[Reply, ...]
    doubts: tuple[Doubt, ...]
    plot: Plot | None
    film: Film | None
    where: dict[str, str]

    @cached_property
    def figure(self) -> Figure | None:
        """The plot as the page draws it."""
        return None if self.plot is None else Figure(dots.draw("first", self.plot.title, self.plot.parts), self.plot.caption, leads=True)

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        return () if self.figure is None else (self.figure.drawing,)


def first_screen(run: RunFolder) -> FirstScreen:
    """Of a run folder."""
    claims = claims_of(run)
    rolled = any(claim.name == STEPPED.name and claim.verdict != "not run" for claim in claims)
    where = WHERE | ROLLED if rolled else WHERE
    return FirstScreen(title_of(run, claims), replies(claims), doubts(run, claims), _plot(run, claims), _film(run), where)


def _plot(run: RunFolder, claims: Sequence[Claim]) -> Plot | None:
    """The edit that leads beside every control, each with its draws; below it what is read after ablation."""
    leads = next((row for row in leading(run) if row.effect.side != "unknown" and not row.effect.unread), None)
    if leads is None:
        return None
    force = in_force(run)
    edit, finder = str(leads.row["edit"]), short(leads.row["finder"])
    words = {
        "swap": f"% of the way to {'its twin' if has_twins(run) else 'another clip'}, moved by a swap",
        "ablate": "% of the margin lost",
    }
    parts = [Part(_dots(run, leads), words[edit])]
    name = edit_name(edit).capitalize()
    layer = "at the layer of each fold" if force.in_turn else f"at layer {count(leads.row['layer'])}"
    drawn = "" if force.in_turn else "; dots: every draw of a control"
    caption = (
        f"{name} {layer} by the linear probe, n = {count(leads.effect.n)} {force.tested}; lines: {run.confidence}{drawn}. "
        f"Bold: the subspace of {finder}, and the control that comes closest."
    )
    if (read := _read_after(claims)) is not None:
        parts.append(read)
        caption += " Below: clips that a read-out names rightly after ablation, one frozen before it and one trained after it."
    return Plot(f"{name} beside its controls", tuple(parts), caption)


def _dots(run: RunFolder, leads: Edited) -> list[Dot]:
    row, null = leads.row, draws_of(run, pd.DataFrame([leads.row]))
    closest = leads.beside[0].control if leads.beside else ""
    by = {} if null is None else {str(name): list(own["value"]) for name, own in null.groupby("control")}
    made = [Dot(short(row["finder"], LABEL), row["value"], points(row["value"]), row["low"], row["high"], leads=True)]
    for name in controls_in(leads.controls):
        own = leads.controls[name]
        draws = by.get(name, []) if own["draws"] > 1 else []
        value = float(own["value"])
        made.append(Dot(control_name(name), value, points(value), own["low"], own["high"], draws, named=name == closest))
    return made


def _read_after(claims: Sequence[Claim]) -> Part | None:
    fresh = next((claim for claim in claims if claim.name == FRESH.name and claim.numbers), None)
    if fresh is None:
        return None
    by = {number.what: number for number in fresh.numbers if not number.control}
    chance = next((number.value for number in fresh.numbers if number.control == "chance"), float("nan"))
    made = [
        Dot(label, by[what].value, points(by[what].value), by[what].low, by[what].high, named=what == "fresh")
        for what, label in (("fresh", "fresh read-out"), ("frozen", "frozen read-out"))
        if by[what].value == by[what].value
    ]
    return Part(made, "% read rightly after ablation", chance, f"chance {percent(chance)}")


def _film(run: RunFolder) -> Film | None:
    told = run.summary.get("film")
    if run.files is None or told is None or not run.files.folder.has(FILM):
        return None
    uri = png_uri(run.files.read(FILM))
    if uri is None:
        raise damaged(run.path / FILM, "it is no whole PNG file")
    clip, partner = short(told["clip"], LABEL), short(told["partner"], LABEL)
    what = "its twin, the same scene with another value" if has_twins(run) else "a clip of another class"
    return Film(uri, int(told["frames"]), clip, partner, has_twins(run), f"A clip of {run.variable} {clip}, and {what}: {partner}.")


assert {*WHERE.values(), *ROLLED.values()} <= {anchor for chapter in CHAPTERS for anchor in (chapter.anchor, *chapter.sections)}
