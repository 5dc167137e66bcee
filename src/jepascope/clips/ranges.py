"""What each factor of a scene may be. Numbers and names alone, so that a spec is checked without a numerical library.

Positions and sizes are fractions of the frame's side; a speed is the distance travelled in one clip, in frame sides, so
that one scene can be rendered at any size and length.
"""

from __future__ import annotations

DIRECTION_NAMES = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")
SHAPES = ("disc", "square", "diamond", "triangle")
COLOURS = ("red", "yellow", "green", "cyan", "blue", "magenta")  # each the middle of a sixth of the circle of hues

SIZE_RANGE = (0.07, 0.105)  # radius of the disc of equal area
SPEED_RANGE = (0.14, 0.26)  # travelled in one clip
MARGIN = 0.01  # what stays free between the object's outermost point and the border
REACH = SPEED_RANGE[1] / 2 + SIZE_RANGE[1] * 1.56 + MARGIN  # 1.56: circumradius of the equal-area triangle
POSITION_RANGE = (REACH, 1 - REACH)  # of the path's midpoint: keeps the largest, fastest object inside the frame
