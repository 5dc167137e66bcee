"""Verdicts on degeneracy on networks whose answer is known: how often they are right, pairs and curves apart.

    python benchmarks/degeneracy.py --seeds 20 --networks staged,contrast --no-curves

Every seed has a frame, clips and controls of its own. *undecided* counts as wrong. The answers stand with the networks
(``Network.right``), and were written down before anything was measured.
"""

from __future__ import annotations

import argparse
from collections import Counter
from time import process_time

from jepascope.encoders.planted.networks import EVERY, network_named
from jepascope.planted.bench import planted_benches
from jepascope.planted.degeneracy import exchanges, measured_pair, peeled, planted_pair
from jepascope.portability.peeling import ROUNDS
from jepascope.portability.verdict import pair_verdict, peeling_verdict
from jepascope.study.machine import one_thread


def verdicts(network: str, seed: int, curves: bool, rounds: int) -> dict[str, tuple[str, str]]:
    """What is said of the pair and of the curve, with the reasons."""
    (bench,) = planted_benches([(network, seed)])
    context = exchanges(bench, seed)
    (a, one), (b, other) = planted_pair(bench).items()
    said = {"pair": pair_verdict(*measured_pair(bench, context, one, other), a, b)}
    if curves:
        said["curve"] = peeling_verdict(peeled(bench, context, rounds=rounds), "das")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(EVERY))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of finding carriers again")
    parser.add_argument("--curves", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    one_thread()
    right: Counter[str] = Counter()
    for name in given.networks.split(","):
        answer = network_named(name).right
        told: dict[str, Counter[str]] = {"pair": Counter(), "curve": Counter()}
        started, reasons = process_time(), {}
        for seed in range(given.first, given.first + given.seeds):
            for what, (word, reason) in verdicts(name, seed, given.curves, given.rounds).items():
                told[what][word] += 1
                reasons.setdefault((what, word), f"seed {seed}: {reason}")
        for what, wanted in (("pair", answer.verdict), ("curve", answer.curve)):
            if told[what]:
                right[what] += told[what][wanted]
                counts = ", ".join(f"{many} {word}" for word, many in told[what].most_common())
                print(f"{name:12} {what:5} {told[what][wanted]:3d} of {given.seeds} right ({wanted}): {counts}", flush=True)
                for (_, word), reason in (item for item in reasons.items() if item[0] == (what, item[0][1]) and item[0][1] != wanted):
                    print(f"    {word}: {reason}", flush=True)
        print(f"    {(process_time() - started) / given.seeds:.1f} CPU s a seed", flush=True)
    of = given.seeds * len(given.networks.split(","))
    print("; ".join(f"{what}s: {many} of {of} right ({100 * many / of:.1f} %)" for what, many in right.items()))


if __name__ == "__main__":
    main()
