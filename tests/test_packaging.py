"""The package installs the right torch, imports fast, and carries what it ships."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import jepascope

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "pandas", "matplotlib", "sklearn", "scipy", "transformers", "pyarrow", "av")


@pytest.fixture(scope="module")
def installer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "tools" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pip_report(version: str, *requires: str) -> dict[str, Any]:
    """The part of pip's installation report that says which torch it would take."""
    return {"install": [{"metadata": {"name": "torch", "version": version, "requires_dist": ["filelock", "sympy>=1.13.3", *requires]}}]}


CUDA_REPORTS = {
    "current": pip_report("2.13.0", 'cuda-toolkit[cublas,cudart]==13.0.3; platform_system == "Linux"', "nvidia-cudnn-cu13==9.20.0.48"),
    "older": pip_report("2.8.0", 'nvidia-cublas-cu12==12.8.4.1; platform_system == "Linux" and platform_machine == "x86_64"'),
    "triton alone": pip_report("2.13.0", 'triton==3.7.0; platform_system == "Linux"'),
    "local version": pip_report("2.13.0+cu130"),
}
CPU_REPORTS = {"cpu wheel": pip_report("2.13.0+cpu"), "no local version": pip_report("2.13.0", "setuptools; python_version >= '3.12'")}


@dataclass
class FakePip:
    """Answers like pip; ``offers`` are the sources that have what they are asked for."""

    offers: tuple[str, ...]
    report: dict[str, Any]
    installed: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
        if "--dry-run" in arguments:
            return subprocess.CompletedProcess(arguments, 0, json.dumps(self.report), "")
        source = next((word for word in arguments if word.startswith("https://")), "usual")
        wanted = f"{source} {arguments[-1]}"
        if wanted not in self.offers:
            return subprocess.CompletedProcess(arguments, 1, "", "ERROR: No matching distribution found")
        self.installed.append(wanted)
        return subprocess.CompletedProcess(arguments, 0, "", "")


PLAIN, USUAL_CPU, CPU_INDEX = "usual torch==2.13.0", "usual torch==2.13.0+cpu", "https://download.pytorch.org/whl/cpu torch==2.13.0+cpu"


