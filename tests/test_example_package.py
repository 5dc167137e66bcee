"""The example package, installed as a third party's would be: one of each kind, and nothing of jepascope touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "plugin"
SPEC = """
model: small_net
clips: slow
finders: [diff_means, mean_axes]
edits: [ablate, halve]
judges: [probe, ridge_classifier]
extra_controls: [top_axes]
port_clips: [slow, circle]
clips_per_class: 10
test_scenes: 8
draws: 2
draws_elsewhere: 2
untrained_seeds: 0
resamples: 100
stability_subsamples: 0
permutations: 4
control_seeds: 1
doses: [1.0]
peels: 0
"""
LISTED = """
import json
from jepascope.clips.entries import CLIP_SETS
from jepascope.discovery.finder_entry import FINDERS
from jepascope.encoders.entries import ENCODERS
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.judge_entry import JUDGES
print(json.dumps([[name, catalog.entry(name).meaning] for catalog in (FINDERS, EDITS, CONTROLS, JUDGES, ENCODERS, CLIP_SETS)
                  for name in catalog.added]))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``pip install --target`` makes of it, without pip: the package, and its entry points in a .dist-info."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE / "jepascope_example", folder / "jepascope_example")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    about = folder / f"jepascope_example-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = []
    for group, points in project["entry-points"].items():
        groups.append(f"[{group}]\n" + "\n".join(f"{name} = {path}" for name, path in points.items()))
    (about / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
    return folder


def run(site: Path, folder: Path, *words: str) -> str:
    paths = os.pathsep.join([str(site), *(path for path in sys.path if path)])
    done = subprocess.run([sys.executable, *words], cwd=folder, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_each_kind_is_listed_with_its_meaning(site: Path, tmp_path: Path) -> None:
    listed = dict(json.loads(run(site, tmp_path, "-c", LISTED)))
    assert listed["mean_axes"] == "principal axes of the class means" and listed["slow"] == "directions8 at half the speed"
    assert set(listed) == {"mean_axes", "halve", "top_axes", "ridge_classifier", "small_net", "slow"}


@pytest.mark.slow
def test_a_spec_that_names_one_of_each_is_planned_run_and_shown(site: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    assert "small_net on slow" in run(site, tmp_path, "-m", "jepascope", "plan", "spec.yaml")
    run(site, tmp_path, "-m", "jepascope", "run", "spec.yaml", "--out", "run")
    page = (tmp_path / "run" / "report.html").read_text()
    for name in ("mean_axes", "halv", "top free axes", "ridge_classifier", "small_net", "slow"):
        assert name in page
