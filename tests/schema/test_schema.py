"""Tables are declared once: what is written, read and documented is what is declared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jepascope.errors import BadData
from jepascope.schema import TABLES, Column, Table
from jepascope.schema.check import check, with_numbers
from schema_tables import alike, made


@pytest.fixture(params=TABLES.values(), ids=lambda table: table.name)
def table(request: pytest.FixtureRequest) -> Table:
    return request.param  # type: ignore[no-any-return]


def test_what_is_declared_may_be_written(table: Table) -> None:
    rows = alike(table)
    assert check(table, rows) is rows
    assert check(table, rows.iloc[:0]).empty


def test_what_a_test_does_not_say_of_a_table_is_filled_in(table: Table) -> None:
    first = {name: alike(table, 1)[name].iloc[0] for name in table.key if name in table.written}
    rows = made(table.name, [first])
    assert rows.columns.tolist() == table.written and len(rows) == 1
    with pytest.raises(ValueError, match="declares no"):
        made(table.name, [{"surplus_of_mine": 1}])


def test_no_column_is_missing_added_or_moved(table: Table) -> None:
    rows = alike(table)
    last = table.written[-1]
    with pytest.raises(BadData, match=rf"'{table.name}' lacks the column '{last}'"):
        check(table, rows.drop(columns=last))
    if not table.labels:
        with pytest.raises(BadData, match="a column 'surplus_of_mine' that"):
            check(table, rows.assign(surplus_of_mine=1))
        with pytest.raises(BadData, match="another order"):
            check(table, rows[table.written[::-1]])


def test_every_column_holds_its_kind(table: Table) -> None:
    wrong = {"text": 1, "sentence": 1, "flag": "yes", "integer": 0.5, "number": "0.5"}
    of_each_kind = {column.kind: column for column in table if column.name in table.written}
    for column in of_each_kind.values():
        with pytest.raises(BadData, match=rf"'{column.name}' of the table '{table.name}' is declared as {column.kind}"):
            check(table, alike(table).assign(**{column.name: wrong[column.kind]}))


def test_two_rows_of_one_key_are_refused(table: Table) -> None:
    if not table.key:
        pytest.skip("rows of this table have no key")
    with pytest.raises(BadData, match=rf"Two rows of the table '{table.name}' are of one {table.key[0]}"):
        check(table, pd.concat([alike(table, 1)] * 2, ignore_index=True))


def test_numbers_may_be_missing_and_whole() -> None:
    rows = alike(TABLES["doses"])
    check(TABLES["doses"], rows.assign(shift=np.nan, norm=1))
    with pytest.raises(BadData, match="'n' of the table 'doses' is declared as integer"):
        check(TABLES["doses"], rows.assign(n=np.nan))


def test_numbers_of_which_there_are_none_are_read_as_numbers(tmp_path: Path) -> None:
    """Parquet keeps a column of None as objects, and no float can be made of them."""
    table = TABLES["isolation"]
    made(table.name, [{}]).assign(equivalence_low=None).astype({"equivalence_low": object}).to_parquet(tmp_path / "isolation.parquet")
    stored = pd.read_parquet(tmp_path / "isolation.parquet")
    assert stored["equivalence_low"].dtype == object
    assert with_numbers(table, stored)["equivalence_low"].dtype == float


def test_every_column_says_what_it_means(table: Table) -> None:
    assert table.meaning
    assert all(column.meaning for column in table)


def test_a_column_is_declared_once_in_a_table() -> None:
    twice = Column("value", "number", "of something")
    with pytest.raises(ValueError, match=r"declares a column twice: \['value'\]"):
        Table("mine", "rows", (twice, twice))
    with pytest.raises(ValueError, match=r"names columns that it has not: \['other'\]"):
        Table("mine", "rows", (twice,), key=("other",))
