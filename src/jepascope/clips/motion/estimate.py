"""Two estimates of a window's motion, of everything that moves and of what moves against the camera, and how clear each is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from jepascope.clips.motion.flow import PairFlow

STEP = 4  # pixels between the flow vectors that are read: DIS matches patches of 16 pixels, so that nearer ones tell nothing new
MOVING = 0.5  # pixels a frame: over 16 frames half a patch of V-JEPA, and 25 times the error of DIS on clean frames (0.02)
PARALLAX = 0.1  # share of the camera's speed that depth and lens can leave in what is left after a similarity is taken away
SEEN = 0.2  # of the frame must be visible: of an object before a plain wall nobody can tell whether it or the camera moves
CAMERA_ERROR = 0.3  # pixels a frame: flow vectors within about this of the camera's motion are counted as the still scene
CAMERA_ROUNDS = 12  # of reweighting: the scale halves from the frame's spread to CAMERA_ERROR in fewer
REPEATED = 0.001  # share of changed pixels below which a frame repeats the one before: a moving region has at least twenty times this
CUT = 1 / 3  # of the places to which a doubtful pair's flow returns: made pairs of one scene stayed above 0.5, strangers below 0.25
MEDIAN_ROUNDS = 50


@dataclass(frozen=True)
class Estimate:
    """Motion of a set of flow vectors over a window.

    ``right`` and ``down``: their geometric median, pixels a frame. ``coherence``: resultant length of their directions, 0 (all ways) to
    1 (one way). ``steadiness``: the same of the pairs' sums over time. ``fraction``: share of all vectors. All 0 where nothing moves.
    """

    right: float
    down: float
    coherence: float
    steadiness: float
    fraction: float

    @property
    def angle(self) -> float:
        """Degrees counter-clockwise on the screen, 0 = right, in [0, 360)."""
        return float(np.degrees(np.arctan2(-self.down, self.right)) % 360)

    @property
    def speed(self) -> float:
        """Pixels a frame."""
        return float(np.hypot(self.right, self.down))


@dataclass(frozen=True)
class Motion:
    """What was measured in a window.

    ``whole``: of all visible vectors (see ``sampled``) of at least half a pixel. ``region``: of what is left of them after the camera's
    motion is taken away, where that is as large. ``camera``: (right, down) of the camera's picture motion in the middle of the frame,
    pixels a frame; ``zoom`` and ``turn`` (counter-clockwise, radians) a frame; all 0 where too little is visible. ``pairs`` of
    neighbouring frames, of which ``repeated`` show one frame twice and ``cut`` do not match; neither are measured.
    """

    whole: Estimate
    region: Estimate
    camera: tuple[float, float]
    zoom: float
    turn: float
    pairs: int
    repeated: int
    cut: int

    @property
    def camera_speed(self) -> float:
        """Pixels a frame, in the middle of the frame."""
        return float(np.hypot(*self.camera))


def measure(flows: Iterable[PairFlow]) -> Motion:
    """The window's motion from the flow of its pairs, which are read once, in order."""
    whole, region, cameras = [], [], []
    pairs = repeated = cut = 0
    for flow in flows:
        pairs += 1
        if flow.changed < REPEATED:
            repeated += 1
        elif flow.returned < CUT:
            cut += 1
        else:
            places, vectors, visible = sampled(flow)
            camera = camera_motion(places[visible], vectors[visible]) if visible.mean() >= SEEN else np.zeros(4)
            of_camera = camera_field(camera, places)
            left = vectors - of_camera
            limit = np.hypot(MOVING, PARALLAX * _lengths(of_camera))
            whole.append(np.where((visible & (_lengths(vectors) >= MOVING))[:, None], vectors, 0))
            region.append(np.where((visible & (_lengths(left) >= limit))[:, None], left, 0))
            cameras.append(camera)
    right, down, zoom, turn = np.mean(cameras, axis=0) if cameras else np.zeros(4)
    return Motion(estimate(whole), estimate(region), (float(right), float(down)), float(zoom), float(turn), pairs, repeated, cut)


