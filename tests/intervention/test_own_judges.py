"""Judges of one's own: any scikit-learn classifier, torch module or function, trained like ours and named where it fails."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor

from jepascope.errors import BadArgument
from jepascope.intervention.judge_entry import JUDGES, check_judge, reason_against
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.judges.own import trained

OWN = """
import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from jepascope.intervention.judge_entry import JudgeEntry

pipeline = make_pipeline(StandardScaler(), LogisticRegression())
forest = RandomForestClassifier(20)

def bayes(X, y, seed):
    'Naive Bayes.'
    return GaussianNB().fit(X, y)

class Small(torch.nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.out = torch.nn.Linear(width, classes)
    def forward(self, x):
        return self.out(x)

declared = JudgeEntry(name="", meaning="", run=f"{__name__}:bayes", words="naive Bayes", unavailable="why_not", check="refuse")
def why_not(card, spec): return "" if spec else "there is no spec"
def refuse(spec, encoder): raise ValueError("never")

class Text:
    def predict_proba(self, X): return "yes"
class Nan:
    def decision_function(self, X): return np.full((len(X), 3), np.nan)
def raises(X, y, seed): raise ValueError("not today")
def unread(X, y, seed): return object()
def text(X, y, seed): return Text()
def nan(X, y, seed): return Nan()
def narrow(X, y, seed): return GaussianNB().fit(X, np.minimum(y, 1))
number = 3
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "judges_of_one.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "judges_of_one", raising=False)


def clips(classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(90) % classes
    return torch.randn(90, 6, generator=generator) + 4 * torch.eye(6)[y], y


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["pipeline", "forest", "GaussianNB", "LinearSVC", "bayes", "Small", "declared"])
def test_anything_that_classifies_is_a_judge(name: str, classes: int) -> None:
    x, y = clips(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        readers = [trained(f"judges_of_one:{name}", x, y, 0) for _ in range(2)]
    fresh, expected = clips(classes, 1)
    judge = ProbeJudge(readers[0], name=name)
    read = judge.logits(fresh[None])
    assert read.shape == (1, 90, classes) and (read[0].argmax(dim=-1) == expected).float().mean() > 0.95
    assert torch.equal(read[0], ProbeJudge(readers[1]).logits(fresh)), "the same seed trains the same judge"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("raises", "it raised ValueError: not today"),
        ("unread", "object has neither predict_proba nor decision_function"),
        ("text", "it raised "),
        ("nan", "it reads NaN or infinite logits"),
        ("narrow", r"it reads \(90, 2\) of 90 clips and 3 classes"),
    ],
)
def test_a_judge_that_fails_is_named(name: str, why: str) -> None:
    x, y = clips()
    with pytest.raises(BadArgument, match=rf"The judge 'judges_of_one:{name}' cannot be used here: {why}"):
        ProbeJudge(trained(f"judges_of_one:{name}", x, y, 0)).logits(x)


def test_what_is_no_judge_is_refused() -> None:
    with pytest.raises(BadArgument, match=r"judge 'judges_of_one:number': .* is 3; it has to be"):
        JUDGES.entry("judges_of_one:number")


def test_a_declared_judge_says_when_it_cannot_be_had_and_what_it_is_called() -> None:
    name = "judges_of_one:declared"
    assert reason_against(name, None, None) == "there is no spec" and reason_against(name, None, 1) == ""
    assert reason_against("judges_of_one:bayes", None, None) == ""
    with pytest.raises(BadArgument, match=rf"The judge '{name}' \(judges_of_one:bayes\) cannot be used here: it raised ValueError: never"):
        check_judge(name, 1, type("Encoder", (), {"card": None}))
    assert JUDGES.column("words")[name] == "naive Bayes" and "mlp" in JUDGES.column("words")


def test_everything_that_is_declared_is_there() -> None:
    assert JUDGES.names[:4] == ("probe", "mlp", "predictor", "head")
    assert all(JUDGES.load(name) is not None for name in JUDGES.own)
    assert torch.isfinite(JUDGES.load("mlp")(*clips(), 0).logits(clips()[0])).all()
