"""A study is a declared list of steps: what each needs is there when its turn comes, and what is left out is said and empty."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.folder import Run
from jepascope.study.progress import Silent
from jepascope.study.run import runner_of
from jepascope.study.spec import StudySpec
from jepascope.study.step import Step
from jepascope.study.steps.at_best import TRACE
from jepascope.study.steps.port import COMMAND, MODELS, SUBSPACES
from jepascope.study.steps.whole import STEPS

OF_PORT = {"a", "b", "finders", "components", "run"}
EVERY = (*STEPS, TRACE, *MODELS, *SUBSPACES)


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name)
def test_a_step_is_run_by_a_function_of_what_it_needs(step: Step) -> None:
    taken = inspect.signature(step.work).parameters
    assert len(taken) == len(step.needs)


@pytest.mark.parametrize("steps", [STEPS, *COMMAND.values()], ids=["study", *COMMAND])
def test_what_a_step_needs_was_made_before_it(
    steps: tuple[Step, ...], tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    run = Run(tmp_path, tiny_spec)
    there = set(runner_of(Captures.of_run(run, tiny_encoder, Silent())).given) if steps is STEPS else set(OF_PORT)
    for step in steps:
        assert {*step.needs} <= there, step.name
        there |= {*step.tables} or {step.name}


def test_steps_write_every_table_that_is_declared_and_no_other() -> None:
    written = [table for step in EVERY for table in step.tables]
    of_studies = {name for name, table in TABLES.items() if table.where != "compare"}
    assert {*written} == of_studies - {"clips", "refusals", "others"} and len({step.name for step in STEPS}) == len(STEPS)


def test_what_the_spec_leaves_out_is_an_empty_table_and_said_in_the_log(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    spec = tiny_spec.model_copy(update={"token_map": False, "stability_subsamples": 0, "peels": 0, "best_layer": 1, "chapters": ("port",)})
    run = Run.open(tmp_path, spec)
    left_out = [step for step in STEPS if step.left_out(spec)]
    runner_of(Captures.of_run(run, tiny_encoder, Silent())).do(left_out)
    run.close()
    mechanism = ["isolation", "doses", "ranks", "calibration", "refits"]
    assert [step.name for step in left_out] == ["stability", "token map", "leaks", *mechanism, "degeneracy"]
    for table in (name for step in left_out for name in step.tables):
        assert run.table(table).empty and list(run.table(table).columns) == TABLES[table].written
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert "token_map" in next(line["why"] for line in log if line["event"] == "skipped" and line["step"] == "token map")
