"""How far two pictures are apart, as an eye would say, and where."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, in shares of its width and height from its upper left corner, 0 to 1 each."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What lies between two pictures; 0 is none.

    `structure` (0 to 1) is what shapes, edges and textures have in common, whatever their brightness and colour: 1
    less the mean structural similarity without its luminance. `colour` (0 to 1) is the mean distance in CIELAB as a
    share of that of black and white. `changed` is the share of the picture where either is plain to see, `box` is
    around that, and `marked` is a WEBP of the newer picture with all else faded: both null where nothing is.
    """

    structure: float
    colour: float
    changed: float
    box: Box | None
    marked: bytes | None = field(repr=False)


NONE: Final = Difference(structure=0, colour=0, changed=0, box=None, marked=None)
"""Between a picture and itself."""
