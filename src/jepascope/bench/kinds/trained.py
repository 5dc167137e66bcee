"""trained: a nano encoder that was trained to read a known variable from a known subspace. Who finds it, and who falls for a decoy?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from jepascope.activations.capture import capture
from jepascope.bench.entries import BenchmarkEntry
from jepascope.bench.interchange.network import TrainedNetwork, code_sizes, trained_network
from jepascope.bench.interchange.recipe import ABOUT, PLAIN, RECIPES, recipe_named
from jepascope.bench.run import Asked, Result
from jepascope.clips.presets import directions8
from jepascope.discovery.finder_entry import FINDERS
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.readouts import LinearProbe
from jepascope.errors import BadArgument
from jepascope.planted.as_json import network_json
from jepascope.planted.bench import PlantedBench, bench_of, labels, scene_ids
from jepascope.planted.degeneracy import planted_degeneracy
from jepascope.planted.reads import COLUMNS as READS
from jepascope.planted.score import joined, scored
from jepascope.planted.scorecard import computed
from jepascope.planted.verdict import CRITERIA
from jepascope.portability.verdict import VERDICTS
from jepascope.stats import LEVEL

DECLARED = BenchmarkEntry(
    name="trained",
    meaning="networks trained to read direction from one known plane: who finds it, and who falls for a decoy",
    question="Is a subspace found that a network was trained to use?",
    order=1,
    page="jepascope.report.bench.trained:sections",
    takes="about ten minutes on two cores the first time, half of it training",
    settings={
        "networks": ("plain,decoy,untrained", "with commas between"),
        "finders": ("diff_means,lda,lda_pattern,leace,l1_probe,ridge_circle,das", "with commas between"),
        "seed": (0, "draws clips, twins and controls; the networks stay the same"),
        "draws": (10, "of every control"),
        "clips_per_class": (50, "of each direction, half of them to fit on"),
        "peels": (2, "subspaces peeled off at most; 0: degeneracy is left out"),
    },
)
UNTRAINED = "untrained"
FEWEST = 17  # clips of a class: five to fit an untrained network's head on
ABOUT_UNTRAINED = "the plain network's twin with fresh weights, its plane and a head that was fitted to it: nothing may be shown here"


def trained(asked: Asked) -> Result:
    """Trains what is not there yet, then scores every network in a process of its own: the numbers do not depend on how many."""
    wanted = asked.settings
    networks, finders = (split(wanted[name]) for name in ("networks", "finders"))
    for name in networks:
        _ = name == UNTRAINED or recipe_named(name)
    for name in finders:
        FINDERS.entry(name)
    if not networks or not finders or wanted["draws"] < 2 or wanted["peels"] < 0 or wanted["seed"] < 0:
        raise BadArgument("trained needs a network, a finder, two draws of every control, and no negative peels or seed.")
    if wanted["clips_per_class"] < FEWEST:
        raise BadArgument(f"clips_per_class: {FEWEST} are the least, for five folds in every split (given: {wanted['clips_per_class']}).")
    tick = asked.progress.start("train networks (about two minutes each; kept for the next time)")
    recipes = [name for name in RECIPES if name in networks or (name == PLAIN and UNTRAINED in networks)]
    list(_ticked(computed([partial(_trained, name) for name in recipes], min(asked.workers, len(recipes))), tick, len(recipes)))
    tick = asked.progress.start("score networks")
    sizes = {name: wanted[name] for name in ("seed", "draws", "clips_per_class", "peels")}
    jobs: list[partial[Any]] = [partial(score_network, name, finders, **sizes) for name in networks]
    results = list(_ticked(computed(jobs, min(asked.workers, len(jobs))), tick, len(jobs)))
    tables = joined([tables for tables, _ in results])
    cards = {name: card for name, (_, card) in zip(networks, results, strict=True)}
    record = {
        "confidence": LEVEL,
        "criteria": CRITERIA,
        "degeneracy_criteria": VERDICTS,
        "networks": {name: {**cards[name], **network_json(tables, name)} for name in networks},
    }
    return Result(record, tables)


def split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _ticked(results: Any, tick: Any, total: int) -> Any:
    for done, result in enumerate(results, 1):
        tick(done, total)
        yield result


def _trained(name: str) -> None:
    trained_network(recipe_named(name))


def score_network(
    name: str, finders: Sequence[str], seed: int, draws: int, clips_per_class: int, peels: int
) -> tuple[Mapping[str, pd.DataFrame], dict[str, Any]]:
    """The tables of a planted network's score, and what is said of the network: ``about``, and what was measured after its training."""
    network = trained_network(recipe_named(PLAIN if name == UNTRAINED else name))
    bench = bench_for(network, seed, clips_per_class, untrained=name == UNTRAINED)
    reads = {"reads": pd.DataFrame(columns=READS)}  # by layer nothing is known
    tables = scored([bench], finders, draws, seed) | reads | planted_degeneracy(bench, peels, seed)
    if name == UNTRAINED:
        return tables, {"about": ABOUT_UNTRAINED, "measured": {}, "sizes": code_sizes(bench.data.x, bench.data.y, bench.answer)}
    return tables, {"about": ABOUT[name], **{key: network.card[key] for key in ("measured", "sizes", "seconds")}}


def bench_for(network: TrainedNetwork, seed: int, clips_per_class: int, untrained: bool = False) -> PlantedBench[Any]:
    """Clips, twins and judge of a trained network. The judge is its own head; an untrained twin has none, and gets a probe of its last
    layer, fitted to split judge."""
    encoder, answer = network.encoder, network.answer
    clips = directions8(seed, clips_per_class).at(encoder.card.frames, encoder.card.size)
    if not untrained:
        return bench_of(encoder, answer, clips, capture(encoder, clips.split("judge")), seed, network.head)
    twin = encoder.untrained(seed)
    judged = capture(twin, clips.split("judge"))
    return bench_of(twin, replace(answer, name=UNTRAINED, decoy=False), clips, judged, seed, _probe(judged))


def _probe(judged: Any) -> LinearProbe:
    depth = judged.encoder_card.depth
    return dense_probes({depth: judged.pooled(depth)}, labels(judged), scene_ids(judged))[depth].probe
