"""Code that a file names is not run until somebody says so; code that is typed or passed is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jepascope.cli import app
from jepascope.errors import BadArgument
from jepascope.study.spec_file import make_spec, read_spec
from jepascope.study.trust import trusting

CODE = "code_of_one:means"
FIELDS = {
    "finders": ["lda", CODE],
    "edits": ["ablate", "code_of_one:halve"],
    "judges": ["probe", "code_of_one:bayes"],
    "extra_controls": ["code_of_one:top"],
}


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(f"def {name}(*given): ..." for name in ("means", "halve", "bayes", "top"))
    (tmp_path / "code_of_one.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "code_of_one", raising=False)


@pytest.mark.parametrize("field", FIELDS)
def test_a_spec_file_that_names_code_is_refused_before_the_code_is_imported(tmp_path: Path, field: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"{field}: {json.dumps(FIELDS[field])}\n")
    with pytest.raises(BadArgument, match=rf"'{file}' names code that would be run \(code_of_one:\w+\).*add --trust-code to the command"):
        read_spec(file)
    assert "code_of_one" not in sys.modules
    with trusting():
        assert getattr(make_spec(read_spec(file), "here"), field) == tuple(FIELDS[field])
    with pytest.raises(BadArgument):
        read_spec(file)  # it was said for one call alone
    assert read_spec(file, FIELDS[field])[field] == FIELDS[field], "what is named besides is no news"


def test_code_in_python_is_what_its_caller_wants() -> None:
    assert make_spec({"finders": [CODE]}, "here").finders == (CODE,)


def test_the_command_line_takes_code_and_a_file_only_with_the_option(tmp_path: Path) -> None:
    file, cli = tmp_path / "mine.yaml", CliRunner()
    file.write_text(f"finders: [{CODE}]\n")
    refused = cli.invoke(app, ["plan", str(file)])
    assert refused.exit_code == 2 and "--trust-code" in refused.output
    assert cli.invoke(app, ["plan", str(file), "--trust-code"]).exit_code == 0
    assert cli.invoke(app, ["plan", "--finders", f"lda,{CODE}"]).exit_code == 0
    assert cli.invoke(app, ["plan", str(file)]).exit_code == 2, "and not for the next command"


def test_code_that_is_not_there_is_named(tmp_path: Path) -> None:
    failed = CliRunner().invoke(app, ["plan", "--finders", "nowhere_at_all:it"])
    assert failed.exit_code == 2 and "finder 'nowhere_at_all:it': nowhere_at_all cannot be imported here" in " ".join(failed.output.split())
