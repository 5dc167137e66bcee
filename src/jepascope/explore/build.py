"""explore: a run becomes a page that computes, or one that replays what the run stored."""

from __future__ import annotations

from pathlib import Path

from jepascope.disk.folder import Folder
from jepascope.encoders.at_hand import find
from jepascope.errors import JepascopeError
from jepascope.explore.explorer import exploring, finished
from jepascope.explore.export import export
from jepascope.explore.page import render
from jepascope.explore.replay import replayed
from jepascope.explore.weights import MOST, not_embedded
from jepascope.study.geometry import block_parameters
from jepascope.study.machine import Machine
from jepascope.study.progress import Progress


def build(run: Path, out: Path, clips: int, machine: Machine, progress: Progress) -> tuple[int, str]:
    """Write the page; its length in characters, and why it only replays ("" where it computes)."""
    why, html = too_large(run), ""
    if not why:
        with exploring(run, machine, progress) as explorer:
            why = not_embedded(explorer.encoder)
            if not why:
                html = render(export(explorer, clips))
    html = html or render(replayed(run, clips))
    Folder(out.parent).write(out.name, html)
    return len(html), why


def too_large(run: Path) -> str:
    """Why a page cannot hold the run's encoder, as far as it is known without opening it: its size, or that it is not here."""
    spec, tables, _ = finished(run)
    card = tables.provenance.get("encoder", {})
    if isinstance(card.get("depth"), int) and isinstance(card.get("width"), int):
        count = block_parameters(card["depth"], card["width"])
        if count > MOST:
            return f"its blocks have some {count:,} parameters, and a page holds at most {MOST:,}"
    try:
        find(spec.model)
    except JepascopeError:
        return "the encoder is not on this machine"
    return ""
