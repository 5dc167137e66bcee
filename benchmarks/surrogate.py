"""What first-order effects are worth: exact draws saved at the same standard error of a control's mean, and the time of a whole screen.

Worth: at each layer one subspace (diff_means, rank 7) is edited beside ``--draws`` exact draws of every control, by the public function.
The table says how closely first-order effects follow (r), and how many plain draws give as small a standard error as these do
(``stats.variates``): their ratio is the number of times fewer exact passes.

Screen (``--screen``): random weights of a size of ``ready.SIZES``, one random subspace a layer with all matched controls, ablation and
swap. The time of all first-order effects at all layers beside that of one pass forward and back of the same scenes, without the exact
draws that calibrate it (CPU time; by the clock on a device); and half way through the network how closely exact draws are followed.

    python benchmarks/surrogate.py                                  # nano, layers 1 to 3
    python benchmarks/surrogate.py --screen vitl --frames 4 --scenes 4
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from machine import facts, source, table
from ready import Ready, encoder_of, ready

import jepascope as js
from jepascope.activations.capture import capture
from jepascope.activations.site import Site
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import SURVEYED
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.controls.many import many_draws
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.scenes import Scenes
from jepascope.intervention.screen import screen_table
from jepascope.intervention.slopes import slopes
from jepascope.intervention.surrogate import Planned, first_order_effects
from jepascope.study.intervene.contexts import SCREENED

EDITS = ("ablate", "swap")
RANK, CLASSES = 7, 8
EXACT = 3  # draws of every control that a screen runs


def worth_rows(model: str, layers: list[int], draws: int, per_class: int) -> list[dict[str, Any]]:
    """One row a layer, edit and control."""
    encoder = js.load_encoder(model)
    clips = js.clips.directions8(seed=0, per_class=per_class).at(encoder.card.frames, encoder.card.size)
    activations, rows = capture(encoder, clips), []
    for layer in layers:
        subspace = js.find(activations, "direction", layer=layer, finder="diff_means", rank=RANK)
        for edit in EDITS:
            found = js.intervene(encoder, activations, subspace, edit=edit, draws=draws).frame
            for row in found[found["control"] != "subspace"].to_dict("records"):
                rows.append(
                    {
                        **{"layer": layer, "edit": edit, "control": row["control"], "draws": int(row["draws"]), "r": row["correlation"]},
                        **{"worth": row["worth"], "fewer": row["worth"] / row["draws"]},
                    }
                )
    return rows


def screened(encoder: VJepa2Encoder, scenes: int) -> dict[str, Any]:
    """Seconds of a screen of all layers, and of one pass forward and back; and the correlation with exact draws at the middle one."""
    depth, width = encoder.card.depth, encoder.card.width
    clips, layers = ready(encoder, scenes), tuple(range(depth))
    shown = cast(Ready, clips.source)
    mirrored = replace(clips, source=Ready(shown.pixels.flip(-1), shown.covered, "mirrored"))
    source_, twin = (capture(encoder, some, sites=layers, batch=2) for some in (clips, mirrored))
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(scenes) % CLASSES
    weights = torch.randn(width, CLASSES, generator=generator)
    judge = ProbeJudge(Readout(weights))
    of = Scenes(source_, twin, label, (label + 1) % CLASSES, torch.zeros(CLASSES, width))
    covariance = torch.eye(width, dtype=torch.float64)
    planned = []
    for layer in layers:
        context = InterventionContext(encoder, Site(layer, "all"), of, [judge], covariance, torch.zeros(width))
        basis = torch.linalg.qr(torch.randn(width, RANK, generator=generator)).Q
        subspace = Subspace(basis, torch.zeros(width))
        shuffled = [
            Subspace(torch.linalg.qr(torch.randn(width, RANK, generator=generator)).Q, torch.zeros(width)) for _ in range(EXACT + 9)
        ]
        controls = {"one": matched_controls(subspace, covariance, EXACT, 0, shuffled)}
        many = {"one": many_draws(subspace, covariance, SCREENED, 0, SURVEYED, shuffled=shuffled[EXACT:])}
        planned.append(Planned(context, {"one": subspace}, controls, many, EDITS))
    unedited = planned[0].context.unedited
    device, middle = encoder.device, planned[depth // 2]
    spent(lambda: list(slopes(encoder, [depth - 1], of, judge, EDITS[:1], unedited)), device)  # warms up
    once = spent(lambda: list(slopes(encoder, [0], of, judge, EDITS[:1], unedited)), device)
    whole = spent(lambda: first_order_effects(planned), device)
    effects: list[pd.DataFrame] = []
    exact = spent(lambda: effects.append(middle.context.edit(middle.subspaces, middle.controls, EDITS)[0]), device)
    looked = screen_table(effects[0].assign(denominator=1.0), first_order_effects([middle]), resamples=100)
    followed = {f"r_{edit}": float(rows["correlation"].iloc[0]) for edit, rows in looked.groupby("edit")}
    found = {"layers": depth, "scenes": scenes, "forward_and_back": once, "screen": whole, "ratio": whole / once}
    return {**found, "exact_draws_of_one_layer": exact, **followed}


class Readout:
    """Stands for a trained probe: what it costs does not depend on its weights."""

    def __init__(self, weights: torch.Tensor) -> None:
        self.weights = weights

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(self.weights) @ self.weights


def spent(work: Callable[[], object], device: torch.device) -> float:
    """CPU seconds; by the clock on a device, with everything that was asked of it done."""
    if device.type == "cpu":
        began = time.process_time()
        work()
        return time.process_time() - began
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--draws", type=int, default=60, help="exact ones, of every control")
    parser.add_argument("--per-class", type=int, default=50)
    parser.add_argument("--screen", help="time the screen of an encoder of this size instead")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--device", default="cpu", help="of the screen")
    parser.add_argument("--scenes", type=int, default=4)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    told = facts(chosen.device)
    if chosen.screen:
        found = screened(encoder_of(chosen.screen, chosen.frames, chosen.device), chosen.scenes)
        print(table(list(found), [[f"{value:.2f}" if isinstance(value, float) else value for value in found.values()]]))
        print(source(told))
        print(json.dumps({"name": "surrogate screen", **found, **told}))
        return
    rows = worth_rows(chosen.model, chosen.layers, chosen.draws, chosen.per_class)
    print(table(list(rows[0]), [[f"{value:.2f}" if isinstance(value, float) else value for value in row.values()] for row in rows]))
    print(source(told))
    known = [row["fewer"] for row in rows if row["layer"] > 1 and row["control"] in ("random", "variance")]
    print(json.dumps({"name": "surrogate", "rows": rows, "least_fewer": min(known) if known else np.nan, **told}))


if __name__ == "__main__":
    main()
