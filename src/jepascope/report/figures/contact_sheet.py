"""The contact sheet: what the model saw, with the true path of the object drawn over it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from jepascope.report.figures.canvas import WIDTH, Drawing, canvas, finish, style

BLACK, WHITE = "black", "white"


def contact_sheet(
    frames: UInt8[np.ndarray, "clips frames height width 3"],
    labels: list[str],
    path: Float[np.ndarray, "clips frames 2"],
    variable: str,
) -> Drawing:
    """One column a clip, one row a frame in order of time; the arrow in the last row runs from first to last position.

    ``path`` is the object's centre in frame sides (x to the right, y down).
    """
    clips, shown = frames.shape[:2]
    with style("stimuli"):
        figure, panels = canvas(0.35 + shown * WIDTH / max(clips, 1) * 1.02, rows=shown, columns=clips)
        for number, axes in enumerate(panels):
            row, clip = divmod(number, clips)
            height, width = frames.shape[2:4]
            axes.imshow(frames[clip, row], extent=(0, width, height, 0), interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(labels[clip], loc="center", fontweight="normal")
            if row == shown - 1:
                start, end = path[clip, 0] * (width, height), path[clip, -1] * (width, height)
                for colour, line in ((BLACK, 2.6), (WHITE, 1.2)):  # a white arrow with a dark rim shows on any picture
                    arrow = {"arrowstyle": "->", "color": colour, "lw": line, "shrinkA": 0, "shrinkB": 0}
                    axes.annotate("", xy=tuple(end), xytext=tuple(start), arrowprops=arrow)
        alt = f"{clips} clips, {variable} {', '.join(labels)}; {shown} frames each from top to bottom"
        alt += ", with an arrow along the object's path in the last."
        return finish(figure, "stimuli", "Stimuli", alt)
