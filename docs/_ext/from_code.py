"""``{from-code} MODULE.FUNCTION``: the part of a page that the product's own declarations make, by a function of ``reference``."""

from __future__ import annotations

import shlex
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class FromCode(SphinxDirective):
    """The Markdown that the function returns, read as if it stood in the page. What follows the name are its arguments, as a shell
    takes them."""

    required_arguments = 1
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        module, _, function = self.arguments[0].partition(".")
        made = getattr(import_module(f"reference.{module}"), function)(*shlex.split(" ".join(self.arguments[1:])))
        return self.parse_text_to_nodes(made, allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("from-code", FromCode)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
