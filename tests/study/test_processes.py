"""The local engine: the same tables with any number of processes, also when some of them die on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cloudpickle
import pytest
import torch

from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument
from jepascope.study.engine.encoder import SpreadEncoder
from jepascope.study.engine.processes import Processes
from jepascope.study.machine import Machine, open_encoder
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[Processes]:
    engine = Processes(partial(load_encoder, str(tiny_model)), others=1)  # each imports torch anew
    yield engine
    engine.close()


def pids(engine: Processes) -> list[int]:
    return list(engine._pool._processes) if engine._pool is not None else []


cloudpickle.register_pickle_by_value(sys.modules[__name__])  # a worker need not import what these tests import


def own_process(encoder: VideoEncoder, shared: object, number: int, seconds: float) -> tuple[int, int]:
    """A task: its number, and where it ran."""
    time.sleep(seconds)
    return number, os.getpid()


def test_results_come_in_the_order_of_their_tasks_whoever_computes_them(engine: Processes, tiny_encoder: VJepa2Encoder) -> None:
    tasks = (("shared" if number < 30 else "other", (number, 0.01)) for number in range(60))
    done = list(SpreadEncoder(tiny_encoder, engine).map(own_process, tasks))
    assert [number for number, _ in done] == [*range(60)]
    assert os.getpid() in {process for _, process in done}


def test_others_take_part_once_they_are_there(engine: Processes, tiny_encoder: VJepa2Encoder) -> None:
    until = time.monotonic() + 300  # a worker imports torch and the model's library, which a busy machine takes minutes for
    took: set[int] = set()
    while len(took) < 2 and time.monotonic() < until:
        took |= {process for _, process in SpreadEncoder(tiny_encoder, engine).map(own_process, ((0, (n, 0.05)) for n in range(12)))}
    assert len(took) == 2


def test_tasks_are_taken_as_they_are_worked_off(engine: Processes, tiny_encoder: VJepa2Encoder) -> None:
    taken = 0

    def tasks() -> Iterator[tuple[int, tuple[int, float]]]:
        nonlocal taken
        for taken in range(1000):
            yield 0, (taken, 0.0)

    results = SpreadEncoder(tiny_encoder, engine).map(own_process, tasks())
    next(results)
    assert taken < 30
    results.close()  # type: ignore[attr-defined]


def test_what_a_worker_refuses_is_raised_here_as_it_was_there(engine: Processes, tiny_encoder: VJepa2Encoder) -> None:
    hidden = torch.zeros(1, tiny_encoder.card.tokens, tiny_encoder.card.width)
    done = SpreadEncoder(tiny_encoder, engine).map(VideoEncoder.run, ((hidden, (start,)) for start in (0, 1, 2, 9, 1)))
    assert [next(done).shape for _ in range(3)] == [hidden.shape] * 3
    with pytest.raises(BadArgument, match=r"blocks 9\.\.3 do not exist"):
        next(done)


@pytest.mark.slow
def test_what_a_dead_worker_had_is_computed_here(engine: Processes, tiny_encoder: VJepa2Encoder, caplog: pytest.LogCaptureFixture) -> None:
    encoder = SpreadEncoder(tiny_encoder, engine)
    list(encoder.map(own_process, ((0, (n, 0.01)) for n in range(20))))
    done = []
    for number, _ in encoder.map(own_process, ((0, (n, 0.02)) for n in range(60))):
        done.append(number)
        if number == 10:
            for process in pids(engine):
                os.kill(process, signal.SIGKILL)
    assert done == [*range(60)] and "computed again" in caplog.text


class Killing:
    """Progress that kills the workers at the first report of one piece of work."""

    def __init__(self, engine: Processes, stage: str) -> None:
        self.engine, self.stage, self.killed = engine, stage, 0

    def start(self, what: str) -> Callable[[int, int], None]:
        def tick(done: int, total: int) -> None:
            if not self.killed and what.startswith(self.stage):
                for process in pids(self.engine):
                    os.kill(process, signal.SIGKILL)
                    self.killed += 1

        return tick

    def say(self, line: str) -> None:
        pass


@pytest.mark.slow
@pytest.mark.parametrize("others", [1, 3])
def test_tables_do_not_depend_on_the_processes_nor_on_their_death(
    others: int, tmp_path: Path, tiny_model: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    engine = Processes(partial(load_encoder, str(tiny_model)), others)
    progress = Killing(engine, "swap at layer")
    try:
        run_study(tiny_spec, tmp_path / "run", SpreadEncoder(tiny_encoder, engine), progress)
    finally:
        engine.close()
    assert progress.killed == others
    tables = sorted(path.name for path in finished_run.glob("*.parquet"))
    assert len(tables) > 10
    assert [name for name in tables if (tmp_path / "run" / name).read_bytes() != (finished_run / name).read_bytes()] == []


LEADER = """
import sys, time
from functools import partial
from jepascope.encoders.load import load_encoder
from jepascope.study.engine.encoder import SpreadEncoder
from jepascope.study.engine.processes import Processes
if __name__ == "__main__":
    load = partial(load_encoder, sys.argv[1])
    engine = Processes(load, 1)
    encoder = SpreadEncoder(load(), engine)
    while not engine._pool or not engine._pool._processes:
        list(encoder.map(len, []))
        engine._ready()
    print(*engine._pool._processes, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_workers_go_with_the_process_that_leads(tiny_model: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", LEADER, str(tiny_model)], stdout=subprocess.PIPE, text=True) as leader:
        assert leader.stdout is not None
        (worker,) = map(int, leader.stdout.readline().split())
        time.sleep(10)  # it begins
        leader.kill()
    until = time.monotonic() + 30
    while Path(f"/proc/{worker}").exists() and time.monotonic() < until:
        time.sleep(0.2)
    assert not Path(f"/proc/{worker}").exists()


def test_one_process_is_the_encoder_itself_and_an_accelerator_has_no_more(tiny_model: Path) -> None:
    assert isinstance(open_encoder(Machine(workers=1), str(tiny_model)), VJepa2Encoder)
    assert isinstance(open_encoder(Machine(workers=3), str(tiny_model)), SpreadEncoder)
    assert torch.get_num_threads() == 1
    with pytest.raises(BadArgument, match="one process computes"):
        Machine("cuda", workers=2)
