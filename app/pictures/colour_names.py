"""What people call a colour."""

from app.pictures.colours import Colour, parse_colour

_ALSO = {
    # Colours that are called so, too, far from the one that CSS gives the name.
    "saddle brown": "brown",
    "sienna": "brown",
    "#5c4033": "brown",
    "#46251a": "brown",
    "forest green": "green",
    "lime": "green",
    "#2b2b2b": "charcoal",
    "hot pink": "pink",
    "dark orange": "orange",
}
_NAMES = (
    "black charcoal grey silver white cream beige taupe brown tan maroon red crimson coral salmon pink blush "
    "magenta purple violet lavender navy blue teal turquoise cyan green olive mint gold yellow khaki orange copper "
    "royal_blue sky_blue steel_blue light_blue dark_green sea_green yellow_green dark_red light_grey slate_grey"
)

type _Lab = tuple[float, float, float]


def nearest_name(colour: Colour) -> str:
    """The word for a colour: the nearest of some forty that people use; `colours.find_colour` knows each of them."""
    lab = _lab(colour)
    return min(_LABS, key=lambda named: sum((a - b) ** 2 for a, b in zip(lab, named[1], strict=True)))[0]


def _lab(colour: Colour) -> _Lab:
    """CIE L*a*b* of an sRGB colour, under D65; distances in it are roughly those that people see."""
    red, green, blue = (
        level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's own figure
        for level in (part / 255 for part in colour)
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (_lightness(part) for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _lightness(part: float) -> float:
    return part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116  # noqa: PLR2004 - CIE's own figure


_LABS = (
    *((name.replace("_", " "), _lab(parse_colour(name))) for name in _NAMES.split()),
    *((name, _lab(parse_colour(colour))) for colour, name in _ALSO.items()),
)
