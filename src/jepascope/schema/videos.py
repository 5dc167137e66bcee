"""Of real videos alone: what is used, and what is not."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.effects import CE_COLUMNS, CE_KEY
from jepascope.schema.vocabulary import columns, flag, integer, number, text

VIDEOS = (
    Table(
        "clips",
        "Every clip. The label follows: direction and angle (radians) as shown, labelled_by and what was measured (moves, speed, "
        "coherence, "
        "steadiness, fraction), or `label: NAME`; and official_split (train, val or test) where a data set has splits of its own",
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
            "file start end reason files",
            text("file", "below the folder"),
            number("start", "of the window; empty where the whole file is meant", "seconds"),
            number("end", "of the window", "seconds"),
            integer("files", "1; more where file is a pattern such as `*.jpg`: files of a kind that are no videos"),
            late="files",
        ),
        reported=False,
    ),
    Table(
        "leave_one_out",
        "Where fewer than ten videos are tested: ablation by the first finder over all videos, each tested by what the others gave; "
        "layer is -1, "
        "for every fold has its own. Empty where the other videos could not be parted",
        CE_COLUMNS,
        key=CE_KEY,
        evidence="leave_one_out",
    ),
    Table(
        "leave_one_out_videos",
        "The folds of `leave_one_out`",
        columns(
            "source scene layer fit_videos judge_videos n right accuracy edited judged_right judged_chance",
            text("source", "the video that is left out"),
            integer("layer", "of its fold"),
            integer("fit_videos", "that the layer, the subspace and the probe are of"),
            integer("judge_videos", "that the read-out is of"),
            integer("n", "its clips"),
            integer("right", "of them, by the fold's dense probe"),
            integer("edited", "of its clips, those that were ablated"),
            integer("judged_right", "of these, unedited, by the fold's read-out"),
            number("judged_chance", "share of the largest class of the ablated clips"),
        ),
        key=("scene",),
        reported=False,
    ),
)
