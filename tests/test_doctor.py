"""The doctor finds what is wrong, says what to do about it, and never breaks itself."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from jepascope import doctor as module
from jepascope.cache import cache_folder
from jepascope.doctor import Check, doctor, package_check
from jepascope.encoders.models import WEIGHTS


def named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def test_a_sound_installation_passes(tmp_path: Path) -> None:
    failed = [check for check in doctor(cache=tmp_path / "new", folder=tmp_path) if check.ok is False]
    assert failed == []


def test_every_failure_comes_with_a_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setattr(module, "OLDEST_PYTHON", (99, 0))
    checks = doctor(cache=blocked / "cache", folder=blocked, weights=tmp_path)
    assert {"python", "cache folder", "working folder", "nano weights"} <= {check.name for check in checks if check.ok is False}
    assert all(check.fix for check in checks if check.ok is False)


def test_damaged_weights_are_named_and_whole_ones_still_pass(tmp_path: Path) -> None:
    for name in ("whole", "truncated"):
        shutil.copytree(WEIGHTS / "nano", tmp_path / name)
    damaged = tmp_path / "truncated" / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    checks = doctor(tmp_path, tmp_path, tmp_path)
    assert named(checks, "whole weights").ok
    assert named(checks, "truncated weights").ok is False
    assert "truncated" in named(checks, "truncated weights").detail


@pytest.mark.parametrize("library", ["torch", "jepascope.encoders.load"])
def test_a_library_that_cannot_be_imported_is_a_finding_not_a_crash(library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # import raises ImportError
    checks = doctor(tmp_path, tmp_path)
    assert any(check.ok is False and library in check.detail for check in checks)
    assert named(checks, "cache folder").ok


def test_package_versions_are_held_to_the_declared_ranges() -> None:
    torch = Requirement("torch>=2.8,<2.14")
    assert package_check(torch, "2.13.0+cpu").ok
    assert package_check(torch, "2.8.0").ok
    for wrong in ("2.14.0", "2.7.1", None):
        check = package_check(torch, wrong)
        assert check.ok is False
        assert "torch" in check.fix


def test_probing_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    doctor(cache=tmp_path / "cache", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_cache_folder_can_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JEPASCOPE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("JEPASCOPE_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "jepascope"
