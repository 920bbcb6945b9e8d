"""A picture in words, as far as it can be measured."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from app.pictures.colour_names import nearest_name
from app.providers.local.cutout import Cutout, cut_out
from app.providers.local.pixels import Floats, Pixels, as_floats, as_uint8

_WORK_PX = 512
_SAMPLE_PX = 96  # of a side: more pixels take longer and change no word
_SQUARE = 1.1  # the longer side by the shorter one
_SHADES = ((40, "very dark"), (90, "dark"), (165, "of medium brightness"), (215, "bright"), (256, "very bright"))
_CLUSTERS = 5
_WORTH_NAMING = 0.08  # of the pixels
_COLOURS = 3
_SIZES = ((0.05, "a small part"), (0.15, "about a tenth"), (0.29, "about a quarter"), (0.42, "about a third"))
_LARGER = ((0.6, "about half"), (1.01, "most"))
_BUSY_EDGES = 0.06  # of the pixels
_OPAQUE = 128


def describe_pixels(colours: Pixels, transparency: Pixels | None) -> str:
    """A few sentences: form, light, colours, whether one object stands out and where, and what lies behind it."""
    look = _Look.at(colours, transparency)
    if not look.seen.any():
        return look.form()
    return f"{look.form()} {look.palette()} {look.subject()} {look.ground()}"


@dataclass(frozen=True, slots=True)
class _Look:
    """A picture at work size, its own size in pixels, and the object in it; `seen` marks what is not transparent."""

    small: Pixels
    size: tuple[int, int]
    cutout: Cutout | None
    seen: npt.NDArray[np.bool_]

    @classmethod
    def at(cls, colours: Pixels, transparency: Pixels | None) -> "_Look":
        height, width = colours.shape[:2]
        scale = min(1.0, _WORK_PX / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = as_uint8(cv2.resize(colours, size, interpolation=cv2.INTER_AREA))
        everywhere = np.ones(small.shape[:2], dtype=np.bool_)
        if transparency is not None:
            alpha = as_uint8(cv2.resize(transparency, size, interpolation=cv2.INTER_AREA))
            seen = alpha >= _OPAQUE
            if not seen.all():
                return cls(small, (width, height), Cutout(alpha, on_plain=True), seen)
        return cls(small, (width, height), cut_out(small), everywhere)

    @property
    def is_cut_out(self) -> bool:
        """Whether what lies behind the object is transparent."""
        return not self.seen.all()

    def form(self) -> str:
        """Orientation, size and light."""
        width, height = self.size
        ratio = max(width, height) / min(width, height)
        form = "square" if ratio < _SQUARE else "landscape" if width > height else "portrait"
        if not self.seen.any():
            return f"A {form} picture ({width} x {height} pixels), all of it transparent."
        light = float(cv2.cvtColor(self.small, cv2.COLOR_RGB2GRAY)[self.seen].mean())
        shade = next(words for limit, words in _SHADES if light < limit)
        return f"A {form} picture ({width} x {height} pixels), {shade}."

    def palette(self) -> str:
        """The colours of all that is seen."""
        names = _names(self.small[self.seen])
        return f"Its main {'colours are' if len(names) > 1 else 'colour is'} {_listed(names)}."

    def subject(self) -> str:
        """Whether one object stands out, where, how large, and in which colours."""
        inside = self.seen & (self.cutout.alpha >= _OPAQUE) if self.cutout is not None else ~self.seen
        if self.cutout is None or not inside.any():
            return "No single object stands out from the background."
        share = float(inside.mean())
        part = next(words for limit, words in (*_SIZES, *_LARGER) if share < limit)
        rows, columns = np.nonzero(inside)
        where = _place(float(columns.mean()) / inside.shape[1], float(rows.mean()) / inside.shape[0])
        sure = "One object stands out" if self.cutout.on_plain else "One object seems to stand out"
        colours = _listed(_names(self.small[inside])[:2])
        return f"{sure} {where}; it covers {part} of the picture and is mainly {colours}."

    def ground(self) -> str:
        """What lies behind."""
        if self.is_cut_out:
            return "The background is transparent."
        outside = self.seen if self.cutout is None else self.cutout.alpha < _OPAQUE
        if not outside.any():
            return "Hardly any background is seen."
        edges = float((cv2.Canny(self.small, 60, 160)[outside] > 0).mean())
        plain = edges < _BUSY_EDGES / 3 if self.cutout is None else self.cutout.on_plain
        how = "plain" if plain else "busy" if edges > _BUSY_EDGES else "somewhat structured"
        return f"The background is {how}, mainly {_names(self.small[outside])[0]}."


def _names(pixels: Pixels) -> list[str]:
    """The commonest colours in words, at most three, the commonest first."""
    step = max(1, len(pixels) // (_SAMPLE_PX * _SAMPLE_PX))
    sample = pixels[::step].astype(np.float32)
    sample = np.resize(sample, (max(_CLUSTERS, len(sample)), 3))  # of a few pixels, each counts several times
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    _, labels, centres = cv2.kmeans(sample, _CLUSTERS, np.zeros((0,), np.int32), stop, 2, cv2.KMEANS_PP_CENTERS)
    counts = np.bincount(labels.ravel().astype(np.int64), minlength=_CLUSTERS)
    shares = _shares(as_floats(centres), counts / len(sample))
    ranked = sorted(shares, key=lambda name: (-shares[name], name))
    return [name for name in ranked if shares[name] >= _WORTH_NAMING][:_COLOURS] or ranked[:1]


def _shares(centres: Floats, parts: npt.NDArray[np.float64]) -> dict[str, float]:
    """By name: how much of the pixels has that colour."""
    shares: dict[str, float] = {}
    for (red, green, blue), part in zip(centres.round().astype(int).tolist(), parts.tolist(), strict=True):
        name = nearest_name((red, green, blue))
        shares[name] = shares.get(name, 0.0) + part
    return shares


def _place(x: float, y: float) -> str:
    """Where a point (0 to 1 from the upper left) lies, by thirds."""
    across = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    along = "upper" if y < 1 / 3 else "lower" if y > 2 / 3 else ""
    if not across and not along:
        return "in the middle"
    if across and along:
        return f"in the {along} {across}"
    return f"on the {across}" if across else f"in the {along} part"


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
