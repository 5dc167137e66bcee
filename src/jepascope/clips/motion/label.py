"""The measured label of a window: a direction, or the reason why none is given.

Every threshold is a property that a direction must have to be worth naming; none was fitted to labels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from jepascope.clips.factors import nearest_direction
from jepascope.clips.motion.estimate import MOVING, Estimate, Motion, measure
from jepascope.clips.motion.flow import grey_frames, pair_flows

SECTOR = 45.0  # degrees of each of the eight directions
FRACTION = 0.02  # of the frame must move: five of the 256 patches that V-JEPA 2 makes of a frame of 256 pixels
COHERENT = 0.8  # resultant length: where two motions are opposite, nine tenths of the vectors go the label's way
STEADY = 0.9  # resultant length over time: that of a path that turns by a quarter turn evenly (sin 45° / 45° in radians)
CONTRARY = 0.5  # resultant length: three quarters of what moves against the camera go one way, so that it has a direction to contradict
AGREEMENT = SECTOR / 2  # degrees between two estimates that name the same direction
MIRROR = SECTOR / 4  # degrees that mirroring the frames may move the angle: half of what leads from a sector's middle to its edge
MOST_REPEATED = 1 / 3  # of the pairs may show one frame twice: the others then still cover most of the window
FEWEST = 3  # pairs that are measured: of two nobody can tell whether a motion is steady

REASONS = {
    "short": f"fewer than {FEWEST + 1} different frames",
    "cut": "frames do not follow from one another (a cut, or flow that fails)",
    "still": f"less than {FRACTION:.0%} of the picture moves by {MOVING} pixels a frame or more",
    "repeated": "more than a third of the frames repeat the one before",
    "incoherent": "what moves goes several ways (objects apart, zoom, roll)",
    "unsteady": "the direction changes within the window",
    "disagree": "the whole picture and what moves against the camera go different ways",
    "mirror": "mirrored frames do not give the mirrored direction",
}
"""Why no direction is given, in the order in which the reasons are looked for."""


@dataclass(frozen=True)
class MotionLabel:
    """A window's label: how the picture moves.

    ``angle``: degrees counter-clockwise on the screen, 0 = right (E), 90 = up (N); ``direction``: the nearest of eight. Both are None
    where ``abstained`` holds a reason (a key of REASONS). ``moves``: 'object' where the camera is still, 'camera' where it moves the
    picture. ``mirror_difference``: degrees between the angle and what mirrored frames give, None where a reason was found before.
    """

    direction: str | None
    angle: float | None
    abstained: str
    moves: str
    motion: Motion
    mirror_difference: float | None


def label_window(video: UInt8[np.ndarray, "frames height width 3"]) -> MotionLabel:
    """Measure the motion of a window's frames (RGB). Raises BadData for frames without room for flow."""
    grey = grey_frames(video)
    motion = measure(pair_flows(grey))
    reason = why_not(motion)
    moves = "camera" if motion.camera_speed >= MOVING else "object"
    if reason:
        return MotionLabel(None, None, reason, moves, motion, None)
    angle = chosen_of(motion).angle
    mirrored = chosen_of(measure(pair_flows(np.ascontiguousarray(grey[:, :, ::-1]))))
    difference = angular_difference(mirrored.angle, 180 - angle)
    if difference > MIRROR:
        return MotionLabel(None, None, "mirror", moves, motion, difference)
    return MotionLabel(str(nearest_direction(np.radians([angle]))[0]), angle, "", moves, motion, difference)


def chosen_of(motion: Motion) -> Estimate:
    """What moves against a still camera; where the camera moves, or nothing else does, the whole picture."""
    alone = motion.camera_speed < MOVING and motion.region.fraction >= FRACTION
    return motion.region if alone else motion.whole


def why_not(motion: Motion) -> str:
    """The first reason (a key of REASONS) not to name a direction; empty where there is none.

    Two estimates must agree. Under a still camera: of what moves against it, and of the whole picture. Under a moving one: of the whole
    picture and of the camera; and what moves against it, if that has a direction, must not go another way than the picture (a person
    who is followed to the right before a background that moves to the left).
    """
    chosen, whole, region = chosen_of(motion), motion.whole, motion.region
    if motion.pairs < FEWEST:
        return "short"
    if motion.cut:
        return "cut"
    if chosen.fraction < FRACTION:
        return "still"
    if motion.repeated > MOST_REPEATED * motion.pairs or motion.pairs - motion.repeated < FEWEST:
        return "repeated"
    if chosen.coherence < COHERENT:
        return "incoherent"
    if chosen.steadiness < STEADY:
        return "unsteady"
    return "" if _agree(motion, chosen, whole, region) else "disagree"


def _agree(motion: Motion, chosen: Estimate, whole: Estimate, region: Estimate) -> bool:
    if chosen is region:
        return angular_difference(region.angle, whole.angle) <= AGREEMENT
    camera = float(np.degrees(np.arctan2(-motion.camera[1], motion.camera[0])))
    if motion.camera_speed >= MOVING and angular_difference(camera, whole.angle) > AGREEMENT:
        return False
    own_way = region.fraction >= FRACTION and region.coherence >= CONTRARY
    return not own_way or angular_difference(region.angle, whole.angle) <= AGREEMENT


def angular_difference(one: float, other: float) -> float:
    """Degrees between two angles (degrees), from 0 to 180."""
    return abs((one - other + 180) % 360 - 180)


def label_row(label: MotionLabel) -> dict[str, Any]:
    """The columns of one window: the label, and what it rests on. Angles in degrees, speeds in pixels a frame at a short side of 256."""
    motion, chosen = label.motion, chosen_of(label.motion)
    whole, region = (
        {f"{name}_{key}": value for key, value in asdict(of).items()} for name, of in (("whole", motion.whole), ("region", motion.region))
    )
    margin = None if label.angle is None else SECTOR / 2 - abs((label.angle + SECTOR / 2) % SECTOR - SECTOR / 2)
    return {
        "direction": label.direction,
        "angle": label.angle,
        "abstained": label.abstained,
        "moves": label.moves,
        "speed": chosen.speed,
        "coherence": chosen.coherence,
        "steadiness": chosen.steadiness,
        "fraction": chosen.fraction,
        "edge_distance": margin,
        "mirror_difference": label.mirror_difference,
        **whole,
        **region,
        "camera_right": motion.camera[0],
        "camera_down": motion.camera[1],
        "camera_zoom": motion.zoom,
        "camera_turn": motion.turn,
        "pairs": motion.pairs,
        "repeated_pairs": motion.repeated,
        "cut_pairs": motion.cut,
    }
