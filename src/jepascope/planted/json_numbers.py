"""Table values as JSON values."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd


def json_number(value: Any) -> Any:
    """A JSON value: null where there is no number."""
    if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return bool(value) if isinstance(value, bool) or str(getattr(value, "dtype", "")) == "bool" else value
