"""Where a run's numbers come from: versions, machine, digests, seeds and the command that makes them again."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.study.files import run_line
from jepascope.study.folder import Run
from jepascope.study.spec import StudySpec

PACKAGES = ("jepascope", "torch", "transformers", "numpy", "scipy", "pandas", "pyarrow", "safetensors")


def provenance(spec: StudySpec, encoder: VideoEncoder, out: str) -> dict[str, Any]:
    """What provenance.json holds. Nothing in it enters a table."""
    return {
        "command": command(out, precision_of(encoder)),
        "spec_digest": spec.digest,
        "seed": spec.seed,
        "encoder": encoder.describe(),
        **computed_by(encoder),
        **{name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def computed_by(encoder: VideoEncoder) -> dict[str, Any]:
    """Where the blocks run and in which precision; everything that changes no more than the last digits is said here too."""
    import torch

    on_gpu = encoder.device.type == "cuda"
    return {
        "device": str(encoder.device),
        "device_name": torch.cuda.get_device_name(encoder.device) if on_gpu else processor_name(),
        "dtype": precision_of(encoder),
        "compiled": encoder.compiled,
        "tf32": on_gpu and (torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32),
        "torch_threads": torch.get_num_threads(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        **engine_of(encoder),
    }


def engine_of(encoder: VideoEncoder) -> dict[str, Any]:
    """Where else passes ran; nothing where all of it was in this process."""
    from jepascope.study.engine.encoder import SpreadEncoder

    return encoder.engine.describe() if isinstance(encoder, SpreadEncoder) else {}


def processor_name() -> str:
    """As the system names it, or the architecture where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def precision_of(encoder: VideoEncoder) -> str:
    """As --dtype takes it."""
    return str(encoder.dtype).removeprefix("torch.")


@contextmanager
def opened(path: Path, spec: StudySpec, encoder: VideoEncoder, instead: str = "choose another --out", heals: bool = True) -> Iterator[Run]:
    """A run folder in use, which goes on with the encoder that it began with (see ``check_encoder``). ``heals``: see ``Run``."""
    with Run.open(path, spec, heals) as run:
        check_encoder(run, encoder, instead)
        yield run


def check_encoder(run: Run, encoder: VideoEncoder, instead: str = "choose another --out") -> None:
    """A folder goes on with the encoder it began with, in the precision it began in: the same name may hold other weights by now, and
    numbers of two precisions are not mixed. The first use is written down, and each that computes on another machine.

    ``instead`` says what to do where it does not.
    """
    saved = run.json("provenance.json", {})
    listed = run.manifest.about.get("encoder")  # also known where provenance.json is gone
    known = saved.get("encoder", {}) if saved else {"digest": listed}
    if known.get("digest") is None or (not saved and listed == encoder.card.digest):
        run.write_json("provenance.json", provenance(run.spec, encoder, str(run.path)))
        run.manifest.note(encoder=encoder.card.digest)
        return
    before, now = str(saved.get("dtype", "float32")), precision_of(encoder)  # older folders do not say, and knew float32 alone
    if before != now:
        raise BadArgument(f"'{run.path}' was begun in {before}, and numbers of two precisions are not mixed; use --dtype {before}.")
    for what, digest in (("digest", encoder.card.digest), ("head_digest", encoder.card.head_digest)):
        before = str(known.get(what) or "")
        if before != digest and (what == "digest" or before):
            whose = "weights" if what == "digest" else "weights of the task head"
            raise BadArgument(f"'{run.path}' was begun with other {whose} of '{run.spec.model}' ({before}, now {digest}); {instead}.")
    now_by = computed_by(encoder)
    others = [computed for computed in saved.get("also_computed_by", []) if isinstance(computed, dict)]
    if all(any(computed.get(key) != value for key, value in now_by.items()) for computed in (saved, *others)):
        run.write_json("provenance.json", {**saved, "also_computed_by": [*others, now_by]})


def command(out: str, dtype: str) -> str:
    """The command line that runs this study again."""
    return run_line(out, f"{out}-again", dtype)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
