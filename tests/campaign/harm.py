"""Harm: what happens to files, from bad sectors to bad intentions. Each changes one file of a folder."""

from __future__ import annotations

import io
import json
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

Harm = Callable[[Path, random.Random], object]


def flip_bit(path: Path, rng: random.Random) -> None:
    contents = bytearray(path.read_bytes())
    if contents:
        contents[rng.randrange(len(contents))] ^= 1 << rng.randrange(8)
    _replace(path, bytes(contents))


def cut_short(path: Path, rng: random.Random) -> None:
    contents = path.read_bytes()
    _replace(path, contents[: rng.randrange(max(1, len(contents)))])


def empty(path: Path, rng: random.Random) -> None:
    _replace(path, b"")


def zeros(path: Path, rng: random.Random) -> None:
    _replace(path, bytes(path.stat().st_size))


def noise(path: Path, rng: random.Random) -> None:
    _replace(path, rng.randbytes(min(path.stat().st_size, 1 << 16)))


def longer(path: Path, rng: random.Random) -> None:
    _replace(path, path.read_bytes() + rng.randbytes(7))


def another_s(path: Path, rng: random.Random) -> None:
    """The contents of another file of the same kind, if there is one."""
    others = sorted(
        other for other in path.parent.glob(f"*{path.suffix}") if other != path and other.is_file() and other.stat().st_size < 1 << 24
    )
    if others:
        _replace(path, rng.choice(others).read_bytes())


def gone(path: Path, rng: random.Random) -> None:
    path.unlink()


def link_outside(path: Path, rng: random.Random) -> None:
    """A link to a file of the user's, ``precious``, which lies beside the folder of the trial."""
    path.unlink()
    path.symlink_to(_trial(path) / "precious" / rng.choice(["words", "new"]))


