"""A process that really may not have more memory goes on with smaller batches."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from jepascope.activations.memory import in_batches, out_of_memory

SCRIPT = """
import logging, resource
from jepascope.activations.capture import capture
from jepascope.clips.presets import directions8
from jepascope.encoders.load import load_encoder

logging.basicConfig()
encoder, clips = load_encoder("nano").at(16, 160), directions8(seed=0, per_class=10, frames=16, size=160).split("judge")
few = capture(encoder, clips, batch=2)
now = int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmSize"))) * 1024
resource.setrlimit(resource.RLIMIT_AS, (now + 300 * 10**6,) * 2)
many = capture(encoder, clips, batch=24)
print((many.pooled(2) - few.pooled(2)).abs().max().item())
"""


@pytest.mark.slow
@pytest.mark.long("memory is filled again and again")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of address space are Linux's")
def test_a_capture_goes_on_with_what_memory_there_is() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Out of memory with 24 clips a batch; going on with 12." in done.stderr
    assert float(done.stdout) == 0.0


def test_what_is_no_lack_of_memory_is_raised() -> None:
    def broken(part: slice) -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        in_batches(4, 4, broken)
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(raised.value)  # as torch says it on a CPU
