"""The runs of a comparison: read, checked, named, and measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path

from jepascope.errors import BadArgument, RunFolderError
from jepascope.findings.claim import Claim
from jepascope.findings.claims import claims_of
from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import finite
from jepascope.findings.selection import has_twins
from jepascope.report import carried_measures, measures
from jepascope.report.compare.scenes import Measured, measured_by_scene
from jepascope.report.folder import RunFolder, read_run
from jepascope.study.files import resume_line

MOST_RUNS = 24  # a table with more columns is not read by anybody
USED = ("probes", "values", "ce", "portability", "leaks", "stability")
STAGES = re.compile(r"(intervene|probe|port)-.+")


@dataclass(frozen=True)
class Study:
    """What was studied, and with what: None and '' where a folder does not say it."""

    model: str
    width: int | None
    depth: int | None
    grid: tuple[int, ...]
    frames: int | None
    size: int | None
    encoder_digest: str
    clips: str
    clips_count: int | None
    variable: str
    classes: int | None
    labels_digest: str
    clips_digest: str
    tokens: str
    seed: int | None
    swap_donor: str
    confidence: float
    spec_digest: str
    version: str


@dataclass(frozen=True)
class Measures:
    """Every figure that is compared. ``sas`` and ``rce`` are of one pair of finders, in either order."""

    best_layer: int
    relative_depth: float
    rank: float
    accuracy: measures.Accuracy | None
    l1_support: float
    read: bool | None
    values: tuple[measures.ValueRead, ...]
    ce: dict[str, dict[str, measures.Estimate]]
    ce_ratio: dict[str, dict[str, measures.Against]]
    sas: carried_measures.Sas | None
    rce: tuple[carried_measures.Rce, ...]
    degeneracy: tuple[carried_measures.Verdict, ...]
    leaks: measures.Leaks | None
    draws: float
    test_scenes: float
    seconds: float


@dataclass(frozen=True)
class Compared:
    """One run: the name it has on the page, its folder, what it studied and what came out; ``scenes``: what it measured scene by scene."""

    name: str
    folder: RunFolder
    study: Study
    measured: Measures
    claims: tuple[Claim, ...] = ()
    scenes: tuple[Measured, ...] = ()


def read_runs(paths: Sequence[Path], most: int = MOST_RUNS) -> tuple[list[Compared], list[str]]:
    """Runs in the order given, and what there is to say about the list itself (a folder given twice counts once).

    Raises BadArgument for too many folders, RunFolderError for one that is missing, unfinished or damaged.
    """
    kept = list(dict.fromkeys(path.expanduser().resolve() for path in paths))
    if len(kept) > most:
        raise BadArgument(f"{len(kept)} runs are more than a page can show; compare at most {most} at a time.")
    given = Counter(path.expanduser().resolve() for path in paths)
    notes = [f"{short(path)} was given {times} times and counts once." for path, times in given.items() if times > 1]
    folders = [_read(path) for path in kept]
    first = next((matched[0] for folder in folders if (matched := carried_measures.pairs(folder))), None)
    claims = [claims_of(folder) for folder in folders]
    scenes = [measured_by_scene(folder) for folder in folders]
    slim = [replace(folder, tables={name: folder.tables[name] if name in USED else None for name in folder.tables}) for folder in folders]
    named = zip(names(kept), slim, claims, scenes, strict=True)
    return [Compared(name, run, study_of(run), measured(run, first), told, by_scene) for name, run, told, by_scene in named], notes


def names(paths: Sequence[Path]) -> list[str]:
    """The folders' own names, with the folder around where two have the same, and a number where even that is."""
    plain = [short(path.name, LABEL) for path in paths]
    longer = [
        short(f"{path.parent.name}/{path.name}", LABEL) if plain.count(name) > 1 else name for path, name in zip(paths, plain, strict=True)
    ]
    seen: Counter[str] = Counter()
    unique = []
    for name in longer:
        seen[name] += 1
        unique.append(name if longer.count(name) == 1 else f"{name} ({seen[name]})")
    return unique


