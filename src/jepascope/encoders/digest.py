"""SHA-256 of weights: what names an encoder, and what names its head."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from torch import nn


def weights_digest(module: nn.Module, beside: list[Any]) -> str:
    """Over ``beside`` (what the shapes do not tell), and names, shapes and float32 values of all weights; 16 hexadecimal digits."""
    digest = hashlib.sha256(json.dumps(beside).encode())
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(value.shape)}".encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
