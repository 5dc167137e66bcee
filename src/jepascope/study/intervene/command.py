"""intervene: stage two alone on a run folder: any layer, edit, dose, scope of tokens, judge and control, on the captures that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jepascope.activations.site import Site
from jepascope.discovery.finders import UNKNOWN, found_again, referring, same_span
from jepascope.discovery.subspace import Subspace
from jepascope.disk.manifest import digest
from jepascope.disk.named import read_named
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import RESIDUAL
from jepascope.errors import BadArgument, RunFolderError
from jepascope.intervention.effects import check_subspaces
from jepascope.study.captures import Captures
from jepascope.study.checks import check_spec_fits, validate_for_encoder
from jepascope.study.claimed import conclude
from jepascope.study.discover.dimensions import take_rank
from jepascope.study.discover.subspaces import keep
from jepascope.study.edited_layers import check_room
from jepascope.study.files import known_best, resume_line
from jepascope.study.folder import Run
from jepascope.study.given import given_in
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import opened
from jepascope.study.run import edited, runner_of
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import with_changes
from jepascope.study.steps.discover import SUBSPACES
from jepascope.study.steps.intervene import EDITS
from jepascope.study.trust import trusted

PREFIX = "intervene-"
GIVEN = "given.safetensors"
MOST_BYTES = 10**9  # of a subspace file: rank 1,000 in width 100,000 is half of it


def intervened_spec(
    spec: StudySpec, best: int, changes: dict[str, Any], subspace: Path | None, called: Mapping[str, str] | None = None
) -> StudySpec:
    """The same study with other edits: one layer in full (``best`` where ``changes`` names none), and no survey of the others.

    ``called``: what the fields of ``changes`` are called where they were given (see ``make_spec``)."""
    layer = changes.pop("best_layer", None)
    layer = best if layer is None else layer
    given = {**changes, "best_layer": layer, "layers": (layer,)}
    if "finders" in changes:
        given["rank"] = changes.get("rank")
    if subspace is not None:
        given["subspace"] = _digest(subspace)
    return with_changes(spec, given, "intervene", called)


def _digest(path: Path) -> str:
    try:
        return digest(read_named(path, MOST_BYTES))[:16]
    except OSError as error:
        raise BadArgument(f"'{path}' is not the safetensors file of a subspace ({error.strerror}); give one that is.") from None


def given_subspace(path: Path, encoder: VideoEncoder, layer: int, part: str = RESIDUAL) -> Subspace:
    """A subspace from a file; BadArgument where it is none, of another model, layer or width, or leaves no room for controls."""
    try:
        given = Subspace.load(path, "give one of a run's subspaces/*.safetensors, or what Subspace.save wrote")
    except RunFolderError as error:
        raise BadArgument(str(error)) from None
    check_subspaces(encoder, Site(layer, part=part), {str(path): given})
    check_room(f"'{path}'", given.rank, given.width)
    return given


def best_layer_of(folder: Path) -> int:
    """The layer that the run's claims are made for; RunFolderError where the run has not come so far."""
    best = known_best(folder)
    if best is None:
        raise RunFolderError(f"'{folder}' has no best layer yet; name one with --layer, or finish the run with `{resume_line(folder)}`.")
    return best


def intervene_folder(run: Path, changed: StudySpec) -> Path:
    return run / f"{PREFIX}{changed.digest[:8]}"


def run_intervene(
    run: Path, spec: StudySpec, changed: StudySpec, encoder: VideoEncoder, subspace: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Edits, controls and judges of ``changed`` at its one layer; tables and summary in a folder inside the run's. Resumable."""
    progress = progress or Silent()
    check_spec_fits(changed, encoder)
    validate_for_encoder(changed, encoder)
    assert changed.best_layer is not None
    layer = changed.best_layer
    given = None if subspace is None else given_subspace(subspace, encoder, layer, changed.part)
    with opened(run, spec, encoder, heals=False) as base, Run.open(intervene_folder(run, changed), changed) as other:
        captures = Captures.of_run(other, encoder, progress, parent=Captures.of_run(base, encoder, progress))
        take_rank(captures, base)
        steps = runner_of(captures)
        steps.do([SUBSPACES])
        unshuffled = ""
        if given is not None:
            if given.provenance.get("part", RESIDUAL) != changed.part:  # of the residual stream, whose mean is no part's
                given = replace(given, mean=captures.at_site(captures.fit, layer).mean(dim=0))
            name, given, unshuffled = named(captures, steps["own at best"], given, layer)
            steps.keep(used={layer: {name: given}})
            keep(other, given, f"subspaces/{GIVEN}")
        steps.do(EDITS)
        summary: dict[str, Any] = {
            "schema": 1,
            "model": encoder.card.name,
            "variable": spec.variable,
            "best_layer": layer,
            "tokens": spec.tokens,
            "scope": changed.edited_tokens,
            **({} if changed.part == RESIDUAL else {"part": changed.part}),
            "ablate_to": changed.ablate_to,
            "doses": list(changed.edit_doses),
            "swap_donor": captures.donor,
            **edited(steps),
            "seconds": steps.rounded_seconds,
        }
        if unshuffled:
            summary["skipped"]["shuffled"] = unshuffled
        return conclude(other, "intervene", summary)


def named(captures: Captures, known: Mapping[str, Subspace], given: Subspace, layer: int) -> tuple[str, Subspace, str]:
    """What tables call a given subspace, the subspace with a reference to its finder where that is shown, and else why it is not.

    Shown: the run's own finder found the same span; or the file refers to a finder (``FoundBy``), which finds it again on the run's fit
    labels. A finder that its provenance names is a caller's word, and nothing is inferred from it.
    """
    for finder, own in known.items():
        if own.found_by is not None and same_span(own, given):
            return finder, referring(given, own), ""
    reference, why = given.found_by, f"{UNKNOWN}; save what jepascope.find returned, or give finder= to jepascope.intervene"
    if reference is not None and not trusted(reference.finder, captures.spec.finders):
        why = f"{reference.finder} found it, which is code that its file names; name it with --finders, or add --trust-code"
    elif reference is not None:
        again = found_again(given, reference.finder, given_in(captures, layer, finder=reference.finder), reference.rank, reference.seed)
        if not isinstance(again, str):
            return reference.finder, again, ""
        why = again
    return "given", replace(given, found_by=None), why
