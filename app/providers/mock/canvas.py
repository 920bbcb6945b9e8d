"""The sheet that placeholders are drawn on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFilter

from app.pictures.colours import Colour

SIDE_PX = 1024
_FINE = 2  # shapes are drawn at twice the size and reduced: smooth edges

type Point = tuple[float, float]
type Draw = Callable[[ImageDraw.ImageDraw], None]


@dataclass(frozen=True, slots=True)
class Canvas:
    """A square of SIDE_PX pixels; places are in shares of its side, 0 to 1, from the upper left corner."""

    image: Image.Image = field(repr=False)

    @classmethod
    def graded(cls, top: Colour, middle: Colour, bottom: Colour) -> "Canvas":
        """A sheet whose colour goes from one to the next, from above to below."""
        strip = Image.new("RGB", (1, 5))
        for at, colour in enumerate((top, top, middle, bottom, bottom)):
            strip.putpixel((0, at), colour)
        return cls(strip.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, box=(0, 0.5, 1, 4.5)))

    def fill(self, colour: Colour, *shapes: Iterable[Point], opacity: float = 1) -> None:
        """Filled polygons; where they overlap, they are one."""
        factor = SIDE_PX * _FINE

        def draw(pen: ImageDraw.ImageDraw) -> None:
            for shape in shapes:
                pen.polygon([(x * factor, y * factor) for x, y in shape], fill=255)

        self._through(draw, colour, opacity)

    def discs(self, colour: Colour, discs: Iterable[tuple[float, float, float]], opacity: float = 1) -> None:
        """Filled circles: x, y and radius of each."""

        def draw(pen: ImageDraw.ImageDraw) -> None:
            for x, y, radius in discs:
                pen.circle((x * SIDE_PX * _FINE, y * SIDE_PX * _FINE), radius * SIDE_PX * _FINE, fill=255)

        self._through(draw, colour, opacity)

    def ring(self, colour: Colour, centre: Point, radius: float, width: float, opacity: float = 1) -> None:
        """A circle's line."""
        x, y = centre[0] * SIDE_PX * _FINE, centre[1] * SIDE_PX * _FINE
        size, line = radius * SIDE_PX * _FINE, max(1, round(width * SIDE_PX * _FINE))
        self._through(lambda pen: pen.circle((x, y), size, outline=255, width=line), colour, opacity)

    def strokes(self, colour: Colour, lines: Iterable[tuple[Point, Point]], width: float, opacity: float = 1) -> None:
        """Straight lines."""
        thick = max(1, round(width * SIDE_PX * _FINE))
        factor = SIDE_PX * _FINE

        def draw(pen: ImageDraw.ImageDraw) -> None:
            for (x, y), (to_x, to_y) in lines:
                pen.line((x * factor, y * factor, to_x * factor, to_y * factor), fill=255, width=thick)

        self._through(draw, colour, opacity)

    def plate(self, colour: Colour, box: tuple[float, float, float, float], opacity: float = 1) -> None:
        """A rectangle whose left and right ends are round."""
        left, top, right, bottom = (edge * SIDE_PX * _FINE for edge in box)
        radius = (bottom - top) / 2
        self._through(lambda pen: pen.rounded_rectangle((left, top, right, bottom), radius, fill=255), colour, opacity)

    def glow(self, colour: Colour, centre: Point, radius: float, opacity: float = 1) -> None:
        """A soft light that fades outward."""
        side = round(2 * radius * SIDE_PX)
        fading = Image.radial_gradient("L").point([_faded(level, opacity) for level in range(256)])
        place = round(centre[0] * SIDE_PX - side / 2), round(centre[1] * SIDE_PX - side / 2)
        self.image.paste(colour, place, fading.resize((side, side), Image.Resampling.BICUBIC))

    def shade(self, colour: Colour, box: tuple[float, float, float, float], opacity: float, softness: float) -> None:
        """A soft rectangle; `softness` is how far its edge reaches."""
        small = SIDE_PX // 8
        mask = Image.new("L", (small, small))
        left, top, right, bottom = (round(edge * small) for edge in box)
        ImageDraw.Draw(mask).rectangle((left, top, right, bottom), fill=round(255 * opacity))
        mask = mask.filter(ImageFilter.GaussianBlur(softness * small))
        self.image.paste(colour, (0, 0), mask.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))

    def _through(self, draw: Draw, colour: Colour, opacity: float) -> None:
        mask = Image.new("L", (SIDE_PX * _FINE, SIDE_PX * _FINE))
        draw(ImageDraw.Draw(mask))
        drawn = mask.getbbox()
        if drawn is None:
            return
        left, top, right, bottom = (drawn[0] // _FINE, drawn[1] // _FINE, -(-drawn[2] // _FINE), -(-drawn[3] // _FINE))
        mask = mask.reduce(_FINE, (left * _FINE, top * _FINE, right * _FINE, bottom * _FINE))
        if opacity < 1:
            mask = mask.point([round(level * opacity) for level in range(256)])
        self.image.paste(colour, (left, top), mask)


def _faded(level: int, opacity: float) -> int:
    """Of Pillow's radial gradient, which is 0 in the middle and 255 from the rim on."""
    return round(255 * opacity * (1 - min(1.0, level / 181)) ** 2)
