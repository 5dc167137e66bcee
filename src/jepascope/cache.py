"""Where fetched and computed things that outlive a run are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """JEPASCOPE_CACHE, or ~/.cache/jepascope."""
    named = os.environ.get("JEPASCOPE_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "jepascope"
