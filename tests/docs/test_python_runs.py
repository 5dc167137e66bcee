"""Python of the pages runs from top to bottom of a page (docs/python.md: tests/encoders; docs/extending.md: tests/study)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from doc_blocks import blocks, texts

ELSEWHERE = {"docs/python.md", "docs/extending.md"}
PAGES = dict.fromkeys(block.page for block in blocks() if block.language == "python" and not block.cell)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page not in ELSEWHERE])
def test_a_page_runs_from_top_to_bottom(page: str, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(demo, tmp_path / "runs" / "demo")
    names: dict[str, object] = {}
    for text in texts(page, "python"):
        exec(compile(text, page, "exec"), names)
    assert names
