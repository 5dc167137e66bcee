"""Everything that touches a folder goes through ``jepascope.disk``. Other ways of opening, making, moving and removing files are named
here, each with its reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import jepascope

SOURCE = Path(jepascope.__file__).parent
OF_PATHS = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "rmdir", "unlink", "touch", "hardlink_to"),
    *("symlink_to", "chmod"),
}
"""Methods of paths; ``rename`` and ``replace`` count with one argument alone, since tables and texts have them too."""
OF_MODULES = {
    "os": {
        *(
            "open",
            "fdopen",
            "mkdir",
            "makedirs",
            "rename",
            "renames",
            "replace",
            "remove",
            "unlink",
            "rmdir",
            "removedirs",
            "link",
            "symlink",
        ),
        *("truncate", "mkfifo", "chmod"),
    },
    "io": {"open", "FileIO"},
    "shutil": {"copy", "copy2", "copyfile", "copytree", "move", "rmtree", "make_archive", "unpack_archive"},
    "tempfile": {"mkstemp", "mkdtemp", "mktemp", "NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory", "SpooledTemporaryFile"},
    "json": {"load", "loads", "dump"},
    "pickle": {"load", "loads", "dump"},
    "yaml": {"load", "safe_load", "full_load", "unsafe_load", "dump", "safe_dump"},
    "np": {"load", "save", "savez", "savez_compressed", "savetxt", "loadtxt", "genfromtxt", "fromfile", "memmap", "open_memmap"},
    "torch": {"load", "save"},
    "pd": {"read_csv", "read_parquet", "read_json", "read_table", "read_excel", "read_pickle"},
    "parquet": {"read_table", "write_table", "ParquetFile", "ParquetWriter"},
    "zipfile": {"ZipFile"},
    "av": {"open"},
}
BY_NAME = {
    *("open", "save_file", "load_file", "safe_open", "save_pretrained", "to_parquet", "to_csv", "to_json_file", "to_pickle", "savefig"),
    *("tofile", "imsave", "imread"),
}
"""Functions and methods of whatever module."""

PACKAGED = "reads what is installed with the package"
SYSTEM = "reads what the system says of itself"
TEXT = "reads a text that disk has read, or that never was on a disk"
CHECKED = "a library needs the path; disk looked before that it is a regular file"
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("__init__.py", "read_text"): PACKAGED,
    ("catalog.py", "read_text"): PACKAGED,
    ("report/build.py", "read_text"): PACKAGED,
    ("explore/page.py", "read_text"): PACKAGED,
    ("training/card.py", "read_text"): PACKAGED,
    ("hardware.py", "read_text"): SYSTEM,
    ("study/plan.py", "read_text"): SYSTEM,
    ("study/provenance.py", "read_text"): SYSTEM,
    ("doctor.py", "tempfile.NamedTemporaryFile"): "finds out whether a folder can be written, by a file that is gone at once",
    ("cli/terminal.py", "os.open"): "/dev/null, in place of a screen that is gone",
    ("activations/shard_file.py", "json.loads"): "the header of a shard, of bounded length, at every piece that is read of it",
    ("study/engine/processes.py", "pickle.loads"): "what one process of a study sends to another through a pipe; never from a file",
    ("encoders/library.py", "json.loads"): TEXT,
    ("study/spec_file.py", "yaml.safe_load"): TEXT,
    ("study/spec_file.py", "yaml.load"): TEXT,
    ("study/spec.py", "yaml.safe_dump"): "makes a text, which disk writes",
    ("schema/parquet.py", "parquet.ParquetFile"): TEXT,
    ("clips/array_file.py", "np.load"): CHECKED,
    ("clips/array_file.py", "zipfile.ZipFile"): "of a file that disk opened",
    ("clips/array_file.py", "open"): "a part of an archive that disk opened",
    ("clips/video/opening.py", "av.open"): CHECKED,
    ("clips/animation.py", "av.open"): "writes to the path that `writing` gave, and reads back what it wrote",
    ("encoders/torch_file.py", "torch.load"): CHECKED,
    ("encoders/torch_file.py", "zipfile.ZipFile"): CHECKED,
    ("encoders/pretrained.py", "load_file"): CHECKED,
    ("encoders/pretrained.py", "safe_open"): CHECKED,
    ("encoders/nano/train.py", "torch.load"): "of a file that disk opened",
    ("report/charts/canvas.py", "savefig"): "writes into memory",
    ("report/one_page.py", "savefig"): "writes into memory",
    ("report/one_page.py", "imread"): "of a picture in memory",
    ("clips/picture.py", "imsave"): "writes into memory",
    ("clips/picture.py", "savefig"): "writes into memory",
    ("report/sections/provenance.py", "yaml.safe_load"): TEXT,
    ("study/folder.py", "to_parquet"): "writes into memory",
    ("clips/clipset.py", "to_csv"): "makes a text, which is hashed",
}
"""By module and way."""


def ways(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Uses of a forbidden way in a module, with their lines. What is given a path that ``writing`` made is none."""
    nodes = list(ast.walk(tree))
    given = {
        item.optional_vars.id
        for node in nodes
        if isinstance(node, ast.With)
        for item in node.items
        if isinstance(item.context_expr, ast.Call)
        and isinstance(item.context_expr.func, ast.Attribute)
        and item.context_expr.func.attr == "writing"
        and isinstance(item.optional_vars, ast.Name)
    }
    called = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
    imported = {name.asname or name.name: node.module for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}
    for node in nodes:
        call = called.get(id(node))
        if call and given and given & {part.id for part in ast.walk(call) if isinstance(part, ast.Name)}:
            continue
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            owner = {"numpy": "np", "pandas": "pd"}.get(owner, owner)
            if node.attr in OF_MODULES.get(owner, ()):
                yield f"{owner}.{node.attr}", node.lineno
                continue
            if owner in OF_MODULES or call is None or f"{owner}.{node.attr}" == "Run.open":
                continue
            moves = node.attr in ("rename", "replace") and len(call.args) == 1 and not call.keywords  # neither a text's nor a table's
            if moves or node.attr in OF_PATHS | BY_NAME:
                yield node.attr, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            module = imported.get(node.id, "") or ""
            if node.id in BY_NAME and not module.startswith("jepascope"):
                yield node.id, node.lineno
            elif node.id in OF_MODULES.get(module, ()):
                yield f"{module}.{node.id}", node.lineno


