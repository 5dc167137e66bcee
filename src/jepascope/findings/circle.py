"""Angles in words: circle or clusters, by the error on held-out arcs beside that on held-out clips; and whether a requested angle is
what is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from statistics import fmean

from jepascope.findings.numbers import ABSENT, count, finite, p_text, percent, shown, span, with_interval
from jepascope.intervention.circle import CHANCE
from jepascope.stats import side

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Error:
    """Degrees with their interval: a mean absolute error, or a difference of two."""

    value: float
    low: float
    high: float

    @property
    def degrees(self) -> str:
        """'16.9° [15.2, 18.6]'."""
        value, *interval = with_interval(self.value, self.low, self.high).split(" ", 1)
        return " ".join((f"{value}°", *interval))

    def beside(self, level: float) -> str:
        """'better', 'worse' or 'not told apart' as the interval lies below, above or across ``level``; 'unknown' without one."""
        words = {"below": "better", "above": "worse", "across": "not told apart", "unknown": "unknown"}
        return words[side(self.low, self.high, level)]


@dataclass(frozen=True)
class HeldArcs:
    """What reading arcs that were left out gave: error and gap (error less that on held-out clips) with intervals over arcs."""

    error: Error
    gap: Error
    floor: float = nan  # error on a perfect circle
    p_order: float = nan  # of the true circular order; NaN where angles are continuous


def circle_words(clips: Error, arcs: HeldArcs | None, chance: float) -> str:
    """Is the circular variable a circle for a linear reader?

    Classes: by the p of their true order among other circular orders. Continuous angles: by the error on held-out arcs beside the
    best constant guess. How good a circle: by the gap to held-out clips beside that of a perfect one.
    """
    text = f"held-out clips are read with an error of {clips.degrees} (best constant guess {shown(chance)}°)"
    if clips.beside(chance) != "better":
        return f"{text}: the angle is not read, so nothing can be said of its shape."
    if arcs is None:
        return f"{text}. No arcs were held out, so this does not tell a circle from clusters."
    text += f"; held-out arcs, which the reader was never shown, with {arcs.error.degrees}, interval over arcs"
    kept = (chance - arcs.error.value) / (chance - clips.value)
    keep = (
        f"held-out arcs keep {percent(kept)} of what held-out clips gain over the best constant guess"
        if kept > 0
        else ("held-out arcs keep nothing of what held-out clips gain over the best constant guess")
    )
    return f"{text}. {_verdict(arcs, chance, kept)}; {keep}{_gap(arcs)}."


def _verdict(arcs: HeldArcs, chance: float, kept: float) -> str:
    # an order can be told from others, and an error from chance, although little is read
    circle = "A circle" if kept >= 0.5 else "Partly a circle"
    if finite(arcs.p_order):
        p = f"(p = {p_text(arcs.p_order)} for their true order among other orders of the same classes)"
        if arcs.p_order <= SIGNIFICANT:
            return f"{circle}: from the classes it was shown, a linear reader places the others {p}"
        return f"No sign of a circle: too few classes to tell, or clusters {p}"
    match arcs.error.beside(chance):
        case "unknown":
            return "Nothing to judge a circle by, neither classes in another order nor an interval"
        case "better":
            return f"{circle}: a linear reader carries on across the arcs that it was not shown"
    return "No sign of a circle: held-out arcs are not read better than by the best constant guess"


def _gap(arcs: HeldArcs) -> str:
    """Arcs beside clips, and beside what a perfect circle has."""
    if not finite(arcs.gap.value):
        return ""
    text = f", an error larger by {arcs.gap.degrees}" if arcs.gap.value >= 0 else f", with a change of error of {arcs.gap.degrees}"
    perfect = f"the {shown(arcs.floor) if arcs.floor > 0.005 else 0}° that a perfect circle would have"
    match arcs.gap.beside(arcs.floor):
        case "unknown":
            return text
        case "worse":
            return f"{text}, more than {perfect}"
        case "better":
            # errors of noise and of the floor do not add up, so that less than the floor is no riddle
            return f"{text}, no more than {perfect}"
    return f"{text}, not told apart from {perfect}"


def steer_words(
    name: str, error: Error, draws: list[float], floor: float, n: float, units: str = "scenes", unedited: Error | None = None
) -> str:
    """Whether a requested angle is what is decoded, beside random directions, a random angle, and unedited clips. Nothing is said where
    the read-out does not read the angle of ``unedited`` clips either."""
    text = f"{name}: the decoded angle misses the requested one by {error.degrees} ({count(n)} {units}; a random angle by {CHANCE:g}°"
    text += f"; random directions by {draws_words(draws)}" if draws else "; no control was run"
    text += f"; unedited clips are decoded with {shown(floor)}°)" if finite(floor) else ")"
    if unedited is not None and unedited.beside(CHANCE) != "better":
        return f"{text}. The read-out is not shown to read the angle of unedited clips ({unedited.degrees}), so it cannot judge steering."
    if error.beside(CHANCE) == "unknown":
        return f"{text}. Without an interval nothing is claimed."
    beside = error.beside(min(draws)) if draws else "unknown"
    if error.beside(CHANCE) != "better":
        return f"{text}. The request is not followed: not told apart from, or worse than, a random angle."
    if beside == "better":
        how = "follows the request" if error.high < CHANCE / 2 else "moves towards the request and stays short of it"
        return f"{text}. The read-out {how}, better than with any draw of random directions."
    tail = "" if beside == "unknown" else ", but no better than some draw of random directions"
    return f"{text}. The read-out follows the request better than a random angle would{tail}."


def beside_words(edit: str, less: str, all_angles: Error, between: Error | None, n: float, units: str = "scenes") -> str:
    """Whether one way of steering misses by less than another does on the same scenes, over all angles and between the class means."""
    words = {"better": "it misses by less", "worse": "it misses by more", "not told apart": "not told apart", "unknown": "no interval"}
    text = f"{edit} less {less}, paired over {count(n)} {units}: error {_signed(all_angles)} ({words[all_angles.beside(0)]})"
    if between is None:
        return f"{text}."
    return f"{text}; at requested angles that no clip shows {_signed(between)} ({words[between.beside(0)]})."


def _signed(error: Error) -> str:
    return ("+" if error.value > 0 else "") + error.degrees


def draws_words(draws: list[float]) -> str:
    if not draws:
        return ABSENT
    many = f"{len(draws)} draws" if len(draws) > 1 else "1 draw"
    return f"{shown(fmean(draws))}° {span(min(draws), max(draws))} ({many})"
