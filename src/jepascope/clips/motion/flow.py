"""Dense optical flow between neighbouring frames of a window, one pair at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from types import ModuleType

import numpy as np
from jaxtyping import Float32, UInt8

from jepascope.errors import BadArgument, BadData

INSTALL = "pip install 'jepascope[flow]'"
SHORT_SIDE = 256  # pixels: the scale at which every speed is told, whatever the file's size; also what V-JEPA 2 is shown
LEAST_SIDE = 16  # pixels of a scaled frame: below, the coarsest level of the flow's pyramid holds no patch
BLUR = 2.0  # pixels: before frames are compared, so that the noise of a plain scene is not taken for a cut
ROUNDING = 2  # of 255 grey levels that a decoder can make between equal frames
PATCH = 16  # pixels a side of what DIS matches: 8 at half the resolution, which is the finest that the preset goes to
MAD = 1.4826  # standard deviation of a normal distribution over its median absolute value
PLAIN = 4.0  # grey levels of contrast, after blurring, below which a frame shows nothing to compare
DOUBT = 0.3  # mismatch: 268 of 274 windows of real videos stayed below 0.2, all of 147 pairs of strangers above 0.31
MOST_SIDE = 4096  # pixels of a scaled frame's long side: a strip beyond this is no video, and its flow would fill the memory


@dataclass(frozen=True)
class PairFlow:
    """Flow from one frame to the next. ``vectors``: (right, down) in pixels a frame, the short side being 256 pixels.

    ``changed`` is the share of pixels whose grey differs by more than a decoder's rounding. ``mismatch`` tells whether the flow explains
    the second frame: the mean difference to the first one moved by the flow, relative to the contrast and without what all places have
    in common; about 1 where the two have nothing to do with each other, but also large where noise outweighs the contrast of a plain
    scene. ``returned`` (see ``share_returned``) tells these apart: the share of places that the flow back from the second frame takes to
    where they came from, which does not depend on contrast; 1 where the mismatch leaves no doubt. ``slope``: grey levels a pixel, root
    mean square around each pixel; ``noise``: standard deviation of the difference between a pixel and where the flow puts it. A shift of
    noise / slope pixels cannot be told from noise.
    """

    vectors: Float32[np.ndarray, "height width 2"]
    changed: float
    mismatch: float
    slope: Float32[np.ndarray, "height width"]
    noise: float
    returned: float = 1.0


def opencv() -> ModuleType:
    """OpenCV, imported when it is needed; BadArgument with the command that installs it where it is missing."""
    try:
        import cv2
    except ImportError:
        raise BadArgument(f"Measuring motion needs OpenCV, which is not installed; install it with: {INSTALL}") from None
    module: ModuleType = cv2
    return module


def grey_frames(video: UInt8[np.ndarray, "frames height width 3"]) -> UInt8[np.ndarray, "frames scaled_height scaled_width"]:
    """Grey frames with a short side of 256 pixels, the aspect kept. Raises BadData for frames that are all but a line."""
    cv2 = opencv()
    height, width = video.shape[1:3]
    scale = SHORT_SIDE / max(1, min(height, width))
    size = (round(width * scale), round(height * scale))
    if min(height, width) < LEAST_SIDE or max(size) > MOST_SIDE:
        raise BadData(
            f"A frame of {width} x {height} pixels has no measurable motion; give videos of at least {LEAST_SIDE} pixels a side and no "
            f"more than {MOST_SIDE // SHORT_SIDE} times as long as wide."
        )
    # area averaging is free of aliasing when frames shrink; when they grow it would repeat pixels
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.stack([cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=way) for frame in video])


def pair_flows(grey: UInt8[np.ndarray, "frames height width"]) -> Iterator[PairFlow]:
    """Flow of each pair of neighbouring frames (frames - 1 of them), by Dense Inverse Search with OpenCV's medium preset.

    Source: Kroeger, Timofte, Dai and Van Gool, Fast Optical Flow using Dense Inverse Search (ECCV 2016).
    """
    cv2 = opencv()
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for before, after in pairwise(grey):
        vectors = search.calc(before, after, None)  # no start from the pair before: a pair's flow is its own
        flow = pair_flow(before, after, vectors)
        doubtful = flow.changed > 0 and flow.mismatch > DOUBT
        yield replace(flow, returned=share_returned(vectors, search.calc(after, before, None), flow.slope)) if doubtful else flow


def pair_flow(
    before: UInt8[np.ndarray, "height width"], after: UInt8[np.ndarray, "height width"], vectors: Float32[np.ndarray, "height width 2"]
) -> PairFlow:
    """The flow with what tells how far it can be believed, from both frames blurred."""
    cv2 = opencv()
    changed = float(np.mean(cv2.absdiff(before, after) > ROUNDING))
    one, other = (cv2.GaussianBlur(frame.astype(np.float32), (0, 0), BLUR) for frame in (before, after))
    left = moved_by(vectors, other) - one
    left = np.abs(left - np.median(left))  # light that changes everywhere is no motion
    contrast = float(np.abs(one - one.mean()).mean() + np.abs(other - other.mean()).mean()) / 2
    mismatch = float(left.mean()) / max(contrast, PLAIN)
    down, right = np.gradient(one)
    slope = np.sqrt(cv2.boxFilter(np.square(down) + np.square(right), -1, (PATCH, PATCH)).clip(min=0))  # the filter's sums round below 0
    return PairFlow(vectors, changed, mismatch, slope, MAD * float(np.median(left)))


def share_returned(
    there: Float32[np.ndarray, "height width 2"], back: Float32[np.ndarray, "height width 2"], slope: Float32[np.ndarray, "height width"]
) -> float:
    """Share of the places that flow there and back leads to themselves, to within half a squared pixel and a hundredth of both lengths
    squared. Places count by the square of their slope: on a plain ground nobody can tell where a place went.

    Source: Sundaram, Brox and Keutzer, Dense point trajectories by GPU-accelerated large displacement optical flow (ECCV 2010), eq. 5.
    """
    came = moved_by(there, back)
    error, lengths = np.square(there + came).sum(axis=-1), np.square(there).sum(axis=-1) + np.square(came).sum(axis=-1)
    weights = np.square(slope) + np.finfo(np.float32).tiny  # where all is plain, every place counts
    return float(weights[error < 0.01 * lengths + 0.5].sum() / weights.sum())


def moved_by(vectors: Float32[np.ndarray, "height width 2"], values: Float32[np.ndarray, "height width *channels"]) -> np.ndarray:
    """The values at the places that the flow leads to, a border being continued."""
    cv2 = opencv()
    height, width = vectors.shape[:2]
    places = np.stack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)), axis=-1)
    moved: np.ndarray = cv2.remap(values, places + vectors, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved
