"""The Ray engine gives the local one's tables, also when one of its workers is killed half way."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

from jepascope.activations.suffix import PooledReader, Rerun, Sweep, rerun
from jepascope.clips.presets import directions8
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.load import load_encoder
from jepascope.errors import BadArgument, BadCheckpoint, JepascopeError
from jepascope.intervention.conditions import Condition
from jepascope.intervention.run import Group
from jepascope.study.engine.encoder import SpreadEncoder
from jepascope.study.engine.ray_engine import Cluster, check_address, require_ray, share_of
from jepascope.study.engine.worker import View, Worker
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every table of a run folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


# how a cluster is shared


@pytest.mark.parametrize(
    ("machines", "device", "workers", "expected"),
    [
        ([{"CPU": 2.0}], "cpu", None, (1, 2, False)),
        ([{"CPU": 2.0}], "cpu", 2, (2, 1, False)),
        ([{"CPU": 8.0}, {"CPU": 4.0}], "cpu", None, (2, 4, False)),
        ([{"CPU": 5.0}, {"CPU": 5.0}], "cpu", 3, (3, 2, False)),
        ([{"CPU": 16.0, "GPU": 4.0}, {"CPU": 16.0, "GPU": 4.0}], "cuda", None, (8, 4, True)),
        ([{"CPU": 16.0, "GPU": 4.0}], "cuda:1", 2, (2, 8, True)),
    ],
)
def test_one_worker_for_each_device(machines, device: str, workers: int | None, expected: tuple[int, int, bool]) -> None:
    share = share_of(machines, device, workers)
    assert (share.workers, share.threads, share.gpu) == expected


@pytest.mark.parametrize(
    ("machines", "device", "workers", "said"),
    [
        ([{"CPU": 2.0}], "cuda", None, "no GPU"),
        ([{"CPU": 8.0, "GPU": 1.0}], "cuda", 2, "1 GPU,"),
        ([{"CPU": 2.0}], "cpu", 3, "each worker needs one"),
    ],
)
def test_what_a_cluster_cannot_do_is_said(machines, device: str, workers: int | None, said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        share_of(machines, device, workers)


def test_a_worker_refuses_other_weights_than_the_leaders(tiny_model: Path) -> None:
    worker = Worker(partial(load_encoder, str(tiny_model)), threads=1)
    card = worker.encoder.card
    assert worker.seen(View(card.digest, card.frames, card.size)) is worker.encoder
    twin = worker.encoder.untrained(3)
    assert worker.seen(View(twin.card.digest, 8, card.size, seed=3)).card.frames == 8
    with pytest.raises(BadCheckpoint, match="other weights"):
        worker.seen(View("0123", card.frames, card.size))


def test_without_ray_the_install_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(JepascopeError, match=r"pip install 'jepascope\[ray\]'"):
        require_ray()


@pytest.mark.parametrize("address", ["http://host:1", "ray://", "host", "ray://host:port", "1234"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadArgument, match="give auto"):
        check_address(address)


def test_an_address_where_nobody_answers_is_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(JepascopeError, match="No Ray cluster answers at"):
            check_address(f"ray://127.0.0.1:{free.getsockname()[1]}")


# on a cluster of two workers, started here

if find_spec("ray") is None:  # it takes a second to import, which only the slow tests need
    pytest.skip("needs Ray: pip install 'jepascope[ray]'", allow_module_level=True)
quietly = pytest.mark.filterwarnings("ignore")  # Ray's own, on its way up and down


@pytest.fixture(scope="module")
def cluster(tiny_model: Path):
    cluster = Cluster(partial(load_encoder, str(tiny_model)), "cpu", workers=2)
    yield cluster
    cluster.close()


def added(width: int, tokens: int) -> Group:
    """50 conditions, of which each moves four clips along another direction."""
    bases = torch.randn(50, width, 1, generator=torch.Generator().manual_seed(1))
    return Group(
        [Condition(b, b, b[:, 0], False, False, 1.0) for b in bases / bases.norm(dim=1, keepdim=True)], torch.ones(4, tokens, width), None
    )


@quietly
@pytest.mark.slow
def test_tasks_are_done_in_their_order_wherever_they_run(cluster, tiny_encoder) -> None:

    hidden = torch.randn(4, tiny_encoder.card.tokens, tiny_encoder.card.width, generator=torch.Generator().manual_seed(0))
    found = []
    for encoder in (tiny_encoder, SpreadEncoder(tiny_encoder, cluster)):
        kept: list[Tensor] = []
        rerun(
            encoder,
            [
                Rerun(
                    Sweep(hidden, 1, added(*reversed(hidden.shape[1:])), {3: PooledReader()}),
                    50,
                    lambda part, read, kept=kept: kept.append(read[3]),
                )
            ],
            8,
        )
        found.append(torch.cat(kept))
    assert len(found[0]) == 50 and torch.equal(*found)


@quietly
@pytest.mark.slow
def test_what_a_worker_refuses_is_raised_here_as_it_was_there(cluster, tiny_encoder) -> None:

    hidden = torch.zeros(1, tiny_encoder.card.tokens, tiny_encoder.card.width)
    done = SpreadEncoder(tiny_encoder, cluster).map(VideoEncoder.run, ((hidden, (start,)) for start in (0, 1, 2, 9, 1)))
    assert [next(done).shape for _ in range(3)] == [hidden.shape] * 3
    with pytest.raises(BadArgument, match=r"blocks 9\.\.3 do not exist"):
        next(done)


def listening(root: int) -> dict[str, str]:
    """Addresses on which a process and those below it listen, as /proc has them, with the command."""
    states = [path.read_text().rpartition(")") for path in Path("/proc").glob("[0-9]*/stat")]
    parents = {int(head.split()[0]): int(rest.split()[1]) for head, _, rest in states}
    family = {root}
    while grown := {process for process, parent in parents.items() if parent in family} - family:
        family |= grown
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    addresses = {line[9]: line[1].split(":")[0] for line in lines if line[3] == "0A"}
    held = {}
    for process in family:
        for handle in Path(f"/proc/{process}/fd").glob("*"):
            with contextlib.suppress(OSError):
                socket_of = os.readlink(handle).removeprefix("socket:[").removesuffix("]")
                if socket_of in addresses:
                    held[f"{process}:{socket_of}"] = f"{addresses[socket_of]} {Path(f'/proc/{process}/comm').read_text().strip()}"
    return held


@quietly
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="sockets are read as Linux lists them")
def test_what_is_started_here_listens_on_the_loopback_alone(cluster) -> None:
    found = listening(os.getpid())
    assert {name.split()[1].split(":")[0] for name in found.values()} >= {"gcs_server", "raylet", "ray"}
    loopback = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
    assert [each for each in found.values() if not each.startswith(loopback)] == []
    assert "127.0.0.1 alone" in (Path(__file__).parents[2] / "docs" / "beyond-one-machine.md").read_text()


class Killing:
    """Progress that kills a worker of a cluster at the first report of one piece of work."""

    def __init__(self, cluster: Cluster, stages: tuple[str, ...]) -> None:
        self.cluster, self.stages, self.killed = cluster, list(stages), 0

    def start(self, what: str) -> Callable[[int, int], None]:
        def tick(done: int, total: int) -> None:
            if self.stages and what.startswith(self.stages[0]):
                self.stages.pop(0)
                place = require_ray().get(self.cluster.workers[0].place.remote())
                os.kill(place.process, signal.SIGKILL)
                self.killed += 1

        return tick

    def say(self, line: str) -> None:
        pass


@quietly
@pytest.mark.slow
def test_a_study_on_two_workers_one_of_which_is_killed_twice_gives_the_same_tables(
    cluster, tiny_spec: StudySpec, tiny_encoder, finished_run: Path, tmp_path: Path
) -> None:

    progress = Killing(cluster, ("capture fit clips", "swap at layer"))
    run_study(tiny_spec, tmp_path / "spread", SpreadEncoder(tiny_encoder, cluster), progress)
    assert progress.killed == 2
    mine, theirs = bytes_of(tmp_path / "spread"), bytes_of(finished_run)
    assert mine.keys() == theirs.keys() and len(mine) > 10
    assert [name for name in mine if mine[name] != theirs[name]] == []


def test_clips_can_be_sent() -> None:
    """What a capture's tasks carry goes through pickle on its way to a worker."""
    import pickle

    clips = directions8(seed=0, per_class=10, frames=4, size=16)
    assert torch.equal(pickle.loads(pickle.dumps(clips)).video(slice(0, 2)), clips.video(slice(0, 2)))
