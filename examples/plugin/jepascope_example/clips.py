"""A clip set: (seed, per_class) -> ClipSet."""

import jepascope as js


def slow(seed, per_class):
    """directions8 at half the speed"""
    clips = js.directions8(seed=seed, per_class=per_class)
    return clips.with_factors("slow", speed=clips.factors["speed"] / 2)