@pytest.fixture
def no_torch(installer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[[FakePip, bool], FakePip]:
    """A machine without torch, with or without a GPU, whose pip is the fake one."""

    def machine(pip: FakePip, gpu: bool) -> FakePip:
        monkeypatch.setattr(installer, "pip", pip)
        monkeypatch.setattr(installer, "has_torch", lambda version: False)
        monkeypatch.setattr(installer, "cuda_possible", lambda: gpu)
        return pip

    return machine


@pytest.mark.parametrize("report", CUDA_REPORTS.values(), ids=CUDA_REPORTS)
def test_without_a_gpu_a_cuda_build_is_never_taken(installer: ModuleType, no_torch: Any, report: dict[str, Any]) -> None:
    pip = no_torch(FakePip((PLAIN, CPU_INDEX), report), gpu=False)
    installer.install_torch("2.13.0")
    assert pip.installed == [CPU_INDEX]
    pip = no_torch(FakePip((PLAIN,), report), gpu=False)
    with pytest.raises(installer.InstallError, match=re.escape("no CPU build of torch 2.13.0")):
        installer.install_torch("2.13.0")
    assert pip.installed == []


@pytest.mark.parametrize("report", CPU_REPORTS.values(), ids=CPU_REPORTS)
def test_without_a_gpu_a_cpu_build_is_taken_from_where_it_is(installer: ModuleType, no_torch: Any, report: dict[str, Any]) -> None:
    for offers, expected in [((PLAIN, USUAL_CPU, CPU_INDEX), USUAL_CPU), ((PLAIN, CPU_INDEX), CPU_INDEX), ((PLAIN,), PLAIN)]:
        pip = no_torch(FakePip(offers, report), gpu=False)
        installer.install_torch("2.13.0")
        assert pip.installed == [expected]


def test_with_a_gpu_pip_takes_what_it_likes(installer: ModuleType, no_torch: Any) -> None:
    pip = no_torch(FakePip((PLAIN, USUAL_CPU, CPU_INDEX), CUDA_REPORTS["current"]), gpu=True)
    installer.install_torch("2.13.0")
    assert pip.installed == [PLAIN]


@pytest.mark.parametrize(("asked", "gpu", "cuda"), [("cpu", True, False), ("cuda", False, True), ("", True, True), ("", False, False)])
def test_who_builds_an_image_says_which_torch(
    installer: ModuleType, monkeypatch: pytest.MonkeyPatch, asked: str, gpu: bool, cuda: bool
) -> None:
    monkeypatch.setattr(installer, "gpu_visible", lambda: gpu)
    monkeypatch.setattr(installer.sys, "platform", "linux")
    monkeypatch.setenv("JEPASCOPE_TORCH", asked)
    assert installer.cuda_possible() is cuda
    monkeypatch.setenv("JEPASCOPE_TORCH", "rocm")
    with pytest.raises(installer.InstallError, match="JEPASCOPE_TORCH is 'rocm'; it can be cpu or cuda"):
        installer.cuda_possible()


@pytest.mark.parametrize(("asked", "requires", "refused"), [("cuda", [], True), ("cuda", ["nvidia-cudnn-cu13"], False), ("", [], False)])
def test_a_cpu_build_is_refused_where_a_cuda_build_was_asked_for(
    installer: ModuleType, monkeypatch: pytest.MonkeyPatch, asked: str, requires: list[str], refused: bool
) -> None:
    monkeypatch.setenv("JEPASCOPE_TORCH", asked)
    monkeypatch.setattr(installer.importlib.metadata, "version", lambda name: "2.13.0")
    monkeypatch.setattr(installer.importlib.metadata, "requires", lambda name: requires)
    if not refused:
        installer.check_build("2.13.0")
        return
    with pytest.raises(installer.InstallError, match=re.escape("--index-url INDEX torch==2.13.0'")):
        installer.check_build("2.13.0")


def test_a_torch_of_the_pinned_release_is_kept(installer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = FakePip((PLAIN, USUAL_CPU, CPU_INDEX), CUDA_REPORTS["current"])
    monkeypatch.setattr(installer, "pip", pip)
    installer.install_torch(importlib.metadata.version("torch").split("+")[0])
    assert pip.installed == []


def test_an_installation_is_repeated_only_when_what_it_depends_on_changes(
    installer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = tmp_path / "stamp.json"
    assert installer.installed_extras(stamp) is None
    stamp.write_text(json.dumps({"state": installer.state(), "extras": ["test"]}))
    assert installer.installed_extras(stamp) == {"test"}
    changed = tmp_path / "constraints.txt"
    changed.write_text("torch==2.12.0\n")
    monkeypatch.setattr(installer, "CONSTRAINTS", changed)
    assert installer.installed_extras(stamp) is None
    stamp.write_text("{half")
    assert installer.installed_extras(stamp) is None


def test_the_pinned_torch_lies_in_the_declared_range(installer: ModuleType) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    torch = next(requirement for requirement in map(Requirement, declared) if requirement.name == "torch")
    assert torch.specifier.contains(installer.pinned_torch((ROOT / "constraints.txt").read_text()))


@pytest.mark.parametrize("module", ["jepascope", "jepascope.cli", "jepascope.errors", "jepascope.study.spec", "jepascope.study.plan"])
def test_what_the_command_line_imports_at_once_is_light(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_every_module_can_be_imported_with_its_annotations_checked() -> None:
    """The tests' import hook resolves every annotation: no Protocol without @runtime_checkable, no name that is missing at run time."""
    modules = [module.name for module in pkgutil.walk_packages(jepascope.__path__, "jepascope.") if not module.name.endswith("__main__")]
    assert {"jepascope.clips", "jepascope.doctor"} <= set(modules)
    for module in modules:
        importlib.import_module(module)


def test_workers_can_be_ended_where_there_is_no_pgrep() -> None:
    """Slim containers have none, and loky then needs psutil."""
    assert "psutil" in {Requirement(line).name for line in importlib.metadata.requires("jepascope") or ()}
    assert importlib.import_module("loky.backend.utils").psutil is not None


def test_the_command_is_installed() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["jepascope"]
    assert declared == "jepascope.__main__:main"  # which answers Ctrl-C before anything is imported
    (installed,) = [point for point in importlib.metadata.entry_points(group="console_scripts") if point.name == "jepascope"]
    assert callable(installed.load()) and callable(importlib.metadata.EntryPoint("jepascope", declared, "console_scripts").load())


def test_the_package_ships_its_types_weights_and_templates() -> None:
    package = Path(jepascope.__file__).parent
    assert (package / "py.typed").exists()
    weights = list((package / "encoders" / "nano" / "weights").glob("*/model.safetensors"))
    assert weights
    assert sum(path.stat().st_size for path in weights) <= 16 * 2**20
    assert list((package / "report" / "templates").iterdir())


def test_a_version_stands_in_the_changelog_and_in_the_citation() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    (released,) = re.findall(rf"^## {re.escape(version)} \((\d{{4}}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], str(citation["date-released"])) == (version, released)
