"""Subspaces of every finder at every layer that is intervened on -> subspaces/<finder>-layer<l>.safetensors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jepascope.discovery.finders import find
from jepascope.discovery.subspace import Subspace
from jepascope.study.bench import Bench
from jepascope.study.folder import writing


def subspace_path(bench: Bench, finder: str, layer: int) -> Path:
    return bench.run.path / "subspaces" / f"{finder}-layer{layer}.safetensors"


def _of_the_run(bench: Bench, finder: str, layer: int) -> Subspace | None:
    """What the study beside found for the same variable, tokens and rank: rounding on another machine must not make it another one."""
    beside = bench.beside
    if beside is None or (beside.spec.variable, beside.spec.tokens, beside.spec.seed) != (
        bench.spec.variable,
        bench.spec.tokens,
        bench.spec.seed,
    ):
        return None
    file = subspace_path(beside, finder, layer)
    if not file.exists():
        return None
    found = Subspace.load(file)
    return found if found.rank == bench.spec.rank_of(finder) else None


def run_subspaces(bench: Bench, layers: Iterable[int]) -> dict[int, dict[str, Subspace]]:
    """Found on split fit, saved, and read back where they are there already."""
    spec, fit = bench.spec, bench.fit
    wanted = [(layer, finder) for layer in sorted(set(layers)) for finder in spec.finders]
    tick = bench.progress.start("find subspaces")
    found: dict[int, dict[str, Subspace]] = {}
    for done, (layer, finder) in enumerate(wanted):
        file = subspace_path(bench, finder, layer)
        if not file.exists() and (theirs := _of_the_run(bench, finder, layer)) is not None:
            with writing(file) as temporary:
                theirs.save(temporary)
        if not file.exists():
            where: dict[str, Any] = {
                "layer": layer,
                "tokens": spec.tokens,
                "model": bench.encoder.card.name,
                "clips_digest": fit.clips.digest,
            }
            data = bench.labelled(layer, finder=finder)
            subspace = find(finder, data, spec.rank_of(finder), spec.seed, **where)
            with writing(file) as temporary:
                subspace.save(temporary)
        found.setdefault(layer, {})[finder] = Subspace.load(file)
        tick(done + 1, len(wanted))
    return found
