"""A new virtual environment with the pinned torch and packages asked for. Standard library only."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

from install import CONSTRAINTS, ROOT, InstallError

TORCH = "import install; install.install_torch(install.pinned_torch(install.CONSTRAINTS.read_text()))"


def ran(*command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
    """Run a command; what it prints is seen.

    Raises:
        InstallError: It ended with another code than 0.
    """
    print("$", *command, flush=True)
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=os.environ | environment, check=False)
    if done.returncode:
        raise InstallError(f"'{' '.join(map(str, command))}' ended with {done.returncode}")


def fresh_environment(folder: Path, *packages: str) -> Path:
    """Make ``folder`` anew with torch and ``packages`` (arguments of pip); returns its folder of programs."""
    venv.create(folder, clear=True, with_pip=True)
    programs = folder / "bin"
    ran(programs / "python", "-c", TORCH, PYTHONPATH=str(Path(__file__).parent))
    ran(programs / "python", "-m", "pip", "install", "--quiet", "--constraint", CONSTRAINTS, *packages)
    return programs
