"""Sentences on real videos, from summary.json alone: what was used and what was not, and what another run's subspaces do there."""

from __future__ import annotations

from typing import Any

from jepascope.clips.motion.label import REASONS
from jepascope.clips.video.recordings import rule_words
from jepascope.findings.effect import Effect
from jepascope.intervention.control_words import doer
from jepascope.stats import side
from jepascope.study.steps.effect_words import beside_in, caveat, effect_in, named, percent_with_interval, plain, times, unread_words

PUBLISHED = "5.3"  # CE ratio on Kinetics over random directions, in the abstract of the paper (OpenReview CC5xKstwmf)
PROCEDURAL = ("nano", "nano-wide")
SHOWN = 6  # reasons


def footage_words(record: dict[str, Any]) -> list[str]:
    """How much was used, and what was refused and why."""
    parts = ", ".join(f"{count} {name}" for name, count in record["videos_by_split"].items())
    # a record of version 0.1 counts recordings that are used, and files that were found
    videos = f"{record['videos_used']} of {record['videos']} videos"
    videos = videos if "files" in record else f"{record['videos_used']} videos of {record['videos']} files"
    said = [
        f"{videos} and {record['windows_used']} of {record['windows']} windows are used ({record['clips']} clips; videos by split: "
        f"{parts}). Labels: {record['labels']}. Intervals resample videos."
    ]
    said += [words for words in (recording_words(record), official_words(record)) if words]
    if record.get("abstention_rate") is not None:
        why = "; ".join(f"{REASONS.get(reason, reason)} ({count})" for reason, count in list(record["abstained"].items())[:SHOWN])
        said.append(
            f"No direction was measured in {100 * record['abstention_rate']:.0f} % of the windows: {why or 'no reason was noted'}."
            if record["abstained"]
            else "A direction was measured in every window."
        )
    left = record["windows_labelled"] - record["windows_used"]
    if left > 0:
        said.append(f"{left} more windows have a label and are left out: of other classes, or more of a class or video than are taken.")
    for what, rows in (("Not used", refused_otherwise(record)), ("Files that are no videos", record.get("others", []))):
        shown = "; ".join(f"{row['count']} × {row['reason']}" for row in rows[:SHOWN])
        more = f"; and {len(rows) - SHOWN} more reasons" if len(rows) > SHOWN else ""
        said += [f"{what}: {shown}{more} (refusals.parquet lists all)."] if rows else []
    return said


def recording_words(record: dict[str, Any]) -> str:
    """How files became videos, where some have one in common; '' where each file is one."""
    rules = rule_words(record.get("joined", {}))
    return rules and (
        f"A video here is a recording, with every file that was cut from it: {record['files_used']} of {record['files']} files are used. "
        f"Files are put together: {rules}. No recording is in two splits."
    )


def official_words(record: dict[str, Any]) -> str:
    """How the splits go together with those of the data set; '' where it has none."""
    official = record.get("official") or {}
    if not any(name for part in official.values() for name in part):
        return ""
    if record.get("splits", "own") != "own":
        return (
            f"The data set's own splits are kept ({record['splits']}): fit and judge are of its training split, test of its validation and "
            "test splits."
        )
    tested, count = official.get("test", {}), record["videos_by_split"].get("test", 0)
    trained = tested.get("train", 0)
    others = ", ".join(f"{videos} in its {name} split" for name, videos in tested.items() if name not in ("", "train"))
    seen = ", and a task head, or an encoder, that was trained on it has seen them" if trained else ""
    return (
        f"The data set's own splits are not kept: of {count} test videos {trained} are in its training split"
        f"{f' ({others})' if others else ''}{seen}. --set splits=official keeps them."
    )


