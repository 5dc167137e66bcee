"""The one page: the first screen's words and numbers, the same bytes every time, over no file of another making."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Text
from sections_said import edit, tell
from typer.testing import CliRunner

from jepascope.cli import app
from jepascope.errors import BadArgument, RunFolderError
from jepascope.report.first import first_screen
from jepascope.report.folder import read_run
from jepascope.report.one_page import MARK, build_one_page, drawn, one_page

pytestmark = pytest.mark.drawn


def test_title_questions_plot_doubts_and_provenance_are_on_it(complete: Path) -> None:
    run = read_run(complete)
    first, said = first_screen(run), "".join(text.get_text() for text in drawn(run).findobj(Text))
    assert first.plot is not None and first.replies and first.doubts
    told = [first.title, first.plot.caption, run.provenance["spec_digest"], run.provenance["jepascope"], run.clips]
    told += [text for reply in first.replies for text in (reply.ask, reply.word, reply.number, reply.control)]
    told += [
        text for part in first.plot.parts for text in (part.label, *(dot.label for dot in part.dots), *(dot.text for dot in part.dots))
    ]
    told += [doubt.text for doubt in first.doubts]
    for text in told:
        assert "".join(text.split()) in "".join(said.split()), text


@pytest.mark.parametrize("suffix", [".pdf", pytest.param(".png", marks=pytest.mark.slow)])
def test_the_same_folder_gives_the_same_bytes(complete: Path, tmp_path: Path, suffix: str) -> None:
    out = build_one_page(complete, tmp_path / f"card{suffix}")
    once = out.read_bytes()
    assert MARK.encode() in once and build_one_page(complete, out).read_bytes() == once
    assert b"CreationDate" not in once


def test_every_draw_of_a_control_is_seen(complete: Path, tmp_path: Path) -> None:
    """Strokes without length are in no PNG."""
    picture = imread(io.BytesIO(one_page(read_run(complete), ".png")))
    plot = picture[int(0.35 * len(picture)) : int(0.8 * len(picture)), int(0.2 * picture.shape[1]) : int(0.54 * picture.shape[1]), :3]
    grey = (np.ptp(plot, axis=2) < 0.02) & (plot[..., 0] > 0.6) & (plot[..., 0] < 0.95)
    assert grey.sum() > 500


def test_a_folder_without_edits_film_or_doubts_has_its_page(older: Path, tmp_path: Path) -> None:
    assert first_screen(read_run(older)).film is None
    assert build_one_page(older, tmp_path / "card.pdf").read_bytes().startswith(b"%PDF")


def test_strangers_names_are_drawn_as_they_are_or_as_boxes(copied: Path) -> None:
    harm = "<script>$x_1$</script> 🧪 \u202eמ " + "w" * 300
    tell(copied, model=harm, variable=harm)
    edit(copied, "ce", lambda ce: ce.assign(finder=ce["finder"].replace("diff_means", harm)))
    page = one_page(read_run(copied))
    assert page.startswith(b"%PDF") and b"script>" not in page


def test_what_cannot_be_written_is_one_sentence(complete: Path, tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"neither \.pdf nor \.png"):
        build_one_page(complete, tmp_path / "card.svg")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF mine")
    with pytest.raises(BadArgument, match="left alone"):
        build_one_page(complete, tmp_path / "paper.pdf")
    assert (tmp_path / "paper.pdf").read_bytes() == b"%PDF mine"
    with pytest.raises(RunFolderError, match="no run folder"):
        build_one_page(tmp_path / "nowhere", tmp_path / "card.pdf")


def test_the_command_says_where_it_is(complete: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["report", str(complete), "--one-page", str(tmp_path / "card.png")])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "card.png")
    assert not (complete / "report.html").exists()
