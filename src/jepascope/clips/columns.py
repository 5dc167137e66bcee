"""What the columns of a factor table say, with their units. Angles are counter-clockwise on the screen, from the right (E)."""

from __future__ import annotations

from jepascope.clips.clutter import DISTRACTORS, WAVES

_SCENE = {
    "scene": "id; clips of one scene share it",
    "split": "fit, judge or test",
    "direction": "of the main object's motion in the image: the nearest of eight",
    "angle": "of that motion (radians)",
    "speed": "that it travels (frame sides a clip)",
    "x": "middle of its path, from the left (frame sides)",
    "y": "middle of its path, from the top (frame sides)",
    "size": "radius of the disc of its area (frame sides)",
    "shape": "its outline",
    "hue": "its hue (turns; 0 is red)",
    "lightness": "its lightness (share of the lightest)",
    "background": "grey of the background (intensity)",
    "noise": "standard deviation of the sensor's noise (intensity)",
    "noise_seed": "draws that noise",
    "reversed": "whether that noise runs backwards",
}
_WAVE = {
    "angle": "of the wave vector (radians)",
    "frequency": "of the wave (cycles a frame side)",
    "phase": "of the wave in the middle of the clip (radians)",
}
_DISTRACTOR = {
    "x": "middle of its path, from the left (frame sides)",
    "y": "middle of its path, from the top (frame sides)",
    "angle": "of its own motion; the pan comes on top (radians)",
    "speed": "of its own motion (frame sides a clip)",
    "size": "radius of the disc of its area (frame sides)",
    "shape": "its outline",
    "grey": "its grey (intensity)",
}
_CLUTTER = {
    "texture": "amplitude of each of the background's waves (intensity)",
    **{f"wave{i + 1}_{name}": what for i in range(WAVES) for name, what in _WAVE.items()},
    "drift_angle": "of the texture's own motion; the pan comes on top (radians)",
    "drift_speed": "of the texture's own motion (frame sides a clip)",
    "pan_angle": "of the camera's pan, which carries all but the main object (radians)",
    "pan_speed": "how far it carries them (frame sides a clip)",
    "distractors": "how many are shown",
    **{f"distractor{i + 1}_{name}": what for i in range(DISTRACTORS) for name, what in _DISTRACTOR.items()},
    "occluder_x": "in the middle of the clip, from the left (frame sides)",
    "occluder_y": "in the middle of the clip, from the top (frame sides)",
    "occluder_size": "radius of the disc of its area (frame sides)",
    "occluder_shape": "its outline",
    "occluder_grey": "its grey (intensity)",
    "lighting": "gain at the end less gain at the beginning (1 in the middle)",
}

MEANINGS = {**_SCENE, **_CLUTTER}