def refused_otherwise(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Reasons for which files and windows are not used, besides a direction that could not be measured (counted by ``abstained``)."""
    return [row for row in record["refused"] if not row["reason"].startswith("has no measured direction")]


def reach_words(summary: dict[str, Any]) -> str:
    """What the encoder was trained on, where that is known and matters; ' ' before it, or nothing."""
    if "footage" not in summary or summary["model"] not in PROCEDURAL:
        return ""
    return f" The encoder {summary['model']} was trained on procedural clips alone: nothing here speaks for encoders trained on real video."


def other_edit_words(summary: dict[str, Any], finder: str) -> str:
    """Of few videos ablation may have no margin to take from: then what another edit does; ' ' before it, or nothing."""
    if "footage" not in summary:
        return ""
    found = _stateable(summary, finder)
    if found is None or found[0] == "ablate":
        return ""
    what = f"the rank-{summary['rank']} {finder} subspace"
    return f" {_of_edit(summary, finder, *found, what)}."


def left_out_words(summary: dict[str, Any]) -> str:
    """What leaving out one video at a time gives, beside the split's figures; '' where that was not done."""
    left = summary.get("leave_one_out")
    if not left:
        return ""
    finder, read = next(iter(left["ce"])), left["accuracy"]
    span = "" if read["low"] is None else f" [{read['low']:.2f}, {read['high']:.2f}]"
    above = "" if read["low"] is not None and read["low"] > read["chance"] else ", not shown to be above it"
    text = (
        f" By leaving out one of {left['videos']} videos at a time: accuracy {read['value']:.3f}{span} (chance {read['chance']:.3f}{above})"
    )
    found = _stateable(left, finder)
    if found is None:
        return f"{text}; the judges read no margin of which ablation could take a share."
    if found[1].unread:
        why = unread_words(found[1], summary["variable"], "videos that are left out")
        return f"{text}; {why}, so no effect of ablation can be stated."
    does = _of_edit(left, finder, *found, f"the rank-{left['rank']} {finder} subspace", first=f"{text}, and ")
    return f"{does}."


def carried_words(summary: dict[str, Any]) -> str:
    """What the first of another run's subspaces does on these videos, and no more than its interval says; '' where none were taken."""
    taken = summary.get("carried")
    if not taken:
        return ""
    name = next((name for name in taken["finders"] if name in summary["ce"]), None)
    if name is None:
        return ""
    finder, found = taken["finders"][name], _stateable(summary, name)
    where = f"Carried from {taken['clips']} ({taken['run']}) to these videos"
    published = f"the published ratio on Kinetics, of another encoder and by another group, is {PUBLISHED}"
    if found is None:
        return f" {where}: the judge reads no margin here, so no effect of the {finder} subspace can be stated; {published}."
    if found[1].unread:
        why = unread_words(found[1], summary["variable"], "test videos")
        return f" {where}: {why}, so no effect of the {finder} subspace can be stated; {published}."
    does = _of_edit(
        summary, name, *found, f"the rank-{taken['ranks'][name]} {finder} subspace at layer {taken['layer']}", first=f"{where}, "
    )
    return f" {does}; {published}; {_retained(summary, name, finder)}."


EDIT_WORDS = {
    "ablate": ("ablating", "removes", "of the judge's margin"),
    "swap": ("a swap of", "moves the margin by", "of the way to a clip of another class"),
    "steer": ("steering along", "moves the margin by", "of the way to a clip of another class"),
}
COMPARED = ("random", "variance", "shuffled")


def _stateable(summary: dict[str, Any], finder: str) -> tuple[str, Effect] | None:
    """The first edit with an interval, and its effect."""
    effects = {edit: effect_in(summary, finder, edit) for edit in EDIT_WORDS}
    return next(((edit, effect) for edit, effect in effects.items() if effect is not None and effect.side != "unknown"), None)


def _of_edit(summary: dict[str, Any], name: str, edit: str, effect: Effect, what: str, first: str = "") -> str:
    """What one edit does; its ratios are of an effect that is shown, the closest control first."""
    doing, does, of = EDIT_WORDS[edit]
    span = f"{percent_with_interval(effect)} {of} (n = {effect.n:.0f} test videos)"
    doing = f"{first + doing if first else doing.capitalize()} {what}"
    if not effect.shown:
        return f"{doing} is not shown to do anything: it {does} {span}"
    if not effect.works:
        return f"{doing} {does} {span}: the other way"
    beside = named(beside_in(summary, name, edit, effect), COMPARED)
    told = [f"beside {doer(one.control)}: {times(one)}{caveat(one)}" for one in beside if one.has_ratio]
    without = [doer(one.control) for one in beside if not one.has_ratio]
    if without:
        told.append(f"beside {', '.join(without)}: no ratio can be stated")
    return f"{doing} {does} {span}; {'; '.join(told) or 'no control was run'}"


def _retained(summary: dict[str, Any], name: str, finder: str) -> str:
    kept = taken_rce(summary, name, finder)
    if kept is None:
        return f"in place of the {finder} subspace found here its share of the effect cannot be stated"
    by = {"ablate": "ablation", "swap": "swaps"}.get(kept["edit"], kept["edit"])
    place = f"in place of the {finder} subspace found here (rank {summary['rank']})"
    told = f"RCE {plain(kept['value'])} [{plain(kept['low'])}, {plain(kept['high'])}] of {by} {place}"
    if kept.get("saturated"):
        return f"{told}, saturated at every dose, so that it says nothing"
    place = side(kept["excess_low"], kept.get("excess_high"))
    words = {"above": "above what", "below": "below what"}
    return f"{told}, {words.get(place, 'not shown to be more than')} variance-matched directions keep"


def taken_rce(summary: dict[str, Any], name: str, finder: str) -> dict[str, Any] | None:
    """RCE with its interval; None where there is no interval, or nothing shown that could be kept."""
    kept = (summary["carried"].get("rce") or {}).get(name)
    if not kept or kept["value"] is None or kept["low"] is None:
        return None
    native = effect_in(summary, finder, kept["edit"])
    return None if native is not None and not native.works else kept
