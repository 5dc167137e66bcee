"""Peak memory and CPU seconds of ``jepascope trace`` beside what its dry run says.

Each trace runs in a process of its own, on one thread, on the run of a small study that is made first: of nano, and of random weights of
V-JEPA 2's shape with 16 frames of 256 pixels (2,048 tokens of width 384). Seconds are the dry run's own with the rate that it measures
just before, so that a neighbour slows both. Linux alone counts a process's peak by itself.

    python benchmarks/traces.py                # half an hour on two busy cores
    python benchmarks/traces.py --shapes nano
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "JEPASCOPE_WORKERS": "1"}

from machine import facts, source, table

LAYER = 1
SMALL = {
    "best_layer": LAYER, "layers": [LAYER], "edits": ["ablate", "swap"], "judges": ["probe"], "draws": 2, "fits": 0, "chapters": [],
    "untrained_seeds": 1, "control_seeds": 1, "permutations": 3, "stability_subsamples": 2, "resamples": 200,
}  # fmt: skip
SHAPES = {
    "nano": {"model": "nano", "clips_per_class": 50, "test_scenes": 80, "traced": 8},
    "16 frames of 256 pixels, width 384": {"model": "", "clips_per_class": 10, "test_scenes": 16, "traced": 2},
}
RANDOM = {
    "patch_size": 16, "crop_size": 256, "frames_per_clip": 16, "tubelet_size": 2, "hidden_size": 384, "num_attention_heads": 6,
    "num_hidden_layers": 2, "pred_hidden_size": 48, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1,
}  # fmt: skip


def saved(folder: Path) -> None:
    """Random weights as a folder that ``load_encoder`` takes."""
    from transformers import VJEPA2Config

    from jepascope.encoders.load import save_encoder
    from jepascope.encoders.vjepa2 import VJepa2Encoder

    save_encoder(VJepa2Encoder.from_config(VJEPA2Config(**RANDOM), seed=0, name="random"), folder, {})


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "jepascope", *arguments]


def used(*arguments: str) -> tuple[float, float]:
    """Bytes that a command held at most, and CPU seconds that it took. What starts it must hold little: its own peak counts too."""
    child = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL)
    _, status, about = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"jepascope {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return 1024 * about.ru_maxrss, about.ru_utime + about.ru_stime


def measured(fields: dict, folder: Path) -> dict[str, float]:
    """Of one shape: what a trace held and took, and what was said before."""
    if not fields["model"]:
        subprocess.run([sys.executable, __file__, "--save", folder / "model"], check=True)
        fields = {**fields, "model": str(folder / "model")}
    draws, fields = str(fields["traced"]), {name: value for name, value in fields.items() if name != "traced"}
    (folder / "spec.yaml").write_text(json.dumps({**SMALL, **fields}))  # which is YAML too
    used("run", str(folder / "spec.yaml"), "--out", str(folder / "run"))
    asked = ("trace", str(folder / "run"), "--layer", str(LAYER), "--draws", draws, "--json")
    said = json.loads(subprocess.run(command(*asked, "--dry-run"), check=True, capture_output=True, text=True).stdout)
    held, seconds = used(*asked)
    return {"held": held, "counted": 1e9 * said["memory_gb"], "took": seconds, "planned": said["seconds"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=[*SHAPES])
    parser.add_argument("--save", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.save:
        saved(given.save)
        return
    rows, found = [], {}
    for shape in given.shapes:
        with tempfile.TemporaryDirectory() as folder:
            made = found[shape] = measured(SHAPES[shape], Path(folder))
        memory = (f"{made[name] / 1e9:.2f} GB" for name in ("held", "counted"))
        seconds = (f"{made[name]:.0f} s" for name in ("took", "planned"))
        rows.append((shape, *memory, f"{made['counted'] / made['held']:.2f}", *seconds, f"{made['planned'] / made['took']:.2f}"))
        print(*rows[-1], file=sys.stderr, flush=True)
    told = facts()
    print(table(("", "peak", "counted", "ratio", "CPU seconds", "planned", "ratio"), rows), source(told), sep="\n\n", file=sys.stderr)
    ratios = [made["counted"] / made["held"] for made in found.values()]
    print(json.dumps({"name": "trace", "ratio": max(ratios, key=lambda ratio: max(ratio, 1 / ratio)), "shapes": found, **told}))


if __name__ == "__main__":
    main()
