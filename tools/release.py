"""Build sdist and wheel into dist/, look through them, install the wheel into a new environment and run a quick study there.

    .venv/bin/python tools/release.py

The wheel is built from the sdist, so that the sdist holds all that a build needs. Nothing is uploaded.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from fresh import fresh_environment, ran
from install import ROOT, InstallError

DIST = ROOT / "dist"


def built() -> Path:
    """The wheel, from the sdist, both checked for metadata that an index would refuse."""
    for old in DIST.glob("jepascope-*"):
        old.unlink()
    ran(sys.executable, "-m", "build", "--outdir", DIST)
    ran(sys.executable, "-m", "twine", "check", "--strict", *sorted(DIST.glob("jepascope-*")))
    (wheel,) = DIST.glob("jepascope-*.whl")
    return wheel


def same_files(wheel: Path) -> None:
    """The wheel holds what git tracks under src/jepascope, and nothing else.

    Raises:
        InstallError: A file is missing, or one is there that git does not track.
    """
    listed = subprocess.run(["git", "ls-files", "-z", "src/jepascope"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tracked = {name.removeprefix("src/") for name in listed.split("\0") if name}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("jepascope/")}
    if tracked != packed:
        raise InstallError(f"{wheel.name} and git differ in {sorted(tracked ^ packed)[:10]}")
    print(f"{wheel.name}: {len(packed)} files as git tracks them, {wheel.stat().st_size / 2**20:.1f} MiB", flush=True)


def main() -> None:
    wheel = built()
    same_files(wheel)
    with tempfile.TemporaryDirectory() as name:
        programs = fresh_environment(Path(name) / "environment", str(wheel))
        empty = Path(name) / "empty"
        empty.mkdir()
        # away from the sources: what runs is what the wheel brought
        ran(programs / "jepascope", "run", "quick", "--out", "run", cwd=empty, PYTHONPATH="", JEPASCOPE_CACHE=str(empty / "cache"))
        ran(programs / "jepascope", "check", "run", cwd=empty, PYTHONPATH="")
        if not (empty / "run" / "report.html").is_file():
            raise InstallError("the quick study left no report.html")
    print(f"{wheel.name} installs into an empty environment and runs the quick study.")


if __name__ == "__main__":
    try:
        main()
    except InstallError as error:
        sys.exit(f"error: {error}")
