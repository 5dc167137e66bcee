"""Known checkpoints: what each is, has and needs, from the declarations of their families. Imports no torch: listing is instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jepascope.encoders.entries import ENCODERS, EncoderEntry
from jepascope.encoders.geometry import Geometry, geometry_of, read_json, sizes_of

WEIGHTS = Path(__file__).parent / "nano" / "weights"
TORCH_FILES = (".pt", ".pth", ".tar")  # how files end that are read as Meta's own checkpoints (.pth.tar among them)
META_FILES = "https://dl.fbaipublicfiles.com/vjepa2"  # where the README of facebookresearch/vjepa2 has them


@dataclass(frozen=True)
class KnownModel:
    """One row of ``jepascope models``. ``parameters`` counts encoder, predictor and head.

    Encoders of images (``sizes.tubelet`` 1) take any number of frames; ``sizes.frames`` is what they get unless told otherwise.
    """

    name: str
    parameters: int
    sizes: Geometry
    predictor: bool = False
    actions: int = 0  # numbers of an action, where its predictor is given some
    head: str = ""
    shipped: bool = False
    gated: bool = False  # the hub gives it to those who accepted its licence
    torch_file: str = ""  # Meta's own file of the same weights
    torch_gb: float = 0.0  # its size in GB (10^9 bytes), with what training left in it; 0: not known

    @property
    def weights_gb(self) -> float:
        """Memory of the float32 weights in GB (10^9 bytes)."""
        return self.parameters * 4 / 1e9

    @property
    def how(self) -> str:
        """How to get it."""
        if self.shipped:
            return "ships with jepascope"
        if self.name == self.torch_file:
            return self.curl
        fetch = f"hf download {self.name} --local-dir {self.folder}"
        return f"accept the licence at https://huggingface.co/{self.name}, then hf auth login, then {fetch}" if self.gated else fetch

    @property
    def also(self) -> str:
        """How to get Meta's own file of the same weights, where the hub has them too; empty where there is none."""
        return self.curl if self.torch_file not in ("", self.name) else ""

    @property
    def curl(self) -> str:
        """How to get Meta's own file."""
        return f"curl -LO {META_FILES}/{self.torch_file}"

    @property
    def folder(self) -> str:
        """Where ``how`` puts it."""
        return self.name.split("/")[-1]

    @property
    def as_json(self) -> dict[str, Any]:
        """All of it, as ``jepascope models --json`` prints it."""
        row = asdict(self)
        return {**row.pop("sizes"), **row, **{name: getattr(self, name) for name in ("weights_gb", "folder", "how", "also")}}


def published_models() -> tuple[KnownModel, ...]:
    """The checkpoints that the families declare."""
    return tuple(_published(family, *row) for family in ENCODERS.own.values() for row in family.checkpoints)


def _published(family: EncoderEntry, name: str, parameters: int, more: Mapping[str, Any]) -> KnownModel:
    sizes = {size: value for size, value in more.items() if size in family.sizes}
    about = {"torch_file": name if name.endswith(TORCH_FILES) else "", **{key: more[key] for key in more.keys() - sizes.keys()}}
    geometry = geometry_of(family, sizes, has_head="head" in more)
    if "actions" in more:  # its predictor forecasts nothing without them
        geometry = replace(geometry, predictor_width=0, predictor_depth=0, shown=())
    return KnownModel(name, parameters, geometry, predictor=bool(geometry.predictor_width), **about)


def shipped_models() -> tuple[KnownModel, ...]:
    """The nano encoders whose weights lie in this installation, read from their own configuration files."""
    models = []
    for path in sorted(WEIGHTS.glob("*/config.json")):
        parameters = read_json(path.with_name("jepascope.json"))["parameters"]
        models.append(KnownModel(path.parent.name, parameters, sizes_of(read_json(path), path), predictor=True, shipped=True))
    return tuple(models)


def known_models() -> tuple[KnownModel, ...]:
    """Everything that ``load_encoder`` knows by name."""
    return shipped_models() + published_models()
