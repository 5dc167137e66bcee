"""Live pages for the tests, and what is asked of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jepascope.encoders.load import load_encoder
from jepascope.explore.explorer import Explorer
from jepascope.explore.export import export
from jepascope.explore.page import render
from jepascope.report.folder import RunFolder
from jepascope.study.captures import Captures
from jepascope.study.discover.subspaces import run_subspaces
from jepascope.study.folder import Run
from jepascope.study.progress import Silent
from jepascope.study.spec import StudySpec

NANO: dict[str, Any] = {
    **{"model": "nano", "clips_per_class": 10, "test_scenes": 16, "rank": 2, "finders": ("diff_means",), "layers": (0,), "best_layer": 2},
    **{"draws": 2, "draws_elsewhere": 2, "judges": ("probe", "mlp", "predictor")},
}
"""The shipped encoder with subspaces and read-outs of its own, of a study that goes no further than the page needs."""


def begun_explorer(folder: Path, **fields: Any) -> Explorer:
    """A run of the shipped encoder, or of what ``fields`` of the spec name, that holds subspaces alone, and the effects of one edit."""
    spec = StudySpec(**{**NANO, **fields})
    run = Run.open(folder, spec)
    captures = Captures.of_run(run, load_encoder(spec.model), Silent())
    best = spec.best_layer
    assert best is not None
    run_subspaces(captures, {*captures.edited.named, best})
    tables: dict[str, pd.DataFrame | None] = {}
    explorer = Explorer(captures, RunFolder(path=folder, summary={}, provenance={}, spec="", tables=tables), best=best)
    site = explorer.at(best)
    tables["effects"], _ = site.context.edit(site.subspaces, {}, ("swap",), judges=[explorer.judges.main])
    return explorer


def live_page(explorer: Explorer, path: Path, clips: int = 40) -> Path:
    path.write_text(render(export(explorer, clips)), encoding="utf-8")
    return path


def ready(page: Any) -> Any:
    """The page, once its first reading is there."""
    page.evaluate("window.jepascope.ready")
    return page


STATES = """async (asked) => {
  await window.jepascope.load(asked.clip);
  const text = (bytes) => { let out = ""; for (const byte of bytes) out += String.fromCharCode(byte); return btoa(out); };
  const states = await window.jepascope.states(asked);
  const bytes = (tokens) => new Uint8Array(new Float32Array(tokens).buffer);
  return Object.fromEntries(Object.entries(states).map(([layer, tokens]) => [layer, text(bytes(tokens))]));
}"""
ANSWER = "async (asked) => { await window.jepascope.load(asked.clip); return window.jepascope.answer(asked); }"


def states_in(page: Any, asked: Mapping[str, Any]) -> dict[int, np.ndarray]:
    """Hidden states of every layer from the edited one on, as the page computes them."""
    sent = page.evaluate(STATES, dict(asked))
    return {int(layer): np.frombuffer(base64.b64decode(tokens), np.float32) for layer, tokens in sent.items()}


def answer_in(page: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the page reads."""
    return dict(page.evaluate(ANSWER, dict(asked)))


def largest_difference(a: Any, b: Any) -> float:
    """Between two answers, or two numbers of them; infinite where one has what the other has not."""
    if isinstance(b, dict):
        return max((largest_difference(a[name], b[name]) for name in b), default=0.0) if set(b) <= set(a) else float("inf")
    if isinstance(b, list):
        return max(map(largest_difference, a, b), default=0.0) if len(a) == len(b) else float("inf")
    if b is None or a is None:
        return 0.0 if a is b else float("inf")
    return abs(a - b)
