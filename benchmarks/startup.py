"""How long `jepascope --help` takes to answer, beside the 0.3 s that a person takes for at once."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

AT_ONCE = 0.3  # seconds


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    python = [sys.executable, "-c", "pass"]
    program = [sys.executable, "-m", "jepascope"]
    taken = {}
    for name, command in (("python", python), ("help", [*program, "--help"]), ("run_help", [*program, "run", "--help"])):
        seconds(command)  # the first round fills the caches
        taken[name] = statistics.median(seconds(command) for _ in range(rounds))
        print(f"{name:>9}: {taken[name]:.3f} s (median of {rounds})")
    print(json.dumps({"name": "startup", "ratio": taken["help"] / AT_ONCE, "rounds": rounds, "seconds": taken}))


if __name__ == "__main__":
    main()
