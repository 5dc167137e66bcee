"""Where a run's numbers come from: versions, machine, digests, seeds and the command that makes them again."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import time
from typing import Any

from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.study.folder import Run
from jepascope.study.spec import StudySpec

PACKAGES = ("jepascope", "torch", "transformers", "numpy", "scipy", "pandas", "pyarrow", "safetensors")


def provenance(spec: StudySpec, encoder: VideoEncoder, out: str) -> dict[str, Any]:
    """What provenance.json holds. Nothing in it enters a table."""
    import torch

    return {
        "command": command(spec, out),
        "spec_digest": spec.digest,
        "seed": spec.seed,
        "encoder": encoder.describe(),
        "device": str(encoder.device),
        **{name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def check_encoder(run: Run, encoder: VideoEncoder, instead: str = "choose another --out") -> None:
    """A folder goes on with the encoder it began with: the same name may hold other weights by now. The first use is written down.

    ``instead`` says what to do where it does not.
    """
    known = run.json("provenance.json", {}).get("encoder", {})
    if known.get("digest") is None:
        run.write_json("provenance.json", provenance(run.spec, encoder, str(run.path)))
        return
    for what, digest in (("digest", encoder.card.digest), ("head_digest", encoder.card.head_digest)):
        before = known.get(what, "")
        if before != digest and (what == "digest" or before):
            whose = "weights" if what == "digest" else "weights of the task head"
            raise BadArgument(f"'{run.path}' was begun with other {whose} of '{run.spec.model}' ({before}, now {digest}); {instead}.")


def command(spec: StudySpec, out: str) -> str:
    """The command line that runs this study again."""
    return f"jepascope run {shlex.quote(out + '/spec.yaml')} --out {shlex.quote(out + '-again')}"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
