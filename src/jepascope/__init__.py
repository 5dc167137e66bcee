"""jepascope."""
