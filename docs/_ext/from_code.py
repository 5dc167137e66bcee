"""``{from-code} NAME``: the part of a page that the product's own declarations make, by a function of ``reference``."""

from __future__ import annotations

from typing import Any

import reference
from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class FromCode(SphinxDirective):
    """The Markdown that ``reference.NAME(...)`` returns, read as if it stood in the page. What follows the name are its arguments."""

    required_arguments = 1
    optional_arguments = 10

    def run(self) -> list[nodes.Node]:
        name, *arguments = self.arguments
        return self.parse_text_to_nodes(getattr(reference, name)(*arguments), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("from-code", FromCode)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
