"""Finding the object of a picture."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from app.providers.local.backdrop import Backdrop, Mask, fit_backdrop, without_bars
from app.providers.local.pixels import Floats, Pixels, as_floats, as_uint8, bands

_WORK_PX = 512  # longer side while searching: at 1024 GrabCut takes ten times as long and finds no more
_SMALLEST, _LARGEST = 0.0005, 0.9  # of the picture's area: outside of it, what was found is no object
_SHAPE = as_uint8(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
_SHADOW_TINT, _SHADOW_DEPTH, _SHADOW_SLOPE = 5.0, 45.0, 5.0  # in OpenCV's 8-bit Lab; the slope is of one pixel
_DRAWN_DIFFERENCE = 2.5  # in the same unit: more than JPEG adds to one colour
_STANDS_OUT = 10.0  # in the same unit: an object's farthest pixel differs at least by this from what is behind it
_SMALL_HOLE = 0.03  # of the object's area
_EDGE_RADIUS, _EDGE_EPSILON = 3, 25.0  # of the guided filter: pixels at work size, grey levels squared


@dataclass(frozen=True, slots=True)
class Cutout:
    """Where the object is: `alpha` is height x width, 255 inside, with soft edges.

    `on_plain` tells whether it stands before one plain surface; before anything else the edges are a guess.
    """

    alpha: Pixels = field(repr=False)
    on_plain: bool


def cut_out(colours: Pixels) -> Cutout | None:
    """The object in a picture, null when none stands out.

    The picture's border is taken for background. The same pixels give the same result.
    """
    height, width = colours.shape[:2]
    scale = min(1.0, _WORK_PX / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = as_uint8(cv2.resize(colours, size, interpolation=cv2.INTER_AREA))
    rows, columns = without_bars(small)
    inner = as_uint8(cv2.bilateralFilter(np.ascontiguousarray(small[rows, columns]), 5, 30, 5))
    backdrop = fit_backdrop(inner)
    found = np.zeros(small.shape[:2], dtype=np.uint8)
    found[rows, columns] = _search(inner, backdrop)
    if not _SMALLEST < np.count_nonzero(found) / found.size < _LARGEST:
        return None
    return Cutout(_at_full_size(found, small, colours), backdrop.is_plain)


def _search(inner: Pixels, backdrop: Backdrop) -> Pixels:
    """1 where the object is, at work size; 0 everywhere when there is none."""
    if backdrop.is_drawn:
        return _main_parts(_drawn_object(backdrop), keep=0.01)
    guess = _guess_on_plain(backdrop) if backdrop.is_plain else _guess_in_scene(backdrop)
    if guess is None:
        return np.zeros(backdrop.border.shape, dtype=np.uint8)
    parts = _grab(inner, guess)
    if not backdrop.is_plain:
        return _settled(inner, parts)
    return _main_parts(_without_shadow(inner, _main_parts(parts, keep=0.01), backdrop), keep=0.01)


def _drawn_object(backdrop: Backdrop) -> Mask:
    """All that differs from the one colour, without the outermost pixels that are more than half background."""
    distance = np.linalg.norm(backdrop.difference, axis=-1)
    differs = _filled((distance > _DRAWN_DIFFERENCE).astype(np.uint8), _ellipse(3))
    core = as_uint8(cv2.erode(differs, _SHAPE)) > 0
    return (differs > 0) & (core | (distance > 0.5 * as_floats(cv2.dilate(distance, _SHAPE))))


def _guess_on_plain(backdrop: Backdrop) -> Pixels | None:
    """GrabCut's start before a plain surface: what differs is the object, give or take its rim."""
    difference = backdrop.difference
    colour = np.linalg.norm(difference[..., 1:], axis=-1)
    colourful = float(np.percentile(colour, 98)) > 6 * max(0.5, float(np.percentile(colour[backdrop.border], 95)))
    # The shadow of a colourful object differs in lightness alone; silver and diamonds differ in nothing else.
    distance = np.linalg.norm(difference * np.array([0.35 if colourful else 1.0, 1, 1], np.float32), axis=-1)
    reach, noise = float(distance.max()), float(np.percentile(distance[backdrop.border], 95))
    if reach < max(_STANDS_OUT, 3 * noise):
        return None
    levels = np.clip(distance * (255 / max(reach, 1.0)), 0, 255).astype(np.uint8)
    split = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0] * reach / 255
    threshold = max(split * (0.8 if colourful else 0.5), noise * 1.5, 3.0)
    near = (distance > threshold).astype(np.uint8)
    near = as_uint8(cv2.morphologyEx(near, cv2.MORPH_CLOSE, _SHAPE, iterations=1 if colourful else 2))
    guess = np.full(near.shape, cv2.GC_BGD, dtype=np.uint8)
    guess[cv2.dilate(near, _SHAPE, iterations=3) > 0] = cv2.GC_PR_BGD
    guess[near > 0] = cv2.GC_PR_FGD
    guess[(cv2.erode(near, _SHAPE) > 0) | (distance > 2 * threshold)] = cv2.GC_FGD  # a thin chain has no inside
    guess[(guess != cv2.GC_BGD) & _soft_shadow(difference)] = cv2.GC_PR_BGD
    return guess if (guess == cv2.GC_FGD).any() else None


