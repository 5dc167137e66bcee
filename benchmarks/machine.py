"""What every benchmark says of itself, so that its figures can be copied with their source: machine, versions, load, command line."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

PACKAGES = ("jepascope", "torch", "transformers")


def facts(device: str = "cpu") -> dict[str, Any]:
    """Where and with what this process computes. ``load``: runnable processes a minute ago; above 0 something else ran beside."""
    import torch

    from jepascope.study.provenance import processor_name

    told: dict[str, Any] = {
        "command": shlex.join(["python", *sys.argv]),
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }
    if device.startswith("cuda"):
        found = torch.cuda.get_device_properties(device)
        told |= {"gpu": found.name, "gpu_memory_gb": round(found.total_memory / 1e9, 1), "cuda": torch.version.cuda}
        told["tf32"] = torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32
    return told


def source(told: dict[str, Any]) -> str:
    """One line under a table."""
    return f"`{told['command']}`: " + ", ".join(f"{key} {value}" for key, value in told.items() if key != "command")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and largest of the rounds: few of them, so no interval is claimed."""
    return {"median": statistics.median(values), "least": min(values), "largest": max(values), "rounds": len(values)}


def shown(found: dict[str, float], digits: int = 2) -> str:
    """A spread as "median (least to largest)"."""
    return f"{found['median']:.{digits}f} ({found['least']:.{digits}f} to {found['largest']:.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown, for RESULTS.md."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
