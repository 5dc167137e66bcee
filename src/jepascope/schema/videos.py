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
            text("source", "what the clip was cut from: a file, or a recording of several files"),
            text("file", "path below the folder"),
            number("start", "of the window, from the first frame of the file that is shown", "seconds"),
            number("end", "of the window", "seconds"),
            flag("flipped", "whether left and right are exchanged"),
            integer("turns", "how it is turned after that, counter-clockwise", "quarters"),
            flag("reversed", "whether the frames are played backwards"),
            number("crop_x", "place of the square that is shown, from the left", "share of the room that it has"),
            number("crop_y", "the same from the top", "share of the room that it has"),
            number("crop_side", "side of that square", "share of the picture's short side"),
            number("rate", "frames a second of the file, on average"),
            number("brightness", "mean over the window's whole pictures", "intensity"),
            number("contrast", "standard deviation of grey within a picture, mean over the window", "intensity"),
            number("colourfulness", "spread between red, green and blue, mean over the window", "intensity"),
            text("split", "fit, judge or test"),
            integer("scene", "the source video's number; clips of one source share it"),
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
        "Where fewer than ten videos are tested, or one of a class: swaps and ablation by the first finder over all videos, each tested by "
        "what is found and trained without it and the one that it is swapped with; layer is -1, for every fold has its own. Claims of use "
        "are made of it. Empty where the other videos could not be parted",
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
