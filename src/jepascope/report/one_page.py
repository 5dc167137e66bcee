"""A run on one page, for a talk or a mail: the first screen of its report as PDF or PNG, from the same claims and tables."""

from __future__ import annotations

import base64
import io
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D

from jepascope.disk.named import open_named
from jepascope.errors import BadArgument
from jepascope.findings.distrust import Doubt
from jepascope.findings.names import short
from jepascope.findings.numbers import count
from jepascope.findings.questions import Reply
from jepascope.report.build import write_whole
from jepascope.report.charts import dots
from jepascope.report.charts.canvas import BLACK, BLUE, GREY, ORANGE, VERMILION, style
from jepascope.report.first import Film, Plot, first_screen
from jepascope.report.folder import RunFolder, read_run

MARK = "jepascope report --one-page"  # in every file that this writes
SIZE, LEFT, RIGHT, DPI = (11.69, 8.27), 0.06, 0.94, 160  # inches, A4 lying; shares of its width
FRAMES = 4
SIGNS = {"shown": ("●", BLUE), "refuted": ("✕", VERMILION), "undecided": ("◐", ORANGE), "no power": ("◐", ORANGE), "not run": ("–", GREY)}
FORMATS = {".pdf": {"Creator": MARK, "Producer": None, "CreationDate": None}, ".png": {"Software": MARK}}
"""What stands in the files beside the picture: no date, so that the same folder gives the same bytes."""


def build_one_page(run: Path, out: Path) -> Path:
    """Write the page to ``out``, a .pdf or .png; returns where it is.

    Raises BadArgument for another suffix, or where ``out`` is a file of another making; RunFolderError as ``build_report``.
    """
    out = out.expanduser()
    if out.suffix.lower() not in FORMATS:
        raise BadArgument(f"--one-page '{short(out)}' is neither .pdf nor .png; give a name that ends in one of them.")
    if not _ours(out):
        raise BadArgument(f"--one-page '{short(out)}' was not written by {MARK}, so it is left alone; give another name.")
    return write_whole(out, one_page(read_run(run.expanduser()), out.suffix.lower()))


def _ours(out: Path) -> bool:
    """Whether nothing is lost by writing there."""
    try:
        with open_named(out) as file:
            return MARK.encode() in file.read()
    except FileNotFoundError:
        return True
    except OSError:
        return False


