"""Stage two: intervene at the best layer in full, survey the others, and ask every judge. ``command``: ``jepascope intervene``."""
