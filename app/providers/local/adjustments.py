"""Changes to pixels: brightness, colour, sharpness, shine, and the look of metals."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from app.pictures.colours import Colour
from app.providers.local.pixels import Floats, Pixels, as_floats, as_uint8, bands
from app.providers.local.wishes import Adjustment, Quality

type _Change = Callable[[Pixels, Pixels], Pixels]
"""Of a band's pixels, and the same band of the blurred picture, its new pixels."""

_METALS: dict[str, tuple[Colour, Colour, Colour]] = {
    # What black, middle grey and white become.
    "gold": ((38, 20, 4), (198, 146, 48), (255, 246, 205)),
    "silver": ((22, 23, 26), (158, 161, 166), (252, 253, 255)),
    "rose gold": ((48, 20, 18), (200, 138, 122), (255, 238, 230)),
    "copper": ((40, 16, 6), (184, 112, 66), (255, 232, 212)),
}
_GEM_SATURATION = 90  # of 255: a paler pixel is taken for metal, whatever its hue
_METAL_HUES = (4, 28)  # of OpenCV's 0 to 180: copper to yellow gold
_LEVELS = np.arange(256, dtype=np.float64)


def adjust(colours: Pixels, adjustment: Adjustment, alpha: Pixels | None = None) -> None:
    """Apply one adjustment in place: to everything, or to the object where `alpha` says how much.

    A BACKGROUND adjustment is none of pixels and changes nothing here.
    """
    change_of = _CHANGES.get(adjustment.quality)
    if change_of is None:
        return
    change = change_of(max(-2.0, min(2.0, adjustment.amount)), adjustment.detail)
    reach = _reach(adjustment, max(colours.shape))
    blurred = as_uint8(cv2.GaussianBlur(colours, (0, 0), reach)) if reach else colours
    for band in bands(colours.shape[0]):
        changed = change(colours[band], blurred[band])
        if alpha is None:
            colours[band] = changed
        elif alpha[band].any():
            colours[band] = _mixed(colours[band], changed, (alpha[band] / 255).astype(np.float32))


def _reach(adjustment: Adjustment, side_px: int) -> float:
    """The blur, in pixels, that a change compares with; 0 when it needs none. It grows with the picture."""
    match adjustment.quality:
        case Quality.SHARPNESS:
            return max(0.8, side_px / (2000 if adjustment.amount > 0 else 600))
        case Quality.SHINE if adjustment.amount > 0:
            return max(1.0, side_px / 200)
        case _:
            return 0.0


def _mixed(before: Pixels, after: Pixels, share: Floats) -> Pixels:
    return as_uint8(cv2.blendLinear(after, before, share, 1 - share))


def _curve(levels: npt.NDArray[np.float64]) -> _Change:
    """Every level replaced by another: one curve (256), or one a channel (256 x 3)."""
    table = np.clip(np.round(levels), 0, 255).astype(np.uint8).reshape(256, 1, -1)
    return lambda pixels, _: as_uint8(cv2.LUT(pixels, table))


def _saturation(factor: float) -> _Change:
    """Away from grey, or towards it; the luma stays (weights of ITU-R BT.601)."""
    luma = np.array([[0.299, 0.587, 0.114]] * 3)
    matrix = luma + (np.eye(3) - luma) * factor
    return lambda pixels, _: as_uint8(cv2.transform(pixels, matrix))


def _detail(gain: float) -> _Change:
    """Fine detail strengthened, or taken away where `gain` is negative."""
    return lambda pixels, blurred: as_uint8(cv2.addWeighted(pixels, 1 + gain, blurred, -gain, 0))


def _shine(amount: float) -> _Change:
    """Stronger local contrast, and highlights that bloom; the opposite is matte: highlights held down."""
    if amount < 0:
        return _curve(_LEVELS + 40 * amount * (_LEVELS / 255) ** 3)
    bloom = np.clip((_LEVELS - 150) / 105, 0, 1) ** 2 * 70 * amount
    table = np.round(np.clip(bloom, 0, 255)).astype(np.uint8)

    def change(pixels: Pixels, blurred: Pixels) -> Pixels:
        crisp = cv2.addWeighted(pixels, 1 + 0.45 * amount, blurred, -0.45 * amount, 0)
        return as_uint8(cv2.add(crisp, cv2.LUT(blurred, table)))

    return change


def _metal(name: str, strength: float) -> _Change:
    """Lightness shown in a metal's colours, except on saturated pixels of other hues: stones keep theirs."""
    stops = np.array(_METALS[name], np.float64)
    ramp = np.stack([np.interp(_LEVELS, [0, 128, 255], stops[:, channel]) for channel in range(3)], axis=-1)
    table = np.round(ramp).astype(np.uint8)[:, None, :]

    def change(pixels: Pixels, _: Pixels) -> Pixels:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        plated = as_uint8(cv2.LUT(cv2.merge([grey, grey, grey]), table))
        return _mixed(pixels, plated, _metallic(pixels) * np.float32(strength))

    return change


def _metallic(pixels: Pixels) -> Floats:
    """How far each pixel may be metal, 0 to 1."""
    hue, saturation, _ = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV))
    pale = cv2.LUT(saturation, np.clip(2 - _LEVELS / _GEM_SATURATION, 0, 1).astype(np.float32))
    golden = cv2.inRange(hue, *_METAL_HUES)
    return as_floats(cv2.max(pale, cv2.LUT(golden, (_LEVELS / 255).astype(np.float32))))


def _contrast(amount: float) -> _Change:
    """An S-curve about the middle that leaves black and white in place."""
    return _curve(_LEVELS + 0.3 * amount * (_LEVELS - 128) * (1 - np.abs(_LEVELS / 127.5 - 1) ** 3))


_CHANGES: dict[Quality, Callable[[float, str], _Change]] = {
    Quality.BRIGHTNESS: lambda amount, _: _curve(255 * (_LEVELS / 255) ** (2.0 ** (-0.55 * amount))),
    Quality.CONTRAST: lambda amount, _: _contrast(amount),
    Quality.WARMTH: lambda amount, _: _curve(_LEVELS[:, None] * (1 + amount * np.array([0.07, 0.01, -0.1]))),
    Quality.VIBRANCE: lambda amount, _: _saturation(1 + 0.4 * amount),
    Quality.GREYSCALE: lambda _, __: _saturation(0.0),
    Quality.SHARPNESS: lambda amount, _: _detail(0.9 * amount if amount > 0 else max(-0.9, 0.6 * amount)),
    Quality.SHINE: lambda amount, _: _shine(amount),
    Quality.METAL: lambda amount, metal: _metal(metal, min(1.0, 0.75 * amount)),
}
"""By quality: the change that an amount (-2 to 2) and a detail make."""
