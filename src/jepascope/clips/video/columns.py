"""What the columns of a table of real clips say, with their units. Measurements of motion add columns of their own."""

from __future__ import annotations

from jepascope.schema import TABLES

MEANINGS = {column.name: column.meaning + (f" ({column.unit})" if column.unit else "") for column in TABLES["clips"]} | {
    "official_split": "train, val or test in the data set as it is distributed; empty where it is in none",
    "direction": "of motion in the clip as it is shown: the nearest of eight",
    "angle": "of that motion (radians, counter-clockwise from the right)",
    "labelled_by": "person or measurement",
}
