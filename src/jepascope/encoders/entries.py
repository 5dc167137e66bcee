"""The catalog of encoders: what ``--model`` may name besides checkpoints. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from jepascope.catalog import Catalog, Entry


@dataclass(frozen=True, kw_only=True)
class EncoderEntry(Entry):
    """An encoder of somebody else's: ``run`` names a VideoEncoder, or a function without arguments that returns one."""

    @classmethod
    def of_code(cls, given: object, name: str, path: str) -> EncoderEntry:
        """Whatever it is: what is no encoder is refused when it is loaded."""
        return cls(name=name, meaning=f"{type(given).__name__}, {path}", run=path)


ENCODERS = Catalog("encoder", EncoderEntry, "jepascope.encoders")
