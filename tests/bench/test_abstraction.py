"""bench abstraction on a system of our own in place of the package's: what each score sees, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from jepascope.bench.kinds.abstraction import averages, told_apart
from jepascope.bench.systems.exchange import System, content, written_over
from jepascope.bench.systems.measure import SCORES, as_far, measured, scores
from jepascope.bench.systems.suites import explanations
from jepascope.cli import app
from jepascope.errors import BadArgument
from jepascope.report.bench.abstraction import lines, sections

CELLS = {"x": "x", "m": "m", "y": "y"}


class Builder:
    """x -> m = 2 x -> y = m + leak b, with b = 0 unless something writes it; every label is the value itself."""

    def __init__(self, leak: float) -> None:
        self.leak = leak

    def _step_ground_or_passthrough(self, asked: dict[str, Any], rng: Any) -> dict[str, Any]:
        return {name: np.array([each["labels"]]) for name, each in asked.items()}

    def _step_low_level_model_execute(self, writes: dict[str, Any], rng: Any) -> dict[str, Any]:
        x = writes["x"]
        m = writes.get("m", 2 * x)
        b = writes.get("b", np.zeros_like(x))
        return {"x": x, "m": m, "b": b, "y": m + self.leak * b}

    def _step_abstract(self, state: dict[str, Any]) -> dict[str, Any]:
        return {name: [float(state[name][0, 0])] for name in CELLS}

    def _coerce_label(self, label: Any) -> Any:
        return label

    def _step_inject_phi_noise(self, writes: dict[str, Any], rng: np.random.Generator, batch_size: int) -> dict[str, Any]:
        return {**writes, "b": rng.standard_normal((1, 1))}


def graph(inner: Callable[[float], float], outer: Callable[[float], float]) -> Any:
    def predict(given: dict[str, float], rng: Any) -> dict[str, float]:
        m = given.get("m", inner(given["x"]))
        return {"x": given["x"], "m": m, "y": outer(m)}

    return SimpleNamespace(variables=dict.fromkeys(CELLS), predict=predict, get_roots=lambda: [SimpleNamespace(name="x")])


RIGHT = graph(lambda x: 2 * x, lambda m: m)
COMPENSATED = graph(lambda x: -2 * x, lambda m: -m)  # the same outputs by another inner value


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, float]]:
    """The scores of one explanation of a system."""

    class Sampler:
        def __init__(self, _: Any) -> None: ...

        def sample_intervention(self, roots: Any, batch_size: int, force_all: bool, rng: np.random.Generator) -> dict[str, Any]:
            return {"x": {"labels": [float(rng.standard_normal())]}}

    monkeypatch.setitem(sys.modules, "causal_abstraction", SimpleNamespace(TopDownSampler=Sampler))

    def score(explanation: Any, leak: float = 0.0, seed: int = 0) -> dict[str, float]:
        schema = SimpleNamespace(variable_names={"x", "m", "b", "y"})
        cells = SimpleNamespace(get_micro_vars=lambda name: [SimpleNamespace(variable=CELLS[name], index=None)], schema=schema)
        engine = SimpleNamespace(builder=Builder(leak), cg_map=cells, high_level_model=explanation, value_map=None)
        return scores(measured(System(engine, ("y",), np.random.default_rng(seed)), 20))

    return score


def test_a_valid_explanation_has_an_effect_of_one_no_leak_and_nothing_unsaid(told: Callable[..., dict[str, float]]) -> None:
    row = told(RIGHT)
    assert row["ce"] == pytest.approx(1) and row["leak"] == 0 and row["unsaid"] == pytest.approx(0)
    assert row["n"] == 40 and row["beside"] == row["faithful"] and row["agreement"] == pytest.approx(row["faithful"])
    assert row["beside"] == pytest.approx(1 - max(row[name] for name in ("random", "norm", "shuffled")))


def test_what_is_read_beside_the_map_is_a_leak_that_the_effect_does_not_see(told: Callable[..., dict[str, float]]) -> None:
    leaking = told(RIGHT, leak=3.0)
    assert leaking["ce"] == pytest.approx(1) and leaking["leak"] > 0.5 and leaking["faithful"] < leaking["beside"] - 0.5


def test_an_inner_value_that_is_made_up_for_is_unsaid(told: Callable[..., dict[str, float]]) -> None:
    valid, wrong = told(RIGHT), told(COMPENSATED)
    assert wrong["unsaid"] > 1 > valid["unsaid"] and wrong["agreement"] < valid["agreement"]


def test_writes_lie_over_each_other_in_their_order() -> None:
    state = {"v": np.arange(4.0)[None], "w": np.array([7.0])}
    assert content(state, [("w", None)])[0][2].tolist() == [[7.0]]
    part = content(state, [("v", 2), ("v", slice(0, 2))])
    assert [value.tolist() for *_, value in part] == [[[2.0]], [[0.0, 1.0]]]
    made = written_over({"v": "whole"}, part)
    assert [index for index, _ in made["v"]] == [None, 2, slice(0, 2)]
    assert written_over({"v": "whole"}, [("v", None, np.ones((1, 4)))])["v"].shape == (1, 4)
    own, theirs = np.zeros((1, 3)), np.array([[3.0, 0.0, 4.0]])
    assert np.linalg.norm(as_far(own, theirs, np.random.default_rng(0))) == pytest.approx(5)


def test_pairs_are_told_apart_run_by_run_and_the_page_says_which_are_not() -> None:
    rows = [
        {"system": "s", "condition": name, "valid": name == "valid", "seed": run, "n": 4, **dict.fromkeys(SCORES, value + 0.01 * run)}
        for name, value in (("valid", 1.0), ("fail", 0.0), ("same", 1.0))
        for run in range(4)
    ]
    table = pd.DataFrame(rows).assign(IIAMetric=[float("nan")] * 12)
    pairs = told_apart(table)
    assert [pair["areas"]["ce"]["value"] for pair in pairs] == [1.0, 0.5] and pairs[0]["areas"]["IIAMetric"] is None
    record = {"pairs": pairs, "explanations": averages(table), "scores": list(SCORES), "theirs": ["IIAMetric"], "left_out": {"a": "b"}}
    record |= {"settings": {"runs": 4}, "confidence": 0.95}
    assert lines(record)[0].startswith("CE tells the valid explanation from the invalid one in 1 of 2 pairs; not: same")
    assert [section.anchor for section in sections(record)] == ["summary", "explanations", "method", "not-run"]


def test_a_suite_that_cannot_run_here_is_left_out_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "systems").mkdir()
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "beside.py").write_text("WORD = 'valid'\n")
    good = "from beside import WORD\nCONDITIONS = [WORD, 'fail', 'noise']\nOUTPUTS = ['y']\nprint('noise')\n"
    (tmp_path / "test" / "01_good.py").write_text(f"{good}def build_condition(name, run):\n    return name, run\n")
    (tmp_path / "test" / "02_bad.py").write_text("import no_such_package_here\n")
    (tmp_path / "test" / "03_other.py").write_text("raise SystemExit\n")
    before = list(sys.path)
    found, left_out = explanations(tmp_path, ["01", "02"])
    assert [(each.condition, each.valid, each.condition_of(3)) for each in found] == [
        ("valid", True, ("valid", 3)),
        ("fail", False, ("fail", 3)),
    ]
    assert "no_such_package_here" in left_out["02_bad"] and left_out["03_other"] == "not asked for" and sys.path == before
    with pytest.raises(BadArgument, match="git clone"):
        explanations(tmp_path / "test", ["01"])


def test_what_is_missing_is_said_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jepascope.bench.run.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["bench", "abstraction"])
    assert result.exit_code == 1 and "pip install 'jepascope[abstraction]'" in result.stderr