def sampled(
    flow: PairFlow,
) -> tuple[Float64[np.ndarray, "points 2"], Float64[np.ndarray, "points 2"], Bool[np.ndarray, " points"]]:
    """Every fourth place each way, in pixels (right, down) from the middle of the frame; the flow there; and whether it is visible:
    whether the picture is steep enough there that its noise does not look like a motion of MOVING.
    """
    height, width = flow.vectors.shape[:2]
    down, right = np.mgrid[STEP // 2 : height : STEP, STEP // 2 : width : STEP].reshape(2, -1)
    places = np.stack([right - (width - 1) / 2, down - (height - 1) / 2], axis=1)
    return places, flow.vectors[down, right].astype(np.float64), flow.slope[down, right] >= flow.noise / MOVING


def camera_motion(places: Float64[np.ndarray, "points 2"], vectors: Float64[np.ndarray, "points 2"]) -> Float64[np.ndarray, " 4"]:
    """(right, down, zoom, turn) of the similarity that most of the vectors follow: pan and tilt, zoom, roll.

    Robust: reweighted least squares with Geman-McClure weights whose scale is halved from that of all residuals down to
    CAMERA_ERROR, so that the first rounds have one minimum and the last ones leave out what moves by itself
    (graduated non-convexity: Blake and Zisserman, Visual Reconstruction, 1987; Black and Rangarajan, IJCV 1996).
    """
    weights, scale = np.ones(len(places)), np.inf
    for _ in range(CAMERA_ROUNDS):
        camera = fitted_similarity(places, vectors, weights)
        squared = np.square(vectors - camera_field(camera, places)).sum(axis=1)
        scale = max(CAMERA_ERROR, float(np.sqrt(squared.max())) if np.isinf(scale) else scale / 2)
        weights = np.square(scale**2 / (scale**2 + squared))
    return camera


def fitted_similarity(
    places: Float64[np.ndarray, "points 2"], vectors: Float64[np.ndarray, "points 2"], weights: Float64[np.ndarray, " points"]
) -> Float64[np.ndarray, " 4"]:
    """(right, down, zoom, turn) whose field (see ``camera_field``) has the least weighted squared distance to the vectors."""
    share = weights / weights.sum()
    middle, mean = share @ places, share @ vectors
    (x, y), (right, down) = (places - middle).T, (vectors - mean).T
    spread = share @ (x * x + y * y)
    zoom = share @ (x * right + y * down) / spread
    turn = share @ (y * right - x * down) / spread
    return np.array([mean[0] - zoom * middle[0] - turn * middle[1], mean[1] - zoom * middle[1] + turn * middle[0], zoom, turn])


def camera_field(camera: Float64[np.ndarray, " 4"], places: Float64[np.ndarray, "points 2"]) -> Float64[np.ndarray, "points 2"]:
    """Flow (right, down) that the camera's motion alone makes at these places."""
    right, down, zoom, turn = camera
    x, y = places.T
    return np.stack([right + zoom * x + turn * y, down + zoom * y - turn * x], axis=1)


def estimate(moving: list[Float64[np.ndarray, "points 2"]]) -> Estimate:
    """Of the vectors of each pair, those that are zero counting as still."""
    points = sum(map(len, moving))
    vectors = np.concatenate([part[_lengths(part) > 0] for part in moving]) if moving else np.zeros((0, 2))
    if not len(vectors):
        return Estimate(0.0, 0.0, 0.0, 0.0, 0.0)
    right, down = geometric_median(vectors)
    sums = np.stack([part.sum(axis=0) for part in moving])
    total = _lengths(sums).sum()
    steadiness = float(_lengths(sums.sum(axis=0)[None])[0] / total) if total else 0.0
    return Estimate(float(right), float(down), resultant_length(vectors), steadiness, len(vectors) / points)


def resultant_length(vectors: Float[np.ndarray, "vectors 2"]) -> float:
    """Length of the mean of the vectors' directions (Mardia and Jupp, Directional Statistics, 2000, section 2.3)."""
    return float(np.hypot(*(vectors / _lengths(vectors)[:, None]).mean(axis=0)))


def geometric_median(vectors: Float[np.ndarray, "vectors 2"]) -> Float64[np.ndarray, " 2"]:
    """The point whose summed distance to the vectors is least, by Weiszfeld's iteration from their median."""
    middle: np.ndarray = np.median(vectors, axis=0).astype(np.float64)
    for _ in range(MEDIAN_ROUNDS):
        weights = 1 / np.maximum(_lengths(vectors - middle), 1e-6)
        moved: np.ndarray = (vectors * weights[:, None]).sum(axis=0) / weights.sum()
        if np.hypot(*(moved - middle)) < 1e-4:
            return moved
        middle = moved
    return middle


def _lengths(vectors: Float[np.ndarray, "vectors 2"]) -> Float[np.ndarray, " vectors"]:
    lengths: np.ndarray = np.hypot(vectors[:, 0], vectors[:, 1])
    return lengths
