"""Writes the tables of docs/run-folder.md anew from their declarations (jepascope.schema)."""

from pathlib import Path

from jepascope.schema.page import with_tables

PAGE = Path(__file__).parent.parent / "docs" / "run-folder.md"

if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
