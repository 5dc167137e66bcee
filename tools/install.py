"""Install jepascope and its requirements into the virtual environment whose Python runs this file. Standard library only.

    .venv/bin/python tools/install.py [EXTRA ...]

1. torch first, in the release that constraints.txt pins, and where no NVIDIA GPU is visible never as a CUDA build (gigabytes):
   the CPU build from where pip looks anyway, or from PyTorch's CPU index, or whatever else pip would take if its metadata ask for
   nothing of NVIDIA's. A torch of that release that is there already is kept, whatever its build.
2. then the project itself, editable, with the extras asked for.

JEPASCOPE_TORCH=cpu or cuda overrules what is visible: an image is built on another machine than it runs on. Asked for cuda, a CPU build
is refused.
When nothing has changed since the last time (pyproject.toml, constraints.txt, this file), nothing is done.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
STAMP = "jepascope-install.json"
CUDA_REQUIREMENT = re.compile(r"(nvidia|cuda|triton|pytorch-triton)\b", re.IGNORECASE)
# errors only; and what is used is compiled below, a small part of what pip would compile
INSTALL = ("install", "--quiet", "--quiet", "--no-compile")


class InstallError(Exception):
    """One sentence for the person at the terminal."""


def pinned_torch(constraints: str) -> str:
    """The release in the line ``torch==X``."""
    found = re.search(r"^torch==(\S+)", constraints, re.MULTILINE)
    if found is None:
        raise InstallError(f"{CONSTRAINTS} has no line 'torch==...'; restore the file.")
    return found.group(1)


def is_cuda_build(report: dict[str, Any]) -> bool:
    """Whether pip's installation report speaks of a torch that needs NVIDIA's libraries."""
    for item in report["install"]:
        metadata = item["metadata"]
        if metadata["name"].lower() != "torch":
            continue
        if "+cu" in metadata["version"]:
            return True
        return any(CUDA_REQUIREMENT.match(requirement) for requirement in metadata.get("requires_dist", []))
    return False


def check_build(version: str) -> None:
    """InstallError where a CUDA build was asked for by name and what is there is none: an image would only show that on a GPU."""
    if os.environ.get("JEPASCOPE_TORCH") != "cuda":
        return
    there = {"name": "torch", "version": importlib.metadata.version("torch"), "requires_dist": importlib.metadata.requires("torch") or []}
    if not is_cuda_build({"install": [{"metadata": there}]}):
        raise InstallError(
            f"JEPASCOPE_TORCH is cuda, and the torch {there['version']} that is here, or that pip found, is a CPU build. Take one of "
            "PyTorch's index of your CUDA (see https://pytorch.org/get-started/locally), and run this again; it is kept: "
            f"'{sys.executable} -m pip install --force-reinstall --no-deps --index-url INDEX torch=={version}'."
        )


def gpu_visible() -> bool:
    """Whether an NVIDIA GPU can be used here: nvidia-smi lists one, or the kernel driver does."""
    if any(Path("/proc/driver/nvidia/gpus").glob("*")):
        return True
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return False
    try:
        listed = subprocess.run([smi, "-L"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU" in listed.stdout


def cuda_possible() -> bool:
    """Whether the plain release is what this machine wants: a GPU can use a CUDA build, and outside Linux there is none."""
    asked = os.environ.get("JEPASCOPE_TORCH")
    if asked not in (None, "", "cpu", "cuda"):
        raise InstallError(f"JEPASCOPE_TORCH is '{asked}'; it can be cpu or cuda.")
    return asked == "cuda" or (not asked and (not sys.platform.startswith("linux") or gpu_visible()))


def cpu_sources(version: str) -> list[list[str]]:
    """Where a CPU build may come from, as arguments to pip: its usual sources, then PyTorch's CPU index."""
    return [[f"torch=={version}+cpu"], ["--index-url", CPU_INDEX, f"torch=={version}+cpu"]]


def pip(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=capture, text=True, check=False)