def link_to_zeros(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def pipe(path: Path, rng: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def listening(path: Path, rng: random.Random) -> None:
    path.unlink()
    bound, at = socket.socket(socket.AF_UNIX), os.getcwd()
    os.chdir(path.parent)  # the system allows 108 characters
    try:
        bound.bind(path.name[:90])
    finally:
        os.chdir(at)
        bound.close()


def folder(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.mkdir()


def hole(path: Path, rng: random.Random) -> None:
    """A file of 64 GB that takes no room."""
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 36)


ANY: tuple[Harm, ...] = (
    flip_bit, flip_bit, flip_bit, flip_bit, cut_short, empty, zeros, noise, longer, another_s, another_s, gone, link_outside, link_to_zeros,
    pipe, listening, folder, hole,
)  # fmt: skip


def _deep(rng: random.Random) -> Any:
    value: Any = 1
    for _ in range(rng.choice([40, 900])):
        value = [value] if rng.random() < 0.5 else {"x": value}
    return value


BAD_VALUES: tuple[Callable[[random.Random], Any], ...] = (
    lambda rng: None,
    lambda rng: True,
    lambda rng: -1,
    lambda rng: 10**17,
    lambda rng: 1e300,
    lambda rng: "",
    lambda rng: "\x1b]0;owned\x07\x1b[31m<script>alert(1)</script>",
    lambda rng: "x" * 100_000,
    lambda rng: [],
    lambda rng: {},
    lambda rng: [[], {}, None, "x", 1.5],
    lambda rng: {"x": {"x": {"x": 1}}},
    _deep,
)


def bad_value(path: Path, rng: random.Random) -> None:
    """One value of a JSON object, at any depth, of another type or size."""
    held = json.loads(path.read_text())
    parent, key = rng.choice(list(_places(held)))
    parent[key] = rng.choice(BAD_VALUES)(rng)
    _replace(path, json.dumps(held).encode())


def lacking(path: Path, rng: random.Random) -> None:
    held = json.loads(path.read_text())
    parent, key = rng.choice([(parent, key) for parent, key in _places(held) if isinstance(parent, dict)])
    del parent[key]
    _replace(path, json.dumps(held).encode())


def odd_json(path: Path, rng: random.Random) -> None:
    many = "9" * 5000
    deep = 100_000
    texts = (
        "[]",
        "null",
        "3",
        '"x"',
        "{",
        '{"x": NaN}',
        f'{{"x": {many}}}',
        "[" * deep + "]" * deep,
        '{"a":' * deep + "1" + "}" * deep,
        "\ufeff{}",
    )
    _replace(path, rng.choice(texts).encode("utf-8"))


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        found.append((value, key))
        found.extend(_places(each))
    return found


def _table(change: Callable[[Any, random.Random], Any]) -> Harm:
    def harm(path: Path, rng: random.Random) -> None:
        import pandas as pd

        frame = change(pd.read_parquet(path), rng)
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        _replace(path, buffer.getvalue())

    harm.__name__ = change.__name__
    return harm


def no_rows(frame: Any, rng: random.Random) -> Any:
    return frame.iloc[:0]


def rows_lost(frame: Any, rng: random.Random) -> Any:
    return frame.iloc[: len(frame) // 2]


def rows_twice(frame: Any, rng: random.Random) -> Any:
    return frame.loc[frame.index.repeat(2)]


def rows_by_the_million(frame: Any, rng: random.Random) -> Any:
    return frame.iloc[[0] * 2_000_000] if len(frame) else frame


def column_lost(frame: Any, rng: random.Random) -> Any:
    return frame.drop(columns=rng.choice(list(frame))) if len(frame.columns) else frame


def column_as_text(frame: Any, rng: random.Random) -> Any:
    name = rng.choice(list(frame))
    return frame.assign(**{name: frame[name].astype(str)})


def column_of_nothing(frame: Any, rng: random.Random) -> Any:
    return frame.assign(**{rng.choice(list(frame)): float("nan")})


def hostile_words(frame: Any, rng: random.Random) -> Any:
    return frame.assign(**{rng.choice(list(frame)): "\x1b[2J<img src=x onerror=alert(1)>" * rng.choice([1, 1000])})


def a_number_changed(frame: Any, rng: random.Random) -> Any:
    numbers = list(frame.select_dtypes("float"))
    if not numbers or not len(frame):
        return frame.iloc[::-1]
    name, changed = rng.choice(numbers), frame.copy()
    changed.loc[changed.index[rng.randrange(len(frame))], name] = 0.123
    return changed


OBJECTS: tuple[Harm, ...] = (bad_value, bad_value, bad_value, lacking, lacking, odd_json)
TABLES: tuple[Harm, ...] = tuple(
    _table(change)
    for change in (
        no_rows, rows_lost, rows_twice, rows_by_the_million, column_lost, column_as_text, column_of_nothing, hostile_words,
        a_number_changed, a_number_changed,
    )
)  # fmt: skip


def scaled(path: Path, rng: random.Random) -> None:
    """A subspace or shard whose numbers are others, in a file that is valid."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(path, "pt") as file:
        tensors, words = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
    factor = rng.choice([0.0, 2.0, float("nan")])
    save_file({key: (value * factor).to(value.dtype) for key, value in tensors.items()}, path, words)


BY_SUFFIX: dict[str, tuple[Harm, ...]] = {".json": OBJECTS, ".parquet": TABLES, ".safetensors": (scaled, scaled)}


def harms(path: Path) -> tuple[Harm, ...]:
    """All that may happen to a file, by its kind."""
    return ANY + 2 * BY_SUFFIX.get(path.suffix, ())


def harmed(path: Path, rng: random.Random) -> str:
    """Harm a file; what was done, in words."""
    harm = rng.choice(harms(path))
    try:
        harm(path, rng)
    except (ValueError, IndexError, KeyError):  # there is nothing in it that this could be done to
        return f"nothing to {path.name}"
    return f"{harm.__name__} {path.name}"


def _trial(path: Path) -> Path:
    """The folder of the trial that a file lies in: the one that holds ``precious``."""
    return next(parent for parent in path.parents if (parent / "precious").is_dir())


def _replace(path: Path, contents: bytes) -> None:
    path.unlink()  # not through it: trials share files by hard links
    path.write_bytes(contents)
