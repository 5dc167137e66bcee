"""Circle or clusters? What the error on held-out arcs says beside that on held-out clips."""

from __future__ import annotations

from dataclasses import dataclass

from jepascope.report.numbers import finite, percent, with_interval


@dataclass(frozen=True)
class Error:
    """Mean absolute error of a value probe with its interval."""

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
        if not (finite(self.low) and finite(self.high) and finite(level)):
            return "unknown"
        return "better" if self.high < level else "worse" if self.low > level else "not told apart"


def circle_words(clips: Error, arcs: Error | None, chance: float) -> str:
    """Is the circular variable a circle for a linear reader, or separate clusters? From the intervals alone.

    A code that is a circle lets a reader place an arc that it was never shown; separate clusters do not.
    """
    said = f"held-out clips are read with an error of {clips.degrees} (chance {chance:g}°)"
    if clips.beside(chance) != "better":
        return f"{said}: the angle is not read, so nothing can be said of its shape."
    if arcs is None:
        return f"{said}. No arcs were held out, so this does not tell a circle from clusters."
    said += f"; held-out arcs, which the reader was never shown, with {arcs.degrees}"
    kept = (chance - arcs.value) / (chance - clips.value)
    match arcs.beside(chance):
        case "unknown":
            return f"{said}, without an interval to judge it by."
        case "worse":
            return (
                f"{said}: worse than chance. The reader puts what it never saw among what it did: the classes are clusters rather than a "
                "circle for a linear reader."
            )
        case "not told apart":
            return f"{said}: not told apart from chance. The classes are clusters rather than a circle for a linear reader."
    if arcs.low <= clips.high:
        return (
            f"{said}: not told apart from held-out clips, as it is where the code is a circle that a linear reader carries on across a gap."
        )
    nearer = "nearer to a circle than to clusters" if kept >= 0.5 else "nearer to clusters than to a circle"
    return (
        f"{said}: better than chance, but worse than held-out clips. Arcs keep {percent(kept)} of what clips gain over chance, which is "
        f"{nearer} for a linear reader."
    )
