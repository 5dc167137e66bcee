"""Labels of motion: which direction they name, which are each other's opposites, and what is proposed for a study."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from encoders_at_hand import save_classifier
from typer.testing import CliRunner

from jepascope.cli.main import app
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.encoders.label_pairs import OPPOSITES, _opposites, chiral_pairs, direction_named, proposed_pairs
from jepascope.study.spec_file import read_value

PUSHED = ("Pushing something from left to right", "Pushing something from right to left")
RAISED = ("Moving something up", "Moving something down")
CAMERA = ("Turning the camera left while filming something", "Turning the camera right while filming something")
NAMED = {
    **dict(zip(PUSHED, "EW", strict=True)),
    **dict(zip(RAISED, "NS", strict=True)),
    "Swiping Left": "W",
    **dict.fromkeys(CAMERA),
    "Turning something upside down": None,
    "Lifting up one end of something without letting it drop down": None,
    "Moving part of something": None,
    "left": None,
    "": None,
}
OPPOSED = [
    PUSHED,
    RAISED,
    CAMERA,
    ("Opening something", "Closing something"),
    ("Folding something", "Unfolding something"),
    ("Putting something into something", "Taking something out of something"),
    ("Moving something towards the camera", "Moving something away from the camera"),
    ("Moving something and something closer to each other", "Moving something and something away from each other"),
]


@pytest.mark.parametrize(("label", "direction"), NAMED.items())
def test_a_label_names_the_direction_of_a_whole_object_alone(label: str, direction: str | None) -> None:
    assert direction_named(label) == direction


def test_opposites_are_found_once_in_either_order_and_nothing_is_its_own() -> None:
    alone = ["Moving something", "Poking something so it spins", "Putting something on a surface", "Turning something upside down"]
    labels = [*alone, *(label for pair in OPPOSED for label in pair)]
    assert chiral_pairs(labels) == OPPOSED
    assert {frozenset(pair) for pair in chiral_pairs(labels[::-1])} == {frozenset(pair) for pair in OPPOSED}
    assert chiral_pairs(alone) == chiral_pairs([]) == chiral_pairs(["Moving something up"] * 2) == []


def test_a_label_of_a_stranger_has_no_more_opposites_than_there_are_phrases() -> None:
    every = " ".join(phrase for pair in OPPOSITES for phrase in pair)
    assert 1 < len(_opposites(every)) <= len(OPPOSITES) + 1


def test_pairs_of_directions_that_a_variable_has_are_proposed() -> None:
    labels = [*CAMERA, *PUSHED, *RAISED]
    assert proposed_pairs(labels, DIRECTION_NAMES) == [dict(zip("EW", PUSHED, strict=True)), dict(zip("NS", RAISED, strict=True))]
    assert proposed_pairs(labels, ("E", "W")) == [dict(zip("EW", PUSHED, strict=True))]
    assert proposed_pairs(labels, ("slow", "fast")) == []


def test_the_command_lists_them_and_what_it_proposes_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_classifier(tmp_path / "a head's", (*CAMERA, *PUSHED, 'Opening something: "wide"'))
    shown = CliRunner().invoke(app, ["models", "./a head's"])
    assert shown.exit_code == 0 and "5 labels" in shown.output and " | ".join(CAMERA) in shown.output
    (line,) = (line.strip() for line in shown.output.splitlines() if "jepascope run" in line)
    words = shlex.split(line)
    assert words[:4] == ["jepascope", "run", "--model", "./a head's"]
    field, _, text = words[words.index("--set") + 1].partition("=")
    assert read_value(field, text) == dict(zip("EW", PUSHED, strict=True))
    told = json.loads(CliRunner().invoke(app, ["models", "./a head's", "--json"]).output)
    assert told["runs"] == [line] and len(told["labels"]) == 5


@pytest.mark.parametrize(
    ("model", "said"), [("nano", "It has no task head"), ("nonsuch", "There is no model 'nonsuch'"), ("./nowhere", "not a folder")]
)
def test_a_model_without_a_head_or_that_is_not_here_is_said(model: str, said: str) -> None:
    assert said in CliRunner().invoke(app, ["models", model]).output
