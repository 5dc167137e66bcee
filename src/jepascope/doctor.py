"""doctor: what the installation has and lacks, as a list of checks. It never raises: a check that breaks is a failed check."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from jepascope.cache import cache_folder
from jepascope.errors import BadCheckpoint, JepascopeError
from jepascope.hardware import cores, free_memory

OLDEST_PYTHON = (3, 11)
MEMORY_FOR_DEMO = 3 * 2**30  # the demo's peak stays under this
DISK_FOR_DEMO = 2**30


@dataclass(frozen=True)
class Check:
    """One finding. ``ok`` is True, False (something will fail; ``fix`` says what to do) or None (worth knowing, not wrong)."""

    name: str
    ok: bool | None
    detail: str
    fix: str = ""


def doctor(cache: Path | None = None, folder: Path | None = None, weights: Path | None = None) -> list[Check]:
    """Every check, in the order in which a person would look.

    ``cache``, ``folder`` and ``weights`` default to the user's cache folder, the working folder (where runs are written) and
    the folder of the encoders that ship with jepascope.
    """
    cache, folder = cache or cache_folder(), folder or Path.cwd()
    checks: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("torch", _torch),
        ("processor", _processor),
        ("memory", _memory),
        ("cache folder", lambda: _writable("cache folder", cache, "set JEPASCOPE_CACHE to a folder that you can write to")),
        ("working folder", lambda: _writable("working folder", folder, "run from another folder, or give --out")),
        ("nano weights", lambda: _shipped_weights(weights)),
        ("extras", _extras),
    ]
    return [check for name, look in checks for check in _guarded(name, look)]


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    checks: list[Check] = []
    try:
        checks.extend(look())
    except Exception as error:  # a broken library may raise anything, and the doctor is called because something is broken
        checks.append(Check(name, False, f"could not be checked ({type(error).__name__}: {error})", "install again: make clean demo"))
    return checks


def _python() -> Iterator[Check]:
    fine = sys.version_info >= OLDEST_PYTHON
    wanted = ".".join(map(str, OLDEST_PYTHON))
    yield Check("python", fine, f"{platform.python_version()} on {platform.platform()}", "" if fine else f"use Python {wanted} or newer")


def _requirements() -> Iterator[tuple[Requirement, str]]:
    """Everything that jepascope declares, with the extra that asks for it ('' for the core)."""
    if version_of("jepascope") is None:
        return
    for line in importlib.metadata.requires("jepascope") or ():
        requirement = Requirement(line)
        extra = re.search(r"extra == ['\"]([^'\"]+)['\"]", str(requirement.marker or ""))
        yield requirement, extra.group(1) if extra else ""


def _packages() -> Iterator[Check]:
    own = version_of("jepascope")
    if own is None:
        yield Check("jepascope", False, "is not installed, only on the path", "install it: make demo, or pip install -e .")
        return
    yield Check("jepascope", True, f"{own} in {Path(__file__).resolve().parent}")
    for requirement, extra in _requirements():
        if not extra:
            yield package_check(requirement, version_of(requirement.name))


def version_of(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def package_check(requirement: Requirement, version: str | None) -> Check:
    """Whether the version that is installed is one that jepascope was made for."""
    name = requirement.name
    if version is not None and requirement.specifier.contains(version, prereleases=True):
        return Check(name, True, version)
    detail = "is missing" if version is None else f"{version}, outside {requirement.specifier}"
    return Check(name, False, detail, f"pip install '{name}{requirement.specifier}'")


def _torch() -> Iterator[Check]:
    import torch

    build = f"CUDA {torch.version.cuda} build" if torch.version.cuda else "CPU build"
    devices = ["cpu"]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            devices.append(f"cuda:{index} {torch.cuda.get_device_name(index)} ({_gib(free)} of {_gib(total)} free)")
    if torch.backends.mps.is_available():
        devices.append("mps")
    yield Check("torch build", None, f"{torch.__version__}, {build}")
    yield Check("devices", None, ", ".join(devices))
    if torch.version.cuda and len(devices) == 1:
        yield Check(
            "cuda", None, "torch is a CUDA build but sees no GPU; it works, on the CPU", "check nvidia-smi and CUDA_VISIBLE_DEVICES"
        )


def _processor() -> Iterator[Check]:
    import torch

    usable = cores()
    threads = torch.get_num_threads()
    too_many = threads > usable
    detail = f"{usable} cores, {threads} torch threads"
    fix = f"set OMP_NUM_THREADS={usable}: more threads than cores wait for each other" if too_many else ""
    yield Check("processor", None if too_many else True, detail, fix)


def _memory() -> Iterator[Check]:
    free = free_memory()
    if free is None:
        yield Check("free memory", None, "is not known on this system")
        return
    enough = free >= MEMORY_FOR_DEMO
    fix = "" if enough else f"close other programs: the default run takes up to {_gib(MEMORY_FOR_DEMO)}"
    yield Check("free memory", True if enough else None, _gib(free), fix)


def _writable(name: str, folder: Path, fix: str) -> Iterator[Check]:
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    try:
        if existing is None or not existing.is_dir():
            raise NotADirectoryError(f"'{existing}' is not a folder")
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".jepascope-doctor-") as file:
            file.write(b"written")
            file.flush()
    except OSError as error:
        yield Check(name, False, f"{folder} cannot be written ({error.strerror or error})", fix)
        return
    free = shutil.disk_usage(existing).free
    enough = free >= DISK_FOR_DEMO
    note = "" if folder.exists() else ", made when first needed"
    yield Check(name, enough, f"{folder} ({_gib(free)} free{note})", "" if enough else f"free at least {_gib(DISK_FOR_DEMO)}, or {fix}")


def _shipped_weights(weights: Path | None) -> Iterator[Check]:
    from jepascope.encoders.load import load_encoder
    from jepascope.encoders.models import WEIGHTS

    weights = weights or WEIGHTS
    folders = sorted(path for path in weights.glob("*") if path.is_dir())
    if not folders:
        yield Check("nano weights", False, f"no weights in {weights}", "install jepascope again, or train them: jepascope train")
    for folder in folders:
        name = f"{folder.name} weights"
        try:
            card = load_encoder(str(folder)).card
        except Exception as error:  # whatever is wrong with this one, the other may be whole
            lacking = isinstance(error, JepascopeError) and not isinstance(error, BadCheckpoint)  # whose sentence ends with what to do
            yield Check(name, False, str(error), "" if lacking else "install jepascope again: the file is damaged or missing")
        else:
            size = (folder / "model.safetensors").stat().st_size / 2**20
            yield Check(name, True, f"digest {card.digest}, width {card.width}, {card.depth} layers, {size:.1f} MiB")


def _extras() -> Iterator[Check]:
    extras: dict[str, list[str]] = {}
    for requirement, extra in _requirements():
        if extra:
            extras.setdefault(extra, []).append(requirement.name)
    for extra, packages in sorted(extras.items()):
        missing = [package for package in packages if version_of(package) is None]
        detail = f"lacks {', '.join(missing)}" if missing else "installed"
        yield Check(f"extra {extra}", None if missing else True, detail, f"pip install 'jepascope[{extra}]'" if missing else "")


def _gib(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"
