"""What a worker of an engine does: it holds one model, and runs tasks on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadCheckpoint

Open = Callable[[], VideoEncoder]
"""Loads the encoder of a study, on whatever machine it is called."""


@dataclass(frozen=True)
class View:
    """Which form of the study's encoder a task is for: clips of what length and size, and the untrained twin of what seed, if one.

    ``digest`` is that of the driver's: a worker whose files hold other weights refuses instead of mixing two models.
    """

    digest: str
    frames: int
    size: int
    seed: int | None = None


@dataclass(frozen=True)
class Place:
    """Where a worker runs: machine, device and process."""

    machine: str
    device: str
    process: int


class Worker:
    """One model on one device. A twin with fresh weights is made where it is first asked for, and one is kept at most."""

    def __init__(self, load: Open, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.encoder = load()
        self.twin: tuple[int, VideoEncoder] | None = None
        self.shared: tuple[str, Any] = ("", None)

    def place(self) -> Place:
        """Where it runs."""
        return Place(os.uname().nodename, str(self.encoder.device), os.getpid())

    def run(self, view: View, work: Callable[..., Any], key: str, fetch: Callable[[], Any], own: tuple[Any, ...]) -> Any:
        """One task. ``fetch`` gets what tasks have in common, once for all that follow each other."""
        if self.shared[0] != key:
            self.shared = ("", None)  # let go of the last before the next comes
            self.shared = (key, fetch())
        return work(self.seen(view), self.shared[1], *own)

    def seen(self, view: View) -> VideoEncoder:
        """The encoder in that form."""
        encoder = self.encoder
        if view.seed is not None:
            if self.twin is None or self.twin[0] != view.seed:
                self.twin = (view.seed, encoder.untrained(view.seed))
            encoder = self.twin[1]
        if encoder.card.digest != view.digest:
            raise BadCheckpoint(
                f"A worker on {os.uname().nodename} loaded other weights of '{encoder.card.name}' ({encoder.card.digest}) than the "
                f"machine that leads ({view.digest}). Put the same checkpoint on every machine."
            )
        card = encoder.card
        return encoder if (card.frames, card.size) == (view.frames, view.size) else encoder.at(view.frames, view.size)
