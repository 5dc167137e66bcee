"""A real browser: Chromium of the system, driven by Playwright, and axe-core from its package. No browser and no script is downloaded.

Where there is none these tests are skipped and say what to install; with ``BROWSER_TESTS=required`` (as in .ci/run) they fail.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # lets this folder import the modules beside it
sys.path.insert(1, str(Path(__file__).parent.parent / "report"))  # and those that make run folders
from pages import written
from watched import Visit, visiting

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = f"No browser ({', '.join(CHROMIUMS)}) is installed; on Debian and Ubuntu: apt-get install -y chromium"
NO_DRIVER = "Playwright is not installed: .venv/bin/python tools/install.py test"
LAUNCHED = ("--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")  # no other machine can be asked


def lacking(reason: str) -> Any:
    """Skip; fail where a browser has to be there."""
    if os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """One browser for the tests of this folder. It is closed behind them: while it runs no other test could have an event loop."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking(NO_DRIVER)
    executable = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    if executable is None:
        lacking(NO_BROWSER)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=LAUNCHED)
        yield launched
        launched.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the pages of a test did that none may: errors in the console, exceptions, requests. The test fails where any is left."""
    heard: list[str] = []
    yield heard
    assert not heard, heard


@pytest.fixture
def visit(browser: Any, complaints: list[str]) -> Iterator[Visit]:
    """Opens a file or an address: ``visit(path, width=390, dark=True, scripts=False)``, ``visit(url, hosts=["127.0.0.1:8000"])``."""
    with visiting(browser, complaints) as visited:
        yield visited


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[[str], Path]:
    """A file of its own that holds some markup."""

    def written(body: str, head: str = "<title>page</title>") -> Path:
        path = tmp_path / "page.html"
        path.write_text(f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}</head><body><main>{body}</main></body></html>')
        return path

    return written


@pytest.fixture(scope="session")
def page_at(shared: Callable[..., Path]) -> Callable[[str], Path]:
    """Where a page lies; it is made once for all workers."""
    return lambda name: shared(f"browser-{name}", lambda folder: written(name, folder)) / "page.html"
