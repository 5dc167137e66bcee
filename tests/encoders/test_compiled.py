"""Compiled blocks compute what plain ones do, up to rounding, with few compilations; where no compiler works they run as they are.

In processes of their own: torch.compile cannot see through the type checks that the tests put around every function.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from jepascope.encoders.compiled import Compiled, layer_forward
from jepascope.encoders.vjepa2 import VJepa2Encoder

SAME = """
import json, sys
import torch
from torch._dynamo.utils import counters
from jepascope.activations.capture import capture
from jepascope.activations.suffix import PooledReader, Rerun, Sweep, rerun
from jepascope.clips.presets import directions8
from jepascope.study.machine import Machine, open_encoder
from jepascope.study.provenance import computed_by

plain, fast = open_encoder(Machine(), sys.argv[1]), open_encoder(Machine(compiled=True), sys.argv[1])
card = plain.card
clips = directions8(0, per_class=7).at(card.frames, card.size)
one, other = (capture(encoder, clips, sites=(1,)) for encoder in (plain, fast))  # batches of 16, 6 and 2
away = [one.pooled(layer) - other.pooled(layer) for layer in range(card.depth + 1)]

def read(encoder, hidden):
    found = []
    edit = lambda hidden, part: torch.stack([hidden + i for i in range(part.start, part.stop)])
    sweep = Sweep(hidden, 1, edit, {card.depth: PooledReader()})
    rerun(encoder, [Rerun(sweep, 5, lambda part, read: found.append(read[card.depth]))], 8)
    return torch.cat(found)

edited = [read(encoder, one.tokens(1)[:3]) for encoder in (plain, fast)]
print(json.dumps({
    "compiled": [computed_by(encoder)["compiled"] for encoder in (plain, fast, fast.at(2, card.size), fast.untrained(0))],
    "capture": max(float(one.abs().max()) for one in away),
    "capture_differs": any(bool(one.any()) for one in away),
    "suffix": float((edited[0] - edited[1]).abs().max()),
    "scale": float(one.pooled(card.depth).abs().max()),
    "graphs": counters["stats"]["unique_graphs"],
    "breaks": dict(counters["graph_break"]),
}))
"""

NO_COMPILER = """
import sys
from jepascope.study.machine import Machine, open_encoder
encoder = open_encoder(Machine(compiled=True), sys.argv[1])
twin = encoder.untrained(0)
twin.run(twin.embed(__import__("torch").rand(1, twin.card.frames, 3, twin.card.size, twin.card.size)), 0)
print(encoder.compiled, twin.compiled)
"""


def ran(code: str, model: Path, tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "compiled"), **changes}
    done = subprocess.run([sys.executable, "-c", code, str(model)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_a_compiled_encoder_captures_and_reruns_what_the_plain_one_does(tiny_model: Path, tmp_path: Path) -> None:
    found: dict[str, Any] = json.loads(ran(SAME, tiny_model, tmp_path).stdout)
    assert found["compiled"] == [False, True, True, True]
    assert found["capture_differs"], "the plain blocks ran"
    assert max(found["capture"], found["suffix"]) < 1e-5 * found["scale"]
    assert found["graphs"] == 1, "blocks, batches, capture and suffix share one compilation"
    assert found["breaks"] == {}


@pytest.mark.slow
def test_without_a_compiler_the_blocks_run_as_they_are_and_one_line_says_so(tiny_model: Path, tmp_path: Path) -> None:
    done = ran(NO_COMPILER, tiny_model, tmp_path, CXX=str(tmp_path / "no-compiler"))
    assert done.stdout == "False False\n"
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("The blocks are not compiled, and run as they are: ") and "C++ compiler" in done.stderr


class Broken(Compiled):
    """As if the compiler failed at its first call."""

    def __init__(self) -> None:
        self.plain, self.failed, self.asked = layer_forward, False, 0

    def fast(self, *_: Any) -> torch.Tensor:
        self.asked += 1
        raise torch._dynamo.exc.TorchDynamoException("it failed\nin many lines")


def test_a_compiler_that_fails_is_asked_once(tiny: VJepa2Encoder, caplog: pytest.LogCaptureFixture) -> None:
    run, hidden = Broken(), torch.ones(2, 3)
    layer = torch.nn.Linear(3, 3)
    assert all(torch.equal(run(layer, hidden), layer(hidden)) for _ in range(3))
    assert run.asked == 1 and run.failed
    assert caplog.messages == ["The blocks are not compiled, and run as they are: it failed"]
    tiny.block_forward = run
    assert not tiny.compiled and not tiny.untrained(0).compiled
