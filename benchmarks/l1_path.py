"""The batched sparse path against scikit-learn's saga, and against skglm and celer on the binary problem that they can solve.

Ours: all layers x (folds + refit) x strengths in one batch. saga: the same problem for one layer and one fold, because a single
path takes it minutes; ratios are per path. Both end at a duality gap of at most 1e-3 x log(classes), computed by one function. saga
cannot stop at a gap, so each of its fits runs in warm-started rounds of 50, 100, 200, ... epochs until its gap is reached; only
the time inside ``fit`` counts, and its intercept is polished for it before the gap is taken (the gap is unforgiving about
intercepts). When ``--saga-limit`` runs out before its path is done, its time is what it spent, and the ratio a lower bound.

skglm and celer have no multinomial loss with a sparse penalty (skglm's multitask datafits are quadratic), so they solve half
of the classes against the others: skglm with an intercept, as ours; celer's has none, so it solves a problem that is a little
smaller, and its gap is that problem's.
Both are compiled before the clock starts, and run at the loosest of their tolerances that reaches the gap at every strength.

    python benchmarks/l1_path.py --layers 8 --clips 400 --width 1024 --saga-limit 240
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from jepascope.discovery.probes.folds import scene_folds
from jepascope.discovery.probes.readouts import standardise
from jepascope.discovery.solver.elastic_net import INTERCEPT_L2, Penalty, duality_gap, prepare, strongest_l1
from jepascope.discovery.solver.solve import TOLERANCE, solve_path

ROUND = 50  # epochs of saga before the first look at its gap; each further round is twice as long, for it forgets its gradients


def activations(layers: int, clips: int, width: int, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Standardised, correlated (eigenvalues over five decades), with classes apart in a few directions."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(clips) % classes
    mix = torch.randn(layers, width, width, generator=generator) * torch.logspace(0, -2.5, width)[:, None]
    x = 0.7 * torch.randn(layers, classes, width, generator=generator)[:, y] + torch.randn(layers, clips, width, generator=generator) @ mix
    return standardise(x)[0], y


def ours(x: Tensor, y: Tensor, trained: Tensor, shares: list[float], penalty: Penalty = "l1") -> tuple[float, float]:
    """Seconds for the batch, and its largest gap / log(classes)."""
    start = time.perf_counter()
    batch = prepare(x, y[None, None], trained[None], int(y.max()) + 1)
    strongest = strongest_l1(batch, penalty)[:, -1:]
    strengths = [(strongest * share, 0.0) for share in shares]
    gap = max(float(fits.gap.max()) for fits in solve_path(batch, strengths, penalty=penalty))
    return time.perf_counter() - start, gap


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


def gap_of(x: Tensor, y: Tensor, weights: Tensor, intercept: Tensor | None, l1: float) -> float:
    """Duality gap / log(classes) of somebody's weights (classes x width) on their own clips; without an intercept, of the problem
    that has none."""
    classes = len(weights)
    batch = prepare(x[None], y[None, None], torch.ones(1, 1, len(y)), classes, dtype=torch.float64)
    design, state = batch.x[..., :-1], weights[None, None]
    penalty1 = torch.full((1, 1, 1, x.shape[1] + 1), l1, dtype=torch.float64)
    penalty2 = torch.zeros_like(penalty1)
    penalty1[..., -1], penalty2[..., -1] = 0.0, INTERCEPT_L2
    if intercept is not None:
        design, state = batch.x, torch.cat([weights, polished(design[0] @ weights.T, intercept, y)[:, None]], dim=1)[None, None]
    columns = design.shape[2]
    gap = duality_gap(design, batch.targets, batch.weights, state, penalty1[..., :columns], penalty2[..., :columns]).gap
    return float(gap) / math.log(classes)


def by_saga(x: Tensor, y: Tensor, l1s: list[float], limit: float) -> tuple[float, float, int]:
    """Seconds inside fit, the largest gap reached, and how many strengths were done within the limit."""
    data = (x - x.mean(dim=0)).double()
    seconds, worst = 0.0, 0.0
    model = LogisticRegression(solver="saga", l1_ratio=1.0, tol=0.0, warm_start=True, random_state=0)
    pace = 0.0  # seconds an epoch
    for done, l1 in enumerate(l1s):
        model.set_params(C=1 / (l1 * len(y)))
        epochs, gap = ROUND, math.inf
        while gap > TOLERANCE:
            if seconds >= limit:
                return seconds, worst, done
            allowed = epochs if pace == 0 else max(1, min(epochs, int((limit - seconds) / pace)))
            model.set_params(max_iter=allowed)
            start = time.perf_counter()
            model.fit(data.numpy(), y.numpy())
            took = time.perf_counter() - start
            seconds, pace, epochs = seconds + took, took / allowed, 2 * epochs
            gap = gap_of(x, y, torch.as_tensor(model.coef_), torch.as_tensor(model.intercept_), l1)
        worst = max(worst, gap)
    return seconds, worst, len(l1s)


def by_coordinate_descent(name: str, x: Tensor, y: Tensor, l1s: list[float]) -> tuple[float, float] | None:
    """Seconds and largest gap for a binary path, by skglm or celer; None where it is not installed."""
    try:
        if name == "skglm":
            from skglm import SparseLogisticRegression

            def model(l1: float, tol: float, previous: object) -> object:
                made = previous or SparseLogisticRegression(fit_intercept=True, warm_start=True, max_iter=100)
                return made.set_params(alpha=l1, tol=tol)
        else:
            from celer import LogisticRegression as Celer

            def model(l1: float, tol: float, previous: object) -> object:
                made = previous or Celer(warm_start=True, max_iter=100)
                return made.set_params(C=1 / (l1 * len(y)), tol=tol)
    except ImportError:
        return None
    data = np.asfortranarray((x - x.mean(dim=0)).double().numpy())
    sign = 2 * y.numpy() - 1
    model(l1s[0], 1e-2, None).fit(data, sign)  # compiles
    seconds, worst = math.inf, math.inf
    for tol in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6):
        fitted, coefficients, start = None, [], time.perf_counter()
        for l1 in l1s:
            fitted = model(l1, tol, fitted)
            fitted.fit(data, sign)
            coefficients.append(torch.as_tensor(fitted.coef_.copy()).reshape(1, -1))
        seconds = time.perf_counter() - start
        # one weight v for the difference of two logits is (-v/2, v/2), with the same sum of magnitudes
        halves = [torch.cat([-v / 2, v / 2]).double() for v in coefficients]
        intercept = torch.zeros(2, dtype=torch.float64) if name == "skglm" else None
        worst = max(gap_of(x, y, w, intercept, l1) for w, l1 in zip(halves, l1s, strict=True))
        if worst <= TOLERANCE:
            break
    return seconds, worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {"layers": 8, "clips": 400, "width": 1024, "classes": 8, "folds": 5, "strengths": 20, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--weakest", type=float, default=0.03, help="last strength, as a share of the strongest")
    parser.add_argument("--saga-limit", type=float, default=240.0, help="seconds after which saga's path is cut off")
    a = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", UserWarning)
    load = os.getloadavg()[0]
    x, y = activations(a.layers, a.clips, a.width, a.classes, a.seed)
    fold_of = scene_folds(y, folds=a.folds, seed=a.seed)
    trained = torch.stack([fold_of != fold for fold in range(a.folds + 1)]).float()  # no clip is in the last: the refit
    shares = [a.weakest ** (step / (a.strengths - 1)) for step in range(a.strengths)]
    paths = a.layers * (a.folds + 1)
    seconds, gap = ours(x, y, trained, shares)
    row_seconds, row_gap = ours(x, y, trained, shares, "row")
    print(f"{paths} paths of {a.strengths} strengths, {a.clips} clips x {a.width}, {a.classes} classes; load {load:.1f}")
    print(
        f"ours, l1: {seconds:.2f} s for {paths} paths (largest gap {gap:.1e} log k); row: {row_seconds:.2f} s ({row_gap:.1e})", flush=True
    )
    line: dict[str, object] = {"name": "l1_path", "seconds": seconds, "gap": gap, "row_seconds": row_seconds, "row_gap": row_gap}

    binary = (y >= a.classes // 2).long()
    binary_seconds, binary_gap = ours(x, binary, trained, shares)
    print(
        f"ours, half of the classes against the others: {binary_seconds:.2f} s for {paths} paths (largest gap {binary_gap:.1e} log 2)",
        flush=True,
    )
    line["binary_seconds"] = binary_seconds
    one = prepare(x[:1], binary[None, None], torch.ones(1, 1, a.clips), 2)
    l1s = [float(strongest_l1(one)) * share for share in shares]
    for name in ("skglm", "celer"):
        found = by_coordinate_descent(name, x[0], binary, l1s)
        line[f"{name}_ratio"] = None
        if found is None:
            print(f"{name}: not installed here (pip install {name})")
        elif found[1] > TOLERANCE:
            print(f"{name}: one path in {found[0]:.2f} s, but its largest gap stays at {found[1]:.1e} log 2; no ratio")
        else:
            line[f"{name}_ratio"] = found[0] / (binary_seconds / paths)
            print(
                f"{name}: one path in {found[0]:.2f} s (largest gap {found[1]:.1e} log 2): {line[f'{name}_ratio']:.1f} x ours per path",
                flush=True,
            )

    held_in = trained[0].bool()
    l1s = [float(strongest_l1(prepare(x[:1], y[None, None], torch.ones(1, 1, a.clips), a.classes))) * share for share in shares]
    saga_seconds, saga_gap, done = by_saga(x[0][held_in], y[held_in], l1s, a.saga_limit)
    ratio = saga_seconds / (seconds / paths)
    bound = done < len(l1s)
    ended = f"cut off with {done} of {len(l1s)} strengths done" if bound else f"largest gap {saga_gap:.1e} log k"
    print(f"saga: layer 0, fold 0 in {saga_seconds:.1f} s ({ended}): {'at least ' if bound else ''}{ratio:.0f} x ours per path")
    line |= {
        "ratio": ratio,
        "lower_bound": bound,
        "saga_seconds": saga_seconds,
        "saga_gap": saga_gap,
        "saga_strengths_done": done,
        "load": load,
    }
    size = {key: getattr(a, key) for key in ("layers", "folds", "strengths", "clips", "width", "classes", "weakest")}
    print(json.dumps({**line, **size}))


if __name__ == "__main__":
    main()