def _soft_shadow(difference: Floats) -> Mask:
    """What may be a shadow: somewhat darker than the surface, of the same hue, and without an edge."""
    lightness = difference[..., 0]
    slope = cv2.magnitude(cv2.Sobel(lightness, -1, 1, 0, scale=1 / 8), cv2.Sobel(lightness, -1, 0, 1, scale=1 / 8))
    smooth = cv2.dilate(slope, np.ones((3, 3), np.uint8)) < _SHADOW_SLOPE
    same_hue = np.linalg.norm(difference[..., 1:], axis=-1) < _SHADOW_TINT
    shadow = (lightness < -_SHADOW_TINT) & (lightness > -_SHADOW_DEPTH) & same_hue & smooth
    return as_uint8(cv2.morphologyEx(shadow.astype(np.uint8), cv2.MORPH_OPEN, _SHAPE)) > 0


def _without_shadow(inner: Pixels, found: Pixels, backdrop: Backdrop) -> Mask:
    """A second look at an object on a plain surface, whose first outline often holds its shadow."""
    shadow = (found > 0) & _soft_shadow(backdrop.difference)
    if not shadow.any():
        return found > 0
    guess = np.full(found.shape, cv2.GC_BGD, dtype=np.uint8)
    guess[cv2.dilate(found, _ellipse(9)) > 0] = cv2.GC_PR_BGD
    guess[found > 0] = cv2.GC_PR_FGD
    guess[shadow] = cv2.GC_PR_BGD
    return _grab(inner, guess)


def _guess_in_scene(backdrop: Backdrop) -> Pixels | None:
    """GrabCut's start in a street or a forest: what differs most from the border, and stands near the middle."""
    height, width = backdrop.border.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    central = np.exp(-(x * x + y * y) / (2 * 0.6**2)).astype(np.float32)
    distance = (np.linalg.norm(backdrop.difference, axis=-1) * central).astype(np.float32)
    distance = as_floats(cv2.GaussianBlur(distance, (0, 0), max(1.0, height * 0.03)))
    levels = np.clip(distance * (255 / max(1.0, float(np.percentile(distance, 99.5)))), 0, 255).astype(np.uint8)
    split = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0]
    near = (levels > split) & ~backdrop.border
    guess = np.full(near.shape, cv2.GC_PR_BGD, dtype=np.uint8)
    guess[near] = cv2.GC_PR_FGD
    guess[backdrop.border] = cv2.GC_BGD
    return guess if near.any() else None


