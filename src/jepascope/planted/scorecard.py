"""The scorecard: every network scored, decoys rejected or not, as tables and as one JSON file. The same arguments give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from operator import call
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.discovery.finder_entry import FINDERS
from jepascope.disk.folder import Folder
from jepascope.disk.plain import written
from jepascope.encoders.planted.networks import NETWORKS, network_named
from jepascope.errors import BadArgument, JepascopeError
from jepascope.planted.as_json import Tables, network_json
from jepascope.planted.bench import planted_benches
from jepascope.planted.degeneracy import PEELS
from jepascope.planted.rejection import SCORES, SEEDS, area_under_curve, rejection_scores
from jepascope.planted.score import joined, score
from jepascope.planted.verdict import CRITERIA
from jepascope.portability.verdict import VERDICTS
from jepascope.stats import LEVEL
from jepascope.study.machine import one_thread
from jepascope.study.progress import Progress, Silent

SCHEMA = 1
DRAWS = 10
REJECTION = "decoy"  # the network on which causal and inert subspaces are told apart
RESULT = "planted.json"


@dataclass(frozen=True)
class Scorecard:
    """``tables`` of all networks (see ``score``), and ``rejection``: a row for each seed and candidate, where it was asked for."""

    seed: int
    draws: int
    tables: Tables

    def to_json(self) -> dict[str, Any]:
        """Everything that the tables hold, nested by network and finder; NaN as null."""
        rejection, networks = self.tables.get("rejection"), dict.fromkeys(map(str, self.tables["subspaces"]["network"]))
        areas = {} if rejection is None else {name: area_under_curve(rejection, name, self.seed) for name in SCORES}
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "draws": self.draws,
            "confidence": LEVEL,
            "criteria": CRITERIA,
            "degeneracy_criteria": VERDICTS,
            "networks": {name: _network_json(self.tables, name) for name in networks},
            "decoy_rejection": {
                name: {"area": area.value, "low": area.low, "high": area.high, "seeds": area.n} for name, area in areas.items()
            },
        }

    def write(self, out: Path) -> Path:
        """planted.json, planted.parquet (effects) and the other tables as planted-*.parquet; returns the first."""
        files = Folder(out)
        files.sweep()
        for name, table in self.tables.items():
            with files.writing("planted.parquet" if name == "effects" else f"planted-{name}.parquet") as temporary:
                table.reset_index(drop=True).to_parquet(temporary, index=False)
        files.write(RESULT, written(self.to_json()))
        return out / RESULT


def scorecard(
    networks: Sequence[str] = tuple(NETWORKS),
    finders: Sequence[str] = tuple(FINDERS.own),
    seed: int = 0,
    draws: int = DRAWS,
    workers: int = 1,
    progress: Progress | None = None,
    peels: int = PEELS,
) -> Scorecard:
    """Score ``finders`` on ``networks``; decoy rejection too where the decoy network is among them, and degeneracy unless ``peels``, the
    most subspaces that are peeled off, is 0.

    Every network is scored by itself, so that the numbers do not depend on ``workers`` (processes of one thread each).
    Raises BadArgument for an unknown network or finder.
    """
    if not networks or not finders or draws < 2 or peels < 0:
        raise BadArgument("A scorecard needs at least one network, one finder and two draws of every control, and no negative peels.")
    for network in networks:
        network_named(network)
    for finder in finders:
        FINDERS.entry(finder)
    shown = progress or Silent()
    tick = shown.start(f"planted networks: {', '.join(networks)}")
    jobs: list[partial[Any]] = [partial(_score, network, tuple(finders), draws, seed, peels) for network in networks]
    if REJECTION in networks:
        jobs.append(partial(rejection_scores, range(seed, seed + SEEDS)))
    results: list[Any] = []
    for done, result in enumerate(computed(jobs, min(workers, len(jobs)))):
        results.append(result)
        tick(done + 1, len(jobs))
    tables = joined(results[: len(networks)])
    return Scorecard(seed, draws, tables | {"rejection": results[-1]} if REJECTION in networks else tables)


def _network_json(tables: Tables, name: str) -> dict[str, Any]:
    """What a network is, what is true of it, and all that was measured."""
    network = network_named(name)
    right = {**asdict(network.right), "pair": list(network.right.pair)}
    return {"about": network.about, "right": right, **network_json(tables, name)}


def _score(network: str, finders: tuple[str, ...], draws: int, seed: int, peels: int) -> dict[str, pd.DataFrame]:
    return score(planted_benches([(network, seed)]), finders, draws, seed, peels=peels)


def computed(jobs: Sequence[partial[Any]], workers: int) -> Iterator[Any]:
    """Each on one thread: of these sizes more only wait for each other, and the digits are the same on any number of cores."""
    if workers < 2:
        one_thread()
        yield from map(call, jobs)
        return
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=one_thread) as pool:
            yield from pool.map(call, jobs)
    except BrokenProcessPool:
        raise JepascopeError("A worker process died (out of memory?); ask for fewer with --workers 1.") from None
