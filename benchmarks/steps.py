"""Where a study's time goes: CPU seconds of every step, what passes through the encoder for it, and the share that the bare blocks take.

In one process of one thread, so that seconds add up and do not depend on what else runs; the blocks of forecasts count as the rest, and
so do steps back through the network (peeling trains rotations).

    python benchmarks/steps.py                     # the demo, into a folder that is removed: some CPU minutes
    python benchmarks/steps.py --preset quick
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from machine import facts, source, table

from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.report.build import build_report
from jepascope.study.machine import Machine, opened_encoder
from jepascope.study.run import run_study
from jepascope.study.spec_file import make_spec, spec_values


@dataclass
class Used:
    """CPU seconds, of these in blocks, and clips x blocks."""

    seconds: float = 0.0
    blocks: float = 0.0
    passes: int = 0

    def __sub__(self, other: Used) -> Used:
        return Used(self.seconds - other.seconds, self.blocks - other.blocks, self.passes - other.passes)


class Meter:
    """Adds up by step; a step ends when the next begins."""

    def __init__(self) -> None:
        self.now, self.before, self.name = Used(), Used(), "imports and loading"
        self.steps: dict[str, Used] = {}
        plain = VJepa2Encoder.block

        def block(encoder: VJepa2Encoder, index: int, hidden: Any) -> Any:
            start = time.process_time()
            made = plain(encoder, index, hidden)
            self.now.blocks += time.process_time() - start
            self.now.passes += len(hidden)
            return made

        VJepa2Encoder.block = block  # type: ignore[method-assign]

    def begun(self, name: str) -> None:
        self.now.seconds = time.process_time()
        self.steps[self.name] = self.now - self.before
        self.before, self.name = Used(**asdict(self.now)), name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="demo", help="or a YAML spec")
    chosen = parser.parse_args()
    meter = Meter()
    spec = make_spec(*spec_values(chosen.preset))
    with tempfile.TemporaryDirectory() as folder, opened_encoder(Machine(workers=1), spec.model, spec.frames, spec.size) as encoder:
        run_study(spec, Path(folder) / "run", encoder, begun=meter.begun)
        meter.begun("report")
        build_report(Path(folder) / "run")
        meter.begun("")
    whole = Used(*(sum(getattr(step, name) for step in meter.steps.values()) for name in ("seconds", "blocks", "passes")))
    rows = {**{name: step for name, step in meter.steps.items() if step.seconds >= 0.05}, "all": whole}
    print(table(
        ["step", "CPU seconds", "block passes", "share of the bare blocks"],
        [[name, f"{step.seconds:.1f}", f"{step.passes:,}", f"{step.blocks / step.seconds:.0%}"] for name, step in rows.items()],
    ))  # fmt: skip
    print(f"\n{chosen.preset}. {source(facts())}")
    print(json.dumps({"name": "steps", "preset": chosen.preset, "steps": {name: asdict(step) for name, step in rows.items()}}))


if __name__ == "__main__":
    main()
