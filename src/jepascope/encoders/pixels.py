"""How pixels in [0, 1] are normalised, as the file beside a checkpoint's weights says. Imports no torch, as in ``geometry``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jepascope.encoders.geometry import read_json
from jepascope.errors import BadCheckpoint

FILES = ("video_preprocessor_config.json", "preprocessor_config.json")  # the first that is there, as transformers looks
BOUNDS = {"image_mean": (-1e4, 1e4), "image_std": (1e-4, 1e4), "rescale_factor": (1e-4, 1e4)}
DECIMALS = 9  # a rescale factor of 1/255 is written rounded; with it a mean of 0.45 is 0.45 again

Colours = tuple[float, float, float]


@dataclass(frozen=True)
class Pixels:
    """What is subtracted from each colour, and by what the rest is divided; ``source`` says where that was read, where it was."""

    mean: Colours
    sd: Colours
    source: str = ""

    @property
    def constants(self) -> tuple[Colours, Colours]:
        return self.mean, self.sd

    @property
    def settings(self) -> dict[str, Any]:
        """What ``read_pixels`` reads these from."""
        return {"image_mean": list(self.mean), "image_std": list(self.sd), "offset": False}

    def __str__(self) -> str:
        return f"mean {' '.join(f'{value:g}' for value in self.mean)}, sd {' '.join(f'{value:g}' for value in self.sd)}"


IMAGENET = Pixels((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = Pixels((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # from -1 to 1


def read_pixels(path: Path, centred: bool = False) -> Pixels | None:
    """What a (video_)preprocessor_config.json says, for pixels in [0, 1]; None where it gives neither mean nor standard deviation.

    It speaks of pixels from 0 to 255: times ``rescale_factor``, less 1 where ``offset`` is set (``centred``: what an image processor
    does that says nothing of it), then normalised. BadCheckpoint, in one sentence, for what is no such file.
    """
    settings = read_json(path)
    normalises = _flag(settings, "do_normalize", True, path)
    if normalises and settings.get("image_mean") is None and settings.get("image_std") is None:
        return None
    means = _colours(settings, "image_mean", path) if normalises else (0.0, 0.0, 0.0)
    deviations = _colours(settings, "image_std", path) if normalises else (1.0, 1.0, 1.0)
    scale, shift = 255.0, 0.0
    if _flag(settings, "do_rescale", True, path):
        factor = settings.get("rescale_factor")
        scale *= 1 / 255 if factor is None else _number(factor, "rescale_factor", path)
        shift = 1.0 if _flag(settings, "offset", centred, path) else 0.0
    pixels = Pixels(_scaled(means, shift, scale), _scaled(deviations, 0.0, scale))
    return replace(pixels, source=f"pixels as {path.name} says ({pixels})")


def settled(pixels: Pixels | None, trained: Pixels, mistaken: Mapping[str, Pixels], architectures: Any) -> Pixels:
    """What was found; how the family was trained where nothing was, or where a published checkpoint is known to say otherwise.

    ``mistaken``: what such a checkpoint says, under what its config.json calls the architecture. One that was trained further has
    another name there, and is believed: it was trained with what its file says.
    """
    if pixels is None:
        return trained
    named = architectures[0] if isinstance(architectures, list) and architectures else None
    if isinstance(named, str) and named in mistaken and pixels.constants == mistaken[named].constants:
        return replace(trained, source=f"pixels as the family was trained ({trained}), not {pixels.source.removeprefix('pixels ')}")
    return pixels


def _scaled(values: Colours, shift: float, scale: float) -> Colours:
    red, green, blue = (round((value + shift) / scale, DECIMALS) for value in values)
    return red, green, blue


def _colours(says: dict[str, Any], field: str, path: Path) -> Colours:
    values = says.get(field)
    if not isinstance(values, list) or len(values) != 3:
        raise BadCheckpoint(f"'{path}': {field} is {str(values)[:60]!a}, but must be three numbers, one a colour.")
    red, green, blue = (_number(value, field, path) for value in values)
    return red, green, blue


def _number(value: Any, field: str, path: Path) -> float:
    least, most = BOUNDS[field]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise BadCheckpoint(f"'{path}': {field} has {str(value)[:40]!a}, but its numbers must lie from {least:g} to {most:g}.")
    return float(value)


def _flag(says: dict[str, Any], field: str, default: bool, path: Path) -> bool:
    value = says.get(field)
    if value is not None and not isinstance(value, bool):
        raise BadCheckpoint(f"'{path}': {field} is {str(value)[:40]!a}, but must be true or false.")
    return default if value is None else value
