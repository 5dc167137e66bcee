"""How often a whole study claims something where there is nothing: permuted labels, and an encoder that was never trained.

- *permuted*: the nano encoder, a labels file with the directions of the clips in random order. Nothing that is said of the variable can
  be true.
- *untrained*: a fresh twin of nano, the clips' true directions. Untrained networks do hold some motion, so that what is read or used is
  held against further untrained twins.

Every study is run through its chapters, small (16 clips of a class, 16 test scenes, 20 draws, five fits; no degeneracy curve, one finder,
by the probe): half a minute of a core each. The claims of claims.json that are *shown* are counted, but for those of an absence, which may
well be true here: that there is no shortcut to the label, and that other factors are unaffected. The last line is JSON.

    python benchmarks/nulls.py --seeds 100
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from jepascope.clips.presets import directions8
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.load import load_encoder
from jepascope.findings.isolation import ISOLATED
from jepascope.findings.names import NO_SHORTCUT
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec

ABSENCES = {NO_SHORTCUT, ISOLATED.name}
SMALL = {
    "clips_per_class": 16,
    "test_scenes": 16,
    "draws": 20,
    "draws_elsewhere": 2,
    "fits": 5,
    "finders": ["diff_means"],
    "edits": ["ablate", "swap"],
    "judges": ["probe"],
    "resamples": 500,
    "permutations": 2,
    "control_seeds": 0,
    "untrained_seeds": 2,
    "stability_subsamples": 0,
    "token_map": False,
    "doses": [0.5, 1.0],
    "port_clips": [],
    "peels": 0,
    "folds": 3,
    "layers": [],
}


def permuted(seed: int, folder: Path) -> StudySpec:
    """Each clip's direction is that of another clip of its split, which keeps as many of every class."""
    clips = directions8(seed=seed, per_class=SMALL["clips_per_class"])
    labels, names = clips.labels("direction")
    rng, of_split = np.random.default_rng([seed, 77]), clips.factors.groupby("split").indices
    given = labels.copy()
    for rows_of in of_split.values():
        given[rows_of] = labels[rng.permutation(rows_of)]
    rows = [f"{scene},{names[label]}" for scene, label in zip(clips.factors["scene"], given, strict=True)]
    file = folder / "labels.csv"
    file.write_text("\n".join(["scene,word", *rows]) + "\n")
    return make_spec({**SMALL, "seed": seed, "labels": str(file), "variable": "word"}, "permuted")


def shown(spec: StudySpec, encoder: VideoEncoder, folder: Path) -> list[str]:
    """Names of the claims that one study shows."""
    run_study(spec, folder / "run", encoder)
    claims = json.loads((folder / "run" / "claims.json").read_text())["claims"]
    return [claim["name"] for claim in claims if claim["verdict"] == "shown" and claim["name"] not in ABSENCES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", default="permuted,untrained")
    chosen = parser.parse_args()
    encoder, began = load_encoder("nano"), time.process_time()
    said: dict[str, object] = {"seeds": chosen.seeds, "first": chosen.first}
    for kind in chosen.kinds.split(","):
        clean, claims = 0, Counter[str]()
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                if kind == "permuted":
                    found = shown(permuted(seed, folder), encoder, folder)
                else:
                    found = shown(make_spec({**SMALL, "seed": seed}, kind), encoder.untrained(1000 + seed), folder)
            clean += not found
            claims.update(found)
            print(f"{kind} {seed}: {', '.join(found) or 'no claim'}", flush=True)
        said[kind] = {"no claim": clean, "claims": dict(claims)}
    print(json.dumps(said | {"cpu_seconds": round(time.process_time() - began, 1)}))


if __name__ == "__main__":
    main()
