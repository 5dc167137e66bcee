"""Runs as a test sees them: groups of independent runs of one study of one encoder, and which runs of two groups share their scenes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

from jepascope.report.compare.reading import Compared, Study

MOST_PAIRS = 10


@dataclass(frozen=True)
class Arm:
    """Runs that differ in seed alone; each seed once."""

    runs: tuple[Compared, ...]

    @property
    def name(self) -> str:
        """Its runs by name; of many the first and how many more."""
        first, *others = (run.name for run in self.runs)
        return ", ".join((first, *others)) if len(others) < 3 else f"{first} and {len(others)} more runs of {self.runs[0].study.model}"


def same_study(a: Compared, b: Compared) -> bool:
    """Whether two folders hold one study of one encoder."""
    key = (a.study.spec_digest, a.study.encoder_digest)
    return all(key) and key == (b.study.spec_digest, b.study.encoder_digest)


def but_for_seed(study: Study) -> Study:
    """The study whatever its seed, version and the name of its model: what independent runs have in common."""
    return replace(study, seed=None, spec_digest="", version="", model="" if study.encoder_digest else study.model)


def arms_of(runs: list[Compared]) -> list[Arm]:
    """In the order of their first runs. A run that repeats another one is no further evidence and is left out."""
    arms: list[list[Compared]] = []
    for run in runs:
        if any(same_study(run, other) for arm in arms for other in arm):
            continue
        like = (arm for arm in arms if but_for_seed(arm[0].study) == but_for_seed(run.study) and _another_seed(run, arm))
        arm = next(like, None)
        if arm is None:
            arms.append([run])
        else:
            arm.append(run)
    return [Arm(tuple(arm)) for arm in arms]


def _another_seed(run: Compared, arm: list[Compared]) -> bool:
    return run.study.seed is not None and run.study.seed not in {other.study.seed for other in arm}


def pairs_of(arms: list[Arm]) -> list[tuple[Arm, Arm]]:
    """All pairs; of many groups each beside the first."""
    pairs = list(combinations(arms, 2))
    return pairs if len(pairs) <= MOST_PAIRS else [(arms[0], arm) for arm in arms[1:]]


def apart(a: Compared, b: Compared) -> str:
    """Why two runs cannot be set against each other, scene by scene; "" where they can."""
    one, other = a.study, b.study
    if one.variable != other.variable:
        return f"different variables, {one.variable} and {other.variable}"
    if one.labels_digest != other.labels_digest:
        return f"other labels under the name {one.variable}"
    if (one.clips, one.clips_digest) != (other.clips, other.clips_digest):
        return f"different scenes (clips {one.clips} and {other.clips})"
    if one.seed != other.seed:
        return f"different scenes (seeds {_said(one.seed)} and {_said(other.seed)})"
    if one.clips_count != other.clips_count:
        return f"different scenes ({_said(one.clips_count)} and {_said(other.clips_count)} clips)"
    without = [run.name for run in (a, b) if not run.scenes]
    return f"no effects scene by scene in {' and '.join(without)} (no interventions, or an earlier version)" if without else ""


def _said(number: int | None) -> str:
    return "not recorded" if number is None else str(number)


def matched(a: Arm, b: Arm) -> list[tuple[Compared, Compared]]:
    """Pairs of runs of two groups on the same scenes, each run once."""
    left, pairs = list(b.runs), []
    for run in a.runs:
        partner = next((other for other in left if not apart(run, other)), None)
        if partner is not None:
            left.remove(partner)
            pairs.append((run, partner))
    return pairs
