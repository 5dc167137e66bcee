"""Known checkpoints: what each is, has and needs. Nothing here imports torch, so listing models is instant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WEIGHTS = Path(__file__).parent / "nano" / "weights"
TORCH_FILES = (".pt", ".pth")  # how files end that are read as Meta's own checkpoints


@dataclass(frozen=True)
class KnownModel:
    """One row of ``jepascope models``. ``parameters`` counts encoder, predictor and head.

    Encoders of images (``tubelet`` 1) take any number of frames; ``frames`` is what they get unless told otherwise.
    """

    name: str
    parameters: int
    width: int
    depth: int
    frames: int
    size: int
    predictor: bool
    head: str
    shipped: bool = False
    patch: int = 16
    tubelet: int = 2
    fixed: bool = False  # takes clips of this length and size alone
    extra_per_frame: int = 0  # class and register tokens of an encoder of images

    @property
    def weights_gb(self) -> float:
        """Memory of the float32 weights in GB (10^9 bytes)."""
        return self.parameters * 4 / 1e9

    @property
    def how(self) -> str:
        """How to get it."""
        return "ships with jepascope" if self.shipped else f"hf download {self.name} --local-dir {self.name.split('/')[-1]}"


def _hub(name: str, parameters: int, width: int, depth: int, frames: int, size: int, head: str = "") -> KnownModel:
    return KnownModel(f"facebook/{name}", parameters, width, depth, frames, size, True, head)


def _images(name: str, parameters: int, width: int, depth: int, size: int, patch: int, extra: int) -> KnownModel:
    return KnownModel(f"facebook/{name}", parameters, width, depth, 8, size, False, "", patch=patch, tubelet=1, extra_per_frame=extra)


KNOWN_MODELS = (
    _hub("vjepa2-vitl-fpc64-256", 325_971_328, 1024, 24, 64, 256),
    _hub("vjepa2-vith-fpc64-256", 653_930_880, 1280, 32, 64, 256),
    _hub("vjepa2-vitg-fpc64-256", 1_034_555_264, 1408, 40, 64, 256),
    _hub("vjepa2-vitg-fpc64-384", 1_034_555_264, 1408, 40, 64, 384),
    _hub("vjepa2-vitl-fpc16-256-ssv2", 375_485_998, 1024, 24, 16, 256, "Something-Something v2, 174 labels"),
    _hub("vjepa2-vitg-fpc64-384-ssv2", 1_128_049_454, 1408, 40, 64, 384, "Something-Something v2, 174 labels"),
    _hub("vjepa2-vitl-fpc32-256-diving48", 375_356_848, 1024, 24, 32, 256, "Diving48, 48 labels"),
    _hub("vjepa2-vitg-fpc32-384-diving48", 1_127_871_920, 1408, 40, 32, 384, "Diving48, 48 labels"),
    KnownModel("MCG-NJU/videomae-base", 86_227_200, 768, 12, 16, 224, False, "", fixed=True),
    KnownModel("MCG-NJU/videomae-large", 303_860_736, 1024, 24, 16, 224, False, "", fixed=True),
    _images("dinov2-small", 22_056_576, 384, 12, 518, 14, 1),
    _images("dinov2-base", 86_580_480, 768, 12, 518, 14, 1),
    _images("dinov2-large", 304_368_640, 1024, 24, 518, 14, 1),
    _images("dinov2-giant", 1_136_480_768, 1536, 40, 518, 14, 1),
    _images("dinov2-with-registers-base", 86_583_552, 768, 12, 518, 14, 5),
    _images("dinov2-with-registers-large", 304_372_736, 1024, 24, 518, 14, 5),
    _images("ijepa_vith14_1k", 630_762_240, 1280, 32, 224, 14, 0),
    _images("ijepa_vith16_1k", 631_668_480, 1280, 32, 448, 16, 0),
    _images("ijepa_vitg16_22k", 1_011_368_576, 1408, 40, 224, 16, 0),
)


def shipped_models() -> tuple[KnownModel, ...]:
    """The nano encoders whose weights lie in this installation, read from their own configuration files."""
    import json

    rows = []
    for folder in sorted(WEIGHTS.glob("*/config.json")):
        config, about = json.loads(folder.read_text()), json.loads((folder.parent / "jepascope.json").read_text())
        rows.append(
            KnownModel(
                folder.parent.name,
                about["parameters"],
                config["hidden_size"],
                config["num_hidden_layers"],
                config["frames_per_clip"],
                config["crop_size"],
                True,
                "",
                True,
            )
        )
    return tuple(rows)


def known_models() -> tuple[KnownModel, ...]:
    """Everything that ``load_encoder`` knows by name."""
    return shipped_models() + KNOWN_MODELS
