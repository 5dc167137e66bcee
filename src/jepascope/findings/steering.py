"""Words: whether a requested angle is what is decoded."""

from __future__ import annotations

import numpy as np

from jepascope.findings.circle import Error
from jepascope.findings.numbers import ABSENT, count, finite, shown, span
from jepascope.intervention.circle import CHANCE


def steer_words(
    name: str, error: Error, draws: list[float], floor: float, n: float, units: str = "scenes", unedited: Error | None = None
) -> str:
    """Whether a requested angle is what is decoded, beside random directions, a random angle, and unedited clips. Nothing is said where
    the read-out does not read the angle of ``unedited`` clips either."""
    said = f"{name}: the decoded angle misses the requested one by {error.degrees} ({count(n)} {units}; a random angle by {CHANCE:g}°"
    said += f"; random directions by {draws_words(draws)}" if draws else "; no control was run"
    said += f"; unedited clips are decoded with {shown(floor)}°)" if finite(floor) else ")"
    if unedited is not None and unedited.beside(CHANCE) != "better":
        return f"{said}. The read-out is not shown to read the angle of unedited clips ({unedited.degrees}), so it cannot judge steering."
    if error.beside(CHANCE) == "unknown":
        return f"{said}. Without an interval nothing is claimed."
    beside = error.beside(min(draws)) if draws else "unknown"
    if error.beside(CHANCE) != "better":
        return f"{said}. The request is not followed: not told apart from, or worse than, a random angle."
    if beside == "better":
        how = "follows the request" if error.high < CHANCE / 2 else "moves towards the request and stays short of it"
        return f"{said}. The read-out {how}, better than with any draw of random directions."
    tail = "" if beside == "unknown" else ", but no better than some draw of random directions"
    return f"{said}. The read-out follows the request better than a random angle would{tail}."


def draws_words(draws: list[float]) -> str:
    if not draws:
        return ABSENT
    many = f"{len(draws)} draws" if len(draws) > 1 else "1 draw"
    return f"{shown(float(np.mean(draws)))}° {span(min(draws), max(draws))} ({many})"
