"""The time that is left of a whole study: what its steps are expected to take, held against what those before took on this machine.

Imports neither torch nor pandas.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from jepascope.encoders.at_hand import place
from jepascope.hardware import cores
from jepascope.study.edited_layers import check_sizes
from jepascope.study.geometry import geometry
from jepascope.study.machine import Machine
from jepascope.study.plan import counts_of, flops_of, rate_of
from jepascope.study.spec import StudySpec
from jepascope.study.steps.whole import STEPS

LOADING, REPORT = "loading", "report"
AROUND = {LOADING: 8.0, REPORT: 12.0}  # CPU seconds before the first step and after the last, as measured on the demo
TRUST = 10.0  # seconds that the expectation weighs beside what was measured since the command began


def expected_seconds(spec: StudySpec, machine: Machine) -> dict[str, float]:
    """Seconds by step, in their order, with what comes before and after them. Of a model whose shape is not known before it is loaded, as
    if no block took any; BadArgument where the study does not fit the shape."""
    steps = [step for step in STEPS if step.asked(spec) and not step.left_out(spec)]
    passes, size = dict.fromkeys((step.name for step in steps), 0.0), 1.0
    if place(spec.model).kind in ("shipped", "folder", "cache"):
        model = geometry(spec)
        check_sizes(spec, spec.model, model.depth, model.width)
        counts, rate = counts_of(spec, model, machine), rate_of(machine, model)[0]
        size = model.width / 96 * (model.depth + 1) / 5 * counts.fit / 200  # beside the demo's
        passes = {step.name: step.share * sum(flops_of(each, model) for each in step.cost(counts)) / rate for step in steps}
    processes = (machine.workers or cores()) if machine.device == "cpu" and not machine.compiled else 1
    return {
        LOADING: AROUND[LOADING],
        **{step.name: (passes[step.name] + step.beside * size) / processes for step in steps},
        REPORT: AROUND[REPORT],
    }


def steps_expected(spec: StudySpec, device: str) -> dict[str, float]:
    """Of the steps alone, of a study that this process runs by itself on ``device``."""
    expected = expected_seconds(spec, Machine(device=device, workers=1))
    return {name: seconds for name, seconds in expected.items() if name not in AROUND}


class Pace:
    """What is left, as steps begin one after the other. ``now``: the clock, in seconds."""

    def __init__(self, expected: Mapping[str, float], now: Callable[[], float] = time.monotonic) -> None:
        self.expected, self.now = dict(expected), now
        self.current, self.since, self.began = next(iter(expected), ""), now(), now()
        self.took = self.foreseen = 0.0  # seconds of the steps that are done, and what they were expected to take

    def begin(self, name: str) -> None:
        """A step begins; the one before it is done, and those between the two were there already."""
        if name not in self.expected or name == self.current:
            return
        self.took += self.now() - self.since
        self.foreseen += self.expected.get(self.current, 0.0)
        self.current, self.since = name, self.now()
        names = list(self.expected)
        for done in names[: names.index(name)]:
            del self.expected[done]

    @property
    def left(self) -> float:
        """Seconds."""
        speed = (TRUST + self.took) / (TRUST + self.foreseen)
        here, *later = self.expected.values() or [0.0]
        return max(0.0, speed * here - (self.now() - self.since)) + speed * sum(later)

    @property
    def share(self) -> float:
        """Of the whole, from 0 to 1."""
        spent = self.now() - self.began
        return spent / max(spent + self.left, 1e-9)


def left_words(seconds: float) -> str:
    """In words that do not say more than is known."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} s left"
    return f"about {seconds / 60:.0f} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"