def would_install(version: str) -> dict[str, Any] | None:
    """pip's report on the torch that it would take, from the wheel's metadata alone; None when it finds none."""
    if tuple(map(int, importlib.metadata.version("pip").split(".")[:2])) < (23, 3):
        pip(*INSTALL, "--upgrade", "pip", capture=True)  # older ones download the whole wheel to answer
    # fast-deps: an index without metadata files is asked for the end of the wheel, not for all of it
    arguments = ("--use-feature=fast-deps", "--dry-run", "--no-deps", "--quiet", "--report", "-", f"torch=={version}")
    asked = pip("install", *arguments, capture=True)
    return json.loads(asked.stdout) if asked.returncode == 0 else None


def has_torch(version: str) -> bool:
    try:
        return importlib.metadata.version("torch").split("+")[0] == version
    except importlib.metadata.PackageNotFoundError:
        return False


def install_torch(version: str) -> None:
    """torch without its requirements: those come with the project's, from pip's usual sources."""
    if has_torch(version):
        return
    if cuda_possible():
        print(f"Installing torch {version} ...", flush=True)
        if pip(*INSTALL, "--no-deps", f"torch=={version}").returncode:
            raise InstallError(f"torch {version} could not be installed (pip says why above). Check the network and run it again.")
        return
    print(f"Installing torch {version} (CPU build: no NVIDIA GPU here) ...", flush=True)
    for source in cpu_sources(version):
        done = pip(*INSTALL, "--no-deps", *source, capture=True)
        if done.returncode == 0:
            return
    report = would_install(version)
    if report is not None and not is_cuda_build(report) and pip(*INSTALL, "--no-deps", f"torch=={version}").returncode == 0:
        return
    said = "\n".join(line for line in done.stderr.splitlines() if line.startswith("ERROR"))
    raise InstallError(
        f"no CPU build of torch {version} for Python {sys.version.split()[0]} could be installed from {CPU_INDEX}. Check the network and "
        f"run it again; or install a torch {version} of your own with '{sys.executable} -m pip install', which is then kept.\n{said}"
    )


def install_project(extras: set[str]) -> None:
    wanted = f"{ROOT}[{','.join(sorted(extras))}]" if extras else str(ROOT)
    print("Installing jepascope" + (f" with {', '.join(sorted(extras))}" if extras else "") + " ...", flush=True)
    if pip(*INSTALL, "--constraint", str(CONSTRAINTS), "--editable", wanted).returncode:
        raise InstallError("jepascope could not be installed (pip says why above). Check the network and disk space, then run it again.")


def compile_what_is_used() -> None:
    """Import jepascope's modules once, so that the bytecode of the libraries behind them is there at the first real start.

    Compiling everything that is installed took four times as long. A setting against writing bytecode is about source
    trees, and in an environment without any every start would take three times as long, so it is not passed on.
    """
    code = """
import importlib, pkgutil, jepascope
for module in pkgutil.walk_packages(jepascope.__path__, "jepascope."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)  # only speed is lost when it fails


def state() -> str:
    """A digest of everything that an installation depends on; the environment's place too, as environments cannot be moved."""
    digest = hashlib.sha256(f"{sys.prefix}\n{ROOT}\n{sys.version}".encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS, Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def installed_extras(stamp: Path) -> set[str] | None:
    """The extras of the last complete installation, or None when there was none like this."""
    try:
        last = json.loads(stamp.read_text())
        return set(last["extras"]) if last["state"] == state() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def main(extras: set[str]) -> None:
    if sys.prefix == sys.base_prefix:
        raise InstallError(f"{sys.executable} is not in a virtual environment; run 'make demo' or 'make test', which make one.")
    stamp = Path(sys.prefix) / STAMP
    there = installed_extras(stamp)
    if there is not None and extras <= there:
        return
    started = time.monotonic()
    print(f"Installing into {sys.prefix}; this takes a few minutes the first time.", flush=True)
    extras = extras | (there or set())
    stamp.unlink(missing_ok=True)
    install_torch(version := pinned_torch(CONSTRAINTS.read_text()))
    check_build(version)
    install_project(extras)
    compile_what_is_used()
    stamp.write_text(json.dumps({"state": state(), "extras": sorted(extras)}))
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


if __name__ == "__main__":
    try:
        main(set(sys.argv[1:]))
    except InstallError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped; run the same command again to go on.")
