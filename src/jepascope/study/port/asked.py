"""What may be asked of a port: the other side, finders and components. Refused before a folder is opened or anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jepascope.encoders.card import EncoderCard
from jepascope.encoders.models import known_models
from jepascope.errors import BadArgument, BadData, quoted
from jepascope.portability.pca import CLIPS_PER_COMPONENT, MOST_COMPONENTS
from jepascope.portability.similarity import FEWEST_CLIPS
from jepascope.study.files import SPEC
from jepascope.study.scenes import study_clips
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import saved_spec, with_changes

SAME_SCENES = ("clips", "clips_per_class", "seed", "variable", "labels_digest")


def other_spec(spec: StudySpec, run: Path, other: str) -> tuple[StudySpec, Path | None]:
    """The study of the other side, and its folder where it is a run; else that of a model on the same clips."""
    path = Path(other).expanduser()
    if (path / SPEC).is_file():
        if run.resolve() in (path.resolve(), *path.resolve().parents):
            raise BadArgument(f"'{other}' is '{run}' itself or a part of it; give another run folder, or a model's name.")
        return saved_spec(path), path
    if path.is_dir() and not (path / "config.json").is_file():
        raise BadArgument(
            f"'{other}' is neither a run folder (it has no {SPEC}) nor a model's (no config.json); give one of the two, or a model's name."
        )
    named = {model.name for model in known_models()}
    if other not in named and not path.exists() and len(path.parts) > 1 and path.parent.is_dir():  # the hub would be asked for it
        raise BadArgument(f"There is nothing at '{other}'; give a run folder, a model's folder or its name.")
    return model_spec(spec, other), None


def model_spec(spec: StudySpec, model: str) -> StudySpec:
    """The same study of another model: at its own length and size, its best layer chosen anew, ranks as in the run.

    Raises BadArgument for real videos."""
    _no_videos(spec)
    own = {"model": model, "frames": None, "size": None, "best_layer": None, "layers": (), "context": None}
    return with_changes(spec, own, f"'{model}'")


def check_same_scenes(a: StudySpec, b: StudySpec, where: str, run: Path) -> None:
    """A map between two encoders is fitted on pairs: both must have been shown the same scenes."""
    _no_videos(a)
    differing = [name for name in SAME_SCENES if getattr(a, name) != getattr(b, name)]
    if differing:
        differences = ", ".join(f"{name} is {getattr(b, name)!r} there and {getattr(a, name)!r} here" for name in differing)
        raise BadArgument(
            f"'{where}' is a run on other scenes ({differences}), and models are compared clip by clip: run its model on these scenes, or "
            f"name the model in place of the folder: `jepascope port {quoted(run)} {quoted(b.model)}`."
        )


def _no_videos(spec: StudySpec) -> None:
    if spec.of_videos:  # their CKA and CCA would need intervals and chance levels over videos
        raise BadArgument(
            "Models are not compared on real videos: several clips of one video are no independent pairs. Make runs of both models on a "
            "clip set, and compare these."
        )


def check_finders_asked(finders: Sequence[str] | None, *specs: StudySpec) -> None:
    """Refuse finders that there are not, or that a variable or a rank does not allow."""
    for spec in specs if finders is not None else ():
        with_changes(spec, {"finders": tuple(finders or ())}, "port", {"finders": "--finders", "rank": "--finders"})


def finders_of(finders: Sequence[str] | None, spec: StudySpec, theirs: StudySpec, models: bool) -> tuple[str, ...]:
    """Those asked for; else the run's first across models, and all that two runs have in common."""
    common = tuple(name for name in spec.finders if name in theirs.finders)
    if finders is None and not models and not common:
        both = f"{', '.join(spec.finders)}; {', '.join(theirs.finders)}"
        raise BadArgument(f"The two runs have no finder in common ({both}); name one with --finders.")
    chosen = tuple(finders) if finders is not None else spec.finders[:1] if models else common
    check_finders_asked(chosen, spec, theirs)
    return chosen


def components_of(
    components: int | None, spec: StudySpec, theirs: StudySpec, finders: Sequence[str], cards: tuple[EncoderCard, EncoderCard]
) -> int | None:
    """Principal axes that serve these finders: those asked for, None for the usual number, or the rank where that is more.

    Refused (BadData, BadArgument): too few clips to compare models by, fewer axes than a subspace has, more than CCA can take, and a rank
    that leaves no room for controls orthogonal to a native and a carried subspace.
    """
    counts = study_clips(spec).factors["split"].value_counts()
    scarce = min(("fit", "test"), key=lambda split: int(counts[split]))
    if counts[scarce] < FEWEST_CLIPS:
        raise BadData(
            f"There are {counts[scarce]} {scarce} clips, and models are compared over {FEWEST_CLIPS} at least; make a run with more clips "
            f"(clips_per_class is {spec.clips_per_class})."
        )
    width = min(card.width for card in cards)
    rank = max(known.rank_of(finder) for known in (spec, theirs) for finder in finders)
    if 3 * rank > width:
        raise BadArgument(
            f"Rank {rank} in width {width} leaves no control of equal rank that is orthogonal to a native and a carried subspace; "
            f"ask for finders of rank {width // 3} or less."
        )
    fit = int(counts["fit"])
    usual, most = min(MOST_COMPONENTS, fit // CLIPS_PER_COMPONENT, width), min(width, (fit - 1) // 2)
    if components is None and rank <= usual:
        return None
    asked = rank if components is None else components
    if not rank <= asked <= most:
        fix = f"ask for {rank}..{most}" if rank <= most else "make a run with more clips, or of lower rank"
        raise BadArgument(
            f"{asked} principal components do not serve: a subspace of rank {rank} needs as many, and CCA of {fit} fit clips in width "
            f"{width} takes {most} at most; {fix}."
        )
    return asked
