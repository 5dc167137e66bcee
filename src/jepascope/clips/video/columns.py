"""What the columns of a table of real clips say, with their units. Measurements of motion add columns of their own."""

from __future__ import annotations

MEANINGS = {
    "scene": "the source video; clips of one source share it",
    "split": "fit, judge or test",
    "source": "what the clip was cut from: a file, or a recording of several files",
    "file": "path below the folder",
    "start": "of the window (seconds from the file's first frame)",
    "end": "of the window (seconds)",
    "flipped": "whether left and right are exchanged",
    "turns": "quarter turns counter-clockwise, after that",
    "reversed": "whether the frames are played backwards",
    "crop_x": "place of the square that is shown, from the left (share of the room that it has)",
    "crop_y": "the same from the top",
    "crop_side": "side of that square (share of the picture's short side)",
    "rate": "frames a second of the file, on average",
    "brightness": "mean over the window's whole pictures (intensity)",
    "contrast": "standard deviation of grey within a picture, mean over the window (intensity)",
    "colourfulness": "spread between red, green and blue, mean over the window (intensity)",
    "official_split": "train, val or test in the data set as it is distributed; empty where it is in none",
    "direction": "of motion in the clip as it is shown: the nearest of eight",
    "angle": "of that motion (radians, counter-clockwise from the right)",
    "labelled_by": "person or measurement",
}
