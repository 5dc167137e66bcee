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


def run_subspaces(bench: Bench, layers: Iterable[int]) -> dict[int, dict[str, Subspace]]:
    """Found on split fit, saved, and read back where they are there already."""
    spec, fit = bench.spec, bench.fit
    wanted = [(layer, finder) for layer in sorted(set(layers)) for finder in spec.finders]
    tick = bench.progress.start("find subspaces")
    found: dict[int, dict[str, Subspace]] = {}
    for done, (layer, finder) in enumerate(wanted):
        file = subspace_path(bench, finder, layer)
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
