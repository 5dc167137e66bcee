"""Edits and controls of one's own: functions, named by their path, that run beside ours and are named where they fail."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.activations.site import Site
from jepascope.errors import BadArgument
from jepascope.intervention.conditions import merged
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.controls import ControlDraw, matched_controls
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.effects import intervene

OWN = """
import numpy as np
import torch
from jepascope.intervention.control_entry import ControlEntry
from jepascope.intervention.edit_entry import EditEntry

def halve(made_from):
    'Half of what the ablation takes away.'
    return (made_from.mean - made_from.hidden) / 2

def as_ablate(made_from):
    return made_from.mean.numpy() - made_from.hidden.numpy()

taking = EditEntry(name="", meaning="", run=f"{__name__}:as_ablate", outcome="lost", noun="taking away")
def towards(made_from): return (made_from.class_means[made_from.target] - made_from.class_means[made_from.label])[:, None]
carrying = EditEntry(name="", meaning="", run=f"{__name__}:towards", carries=True, mean="never")
def raises(made_from): raise ValueError("not today")
def nan(made_from): return made_from.hidden * np.nan
def wrong(made_from): return made_from.hidden[:, :, :3]
def text(made_from): return "nothing"

def top(subspace, covariance, free, draws, rng):
    'The free axes of most variance.'
    axes = torch.linalg.eigh(free.T @ covariance.double() @ free).eigenvectors.flip(1)
    return (free @ axes[:, : subspace.rank]).expand(draws, -1, -1).numpy()

def skewed(subspace, covariance, free, draws, rng):
    return rng.standard_normal((draws, *subspace.basis.shape))

beside = ControlEntry(name="", meaning="", run=f"{__name__}:top", complement=True, words="top free axes")
def short(subspace, covariance, free, draws, rng): return np.zeros((draws, 2, 1))
def flat(subspace, covariance, free, draws, rng): return np.zeros((draws, *subspace.basis.shape))
def fails(subspace, covariance, free, draws, rng): return free[0, "no"]
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "edits_of_one.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "edits_of_one", raising=False)


def effects(study, *edits: str, controls: dict[str, list[ControlDraw]] | None = None) -> pd.DataFrame:
    found, _ = intervene(study.encoder, Site(1), study.scenes, {"one": study.subspace(0)}, controls or {}, [study.judge], edits)
    return found.set_index("edit")


def test_an_edit_of_ones_own_runs_as_ours_do(study) -> None:
    table = effects(study, "ablate", "edits_of_one:taking", "edits_of_one:halve", "steer", "edits_of_one:carrying")
    pd.testing.assert_frame_equal(table.loc["ablate"].reset_index(drop=True), table.loc["edits_of_one:taking"].reset_index(drop=True))
    pd.testing.assert_frame_equal(table.loc["steer"].reset_index(drop=True), table.loc["edits_of_one:carrying"].reset_index(drop=True))
    assert (table.loc["edits_of_one:halve"]["target"].to_numpy() == study.scenes.target.numpy()).all(), "towards the target by default"
    assert EDITS.column("noun").get("edits_of_one:taking") == "taking away" and EDITS.column("noun").get("no_such:edit", "it") == "it"


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("raises", "it raised ValueError: not today"),
        ("nan", "it returns NaN or infinite values"),
        ("wrong", r"it returns \(8, 16, 3\), not \(8, 16 or 1, 48\)|it returns \(\d+, \d+, 3\), not"),
        ("text", "what it returns .* must be a torch tensor, a NumPy array"),
    ],
)
def test_an_edit_that_fails_is_named(study, edit: str, why: str) -> None:
    with pytest.raises(BadArgument, match=rf"The edit 'edits_of_one:{edit}' cannot be used here: ({why}).* before is kept"):
        effects(study, f"edits_of_one:{edit}")


def test_a_control_of_ones_own_is_drawn_beside_the_matched_ones(study) -> None:
    subspace, covariance = study.subspace(0), torch.eye(48) + torch.diag(torch.linspace(0, 3, 48))
    names = ("random", "edits_of_one:beside", "edits_of_one:skewed")
    drawn = matched_controls(subspace, covariance, 3, 0, names=names)
    assert [(draw.name, draw.draw) for draw in drawn] == [(name, i) for name in names for i in range(3)]
    alone = matched_controls(subspace, covariance, 3, 0, names=("random",))
    assert all(torch.equal(a.basis, b.basis) for a, b in zip(drawn, alone, strict=False)), "ours are what they are alone"
    for draw in drawn:
        np.testing.assert_allclose(draw.basis.T @ draw.basis, np.eye(subspace.rank), atol=1e-5)
    assert not torch.equal(drawn[6].basis, drawn[7].basis), "its random stream is one of its own"
    carried = {
        owner.control
        for condition in merged({"one": subspace}, {"one": drawn}, (1.0,), "steer")
        for owner in condition.owners
        if condition.carried
    }
    assert carried == {"random", "edits_of_one:beside"}, "what is drawn beside the subspace carries the finder's step"
    table = effects(study, "ablate", controls={"one": drawn})
    assert set(table["control"]) == {"subspace", *names}
    assert CONTROLS.column("words").get("edits_of_one:beside") == "top free axes"


@pytest.mark.parametrize(
    ("control", "why"),
    [
        ("short", r"it returns \(3, 2, 1\), not finite bases of shape"),
        ("flat", "it returns columns that span less than rank"),
        ("fails", "it raised "),
    ],
)
def test_a_control_that_fails_is_named(study, control: str, why: str) -> None:
    with pytest.raises(BadArgument, match=rf"The control 'edits_of_one:{control}' cannot be used here: {why}"):
        matched_controls(study.subspace(0), torch.eye(48), 3, 0, names=(f"edits_of_one:{control}",))


def test_everything_that_is_declared_is_there() -> None:
    for catalog in (EDITS, CONTROLS):
        for name, entry in catalog.own.items():
            assert getattr(entry, "made", "") == "found" or callable(catalog.load(name)), name
    streams = {name: CONTROLS.entry(name).seed for name in CONTROLS}
    assert streams.pop("carried") == streams["random"], "in steering the two are one, and run once"
    assert sorted(streams.values())[:4] == [0, 1, 2, 3] and len(set(streams.values())) == len(streams)
