"""The drawing surface: one style for all figures, and SVG that can be put inline, read aloud and compared byte by byte.

Text stays text (small files, selectable, found by the reader's search). Its room is measured with DejaVu Sans, which
matplotlib brings along, so the bytes are the same everywhere; it is shown in the narrower Helvetica or Arial, which fits.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as MarkPath

P = TypeVar("P")
IMAGE_DPI = 288  # of maps, which an SVG holds as pixels: sharp on a dense screen and in print
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
WIDTH = 6.4  # inches; 461 SVG units, which a phone shows at about three quarters

# Okabe & Ito (2008), "Color universal design"
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
GREY, PALE = "#595959", "#D9D9D9"

SERIES = (BLUE, VERMILION, GREEN, PURPLE, BLACK, ORANGE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (1, 1)), (0, (8, 3)), (0, (4, 1, 1, 1)))

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names from a run folder may hold a dollar sign
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "hatch.linewidth": 0.7,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}


Values = tuple[tuple[str | float, ...], ...]
"""What a figure shows as a table, its heads first."""


@dataclass(frozen=True)
class Drawing:
    """A finished figure: its name (also the file's), the SVG element, a title, what a reader who cannot see it should know, and the values
    that are drawn."""

    name: str
    svg: str
    title: str
    alt: str
    values: Values = ()

    def _repr_html_(self) -> str:
        """In a notebook it shows itself."""
        return self.svg

    @property
    def narrow(self) -> bool:
        """Whether it was drawn for a small screen, and is not to fill a large one."""
        width = re.search(r'viewBox="0 0 ([\d.]+)', self.svg)
        return width is not None and float(width[1]) < 0.9 * 72 * WIDTH


@contextmanager
def style(name: str) -> Iterator[None]:
    """The style of every figure; the salt makes the ids of one figure the same in every run."""
    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = mpl.rcParams  # typed as a closed set of keys that differs between versions of matplotlib
        settings.update({**STYLE, "svg.hashsalt": f"jepascope-{name}"})
        yield


def canvas(
    height: float, rows: int = 1, columns: int = 1, sharex: bool = False, sharey: bool = False, width: float = WIDTH
) -> tuple[Figure, list[Axes]]:
    """A figure of the common width and its axes in reading order (no pyplot, so no global state)."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey)
    return figure, list(axes.flat)


NEXT_TO_NOTHING = 1e-6  # a stroke of no length at all is in no PNG


def cloud(axes: Axes, x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, size: float, color: str, alpha: float) -> None:
    """Many round dots as one path of strokes without length, which a file holds in a tenth of the room that markers take."""
    at = np.repeat(np.column_stack([x, y]).astype(float), 2, axis=0)
    at[1::2, 0] += NEXT_TO_NOTHING
    path = MarkPath(at[np.isfinite(at).all(1)])
    path = MarkPath(path.vertices, np.tile([MarkPath.MOVETO, MarkPath.LINETO], len(path) // 2))
    path.should_simplify = False
    axes.add_patch(PathPatch(path, fill=False, ec=color, lw=size, alpha=alpha, capstyle="round", zorder=3, snap=False))
    axes.update_datalim(path.vertices)


def panels_on(places: list[Axes], panels: Sequence[P]) -> Iterator[tuple[int, Axes, P]]:
    """The axes of each panel with its number; those that are left over stay blank."""
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    yield from zip(range(len(panels)), places, panels, strict=False)


def finish(figure: Figure, name: str, title: str, alt: str, values: Values = ()) -> Drawing:
    """Render to SVG: no dates, ids unique to this figure, a title and a description inside, a role and a label outside."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=IMAGE_DPI, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = shortened(_own_ids(svg, name))
    head, body = svg.split(">", 1)
    head = head.replace("<svg", f'<svg role="img" aria-label="{escape(f"{title}. {alt}", quote=True)}" font-family="{FONT}"', 1)
    return Drawing(name, f"{head}>\n <title>{escape(title)}</title>\n <desc>{escape(alt)}</desc>{body.rstrip()}", title, alt, values)


def shortened(svg: str) -> str:
    """The same picture in fewer bytes: hundredths of a point are not seen, blanks and comments not read, and fonts stand once."""
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r' (?:d|x|y|x1|x2|y1|y2|transform)="[^"]*"', lambda found: _numbers(found[0]), svg)
    svg = re.sub(r' style="[^"]*"', lambda found: _font(re.sub(r"([:;]) +", r"\1", found[0])), svg)
    svg = re.sub(r' transform="rotate\(-?0 [^"]*"', "", svg)
    return re.sub(r"\n\s*", "\n", svg)


def _numbers(attribute: str) -> str:
    text = re.sub(r"-?\d+\.\d{3,}(?:e-?\d+)?", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), attribute)
    if not text.startswith(" d="):
        return text
    text = re.sub(r"\s*([MLCQz\"])\s*", r"\1", text)
    return re.sub(r"M([^A-Za-z\"]+)L\1(?=[M\"])", r"M\1h0", text)  # the dots of a cloud


def _font(style: str) -> str:
    """Without the family, which the whole drawing has."""
    style = re.sub(r"font-family:[^;\"]*;?", "", style)
    return re.sub(
        r"font:(?:(\d+) )?([\d.]+px) [^;\"]*",
        lambda found: (f"font-weight:{found[1]};" if found[1] else "") + f"font-size:{found[2]}",
        style,
    )


def _own_ids(svg: str, name: str) -> str:
    """Keep only the ids that something refers to, with the figure's name in front: several figures share one page."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    return re.sub(r'(href="#|url\(#)([^")]+)', lambda m: f"{m[1]}{name}-{m[2]}", svg)


def legend_below(figure: Figure, columns: int) -> None:
    """One legend for the whole figure, below it; none when nothing was drawn (each label once)."""
    entries: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns)