def one_page(run: RunFolder, suffix: str = ".pdf") -> bytes:
    """The page as the bytes of a file."""
    contents = io.BytesIO()
    with style("one-page"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a stranger's letters that the font lacks are boxes
        drawn(run).savefig(contents, format=suffix[1:], dpi=DPI, metadata=FORMATS[suffix])
    return contents.getvalue()


def drawn(run: RunFolder) -> Figure:
    """The page as a figure."""
    first, figure = first_screen(run), Figure(figsize=SIZE)
    _title(figure, first.title)
    _questions(figure, first.replies)
    if first.plot is not None:
        _plot(figure, first.plot)
    _film(figure, first.film)
    _distrust(figure, first.doubts)
    _foot(figure, run, first.plot)
    return figure


def _title(figure: Figure, title: str) -> None:
    """Large, on one line or on two of about one length."""
    lines = textwrap.wrap(title, 62 if len(title) <= 62 else max(44, len(title) // 2 + 6), max_lines=2, placeholder=" …")
    fonts = ["STIXGeneral", "DejaVu Serif"]
    figure.text(LEFT, 0.95, "\n".join(lines), fontfamily=fonts, fontsize=28, fontweight="bold", va="top", linespacing=1.0)


def _questions(figure: Figure, replies: Sequence[Reply]) -> None:
    """One column each: the question, a word with its sign, a number, and the control that comes closest."""
    width = (RIGHT - LEFT) / len(replies)
    for at, reply in enumerate(replies):
        sign, color = SIGNS.get(reply.verdict, ("○", BLACK))
        left = LEFT + at * width
        figure.add_artist(_rule(left, left + width - 0.015, 0.805))
        figure.text(left, 0.78, reply.ask, fontsize=9.5, color=GREY)
        figure.text(left, 0.75, sign, fontsize=12, color=color)
        words = textwrap.wrap(reply.word, 14, max_lines=2, placeholder="…")
        for line, word in enumerate(words):
            figure.text(left + 0.018, 0.75 - 0.024 * line, word, fontsize=12.5, fontweight="bold")
        below = 0.75 - 0.024 * len(words)
        figure.text(left, below, reply.number, fontsize=9.5, fontweight="bold")
        figure.text(left, below - 0.022, short(reply.control, 26), fontsize=9.5, color=GREY)


def _plot(figure: Figure, plot: Plot) -> None:
    spread = {"left": 0.2, "right": 0.545, "top": 0.655, "bottom": 0.175, "hspace": 0.42, "height_ratios": dots.heights(plot.parts)}
    places = figure.subplots(len(plot.parts), 1, squeeze=False, sharex=True, gridspec_kw=spread)
    dots.draw_on(list(places.flat), plot.parts)


def _film(figure: Figure, film: Film | None) -> None:
    """Some frames of the clip, and below them the same of its partner."""
    if film is None:
        return
    strip = imread(io.BytesIO(base64.b64decode(film.uri.partition(",")[2])))
    wide = strip.shape[1] // film.frames // 2
    shown = np.unique(np.linspace(0, film.frames - 1, FRAMES).round().astype(int))
    for row, name in enumerate(("clip", "twin" if film.twin else "other")):
        for column, frame in enumerate(shown):
            axes = figure.add_axes((0.675 + 0.067 * column, 0.555 - 0.115 * row, 0.064, 0.064 * SIZE[0] / SIZE[1]))
            picture = strip[:, (2 * frame + row) * wide : (2 * frame + row + 1) * wide]
            axes.imshow(picture, cmap="gray" if picture.ndim == 2 else None, interpolation="nearest")
            axes.set_axis_off()
        figure.text(0.666, 0.6 - 0.115 * row, name, fontsize=9, color=GREY, rotation=90, ha="right", va="center")


def _distrust(figure: Figure, doubts: Sequence[Doubt]) -> None:
    if not doubts:
        return
    lines = [line for doubt in doubts for line in textwrap.wrap(doubt.text, 44)]
    figure.text(0.675, 0.36, "What to distrust", fontsize=9.5, fontweight="bold", color=GREY)
    for at, line in enumerate(lines):
        figure.text(0.675, 0.325 - 0.031 * at, line, fontsize=11)
    figure.add_artist(_rule(0.661, 0.661, 0.376, 0.35 - 0.031 * len(lines), ORANGE, 2.5))


def _foot(figure: Figure, run: RunFolder, plot: Plot | None) -> None:
    """How to read the plot, and where the numbers come from."""
    told = run.provenance
    facts = [run.model, run.variable, run.clips, f"layer {count(run.best_layer)}", f"seed {count(told.get('seed'))}"]
    facts += [
        f"study {short(told.get('spec_digest', ''))}",
        f"jepascope {short(told.get('jepascope', ''))}",
        short(told.get("started", "")),
    ]
    caption = "" if plot is None else "\n".join(textwrap.wrap(plot.caption, 175))
    figure.text(LEFT, 0.085, caption, fontsize=7.5, color=GREY, va="top", linespacing=1.35)
    figure.text(LEFT, 0.03, " · ".join(fact for fact in facts if fact.strip()), fontsize=7.5, color=GREY, va="bottom")


def _rule(left: float, right: float, top: float, bottom: float | None = None, color: str = BLACK, width: float = 1.5) -> Line2D:
    return Line2D([left, right], [top, top if bottom is None else bottom], color=color, lw=width, solid_capstyle="butt")
