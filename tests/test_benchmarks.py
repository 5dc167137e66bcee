"""The benchmarks of captures run on a CPU too, so that they do not rot where there is no GPU, and count the FLOPs that are published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from jepascope.intervention.control_entry import MATCHED

FOLDER = Path(__file__).parents[1] / "benchmarks"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long("benchmarks run from end to end"),
    pytest.mark.skipif(not FOLDER.exists(), reason="benchmarks are not part of this copy of the sources"),
]


def answer(name: str, *arguments: str) -> tuple[str, dict[str, Any]]:
    """What a benchmark prints, and its last line as JSON."""
    command = [sys.executable, str(FOLDER / name), *arguments]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(done.stdout.splitlines()[-1])


def test_without_a_gpu_only_the_formula_is_checked() -> None:
    said, found = answer("gpu.py")
    assert said.startswith("No CUDA device here") and found["formula"] == "agrees with torch's counter" and found["flops"] > 1e9


def test_the_formula_gives_the_published_sizes() -> None:
    """ViT-L of V-JEPA 2: 1.656 and 11.571 TFLOP a clip of 16 and of 64 frames."""
    code = (
        f"import sys; sys.path.insert(0, {str(FOLDER)!r}); from types import SimpleNamespace as Of; import gpu\n"
        "for times in (8, 32):\n"
        "    card = Of(tokens=times * 256, places=times * 256, width=1024, depth=24, frames=2 * times, size=256, grid=(times, 16, 16))\n"
        "    print(gpu.clip_flops(Of(card=card)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [round(int(line) / 1e12, 3) for line in done.stdout.split()] == [1.656, 11.571]


def test_every_path_of_the_gpu_benchmark_runs_on_a_cpu() -> None:
    sizes = ("--model", "nano", "--clips", "6", "--batches", "4", "--rounds", "1", "--matrices", "64", "--conditions", "3", "--scenes", "2")
    said, found = answer("gpu.py", "--device", "cpu", *sizes, "--variants", "float32", "bfloat16")
    assert found["first_order"]["layers"] == 4 and found["first_order"]["ratio"] > 0 and "First-order effects" in said
    assert [one["variant"] for one in found["variants"]] == ["float32", "bfloat16"] and found["left_out"] == []
    for one in found["variants"]:
        for share in (one["share"], one["sweep_share"]):
            assert 0 < share["least"] <= share["median"] <= share["largest"]
    assert found["machine"]["command"] in said and found["machine"]["processor"] in said


@pytest.mark.parametrize(("dtype", "difference"), [("float32", 0.0), ("bfloat16", 0.05)])
def test_a_capture_is_compared_with_the_plain_forward_on_the_same_numbers(dtype: str, difference: float) -> None:
    said, found = answer("capture.py", "--model", "nano", "--clips", "8", "--batch", "4", "--rounds", "2", "--dtype", dtype)
    (one,) = found["models"]
    assert one["difference"] <= difference and one["dtype"] == dtype
    assert one["ratio"]["rounds"] == 2 and one["ratio"]["least"] <= found["ratio"] <= one["ratio"]["largest"]
    assert found["machine"]["command"] in said


def test_what_first_order_effects_are_worth_is_measured() -> None:
    said, found = answer("surrogate.py", "--layers", "2", "--draws", "10", "--per-class", "20")
    assert {(row["edit"], row["control"]) for row in found["rows"]} == {*product(("ablate", "swap"), {*MATCHED, "norm"} - {"untrained"})}
    assert (
        found["least_fewer"] == min(row["fewer"] for row in found["rows"] if row["control"] in ("random", "variance")) and "| 2 |" in said
    )


def test_a_screen_is_timed_beside_one_pass_forward_and_back() -> None:
    said, found = answer("surrogate.py", "--screen", "nano", "--scenes", "2")
    assert found["layers"] == 4 and found["ratio"] == pytest.approx(found["screen"] / found["forward_and_back"]) and "r_swap" in said
