"""The screen in the report: every layer, what was run and adjusted, and no claim; and what first-order effects make draws worth."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sections_said import edit, made, words

from jepascope.findings.numbers import with_interval
from jepascope.report.folder import read_run
from jepascope.report.sections.intervention import effects_section
from jepascope.report.sections.screen import NO_CLAIM, screen_section


def screened(run: Path, layers: tuple[int, ...] = (0, 1, 2), full: int = 1) -> pd.DataFrame:
    """A screen of the run's first finder and of one that is not drawn."""
    rows = []
    for layer in layers:
        for finder in ("diff_means", "lda"):
            for at, control in enumerate(("subspace", "random", "shuffled")):
                few = control != "subspace" and layer != full
                value = 0.9 - 0.3 * at + 0.01 * layer
                rows.append(
                    {"layer": layer, "tokens": "object", "finder": finder, "rank": 7, "edit": "swap", "control": control, "dose": 1.0}
                    | {"judge": "probe", "read_layer": 4, "read": "", "value": value, "low": value - 0.05, "high": value + 0.05, "n": 40}
                    | {"draws": 1 if control == "subspace" else 3 if few else 60, "first_order": 0.2, "slope": 1.4, "correlation": 0.93}
                    | {"screened": few}
                )
    table = pd.DataFrame(rows)
    table.to_parquet(run / "screen.parquet", index=False)
    return table


@pytest.mark.drawn
def test_every_layer_is_drawn_and_listed_and_no_claim_is_made(copied: Path) -> None:
    table = screened(copied)
    blocks = made(copied, screen_section)
    said = words(blocks)
    assert NO_CLAIM in said and "Hollow: 3 draws; filled: 60 draws" in said
    for row in table.to_dict("records"):
        assert with_interval(row["value"], row["low"], row["high"]) in said
    (drawing,) = blocks.drawings
    assert "at layer 2" in drawing.alt and "shuffled" in drawing.alt


def test_where_every_layer_was_run_in_full_nothing_is_called_hollow(copied: Path) -> None:
    table = screened(copied).assign(draws=60, screened=False)
    table.to_parquet(copied / "screen.parquet", index=False)
    said = words(made(copied, screen_section))
    assert "filled: 60 draws" in said and "Hollow" not in said


def test_one_layer_alone_is_no_screen(copied: Path) -> None:
    screened(copied, layers=(1,))
    assert "Not run: one layer was edited" in words(made(copied, screen_section))


def test_draws_say_what_they_are_worth_and_when_first_order_effects_do_not_follow(copied: Path) -> None:
    def known(table: pd.DataFrame) -> pd.DataFrame:
        drawn = table["control"] != "subspace"
        follows = table["control"] != "shuffled"
        return table.assign(correlation=follows.map({True: 0.95, False: 0.31}).where(drawn), worth=(follows * 349.0 + 20).where(drawn))

    edit(copied, "ce", known)
    said = words(effects_section(read_run(copied)))
    assert "worth 369 (r 0.95)" in said and "(r 0.31: first-order effects do not follow, and are not used)" in said
