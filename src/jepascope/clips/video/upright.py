"""How a decoded frame is put on the screen: the display matrix that its file, or the frame itself, carries.

A phone held upright, a front camera that mirrors and an editor that flips all store the picture as the sensor gave it, with a matrix
for the player. Followed are the eight that map a picture's edges to its edges: turns by quarters and mirrors.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from jepascope.clips.video.dihedral import VIEWS, View
from jepascope.clips.video.opening import UnreadableVideo

KINDS = 64  # of side data that FFmpeg may come to know; 35 in version 8
NEAR = 0.0175  # sine of one degree, by which FFmpeg lets a matrix be beside a quarter turn


EIGHT = VIEWS[:8]  # those that play forwards


def upright(frame: Any) -> View:
    """What a frame's display matrix asks for; nothing where it has none. Raises UnreadableVideo for a matrix that is none of the eight."""
    from av.sidedata.sidedata import Type

    try:
        data = frame.side_data.get(Type.DISPLAYMATRIX)
    except ValueError:
        data = _named_side_data(frame).get(Type.DISPLAYMATRIX)
    return View() if data is None else of_matrix(np.frombuffer(data, np.int32, 9).reshape(3, 3))


def _named_side_data(frame: Any) -> Any:
    """Side data of a frame without what this PyAV has no name for, which would hide all of it (the EXIF of FFmpeg 8 in Motion JPEG)."""
    from av.filter import Graph
    from av.sidedata.sidedata import Type

    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format.name, time_base=Fraction(1, 1))
    nameless = [graph.add("sidedata", f"mode=delete:type={kind}") for kind in range(KINDS) if kind not in Type._value2member_map_]
    graph.link_nodes(source, *nameless, graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.pull().side_data


def of_matrix(display: np.ndarray) -> View:
    """The one of the eight that a display matrix means (3 x 3; ISO/IEC 14496-12, 8.3.2: row vectors, 16.16 fixed point).

    Its scale is not looked at: FFmpeg makes it the shape of a pixel. A matrix that makes the picture vanish is taken for none, as by
    FFmpeg.
    """
    linear = display[:2, :2].T / 65536
    scale = np.linalg.norm(linear, axis=1, keepdims=True)
    if not scale.all():
        return View()
    nearest = min(EIGHT, key=lambda view: float(np.abs(view.matrix - linear / scale).max()))
    if np.abs(nearest.matrix - linear / scale).max() > NEAR:
        raise UnreadableVideo(
            "is to be shown turned or sheared by something else than quarter turns and mirrors; convert it with FFmpeg, which writes its "
            "pictures as they are shown"
        )
    return nearest
