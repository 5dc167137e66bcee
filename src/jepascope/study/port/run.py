"""run_port: a run folder and another one, or a model, become RUN/port-<digest>/ with its tables and summary. Resumable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.study.bench import Bench, check_spec_fits
from jepascope.study.folder import SPEC, Run
from jepascope.study.port.figures import headline_of, models_figures, subspaces_figures
from jepascope.study.port.layers import layer_pairs
from jepascope.study.port.sides import Side, best_of, check_same_scenes, model_spec
from jepascope.study.port.similarity import similar_layers, similarity_table
from jepascope.study.port.subspaces import run_subspaces_table
from jepascope.study.port.transport import transport_table
from jepascope.study.probe import saved_spec
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import check_encoder
from jepascope.study.ranks import Finder, check_finders
from jepascope.study.resumable import Steps
from jepascope.study.spec import StudySpec

PREFIX = "port-"
SCHEMA = 1

Load = Callable[[StudySpec], VideoEncoder]


def other_spec(spec: StudySpec, other: str) -> tuple[StudySpec, Path | None]:
    """The study of the other side, and its folder where it is a run; else that of a model on the same clips."""
    path = Path(other).expanduser()
    if (path / SPEC).is_file():
        return saved_spec(path), path
    if path.is_dir() and not (path / "config.json").is_file():
        raise BadArgument(
            f"'{other}' is neither a run folder (it has no {SPEC}) nor a model's (no config.json); give one of the two, or a model's name."
        )
    return model_spec(spec, other), None


def port_folder(run: Path, theirs: StudySpec, finders: tuple[str, ...], components: int | None) -> Path:
    """Named by the other study and by what is asked for."""
    named = f"{theirs.digest} {','.join(finders)} {components}"
    return run / f"{PREFIX}{hashlib.sha256(named.encode()).hexdigest()[:8]}"


def run_port(
    run: Path,
    other: str,
    load: Load,
    finders: tuple[Finder, ...] | None = None,
    components: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], Path]:
    """What was found in ``run`` used in ``other`` and the other way round; ``other`` is a run folder or a model's name.

    Across models: CKA of all layers, held-out CCA and linear maps at matched layers, and the carried subspace edited in the target, judged
    by the target's own read-out. Between two runs of one encoder: SAS, readings and RCE of the other run's subspaces in this run. Returns
    the summary and the folder. ``load`` gives the encoder of a spec.

    Raises BadArgument for a run with itself, for other scenes, and for finders that the variable does not allow.
    """
    progress = progress or Silent()
    spec = saved_spec(run)
    theirs, path = other_spec(spec, other)
    if path is not None and path.resolve() == run.resolve():
        raise BadArgument(f"'{run}' cannot be ported to itself; give another run folder, or a model's name.")
    names = finders or spec.finders[:1]
    _check_finders(names, spec, theirs)
    mine, encoder = load(spec), load(theirs)
    models = mine.card.digest != encoder.card.digest
    if models and path is not None:
        check_same_scenes(spec, theirs, other)
    if not models and path is None:
        raise BadArgument(f"'{other}' is the encoder that '{run}' was made with; give another model, or another run of this one.")
    for known, one in ((spec, mine), (theirs, encoder)):
        check_spec_fits(known, one)
    out = port_folder(run, theirs, names, components)
    with ExitStack() as opened:

        def use(folder: Path, known: StudySpec) -> Run:
            used = Run.open(folder, known)
            opened.callback(used.close)
            return used

        base, made = use(run, spec), use(out, theirs)
        there = made if path is None else use(path, theirs)
        check_encoder(base, mine)
        check_encoder(there, encoder)
        here_bench, there_bench = Bench(base, mine, progress), Bench(there, encoder, progress)
        a = Side(here_bench, best_of(here_bench, run), run)
        b = Side(there_bench, best_of(there_bench, there.path), Path(other))
        steps = Steps(made, progress)
        found = _across_models(a, b, steps, names, components) if models else _same_encoder(a, b, steps)
        summary = {
            "schema": SCHEMA,
            "kind": "models" if models else "subspaces",
            "headline": "",
            "a": a.described(),
            "b": b.described(),
            "finders": list(names) if models else list(spec.finders),
            **found,
            "seconds": {name: round(value, 3) for name, value in steps.seconds.items()},
        }
        summary["headline"] = headline_of(summary)
        made.write_json("summary.json", summary)
        return summary, out


def _across_models(a: Side, b: Side, steps: Steps, finders: tuple[str, ...], components: int | None) -> dict[str, Any]:
    for side in (a, b):
        steps.timed("capture", side.captured)
    forth = steps.timed("layers", lambda: similar_layers(a, b, "fit"))
    back = {(there, here): found for (here, there), found in forth.items()}
    pairs = [*layer_pairs(a, b, forth), *layer_pairs(b, a, back)]
    (similar,) = steps.tables("similarity", ("similarity",), lambda: (similarity_table(a, b, pairs, components),))
    (transport,) = steps.tables("transport", ("transport",), lambda: (transport_table(pairs, finders, components),))
    return {"pairs": [pair.names for pair in pairs], **models_figures(similar, transport)}


def _same_encoder(a: Side, b: Side, steps: Steps) -> dict[str, Any]:
    portability, _ = steps.tables("port", ("portability", "angles"), lambda: run_subspaces_table(a, b))
    return subspaces_figures(portability)


def _check_finders(finders: tuple[Finder, ...], *specs: StudySpec) -> None:
    for spec in specs:
        try:
            check_finders(finders, spec.rank, spec.state_variable)
        except ValueError as error:
            raise BadArgument(f"--finders: {error}.") from None
