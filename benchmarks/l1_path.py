"""The batched L1 path against scikit-learn's saga, at the same certified duality gap.

Both fit the same problems (layers x (folds + refit) x strengths) to a duality gap of at most 1e-3 x log(classes). saga cannot
stop at a gap, so each of its fits runs in warm-started rounds of 50, 100, 200, ... epochs until its gap, computed by the same function,
is reached; only the time inside ``fit`` counts, and its intercept is polished for it before the gap is taken (the gap is
unforgiving about intercepts). One thread each. Small by default (about half a minute); sizes are arguments.

    python benchmarks/l1_path.py --layers 7 --clips 200 --width 96 --folds 5 --strengths 20 --weakest 0.03
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from jepascope.discovery.duality import duality_gap
from jepascope.discovery.elastic_net import INTERCEPT_L2, prepare, strongest_l1
from jepascope.discovery.folds import scene_folds
from jepascope.discovery.linear_probe import standardise
from jepascope.discovery.solver import TOLERANCE, solve_path

ROUND = 50  # epochs of saga before the first look at its gap; each further round is twice as long, for it forgets its gradients
GIVE_UP = 9  # rounds


def activations(layers: int, clips: int, width: int, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Standardised, correlated (eigenvalues over five decades), with classes apart in a few directions."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(clips) % classes
    mix = torch.randn(layers, width, width, generator=generator) * torch.logspace(0, -2.5, width)[:, None]
    x = 0.7 * torch.randn(layers, classes, width, generator=generator)[:, y] + torch.randn(layers, clips, width, generator=generator) @ mix
    return standardise(x)[0], y


def polished(logits: Tensor, intercept: Tensor, y: Tensor, steps: int = 20) -> Tensor:
    """The best intercept for given weights (Newton's method, with the small penalty that makes it unique)."""
    targets = torch.nn.functional.one_hot(y, len(intercept)).double()
    intercept = intercept - intercept.mean()
    for _ in range(steps):
        q = (logits + intercept).softmax(dim=1)
        slope = (q - targets).mean(dim=0) + INTERCEPT_L2 * intercept
        bend = q.mean(dim=0).diag() - q.T @ q / len(y) + INTERCEPT_L2 * torch.eye(len(intercept), dtype=q.dtype)
        intercept = intercept - torch.linalg.solve(bend, slope)
    return intercept


def by_saga(x: Tensor, y: Tensor, classes: int, l1s: list[float]) -> tuple[float, float]:
    """Seconds inside fit, and the largest gap reached, for one design along a path."""
    batch = prepare(x[None], y[None, None], torch.ones(1, 1, len(y)), classes, dtype=torch.float64)
    data = (x - x.mean(dim=0)).double().numpy()
    seconds, worst = 0.0, 0.0
    model = LogisticRegression(solver="saga", l1_ratio=1.0, tol=0.0, warm_start=True, random_state=0)
    for l1 in l1s:
        model.set_params(C=1 / (l1 * len(y)))
        penalty1 = torch.full((1, batch.x.shape[2], 1, 1), l1, dtype=torch.float64)
        penalty2 = torch.zeros_like(penalty1)
        penalty1[:, -1], penalty2[:, -1] = 0.0, INTERCEPT_L2
        for turn in range(GIVE_UP):
            model.set_params(max_iter=ROUND * 2**turn)
            start = time.perf_counter()
            model.fit(data, y.numpy())
            seconds += time.perf_counter() - start
            weights = torch.as_tensor(model.coef_).T
            intercept = polished(batch.x[0, :, :-1] @ weights, torch.as_tensor(model.intercept_), y)
            state = torch.cat([weights, intercept[None]])[None, :, None]
            gap = float(duality_gap(batch.x, batch.targets, batch.weights, state, penalty1, penalty2)) / math.log(classes)
            if gap <= TOLERANCE:
                break
        worst = max(worst, gap)
    return seconds, worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {"layers": 1, "clips": 160, "width": 96, "classes": 8, "folds": 5, "strengths": 8, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--weakest", type=float, default=0.1, help="last strength, as a share of the strongest")
    a = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    x, y = activations(a.layers, a.clips, a.width, a.classes, a.seed)
    fold_of = scene_folds(y, folds=a.folds, seed=a.seed)
    trained = torch.stack([fold_of != fold for fold in range(a.folds + 1)]).float()  # no clip is in the last: the refit
    start = time.perf_counter()
    batch = prepare(x, y[None, None], trained[None], a.classes)
    strongest = strongest_l1(batch)[:, -1:]
    shares = [a.weakest ** (step / (a.strengths - 1)) for step in range(a.strengths)]
    ours_gap = max(float(fits.gap.max()) for fits in solve_path(batch, [(strongest * share, 0.0) for share in shares]))
    ours = time.perf_counter() - start
    theirs, theirs_gap = 0.0, 0.0
    for layer in range(a.layers):
        for variant in trained.bool():
            seconds, gap = by_saga(x[layer][variant], y[variant], a.classes, [float(strongest[layer]) * share for share in shares])
            theirs, theirs_gap = theirs + seconds, max(theirs_gap, gap)
    print(f"{a.layers} layers x {a.folds + 1} fits x {a.strengths} strengths, {a.clips} clips x {a.width}, {a.classes} classes")
    print(f"batched path {ours:.2f} s (largest gap {ours_gap:.1e}), saga {theirs:.2f} s (largest gap {theirs_gap:.1e}), x log(classes)")
    size = {key: getattr(a, key) for key in ("layers", "folds", "strengths", "clips", "width", "classes", "weakest")}
    line = {"name": "l1_path", "ratio": theirs / ours, "seconds": ours, "saga_seconds": theirs, "gap": ours_gap, "saga_gap": theirs_gap}
    print(json.dumps({**line, **size}))


if __name__ == "__main__":
    main()
