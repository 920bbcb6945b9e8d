"""What lies behind the object, guessed from the picture's border."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from app.providers.local.pixels import Floats, Pixels, as_floats

type Mask = npt.NDArray[np.bool_]

_BORDER = 0.06  # of the shorter side: thick enough to average noise, thin enough to miss most objects
_PLAIN_NOISE = 14.0  # in OpenCV's 8-bit Lab; studio paper has 2, fabric 8, a street or a forest 20 to 80
_DRAWN_NOISE = 0.6  # one colour, as only a program makes it
_BAR_SPREAD = 4.0  # a letterbox row varies less than this, even after JPEG
_BAR_STEP = 25.0  # and where it ends, most of the row changes by more than this
_BAR_GRAIN_PX = 9  # noise is averaged along the row over so many pixels
_JPEG_BLOCK_PX = 8


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The border's colours continued over the whole picture, and how far every pixel is from them.

    `difference` is height x width x 3 in OpenCV's 8-bit Lab; `noise` is what 85 of 100 border pixels stay
    under, in the same unit; `border` marks the pixels it was fitted to.
    """

    difference: Floats
    border: Mask
    noise: float

    @property
    def is_plain(self) -> bool:
        """Whether the border really is one surface: paper, wall, cloth."""
        return self.noise <= _PLAIN_NOISE

    @property
    def is_drawn(self) -> bool:
        """Whether the border is exactly one colour, so that whatever differs from it at all is the object."""
        return self.noise <= _DRAWN_NOISE


def fit_backdrop(small: Pixels) -> Backdrop:
    """Fit a quadratic surface to the border in each Lab channel: one colour, with uneven light and vignette.

    The fit is repeated without the worst tenth, so that an object which touches the border is left out of it.
    """
    height, width = small.shape[:2]
    lab = as_floats(cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32))
    thickness = max(3, int(_BORDER * min(height, width)))
    border = np.ones((height, width), dtype=np.bool_)
    border[thickness:-thickness, thickness:-thickness] = False
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).astype(np.float32)
    known, seen = terms[border], lab[border]
    fit = np.linalg.lstsq(known, seen)[0]
    for _ in range(3):
        error = np.linalg.norm(seen - known @ fit, axis=-1)
        kept = error <= max(3.0, float(np.percentile(error, 90)))
        known, seen = known[kept], seen[kept]
        fit = np.linalg.lstsq(known, seen)[0]
    difference = (lab - terms @ fit).astype(np.float32)
    noise = float(np.percentile(np.linalg.norm(difference[border], axis=-1), 85))
    return Backdrop(difference, border, noise)


def without_bars(small: Pixels) -> tuple[slice, slice]:
    """The rows and columns inside a letterbox; all of them where there is none."""
    grey = as_floats(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32))
    return _inside(grey), _inside(np.ascontiguousarray(grey.T))


def _inside(grey: Floats) -> slice:
    height = grey.shape[0]
    first, last = _bar(grey), height - _bar(grey[::-1])
    return slice(first, last) if last - first > height // 3 else slice(0, height)


def _bar(grey: Floats) -> int:
    """How many rows at the top are a bar: each of one grey, the same in all, and then a hard edge all along.

    Compression rings around that edge, up to a JPEG block away: there, the rows are neither.
    """
    calm = as_floats(cv2.blur(grey, (_BAR_GRAIN_PX, 1)))
    level = calm[0].mean()
    flat = (calm.std(axis=1) < _BAR_SPREAD) & (np.abs(calm.mean(axis=1) - level) < _BAR_SPREAD)
    rows = int(np.argmin(flat))
    if rows == 0:
        return 0
    beyond = calm[rows : rows + max(2, min(rows, _JPEG_BLOCK_PX)) + 1]
    changed = (np.abs(beyond - level) > _BAR_STEP).mean(axis=1) > 0.6  # noqa: PLR2004 -- most of the row
    return min(rows + int(np.argmax(changed)) + 1, grey.shape[0] - 1) if changed.any() else 0
