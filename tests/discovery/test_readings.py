"""Whether a variable is read is decided by the measure of its kind, and what reads it as well is held against it in the same measure."""

from __future__ import annotations

from math import nan
from typing import Any

import pandas as pd
import pytest

from jepascope.discovery.probes.readings import VariableReading, variable_reading


def probes(accuracy: float, low: float, chance: float = 0.28, pixels: float = 0.3, twins: tuple[float, ...] = (0.2, 0.3)) -> pd.DataFrame:
    """Dense probes at layer 2, all chosen."""
    at = {"probe": "dense", "chosen": True, "layer": 2, "tokens": "all", "chance": chance, "n": 80, "seed": -1}
    own = {**at, "encoder": "model", "accuracy": accuracy, "low": low, "high": accuracy + 0.1}
    plain = {**at, "encoder": "pixels", "layer": 0, "accuracy": pixels, "low": pixels - 0.1, "high": pixels + 0.1}
    fresh = [{**at, "encoder": "untrained", "seed": i, "accuracy": one, "low": one - 0.1, "high": one + 0.1} for i, one in enumerate(twins)]
    return pd.DataFrame([own, {**own, "chosen": False, "accuracy": 0.99}, plain, *fresh])


def values(kind: str, *outputs: dict[str, Any]) -> pd.DataFrame:
    """One row of the model for each output, one of an untrained twin and one of pixels."""
    rows = []
    for output in outputs:
        at = {
            "probe": kind,
            "held_out": "clips",
            "layer": 2,
            "tokens": "all",
            "n": 80,
            "unit": "degrees" if kind == "circular" else "sides",
        }
        at |= {"chance": 90.0 if kind == "circular" else 0.03, "output": "y", "r2": nan, "r2_low": nan, "r2_high": nan}
        rows.append(
            {**at, "encoder": "model", "error": 0.02, "low": 0.015, "high": 0.025, **output.get("own", {}), "output": output["name"]}
        )
        for encoder, layer in (("untrained", 2), ("pixels", 0)):
            more = {"encoder": encoder, "layer": layer, "output": output["name"], **output.get(encoder, {})}
            rows.append({**at, "error": 0.03, "low": 0.028, "high": 0.032, **more})
    return pd.DataFrame(rows)


R2 = {"r2": 0.85, "r2_low": 0.72, "r2_high": 0.92}
BLIND = {"r2": 0.02, "r2_low": -0.1, "r2_high": 0.1}


def read(kind: str, dense: pd.DataFrame, of: pd.DataFrame | None = None) -> VariableReading:
    found = variable_reading(kind, dense, of, 2, "all")
    assert found is not None
    return found


def test_a_number_is_read_by_r2_whatever_its_quartiles_say() -> None:
    """Accuracy 0.31 in quartiles is not above chance; R^2 0.85 [0.72, 0.92] is a reading."""
    speed = values("ridge", {"name": "speed", "own": R2, "untrained": BLIND, "pixels": BLIND})
    found = read("numeric", probes(0.31, 0.2), speed)
    assert found.read and not found.classes.read and found.as_good == {}
    assert [(one.name, one.output) for one in found.deciding] == [("r2", "speed")]
    unread = read("numeric", probes(0.6, 0.5), values("ridge", {"name": "speed", "own": BLIND}))
    assert not unread.read and unread.classes.read


def test_without_an_interval_of_r2_the_error_beside_a_constant_decides() -> None:
    assert read("numeric", probes(0.31, 0.2), values("ridge", {"name": "speed"})).read
    worse = values("ridge", {"name": "speed", "own": {"high": 0.031}})
    assert not read("numeric", probes(0.31, 0.2), worse).read


def test_an_angle_is_read_by_its_error_and_a_category_by_its_classes() -> None:
    good = values("circular", {"name": "angle", "own": {"error": 20.0, "low": 15.0, "high": 25.0}})
    bad = values("circular", {"name": "angle", "own": {"error": 88.0, "low": 80.0, "high": 95.0}})
    assert read("circular", probes(0.2, 0.1), good).read and not read("circular", probes(0.6, 0.5), bad).read
    assert read("categorical", probes(0.6, 0.5)).read and not read("categorical", probes(0.31, 0.2)).read


def test_rivals_are_compared_in_the_measure_that_decides() -> None:
    """Twins that name quartiles as well, and read no number, are no rivals; one whose R^2 is not told apart is."""
    beside = {"name": "speed", "own": R2, "pixels": BLIND}
    assert read("numeric", probes(0.31, 0.2, twins=(0.4, 0.9)), values("ridge", beside | {"untrained": BLIND})).as_good == {}
    near = {"r2": 0.6, "r2_low": 0.4, "r2_high": 0.75}
    assert read("numeric", probes(0.31, 0.2), values("ridge", beside | {"untrained": near})).as_good == {"untrained twins": ("speed",)}
    angle = {"name": "angle", "own": {"error": 20.0, "low": 15.0, "high": 25.0}, "pixels": {"error": 22.0, "low": 18.0, "high": 30.0}}
    twin = {"error": 80.0, "low": 70.0, "high": 90.0}
    assert read("circular", probes(0.9, 0.8), values("circular", angle | {"untrained": twin})).as_good == {"pixels": ("angle",)}


def test_the_best_twin_is_the_rival_and_their_mean_is_shown() -> None:
    found = read("categorical", probes(0.6, 0.5, twins=(0.2, 0.55)))
    twins = found.classes.rival("untrained twins")
    assert twins is not None and twins.value == pytest.approx(0.375) and twins.best == 0.55
    assert "untrained twins" in found.as_good and "untrained twins" not in read("categorical", probes(0.6, 0.5)).as_good


def test_of_several_outputs_each_is_held_against_its_own_rivals() -> None:
    both = values(
        "ridge",
        {"name": "x", "own": R2, "untrained": BLIND, "pixels": BLIND},
        {"name": "y", "own": R2, "untrained": R2, "pixels": BLIND},
    )
    found = read("numeric", probes(0.31, 0.2), both)
    assert found.read and found.as_good == {"untrained twins": ("y",)}
    assert variable_reading("numeric", probes(0.31, 0.2), both, 3, "all") is None
