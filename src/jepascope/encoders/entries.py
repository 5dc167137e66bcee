"""The catalog of encoders: what ``--model`` may name besides checkpoints. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from jepascope.catalog import Catalog, Entry


@dataclass(frozen=True, kw_only=True)
class EncoderEntry(Entry):
    """An encoder of somebody else's: ``run`` names a VideoEncoder, or a function without arguments that returns one."""


ENCODERS = Catalog("encoder", EncoderEntry, "jepascope.encoders")