def _grab(inner: Pixels, guess: Pixels) -> Mask:
    """One round of GrabCut from `guess`, which it overwrites; nothing where there is nothing to tell apart."""
    start = np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if start.all() or not start.any():
        return np.zeros(guess.shape, dtype=np.bool_)
    cv2.setRNGSeed(0)
    cv2.grabCut(inner, guess, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    return np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _settled(inner: Pixels, found: Mask) -> Pixels:
    """A second look at an object in a scene: its gaps closed, its outline searched for again, further out."""
    first = _filled(_main_parts(found, keep=0.2), _ellipse(31))
    guess = np.full(first.shape, cv2.GC_BGD, dtype=np.uint8)
    guess[cv2.dilate(first, _ellipse(61)) > 0] = cv2.GC_PR_BGD
    guess[first > 0] = cv2.GC_PR_FGD
    guess[cv2.erode(first, _ellipse(9)) > 0] = cv2.GC_FGD
    return _filled(_main_parts(_grab(inner, guess), keep=0.2), _ellipse(15))


def _filled(mask: Pixels, shape: Pixels) -> Pixels:
    """The mask with its narrow bays closed, and its small holes: stripes, wheels, leaves in front of it."""
    margin = max(shape.shape)
    wide = cv2.copyMakeBorder(mask, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    closed = as_uint8(cv2.morphologyEx(wide, cv2.MORPH_CLOSE, shape))[margin:-margin, margin:-margin].copy()
    labels, areas = _components(1 - closed)
    small = areas < _SMALL_HOLE * np.count_nonzero(closed)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    small[rim] = False  # open to the outside
    small[0] = False  # the mask itself
    closed[small[labels]] = 1
    return closed


def _ellipse(size_px: int) -> Pixels:
    return as_uint8(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px)))


def _main_parts(found: Mask, keep: float) -> Pixels:
    """The parts that have at least `keep` of the largest one's area; the rest are specks."""
    labels, areas = _components(found.astype(np.uint8))
    areas[0] = 0  # the background
    return (areas >= max(1, areas.max() * keep))[labels].astype(np.uint8)


def _components(mask: Pixels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each pixel's part, counted from 1 (0 is outside of the mask), and the parts' areas in pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    return labels.astype(np.int64), stats[:, cv2.CC_STAT_AREA].astype(np.int64)


def _at_full_size(found: Pixels, small: Pixels, colours: Pixels) -> Pixels:
    """The mask at the picture's size, its edge drawn along the picture's own (a guided filter, He et al. 2013)."""
    mask, guide = (
        as_floats(found.astype(np.float32)),
        as_floats(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)),
    )
    box = (2 * _EDGE_RADIUS + 1, 2 * _EDGE_RADIUS + 1)
    mean_mask, mean_guide = cv2.blur(mask, box), cv2.blur(guide, box)
    variance = cv2.blur(guide * guide, box) - mean_guide * mean_guide
    slope = (cv2.blur(mask * guide, box) - mean_mask * mean_guide) / (variance + _EDGE_EPSILON)
    offset = cv2.blur(mean_mask - slope * mean_guide, box)
    inside, around = cv2.erode(mask, _SHAPE), cv2.dilate(mask, _SHAPE)
    planes = as_floats(cv2.merge([cv2.blur(slope, box), offset, inside, around]))
    height, width = colours.shape[:2]
    alpha = np.empty((height, width), dtype=np.uint8)
    zoom_x, zoom_y = small.shape[1] / width, small.shape[0] / height
    for band in bands(height):
        place = np.array([[zoom_x, 0, zoom_x / 2 - 0.5], [0, zoom_y, (band.start + 0.5) * zoom_y - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        here = cv2.warpAffine(
            planes, place, (width, band.stop - band.start), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        grey = cv2.cvtColor(colours[band], cv2.COLOR_RGB2GRAY)
        line = np.clip((here[..., 0] * grey + here[..., 1]) * 1.3 - 0.2, here[..., 2], here[..., 3])
        alpha[band] = np.clip(line * 255 + 0.5, 0, 255)
    return alpha