def _read(path: Path) -> RunFolder:
    """A finished run."""
    if path.is_dir() and STAGES.fullmatch(path.name) and (path.parent / "summary.json").exists():
        raise RunFolderError(f"'{path}' is one stage of a run; give the run folder itself, '{path.parent}'.")
    finish = f"finish it with `{resume_line(path)}`."
    if (path / "spec.yaml").exists() and not (path / "summary.json").exists():
        raise RunFolderError(f"'{path}' is an unfinished run; {finish}")
    folder = read_run(path)
    if folder.best_layer is None:
        raise RunFolderError(f"'{path}' is an unfinished run, in which no layer is chosen yet; {finish}")
    _check_level(folder)
    return folder


def _check_level(folder: RunFolder) -> None:
    level = folder.summary.get("confidence", 0.95)
    if not finite(level) or not 0 < level < 1:
        raise RunFolderError(
            f"{folder.path / 'summary.json'}: 'confidence' is no level ({short(level)}); run the study again with the same --out."
        )


def study_of(folder: RunFolder) -> Study:
    """What a run folder says of itself."""
    summary, provenance = folder.summary, folder.provenance
    encoder = measures.mapping(provenance.get("encoder"))
    grid = encoder.get("grid")
    sides = tuple(side for side in map(measures.whole, grid) if side is not None) if isinstance(grid, list) else ()
    splits = [measures.whole(many) for many in measures.mapping(summary.get("splits")).values()]
    return Study(
        model=folder.model,
        width=measures.whole(encoder.get("width")),
        depth=measures.depth_of(folder),
        grid=sides if len(sides) == 3 else (),
        frames=measures.whole(encoder.get("frames")),
        size=measures.whole(encoder.get("size")),
        encoder_digest=short(encoder.get("digest", "")),
        clips=folder.clips,
        clips_count=sum(many for many in splits if many) or None,
        variable=folder.variable,
        classes=measures.whole(summary.get("classes")),
        labels_digest=_in_spec(folder, "labels_digest"),
        clips_digest=_in_spec(folder, "clips_digest"),
        tokens=short(summary.get("tokens", "")),
        seed=measures.whole(provenance.get("seed")),
        swap_donor="twin" if has_twins(folder) else "class",
        confidence=float(summary.get("confidence", 0.95)),
        spec_digest=short(provenance.get("spec_digest", "")),
        version=short(provenance.get("jepascope", "")),
    )


def _in_spec(folder: RunFolder, name: str) -> str:
    """A digest that the spec states; "" where it states none."""
    matched = re.search(rf"^{name}: '?([0-9A-Za-z]{{1,64}})'?\s*$", folder.spec, flags=re.M)
    return matched[1] if matched and matched[1] != "null" else ""


def measured(folder: RunFolder, wanted: carried_measures.Pair | None = None) -> Measures:
    """Every figure of a run; portability of the ``wanted`` pair of finders where the run has it, else of its own first pair."""
    best, depth = folder.best_layer, measures.depth_of(folder)
    assert best is not None  # an unfinished run is refused before
    own = carried_measures.pairs(folder)
    pair = wanted if wanted in own else next(iter(own), None)
    effects = measures.effects(folder)
    read, values = measures.values_read(folder)
    return Measures(
        best_layer=best,
        relative_depth=best / depth if depth else nan,
        rank=effects.rank,
        accuracy=measures.accuracy(folder),
        l1_support=measures.support(folder),
        read=read,
        values=values,
        ce=effects.ce,
        ce_ratio=effects.against,
        sas=None if pair is None else carried_measures.sas(folder, pair),
        rce=()
        if pair is None
        else (*carried_measures.rce(folder, "finder", pair), *carried_measures.rce(folder, "finder", (pair[1], pair[0]))),
        degeneracy=carried_measures.degeneracy(folder),
        leaks=measures.leaks(folder),
        draws=effects.draws,
        test_scenes=effects.scenes,
        seconds=measures.seconds(folder),
    )
