"""The values behind a figure as CSV, in a link that needs no server and no script; the tables of the run folder hold every digit."""

from __future__ import annotations

import csv
import io
from math import isfinite
from urllib.parse import quote

from jepascope.report.charts.canvas import Values

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run: names come from strangers


def csv_text(values: Values) -> str:
    """Numbers with seven digits, as many as float32 has; nothing for what is not known."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([_cell(value) for value in row] for row in values)
    return out.getvalue()


def csv_uri(values: Values) -> str:
    """As a data URI."""
    return f"data:text/csv;charset=utf-8,{quote(csv_text(values), safe=',:;/ ()*')}".replace(" ", "%20")


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return f"{float(value):.7g}" if isfinite(value) else ""
