"""Known checkpoints: what each is, has and needs. Nothing here imports torch, so listing models is instant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WEIGHTS = Path(__file__).parent / "nano" / "weights"
TORCH_FILES = (".pt", ".pth")  # how files end that are read as Meta's own checkpoints
META_FILES = "https://dl.fbaipublicfiles.com/vjepa2"  # where the README of facebookresearch/vjepa2 has them


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
    extra: int = 0  # class token of a clip
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
            return f"curl -LO {META_FILES}/{self.torch_file}"
        fetch = f"hf download {self.name} --local-dir {self.folder}"
        return f"accept the licence at https://huggingface.co/{self.name}, then hf auth login, then {fetch}" if self.gated else fetch

    @property
    def also(self) -> str:
        """Meta's own file of the same weights, where the hub has them too; empty where there is none."""
        return f"curl -LO {META_FILES}/{self.torch_file}" if self.torch_file not in ("", self.name) else ""

    @property
    def folder(self) -> str:
        """Where ``how`` puts it."""
        return self.name.split("/")[-1]


def _hub(
    name: str, parameters: int, width: int, depth: int, frames: int, size: int, head: str = "", torch_file: str = "", torch_gb: float = 0
) -> KnownModel:
    """V-JEPA 2. Meta's files hold the encoder twice, the predictor, and an optimiser's two moments of both."""
    return KnownModel(f"facebook/{name}", parameters, width, depth, frames, size, True, head, torch_file=torch_file, torch_gb=torch_gb)


def _clips(name: str, parameters: int, width: int, depth: int, frames: int, size: int, tubelet: int, extra: int) -> KnownModel:
    """A video encoder of another family: for clips of one length and size."""
    return KnownModel(name, parameters, width, depth, frames, size, False, "", tubelet=tubelet, fixed=True, extra=extra)


def _images(
    name: str, parameters: int, width: int, depth: int, size: int, patch: int, extra_per_frame: int, gated: bool = False
) -> KnownModel:
    full, extra = f"facebook/{name}", extra_per_frame
    return KnownModel(full, parameters, width, depth, 8, size, False, "", False, patch, 1, extra_per_frame=extra, gated=gated)


def _meta(name: str, parameters: int, width: int, depth: int, torch_gb: float = 0.0) -> KnownModel:
    """V-JEPA 2.1: Meta's files alone, of which the video encoder is read."""
    file = f"vjepa2_1_{name}.pt"
    return KnownModel(file, parameters, width, depth, 64, 384, False, "", torch_file=file, torch_gb=torch_gb)


KNOWN_MODELS = (
    _hub("vjepa2-vitl-fpc64-256", 325_971_328, 1024, 24, 64, 256, "", "vitl.pt", 5.1),
    _hub("vjepa2-vith-fpc64-256", 653_930_880, 1280, 32, 64, 256, "", "vith.pt", 10.4),
    _hub("vjepa2-vitg-fpc64-256", 1_034_555_264, 1408, 40, 64, 256, "", "vitg.pt", 16.5),
    _hub("vjepa2-vitg-fpc64-384", 1_034_555_264, 1408, 40, 64, 384, "", "vitg-384.pt", 16.5),
    _hub("vjepa2-vitl-fpc16-256-ssv2", 375_485_998, 1024, 24, 16, 256, "Something-Something v2, 174 labels"),
    _hub("vjepa2-vitg-fpc64-384-ssv2", 1_128_049_454, 1408, 40, 64, 384, "Something-Something v2, 174 labels"),
    _hub("vjepa2-vitl-fpc32-256-diving48", 375_356_848, 1024, 24, 32, 256, "Diving48, 48 labels"),
    _hub("vjepa2-vitg-fpc32-384-diving48", 1_127_871_920, 1408, 40, 32, 384, "Diving48, 48 labels"),
    _meta("vitb_dist_vitG_384", 86_236_416, 768, 12),
    _meta("vitl_dist_vitG_384", 303_885_312, 1024, 24),
    _meta("vitg_384", 1_012_173_952, 1408, 40),
    _meta("vitG_384", 1_843_923_840, 1664, 48),
    _clips("MCG-NJU/videomae-base", 86_227_200, 768, 12, 16, 224, 2, 0),
    _clips("MCG-NJU/videomae-large", 303_860_736, 1024, 24, 16, 224, 2, 0),
    _clips("google/vivit-b-16x2", 88_646_400, 768, 12, 32, 224, 2, 1),
    _clips("google/vivit-b-16x2-kinetics400", 88_646_400, 768, 12, 32, 224, 2, 1),
    _clips("facebook/timesformer-base-finetuned-k400", 121_258_752, 768, 12, 8, 224, 1, 1),
    _clips("facebook/timesformer-base-finetuned-ssv2", 121_258_752, 768, 12, 8, 224, 1, 1),
    _clips("facebook/timesformer-hr-finetuned-k400", 121_716_480, 768, 12, 16, 448, 1, 1),
    _clips("facebook/timesformer-hr-finetuned-ssv2", 121_716_480, 768, 12, 16, 448, 1, 1),
    _images("dinov2-small", 22_056_576, 384, 12, 518, 14, 1),
    _images("dinov2-base", 86_580_480, 768, 12, 518, 14, 1),
    _images("dinov2-large", 304_368_640, 1024, 24, 518, 14, 1),
    _images("dinov2-giant", 1_136_480_768, 1536, 40, 518, 14, 1),
    _images("dinov2-with-registers-base", 86_583_552, 768, 12, 518, 14, 5),
    _images("dinov2-with-registers-large", 304_372_736, 1024, 24, 518, 14, 5),
    _images("dinov3-vits16-pretrain-lvd1689m", 21_596_544, 384, 12, 224, 16, 5, gated=True),
    _images("dinov3-vitb16-pretrain-lvd1689m", 85_660_416, 768, 12, 224, 16, 5, gated=True),
    _images("dinov3-vitl16-pretrain-lvd1689m", 303_129_600, 1024, 24, 224, 16, 5, gated=True),
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
