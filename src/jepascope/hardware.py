"""What this process may use of its machine."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> int | None:
    """Bytes that a program can take without swapping (in a container: of its share), or None where the system does not say."""
    bounds: list[int] = []
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        available = re.search(r"^MemAvailable:\s*(\d+) kB", meminfo.read_text(), re.MULTILINE)
        bounds += [int(available.group(1)) * 1024] if available else []
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # no control group, or one without a limit ("max")
        cached = re.search(r"^inactive_file (\d+)", (group / "memory.stat").read_text(), re.MULTILINE)
        used = int((group / "memory.current").read_text()) - (int(cached.group(1)) if cached else 0)
        bounds.append(int((group / "memory.max").read_text()) - used)
    return max(0, min(bounds)) if bounds else None
