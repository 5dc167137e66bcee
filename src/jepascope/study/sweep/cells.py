"""The cells of a sweep: which studies one YAML file asks for, each with its name, its place in a folder, and what it is refused for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from jepascope.errors import BadArgument, JepascopeError
from jepascope.findings.names import short
from jepascope.study.refusals import nearest
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import TEXTS, beside, make_spec, read_spec, spec_values
from jepascope.study.trust import check_code

BASE, OVER = "base", "over"
OF_ENCODER = ("model", "frames", "size")  # cells that share these are run one after another: the encoder is loaded once
CELLS = "cells"
"""The folder of run folders in a sweep's folder."""
MOST_CELLS, MOST_NAME = 1000, 80
ODD = re.compile(r"[^A-Za-z0-9=,._+-]+")


@dataclass(frozen=True)
class Cell:
    """One study of a sweep. ``given``: what sets it apart; ``spec``: the study, None where it is ``refused``, with the reason."""

    given: Mapping[str, Any]
    name: str
    spec: StudySpec | None
    refused: str = ""

    def folder(self, out: Path) -> Path:
        """Its run folder in the folder of the sweep."""
        return out / CELLS / self.name


def cells_of(path: Path) -> list[Cell]:
    """All of them, those of one encoder one after another.

    The file holds ``over`` (lists of values by field: every combination is a cell), ``base`` (a preset, or a YAML file beside this one;
    nothing: the demo), and fields that all cells share. Raises BadArgument, with the field, for a file that is no sweep; a combination
    that makes no study is a cell that says why.
    """
    values = read_spec(path)
    over, base = values.pop(OVER, None), values.pop(BASE, None)
    fields = _swept(path, over)
    _check_fields(path, (*fields, *values))
    if twice := [field for field in fields if field in values]:
        raise BadArgument(f"'{path}': {twice[0]} stands under {OVER} and beside it; give it once.")
    shared = {**_base(path, base), **values}
    cells = [_cell(path, shared, dict(zip(fields, given, strict=True))) for given in product(*fields.values())]
    names = [cell.name for cell in cells]
    if again := [name for name in names if names.count(name) > 1]:
        raise BadArgument(f"'{path}': two cells would be called {again[0]}; give every value once.")
    return cells


def folder_of(file: Path, out: Path | None) -> Path:
    """Where a sweep goes: the folder asked for, else one in runs/ by the name of its file."""
    return Path("runs") / file.stem if out is None else out


def _swept(path: Path, over: Any) -> dict[str, list[Any]]:
    """The lists under ``over``, those of the encoder first."""
    example = f"write them as lists, such as {OVER}: {{variable: [direction, speed], seed: [0, 1]}}"
    if not isinstance(over, dict) or not over:
        raise BadArgument(f"'{path}' has no fields under '{OVER}' to sweep over; {example}.")
    for field, values in over.items():
        if not isinstance(values, list) or not values:
            raise BadArgument(f"'{path}': {OVER}.{short(field)} is no list of values; {example}.")
        odd = [value for value in values if not isinstance(value, str)] if field in TEXTS else []
        if odd:
            raise BadArgument(f"'{path}': {OVER}.{field} holds {short(odd[0])}, and names are text; put quotes around it.")
    if (many := prod(map(len, over.values()))) > MOST_CELLS:
        raise BadArgument(f"'{path}' asks for {many:,} studies, and {MOST_CELLS:,} are the most of one sweep; make several.")
    ordered = sorted(over, key=lambda field: OF_ENCODER.index(field) if field in OF_ENCODER else len(OF_ENCODER))
    return {field: over[field] for field in ordered}


def _check_fields(path: Path, fields: Iterable[str]) -> None:
    """No study would come of a misspelt one, so that it is refused before any."""
    for field in fields:
        if field not in StudySpec.model_fields:
            meant = nearest(field, [*StudySpec.model_fields])
            said = f" (did you mean {meant}?)" if meant else ""
            raise BadArgument(f"'{path}': a study has no field '{short(field)}'{said}; `jepascope spec` lists them all.")


def _base(path: Path, base: Any) -> dict[str, Any]:
    if base is not None and not isinstance(base, str):
        raise BadArgument(f"'{path}': {BASE} is the name of a preset or of a YAML file, not {short(base)}.")
    near = path.parent / str(base)
    return spec_values(str(near) if base is not None and near.is_file() else base)[0]


def _cell(path: Path, shared: Mapping[str, Any], given: dict[str, Any]) -> Cell:
    name = _name(given)
    try:
        check_code(given, path)
        return Cell(given, name, make_spec({**shared, **beside(path, given)}, f"'{path}'"))
    except JepascopeError as error:
        return Cell(given, name, None, str(error))


def _name(given: Mapping[str, Any]) -> str:
    """'model=nano,seed=0': what a folder can be called, and told apart by; of odd or long values a digest stands for the rest."""
    plain = ",".join(f"{field}={value}" for field, value in given.items())
    name = ODD.sub("-", plain).strip(".")
    if name == plain and len(name) <= MOST_NAME:
        return name
    return f"{name[: MOST_NAME - 9]}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"
