"""A figure that a notebook shows, whether pyplot was imported or not."""

from __future__ import annotations

from matplotlib.figure import Figure

from jepascope.clips.picture import figure_png


class Plot(Figure):
    """matplotlib's, with the picture that IPython asks for."""

    def _repr_png_(self) -> bytes:
        return figure_png(self)
