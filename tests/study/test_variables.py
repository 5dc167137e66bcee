"""The whole pipeline on a variable other than direction, and on labels of one's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from controls_named import OF_FORMULA
from jepascope.clips.presets import directions8
from jepascope.clips.variables import VARIABLES
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadData, RunFolderError
from jepascope.study.analysis import capture, find, intervene
from jepascope.study.captures import Captures
from jepascope.study.checks import check_spec_fits
from jepascope.study.files import SPEC
from jepascope.study.folder import LABELS, Run
from jepascope.study.progress import Silent
from jepascope.study.run import run_study
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec, read_spec

COUNT = 80


@pytest.fixture
def labels_file(tmp_path: Path) -> Path:
    """Columns: the axis of motion, a number that grows with the object, and one that says nothing."""
    factors = directions8(0, per_class=10).factors
    noise = np.random.default_rng(0).permutation(COUNT)
    table = pd.DataFrame(
        {
            "scene": factors["scene"],
            "axis": np.where(factors["direction"].str.len() == 2, "diagonal", "straight"),
            "area": factors["size"] ** 2,
            "coin": np.array(["heads", "tails"])[noise % 2],
        }
    )
    path = tmp_path / "mine.csv"
    table.sample(frac=1, random_state=0).to_csv(path, index=False)  # rows in any order
    return path


def spec_of(tiny_spec: StudySpec, **values: Any) -> StudySpec:
    return make_spec({**tiny_spec.model_dump(), "token_map": False, "untrained_seeds": 0, **values}, "here")


def captures_of(run: Run, encoder: VJepa2Encoder) -> Captures:
    run.close()
    return Captures.of_run(run, encoder, Silent())


# the captures


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_bench_has_classes_values_and_twins_of_every_variable(
    name: str, tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder
) -> None:
    captures = captures_of(Run.open(tmp_path, spec_of(tiny_spec, variable=name, clips_per_class=20)), tiny_encoder)
    labels, values = captures.labels(captures.test), captures.values(captures.test)
    assert captures.variable is VARIABLES[name] and captures.donor == "twin"
    assert int(labels.max()) < len(captures.classes) and (captures.labels(captures.twins) != labels).all()
    assert (values is None) == (captures.variable.kind == "categorical")
    assert values is None or (values.shape == (len(labels), captures.variable.width) and values.dtype == torch.float32)
    assert captures.scenes(captures.twins).tolist() == captures.scenes(captures.test).tolist()


def test_test_scenes_hold_as_many_of_every_class_as_there_are(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    captures = captures_of(Run.open(tmp_path, spec_of(tiny_spec, variable="speed", test_scenes=16)), tiny_encoder)
    test = captures.clips.split("test")
    there, chosen = (np.bincount(part.labels("speed")[0], minlength=4) for part in (test, test.select(captures.chosen_test)))
    assert chosen.tolist() == np.minimum(there, 4).tolist()


def test_a_class_with_too_few_clips_is_refused_before_a_folder_is_made(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, labels_file: Path
) -> None:
    table = pd.read_csv(labels_file)
    rare = directions8(0, per_class=10).factors.query("split == 'judge'")["scene"].head(6)
    table["axis"] = np.where(table["scene"].isin(rare), "rare", "common")
    table.to_csv(labels_file, index=False)
    spec = spec_of(tiny_spec, labels=str(labels_file), variable="axis")
    with pytest.raises(BadData, match=r"Split 'fit' has 0 clip\(s\) of axis 'rare', and at least 4 are needed.*label more clips"):
        run_study(spec, tmp_path / "run", tiny_encoder)
    assert not (tmp_path / "run").exists()
    few = spec_of(tiny_spec, variable="colour", seed=few_colours())
    with pytest.raises(BadData, match=r"clip\(s\) of colour '\w+', and at least \d are needed.*raise clips_per_class \(now 10\)"):
        check_spec_fits(few, tiny_encoder)


def few_colours() -> int:
    """A seed whose judge split has less than two clips of some colour."""
    for seed in range(100):
        labels = directions8(seed, per_class=10).split("judge").labels("colour")[0]
        if np.bincount(labels, minlength=6).min() < 2:
            return seed
    raise AssertionError("no such seed")


# labels of one's own


def test_labels_are_kept_in_the_run_folder_and_read_from_there(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, labels_file: Path
) -> None:
    spec = spec_of(tiny_spec, labels=str(labels_file), variable="axis")
    out = tmp_path / "run"
    run = Run.open(out, spec)
    captures = captures_of(run, tiny_encoder)
    labelled = dict(zip(captures.clips.factors["scene"], captures.clips.labels("axis")[0], strict=True))
    truth = pd.read_csv(labels_file).set_index("scene")["axis"]
    assert {scene: captures.classes[label] for scene, label in labelled.items()} == truth.to_dict()
    assert (out / LABELS).read_bytes() == labels_file.read_bytes()
    labels_file.unlink()
    moved = tmp_path / "moved"
    out.rename(moved)
    again = make_spec(read_spec(moved / SPEC), "here")
    assert again.digest == spec.digest and again.labels == str(moved / LABELS)
    Run.open(moved, again).close()
    Run.open(tmp_path / "other", again).close()
    assert (tmp_path / "other" / LABELS).read_bytes() == (moved / LABELS).read_bytes()


def test_a_run_with_other_labels_is_another_study(tmp_path: Path, tiny_spec: StudySpec, labels_file: Path) -> None:
    out = tmp_path / "run"
    Run.open(out, spec_of(tiny_spec, labels=str(labels_file), variable="axis")).close()
    labels_file.write_text(labels_file.read_text() + "\n")
    with pytest.raises(BadArgument, match=r"holds another study .*labels_digest"):
        Run.open(out, spec_of(tiny_spec, labels=str(labels_file), variable="axis"))
    for damaged, message in (("scene,axis\n", "no rows"), ("scene,axis\n1,a\n", "not the labels file that the spec was made with")):
        (out / LABELS).write_text(damaged)
        with pytest.raises(RunFolderError, match=f"{message}.*put it back, or choose another --out"):
            Run.open(out, spec_of(tiny_spec, labels=str(labels_file), variable="axis"))


def test_a_folder_with_a_labels_file_of_the_users_is_left_alone(tmp_path: Path, tiny_spec: StudySpec, labels_file: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / LABELS).write_text("precious")
    with pytest.raises(BadArgument, match=r"holds a labels\.csv of its own"):
        Run.open(folder, spec_of(tiny_spec, labels=str(labels_file), variable="axis"))
    assert (folder / LABELS).read_text() == "precious" and not (folder / SPEC).exists()
    shutil.copy(labels_file, folder / LABELS)  # its own copy, left by a run that was killed at once
    Run.open(folder, spec_of(tiny_spec, labels=str(labels_file), variable="axis")).close()


@pytest.mark.slow
def test_labels_are_studied_in_notebooks_too(tiny_encoder: VJepa2Encoder, labels_file: Path) -> None:
    clips = directions8(0, per_class=10).labelled_from(labels_file, "axis")
    activations = capture(tiny_encoder, clips, cache=False)
    subspace = find(activations, "axis", layer=1)
    assert subspace.provenance["variable"] == "axis" and subspace.rank == 1
    table = intervene(tiny_encoder, activations, subspace, "swap", draws=2)
    assert (table["n"] == 16).all()
    assert table["control"].tolist() == OF_FORMULA


# end to end


def finished(out: Path) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    summary = json.loads((out / "summary.json").read_text())
    return summary, pd.read_parquet(out / "effects.parquet"), pd.read_parquet(out / "portability.parquet")


@pytest.mark.slow
def test_a_study_of_labels_swaps_with_donors_and_says_so(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, labels_file: Path
) -> None:
    spec = spec_of(tiny_spec, labels=str(labels_file), variable="axis", layers=(1,), best_layer=1, stability_subsamples=0, permutations=1)
    run_study(spec, tmp_path / "run", tiny_encoder)
    summary, effects, portability = finished(tmp_path / "run")
    assert (summary["variable"], summary["swap_donor"], summary["rank"]) == ("axis", "class", 1)
    assert summary["chance"] == pytest.approx(0.5) and summary["leaks"] == {}
    swap = effects.query("edit == 'swap' and control == 'subspace'").set_index("scene")
    mine = effects.query("edit == 'ablate' and control == 'subspace' and dose == 1").set_index("scene")
    assert (swap["target"] == 1 - mine["target"]).all()  # a donor of the other of two classes
    assert np.isfinite(effects[["numerator", "denominator"]].to_numpy()).all()
    assert "data seed" not in set(portability["across"])  # scenes of another seed have no labels


@pytest.mark.slow
@pytest.mark.parametrize("name", ["speed", "position", "size", "shape", "colour"])
def test_a_study_of_any_factor(name: str, tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    spec = spec_of(tiny_spec, variable=name, clips_per_class=20, test_scenes=16)
    run_study(spec, tmp_path / "run", tiny_encoder)
    summary, effects, portability = finished(tmp_path / "run")
    classes = len(VARIABLES[name].classes)
    assert (summary["variable"], summary["swap_donor"]) == (name, "twin") and 1 <= summary["rank"] < classes
    assert summary["chance"] >= 1 / classes
    assert set(effects["target"]) <= set(range(classes)) and set(effects["edit"]) == {"ablate", "swap", "steer"}
    assert np.isfinite(effects[["numerator", "denominator"]].to_numpy()).all()
    assert "data seed" in set(portability["across"])


@pytest.mark.slow
def test_a_study_of_a_column_of_numbers_and_its_report(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, labels_file: Path
) -> None:
    from jepascope.report.build import build_report

    spec = spec_of(tiny_spec, labels=str(labels_file), variable="area", finders=("diff_means", "class_pca"))
    run_study(spec, tmp_path / "run", tiny_encoder)
    summary, effects, _ = finished(tmp_path / "run")
    assert 1 <= summary["rank"] <= 3 and effects["target"].nunique() == 4
    assert "area" in build_report(tmp_path / "run").read_text()
    first = effects.drop(columns="numerator_direct")
    again = make_spec(read_spec(tmp_path / "run" / SPEC), "here")
    run_study(again, tmp_path / "again", tiny_encoder)
    pd.testing.assert_frame_equal(finished(tmp_path / "again")[1].drop(columns="numerator_direct"), first)
