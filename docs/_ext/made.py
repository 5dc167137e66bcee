"""The two small studies that the pages of pictures are about. The first page that is built makes them; the others read them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jepascope as js

HERE = Path(os.environ["JEPASCOPE_DOCS"])  # see conf.py
STUDY = "jepascope run quick --out study"
PLANTED = "jepascope planted --networks clean,decoy,correlated,self_repair --finders diff_means,lda,l1_probe,leace --peels 0 --out planted"


def study() -> js.Run:
    """What ``jepascope run quick`` finds in the shipped encoder; a finished study answers at once."""
    _ran(STUDY)
    return js.load_run(HERE / "study")


def planted() -> dict[str, Any]:
    """planted.json of some networks whose answer is known."""
    result = HERE / "planted" / "planted.json"
    if not result.exists():
        _ran(PLANTED)
    return dict(json.loads(result.read_text()))


def _ran(command: str) -> None:
    words = command.removeprefix("jepascope ").split()
    HERE.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "jepascope", *words], cwd=HERE, check=True, capture_output=True)
