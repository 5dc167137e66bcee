"""State variables: fixed classes that cover what is sampled, and twins whose class is the one asked for."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.classes import changed, classes_of, values_of
from jepascope.clips.factors import sample_factors
from jepascope.clips.presets import directions8, reverse_twins, twins
from jepascope.clips.ranges import COLOURS, POSITION_RANGE
from jepascope.clips.variables import VARIABLES

SCENES = 20_000
EVERY = sorted(VARIABLES)


def scenes(seed: int, count: int = SCENES) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return sample_factors(rng.integers(0, 8, count) * np.pi / 4, rng)


@pytest.mark.parametrize("name", EVERY)
def test_the_classes_cover_what_is_sampled_and_are_equally_likely(name: str) -> None:
    variable = VARIABLES[name]
    counts = np.bincount(classes_of(scenes(0), variable), minlength=len(variable.classes))
    expected = SCENES / len(variable.classes)
    assert len(counts) == len(variable.classes) >= 4
    assert ((counts - expected) ** 2 / expected).sum() < 29.9  # chi-square of at most 7 degrees of freedom, 1 in 10,000


@settings(max_examples=60)
@given(name=st.sampled_from(EVERY), seed=st.integers(0, 2**31), part=st.integers(1, 30))
def test_classes_depend_on_the_clip_alone_not_on_the_clips_beside_it(name: str, seed: int, part: int) -> None:
    table = scenes(seed, 30)
    assert (classes_of(table, VARIABLES[name])[:part] == classes_of(table.iloc[:part], VARIABLES[name])).all()


@settings(max_examples=100)
@given(name=st.sampled_from(EVERY), seed=st.integers(0, 2**31))
def test_a_change_gives_the_class_asked_for_and_touches_nothing_else(name: str, seed: int) -> None:
    variable, table, rng = VARIABLES[name], scenes(seed, 200), np.random.default_rng(seed)
    wanted = rng.integers(0, len(variable.classes), len(table))
    columns = changed(table, variable, wanted, rng)
    after = table.assign(**columns)
    assert (classes_of(after, variable) == wanted).all()
    assert set(columns) == set(variable.columns)
    if variable.name not in ("direction", "shape"):  # those hold no number
        low, high = (0, 1) if name == "colour" else variable.limits
        assert all(((low <= column) & (column <= high)).all() for column in columns.values())


@pytest.mark.parametrize("name", ["position", "colour", "direction", "shape"])
def test_a_change_to_the_class_that_is_there_changes_nothing(name: str) -> None:
    variable, table = VARIABLES[name], scenes(3, 500)
    there = changed(table, variable, classes_of(table, variable), np.random.default_rng(0))
    for column, values in there.items():
        if table[column].dtype == float:
            np.testing.assert_allclose(values, table[column], atol=2e-9 / 6)
        else:
            assert (values == table[column]).all()


def test_a_changed_number_is_uniform_over_its_new_class() -> None:
    variable, table = VARIABLES["speed"], scenes(0)
    drawn = changed(table, variable, np.full(SCENES, 2), np.random.default_rng(0))["speed"]
    low, high = variable.edges[0][1], variable.edges[0][2]
    counts = np.histogram(drawn, bins=10, range=(low, high))[0]
    assert counts.sum() == SCENES
    assert ((counts - SCENES / 10) ** 2 / (SCENES / 10)).sum() < 33.7  # 9 degrees of freedom, 1 in 10,000


def test_a_place_is_mirrored_so_that_it_stays_in_its_box_and_as_far_from_the_middle() -> None:
    variable, table = VARIABLES["position"], scenes(1)
    wanted = (classes_of(table, variable) + 3) % 4
    after = changed(table, variable, wanted, np.random.default_rng(0))
    for column in ("x", "y"):
        np.testing.assert_allclose(np.abs(after[column] - 0.5), np.abs(table[column] - 0.5), atol=1e-12)
        assert (POSITION_RANGE[0] <= after[column]).all() and (after[column] <= POSITION_RANGE[1]).all()
    assert variable.classes[classes_of(pd.DataFrame({"x": [0.7], "y": [0.3]}), variable)[0]] == "top right"  # y grows downwards


def test_the_classes_of_colour_are_named_after_the_hues_in_their_middle() -> None:
    hues = pd.DataFrame({"hue": [0.0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 0.99]})
    assert [COLOURS[i] for i in classes_of(hues, VARIABLES["colour"])] == [*COLOURS, "red"]


# values


@pytest.mark.parametrize("name", EVERY)
def test_values_are_as_wide_as_the_variable_says(name: str) -> None:
    variable, table = VARIABLES[name], scenes(0, 50)
    values = values_of(table, variable)
    if variable.kind == "categorical":
        assert values is None and variable.width == 0
    else:
        assert values is not None and values.shape == (50, variable.width) and np.isfinite(values).all()


@pytest.mark.parametrize("name", ["direction", "colour"])
def test_a_circular_value_is_the_angle_whose_class_lies_around_it(name: str) -> None:
    variable, table = VARIABLES[name], scenes(0, 500)
    values = values_of(table, variable)
    assert values is not None
    np.testing.assert_allclose(np.hypot(*values.T), 1, atol=1e-12)
    middle = 2 * np.pi * classes_of(table, variable) / len(variable.classes)
    off = np.angle((values[:, 0] + 1j * values[:, 1]) * np.exp(-1j * middle))
    assert np.abs(off).max() <= np.pi / len(variable.classes) + 1e-9


@pytest.mark.parametrize("name", ["speed", "size"])
def test_classes_of_a_number_rise_with_it(name: str) -> None:
    table, variable = scenes(0, 500), VARIABLES[name]
    order = np.argsort(table[name].to_numpy())
    assert (np.diff(classes_of(table, variable)[order]) >= 0).all()


# twins


@pytest.mark.parametrize("name", EVERY)
def test_the_class_of_a_twin_is_uniform_over_the_other_classes(name: str) -> None:
    clips = directions8(per_class=100)
    count = len(VARIABLES[name].classes)
    step = (twins(clips, name).labels(name)[0] - clips.labels(name)[0]) % count
    counts, expected = np.bincount(step, minlength=count), len(clips) / (count - 1)
    assert counts[0] == 0
    assert ((counts[1:] - expected) ** 2 / expected).sum() < 22.5  # at most 6 degrees of freedom, 1 in 1,000


@pytest.mark.parametrize("name", EVERY)
def test_no_twin_touches_the_border_of_the_frame(name: str) -> None:
    clips = twins(directions8(1, per_class=10, frames=4), name)
    alpha = clips.source.coverage(clips.factors, 4, 64)
    border = torch.ones(64, 64, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    assert alpha[..., border].max() == 0


def test_twins_of_a_seed_never_change() -> None:
    """Stores and tables of earlier studies are addressed by these digests."""
    clips = directions8(3, per_class=20)
    assert clips.digest == "cc9344d7d22abfad"
    assert [twins(clips).digest, twins(clips, "direction", 7).digest] == ["a7a3c5fe45cb0de8", "672c73f7cb463b14"]
    assert [twins(clips, "shape", 1).digest, reverse_twins(clips).digest] == ["55f06ac4869ec07d", "3027f37dee3574b1"]


def test_describing_variables_imports_no_numerical_library() -> None:
    code = "import sys, jepascope.clips.variables; sys.exit([n for n in ('numpy', 'pandas', 'torch') if n in sys.modules] or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
