"""What the path of a video below its folder tells: the recording that it was cut from, its class, and its official split.

Kinetics: ``<youtube id>_<start>_<end>``. UCF101 (and UCF50): ``v_<Class>_g<group>_c<cut>``; the 4 to 7 cuts of a group share person,
background and view (Soomro et al. 2012), and every class has groups of its own. HMDB51:
``<title>_<class>_<visible>_<camera>_np<people>_<view>_<quality>_<number>``; clips of one title are of one film or video, in every class.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from jepascope.clips.video.opening import ENDINGS

TRAIN, VALIDATION, TEST = "train", "val", "test"
OFFICIAL = {
    **dict.fromkeys(("train", "training", "trainval", "trainset"), TRAIN),
    **dict.fromkeys(("val", "valid", "validate", "validation", "valset", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "testset", "eval", "evaluation", "holdout"), TEST),
}
"""Words for the parts of a data set, as folders, tables and their columns have them."""

KINETICS = re.compile(r"(?P<id>[\w-]{11})_(?P<start>\d{1,6})_(?P<end>\d{1,6})", re.ASCII)
UCF = re.compile(r"(?P<listed>v_(?P<name>\w+?)_g(?P<group>\d{2})_c\d{2})(?:[_ .-].*)?", re.ASCII | re.IGNORECASE)
HMDB = re.compile(r"(?P<listed>(?P<name>.+)_[hulf]_(?:cm|nm)_np\d_(?:fr|ba|le|ri)_(?:goo|med|bad)_\d+)(?:[_ .-].*)?", re.IGNORECASE)
UCF_LIST = re.compile(r"(?P<part>train|test)list0?(?P<number>[1-3])\.txt", re.IGNORECASE)
HMDB_LIST = re.compile(r"(?P<name>.+)_test_split(?P<number>[1-3])\.txt", re.IGNORECASE)
HMDB_CLASSES = """
    brush_hair cartwheel catch chew clap climb climb_stairs dive draw_sword dribble drink eat fall_floor fencing flic_flac golf handstand
    hit hug jump kick kick_ball kiss laugh pick pour pullup punch push pushup ride_bike ride_horse run shake_hands shoot_ball shoot_bow
    shoot_gun sit situp smile smoke somersault stand swing_baseball sword sword_exercise talk throw turn walk wave
"""

CONTAINERS = """
    video videos clip clips data dataset datasets part parts shard shards batch batches subset subsets replacement
    kinetics k400 k600 k700 kinetics400 kinetics600 kinetics700 ucf ucf50 ucf101 hmdb hmdb51 something 20bn sthv2 ssv2
"""
"""Words that name what holds videos, and no class, besides those of ``OFFICIAL`` and endings."""
BESIDE = """
    raw original originals org file files all split splits set sets v1 v2 corrupted for compress compressed resized short side
    h264 h265 hevc
"""
"""Words that do so beside one of the others: alone they may be classes."""
SIZE = re.compile(r"\d+|\d+x\d+|\d+(?:p|px|fps|s|sec)", re.ASCII)


def is_container(folder: str) -> bool:
    """Whether a folder's name says how videos are kept, such as ``train_256`` or ``videos``, and so names no class."""
    words = [word for whole in re.split(r"[^a-z0-9]+", folder.lower()) if whole for word in _parts(whole)]
    telling = [_tells(word) for word in words]
    beside = [word in BESIDE.split() or SIZE.fullmatch(word) for word in words]
    return any(telling) and all(one or other for one, other in zip(telling, beside, strict=True))


def _tells(word: str) -> bool:
    return word in OFFICIAL or f".{word}" in ENDINGS or word in CONTAINERS.split()


def _parts(word: str) -> list[str]:
    """('train', '256') of train256: a telling word and the number behind it; else the word."""
    numbered = re.fullmatch(r"([a-z]+)(\d\w*)", word)
    return [*numbered.groups()] if numbered and not _tells(word) and _tells(numbered[1]) else [word]


def official_word(name: str) -> str:
    """The part of a data set that a name speaks of: train, val or test; '' where it speaks of none."""
    return next((OFFICIAL[word] for word in re.split(r"[^a-z]+", name.lower()) if word in OFFICIAL), "")


def side(official_split: str) -> str:
    """What a part of a data set is for: train, or test for what is held out (validation and test); '' for a file that is in none."""
    return TRAIN if official_split == TRAIN else TEST if official_split else ""


def split_list(name: str) -> re.Match[str] | None:
    """The name of a list of one of the three splits of UCF101 (``part``, ``number``) or HMDB51 (``name``: the class; ``number``)."""
    return UCF_LIST.fullmatch(name) or HMDB_LIST.fullmatch(name)


def told_by_path(path: str) -> tuple[str, str, str]:
    """(recording, class, official split); the recording is the path itself, and the others '', where nothing tells them."""
    *folders, file = path.split("/")
    official = next(filter(None, (official_word(folder) for folder in folders if is_container(folder))), "")
    parent = next((folder for folder in reversed(folders) if not is_container(folder)), "")
    label = parent.replace("_", " ").strip()
    stem = PurePosixPath(file).stem
    if kinetics := KINETICS.fullmatch(stem):
        return kinetics["id"] if len(kinetics["start"]) == 6 else path, label, official
    if ucf := UCF.fullmatch(stem):
        return f"v_{ucf['name'].lower()}_g{ucf['group']}", label or ucf["name"].replace("_", " "), official
    if hmdb := HMDB.fullmatch(stem):
        title, action = _title(hmdb["name"], parent)
        return title, label or action.replace("_", " "), official
    return path, label, official


def _title(name: str, folder: str) -> tuple[str, str]:
    """(title, class) of the beginning of an HMDB51 name: the longest class that it ends in, or its last word."""
    known = [one for one in (*HMDB_CLASSES.split(), folder) if one and name.lower().endswith(f"_{one.lower()}")]
    action = max(known, key=len, default=name.rpartition("_")[2])
    return name[: -len(action) - 1].lower() or name, action