NAMES = OF_PATHS | BY_NAME | {"rename", "replace"} | {name for names in OF_MODULES.values() for name in names}
NAMED = re.compile(rf"\b(?:{'|'.join(sorted(NAMES))})\b")


def modules() -> dict[str, ast.AST]:
    """Every module whose text has one of the names, but those of disk itself; the others use no such way, and half the time is theirs."""
    texts = {path.relative_to(SOURCE).as_posix(): path.read_text() for path in SOURCE.rglob("*.py")}
    return {name: ast.parse(text) for name, text in sorted(texts.items()) if NAMED.search(text) and not name.startswith("disk/")}


def test_every_module_reads_and_writes_through_disk() -> None:
    found = {(name, way): line for name, tree in modules().items() for way, line in ways(tree)}
    others = [f"{name}:{line} uses {way}" for (name, way), line in found.items() if (name, way) not in EXCEPTIONS]
    assert others == []
    assert sorted(EXCEPTIONS.keys() - found.keys()) == [], "exceptions that are none any more"


@pytest.mark.parametrize(
    "code",
    [
        "path.write_text('x')",
        "(folder / 'x').open('w')",
        "open('x')",
        "import os; os.replace(a, b)",
        "temporary.replace(path)",
        "import os; do(os.unlink)",
        "from os import replace; replace(a, b)",
        "import tempfile\nwith tempfile.TemporaryDirectory() as f: pass",
        "import numpy as np; np.savez(path, x=1)",
        "from safetensors.torch import save_file; save_file({}, path)",
        "from functools import partial; from safetensors.torch import load_file; partial(load_file, path)",
        "table.to_parquet(path)",
        "import json; json.load(file)",
        "with files.writing('x') as temporary: table.to_csv(other)",
    ],
)
def test_each_other_way_is_seen(code: str) -> None:
    assert list(ways(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "with files.writing('x') as temporary: table.to_csv(temporary)",
        "with files.writing('x') as temporary: config.save_pretrained(temporary.parent)",
        "files.read('x')",
        "text.replace('a', 'b')",
        "import json; json.dumps(value)",
    ],
)
def test_and_the_one_way_is_not(code: str) -> None:
    assert not list(ways(ast.parse(code)))
