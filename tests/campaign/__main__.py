"""``python -m tests.campaign --minutes N``: attacks on the program for N minutes; prints counts by outcome as JSON, and every failure's
seed; each trial on stderr as it ends. ``--only damage --seed S --trials 1`` makes one trial again."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "agg"
os.environ.setdefault("JEPASCOPE_WORKERS", "1")  # each trial has a core of its own at most
sys.path.insert(0, str(Path(__file__).parents[1]))  # as the tests see each other

from campaign.damage import Damage
from campaign.ground import prepare
from campaign.kills import Kills, interrupted_start
from campaign.odd import checkpoint, odd_name
from campaign.readers import Readers
from campaign.scarce import Scarce
from campaign.trial import GOOD, Tally, forked, warm
from campaign.videos import Videos

KINDS = ("damage", "readers", "checkpoints", "videos", "odd", "scarce", "kills", "meanwhile", "start")


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    ask.add_argument("--minutes", type=float, default=1.0)
    ask.add_argument("--seed", type=int, default=0, help="of the first trial; each next one has the next seed")
    ask.add_argument("--trials", type=int, default=10**9, help="of each kind, at most")
    ask.add_argument("--only", choices=KINDS, action="append", help="kinds of attack; all by default")
    ask.add_argument("--ground", type=Path, help="where the study lies that is attacked; made there if it is not")
    asked = ask.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        ground, at = (asked.ground or Path(scratch, "ground")).resolve(), Path(scratch, "trial")
        made = forked(lambda: prepare(ground), limit=1800)
        if made.code:
            print(made.words, file=sys.stderr)
            return 1
        warm()
        tally = Tally(asked.seed)
        damage, kills = Damage(ground, at, tally), Kills(ground, at, tally)
        attacks = {
            "damage": damage.one,
            "readers": Readers(ground, at, tally).one,
            "videos": Videos(ground, at, tally).one,
            "checkpoints": lambda seed: checkpoint(seed, ground, at, tally),
            "odd": lambda seed: odd_name(seed, ground, at, tally),
            "scarce": Scarce(ground, at, tally).one,
            "kills": kills.one,
            "meanwhile": kills.meanwhile,
            "start": lambda seed: interrupted_start(seed, at, tally),
        }
        until, seed = time.monotonic() + 60 * asked.minutes, asked.seed
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was counted until then is printed
        with contextlib.suppress(KeyboardInterrupt):
            while time.monotonic() < until and seed < asked.seed + asked.trials:
                for name in asked.only or KINDS:
                    print(f"{name} {seed}: {attacks[name](seed)}", file=sys.stderr, flush=True)
                seed += 1
        os.chdir("/")
    bad = sum(count for counts in tally.counts.values() for outcome, count in counts.items() if outcome not in GOOD)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(
        json.dumps(
            {
                "seed": asked.seed,
                "trials": seed - asked.seed,
                "machine": machine,
                "bad": bad,
                "counts": tally.counts,
                "amounts": tally.amounts,
                "failures": tally.failures,
            },
            indent=1,
        )
    )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
