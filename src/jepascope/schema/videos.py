"""Of real videos alone: what is used, and what is not."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.vocabulary import columns, flag, integer, number, text

VIDEOS = (
    Table(
        "clips",
        "Every clip. The label follows: direction and angle (radians) as shown, labelled_by and what was measured (moves, speed, "
        "coherence, "
        "steadiness, fraction), or `label: NAME`",
        columns(
            "clip source file start end flipped turns reversed crop_x crop_y crop_side rate brightness contrast colourfulness split scene",
            integer("clip", "tells clips apart"),
            text("source", "the recording"),
            text("file", "below the folder"),
            number("start", "of the window", "seconds"),
            number("end", "of the window", "seconds"),
            flag("flipped", "whether it is shown mirrored"),
            integer("turns", "how it is turned, counter-clockwise", "quarters"),
            flag("reversed", "whether it is played backwards"),
            integer("crop_x", "left edge of the square that is shown", "pixels of the file"),
            integer("crop_y", "upper edge of it", "pixels of the file"),
            integer("crop_side", "its side", "pixels of the file"),
            number("rate", "frames a second"),
            number("brightness", "mean grey level"),
            number("contrast", "spread of grey levels"),
            number("colourfulness", "spread of colours"),
            text("split", "fit, judge, test"),
            integer("scene", "the source's number"),
        ),
        key=("clip",),
        labels=True,
        reported=False,
    ),
    Table(
        "refusals",
        "Everything that is not used",
        columns(
            "file start end reason",
            text("file", "below the folder"),
            number("start", "of the window; empty where the whole file is meant", "seconds"),
            number("end", "of the window", "seconds"),
        ),
        reported=False,
    ),
)
