"""Files of the repository outside docs/ as pages of the site: ``{outside} CHANGELOG.md``. On the forge a link to one leads to the file, in
the site to its page; links in both are as the forge wants them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
SHOWN = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/RESULTS.md": "results.md",
    "examples/plugin": "plugin.md",
    "examples/tiny_jepa/RESULTS.md": "tiny-jepa.md",
    "src/jepascope/encoders/nano/weights/nano/card.md": "nano.md",
    "src/jepascope/encoders/nano/weights/nano-wide/card.md": "nano-wide.md",
    "src/jepascope/schema": "reference/tables.md",
}
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def led_inside(text: str, folder: Path, page: Path) -> str:
    """Markdown that stands in ``folder`` with its links as they have to be in ``page``."""

    def led(found: re.Match[str]) -> str:
        target = (folder / found[1]).resolve()
        shown = SHOWN.get(target.relative_to(ROOT).as_posix())
        return f"]({os.path.relpath(DOCS / shown if shown else target, page.parent)}"

    return LINK.sub(led, text)


class Outside(SphinxDirective):
    """A Markdown file, named from the root of the repository."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        text = led_inside(path.read_text(encoding="utf-8"), path.parent, Path(self.env.doc2path(self.env.docname)))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def of_page(app: Any, name: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(name))
    if page.suffix == ".md":
        source[0] = led_inside(source[0], page.parent, page)


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("outside", Outside)
    app.connect("source-read", of_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
