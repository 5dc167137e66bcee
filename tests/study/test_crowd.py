"""Ten studies at once, on however few cores, that keep what they capture in one store: each ends as one that was alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jepascope.study.spec import StudySpec

MANY = 10
STUDY = """
import sys
from pathlib import Path
import torch
import jepascope as js
from jepascope.clips.presets import directions8
from jepascope.study.run import run_study
from jepascope.study.spec_file import make_spec, read_spec
torch.set_num_threads(1)
spec = make_spec(read_spec(Path(sys.argv[1])), "the test")
encoder = js.load_encoder(spec.model)
first = js.capture(encoder, directions8(seed=0, per_class=60)).pooled(1)
run_study(spec, Path(sys.argv[2]), encoder)
again = js.capture(encoder, directions8(seed=0, per_class=60)).pooled(1)
assert torch.equal(first, again)
print(first.double().sum().item())
"""


@pytest.mark.slow
@pytest.mark.long("ten studies at once")
def test_ten_studies_at_once_on_one_store_end_as_one_alone(tmp_path: Path, tiny_spec: StudySpec, finished_run: Path) -> None:
    (tmp_path / "spec.yaml").write_text(tiny_spec.to_yaml())
    environment = os.environ | {"JEPASCOPE_CACHE": str(tmp_path / "store"), "OMP_NUM_THREADS": "1"}
    studies = [
        subprocess.Popen(
            [sys.executable, "-c", STUDY, str(tmp_path / "spec.yaml"), str(tmp_path / f"run-{number}")],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(MANY)
    ]
    printed = [study.communicate() for study in studies]
    assert [study.returncode for study in studies] == [0] * MANY, printed
    assert len({out for out, _ in printed}) == 1
    assert [path.name for path in (tmp_path / "store").rglob(".writing-*")] == []
    tables = sorted(path.name for path in finished_run.glob("*.parquet"))
    assert len(tables) > 10
    for number in range(MANY):
        differing = [name for name in tables if (tmp_path / f"run-{number}" / name).read_bytes() != (finished_run / name).read_bytes()]
        assert differing == [], number
