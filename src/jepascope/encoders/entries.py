"""The catalog of encoders: families of checkpoints, one a file of this folder, and encoders of installed packages. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jepascope.catalog import Catalog, Entry

Field = tuple[str, Any]
"""A field of config.json, and what transformers takes where the file is silent."""

VIT: Mapping[str, Field] = {
    "width": ("hidden_size", 768),
    "depth": ("num_hidden_layers", 12),
    "heads": ("num_attention_heads", 12),
    "size": ("image_size", 224),
    "channels": ("num_channels", 3),
}
"""Where most families have their sizes (the keys are those of ``config_fields.LIMITS``)."""


@dataclass(frozen=True, kw_only=True)
class EncoderEntry(Entry):
    """A family of checkpoints: ``name`` is config.json's model_type, ``meaning`` how people write it, ``run`` its class, a FrozenModel.

    Where something else tells the family, ``model_type`` is that of config.json and ``only`` are the fields that tell it.
    ``fields``: where config.json has the sizes, beside those of VIT, or of the family that this one is ``like``. Without "frames" it is
    an encoder of images, run frame by frame. ``choices``: the values that are read of other fields. ``fixed``: it takes clips of one
    length and size alone. ``class_token``: of a clip, or of each frame. ``head_multiple``: of what the width of a head is a multiple.
    ``most_positions``: the most numbers that its table of positions may have, where that is computed one by one (0: it is not).
    ``predictor``: one that is run where the weights hold it. ``classifier``: the architecture whose task head is read.
    ``within``: of a whole that holds it among others, by its model_type: the keys of config.json below which the family's own fields lie.
    ``tower``: the field that describes what makes a token of each whole frame, frames of one size alone (``frame_tower``).
    ``checkpoints``: those that are published: name, parameters, and sizes that are not the family's with what else ``KnownModel`` has.

    An encoder of somebody else's has a ``run`` alone: a VideoEncoder, or a function without arguments that returns one.
    """

    model_type: str = ""
    only: Mapping[str, Any] = field(default_factory=dict)
    like: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    fixed: bool = False
    class_token: bool = False
    head_multiple: int = 1
    most_positions: int = 0
    predictor: bool = False
    classifier: str = ""
    within: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tower: str = ""
    checkpoints: tuple[tuple[str, int, Mapping[str, Any]], ...] = ()

    @property
    def sizes(self) -> Mapping[str, Field]:
        """Where config.json has every size, and what it is by default."""
        return {**(ENCODERS.own[self.like].sizes if self.like else VIT), **self.fields}

    @classmethod
    def of_code(cls, given: object, name: str, path: str) -> EncoderEntry:
        """Whatever it is: what is no encoder is refused when it is loaded."""
        return cls(name=name, meaning=f"{type(given).__name__}, {path}", run=path)


ENCODERS = Catalog("encoder", EncoderEntry, "jepascope.encoders")


def family_of(config: Mapping[str, Any]) -> EncoderEntry | None:
    """The family of a config.json; None for a model of none that is read."""
    kind = str(config.get("model_type"))  # a stranger's may be anything
    families = [entry for entry in ENCODERS.own.values() if kind == (entry.model_type or entry.name) or kind in entry.within]
    return max((entry for entry in families if entry.only.items() <= config.items()), key=lambda entry: len(entry.only), default=None)
