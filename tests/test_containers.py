"""Images, and the script that a Slurm array runs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "containers"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node of a cluster: srun, apptainer and jepascope are programs that say what they were called with."""
    for name, script in {
        "srun": 'exec "$@"',
        "jepascope": 'printf "jepascope %s\\n" "$*"',
        "apptainer": 'printf "apptainer %s\\n" "$*"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def submitted(node: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What one index of the array does."""
    array = {"PATH": f"{node}:{os.environ['PATH']}", "SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_MAX": "4"}
    command = ["bash", str(FOLDER / "sweep.sbatch"), *arguments]
    return subprocess.run(command, env=array | environment, cwd=node, capture_output=True, text=True, check=False)


def test_an_index_of_the_array_runs_its_part_with_options_that_the_command_has(node: Path) -> None:
    asked = "sweep 'my sweep.yaml' --out /shared/sweep --part 2/4 --device cuda --engine ray".replace("'", "")
    done = submitted(node, "my sweep.yaml", "/shared/sweep", "--engine", "ray")
    assert (done.returncode, done.stdout) == (0, f"jepascope {asked}\n"), done.stderr
    done = submitted(node, "my sweep.yaml", "/shared/sweep", "--engine", "ray", IMAGE="j.sif")
    assert (done.returncode, done.stdout) == (0, f"apptainer run --nv j.sif {asked}\n"), done.stderr


def test_without_a_file_and_a_folder_the_script_says_how_it_is_called(node: Path) -> None:
    for arguments in ((), ("sweep.yaml",)):
        done = submitted(node, *arguments)
        assert done.returncode and "usage: sbatch" in done.stderr and not done.stdout


def test_docker_and_apptainer_copy_the_same_files_and_those_exist() -> None:
    docker, apptainer = (FOLDER / "Dockerfile").read_text(), (FOLDER / "apptainer.def").read_text()
    copied = {name for line in re.findall(r"^COPY (.*) \S+$", docker, re.MULTILINE) for name in line.split()}
    files = apptainer.partition("%files\n")[2].partition("\n\n")[0]
    assert copied == {line.split()[0] for line in files.splitlines()}
    assert all((ROOT / name).exists() for name in copied)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {name.partition("/")[0] for name in copied} == let_in
    (of_docker,), (of_apptainer,) = (
        re.findall(r"^ARG BASE=(.+)$", docker, re.MULTILINE),
        re.findall(r"^From: (.+)$", apptainer, re.MULTILINE),
    )
    assert of_docker == of_apptainer
