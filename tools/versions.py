"""Run tests with the lowest or the newest versions of everything that pyproject.toml allows, in an environment of their own.

    python tools/versions.py lowest                       # the everyday suite
    python tools/versions.py newest tests/encoders -n 2   # arguments of pytest

torch is the one that constraints.txt pins: of others an index may have CUDA builds alone, so its own
lowest is not tried here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from pathlib import Path

from fresh import fresh_environment, ran
from install import ROOT, InstallError
from packaging.requirements import Requirement

# old releases beside the newest of what they themselves require: what those deprecate is no fault of ours
LENIENT = ("-W", "default::DeprecationWarning")


def declared() -> list[Requirement]:
    """What jepascope itself requires, torch left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [requirement for requirement in map(Requirement, project["dependencies"]) if requirement.name != "torch"]


def floor(requirement: Requirement) -> str:
    """``name>=X,<Y`` as ``name==X``.

    Raises:
        InstallError: It has no lower bound.
    """
    for bound in requirement.specifier:
        if bound.operator in (">=", "==", "~="):
            return f"{requirement.name}=={bound.version}"
    raise InstallError(f"'{requirement}' in pyproject.toml names no lowest version")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=["lowest", "newest"])
    parser.add_argument("--keep", type=Path, help="environment to make and keep; default: a temporary one")
    chosen, pytest = parser.parse_known_args()
    asked = [floor(each) for each in declared()] if chosen.which == "lowest" else ["--upgrade", "--upgrade-strategy", "eager"]
    with tempfile.TemporaryDirectory() as name:
        programs = fresh_environment(chosen.keep or Path(name) / chosen.which, *asked, "--editable", f"{ROOT}[test]")
        ran(programs / "python", "-m", "pip", "list")
        lenient = LENIENT if chosen.which == "lowest" else ()
        ran(programs / "python", "-m", "pytest", *lenient, *(pytest or ["-n", "2", "--dist", "worksteal"]), PYTHONPATH="")


if __name__ == "__main__":
    try:
        main()
    except InstallError as error:
        sys.exit(f"error: {error}")
