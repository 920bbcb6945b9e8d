"""What stands in the middle of a placeholder."""

from math import cos, pi, sin

from app.providers.mock.canvas import Canvas, Point
from app.providers.mock.dice import Dice
from app.providers.mock.palette import Palette, mixed

_WHITE = (255, 255, 255)
_MIDDLE = (0.5, 0.42)


def jewel(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """A ring with a cut stone."""
    x, y = _MIDDLE[0], _MIDDLE[1] + 0.09
    canvas.glow(palette.light, _MIDDLE, 0.48, 0.7)
    for width, colour in ((0.034, palette.near), (0.026, palette.far), (0.009, palette.light)):
        canvas.ring(mixed(colour, palette.far, 0.25), (x, y), 0.172 + width / 2, width, 0.95)
    size, turn = 0.115, dice.between(-0.06, 0.06)
    girdle = [(x + size * px, y - 0.2 - size * py + turn * px * size) for px, py in _STONE]
    shades = (0.05, 0.35, 0.7, 0.2, 0.55, 0.1)
    facets = [girdle[at] for at in range(len(girdle))]
    for at, shade in enumerate(shades):
        one, other = facets[at % len(facets)], facets[(at + 1) % len(facets)]
        canvas.fill(mixed(_WHITE, palette.top, shade), [(x, y - 0.2 + size * 0.12), one, other])
    canvas.glow(_WHITE, (x - size * 0.4, y - 0.2 - size * 0.4), 0.07)
    canvas.strokes(_WHITE, _twinkle((x + size * 0.62, y - 0.2 - size * 0.62), 0.05), 0.0035)


_STONE: tuple[Point, ...] = ((-0.62, 0.62), (0.62, 0.62), (1, 0.15), (0, -1.05), (-1, 0.15), (-0.62, 0.62))


def blossom(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Petals in circles about a heart."""
    turn, count = dice.between(0, pi), dice.whole(7, 10)
    canvas.glow(palette.light, _MIDDLE, 0.45, 0.55)
    for circle, (length, colour) in enumerate(((0.26, palette.far), (0.2, mixed(palette.far, palette.light, 0.5)))):
        angles = [turn + 2 * pi * (at + circle / 2) / count for at in range(count)]
        for side in (angles[::2], angles[1::2]):  # neighbours show where they overlap
            canvas.fill(colour, *(_petal(angle, length, length * 0.3) for angle in side), opacity=0.82)
    heart = [(*_MIDDLE, 0.05)]
    canvas.discs(mixed(palette.light, palette.near, 0.12), heart)
    seeds = [
        (
            _MIDDLE[0] + 0.034 * cos(2.4 * n) * (n / 14) ** 0.5,
            _MIDDLE[1] + 0.034 * sin(2.4 * n) * (n / 14) ** 0.5,
            0.0035,
        )
        for n in range(14)
    ]
    canvas.discs(palette.near, seeds, 0.7)


def orbs(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Circles of glass that overlap."""
    colours = (palette.light, palette.far, palette.top, mixed(palette.far, palette.light, 0.5), palette.near)
    for at in range(9):
        x, y = 0.1 + 0.1 * (at * 4 % 9) + dice.between(-0.06, 0.06), dice.between(0.1, 0.62)
        radius = dice.between(0.05, 0.19)
        colour = colours[at % len(colours)]
        canvas.discs(colour, [(x, y, radius)], 0.34)
        canvas.ring(mixed(colour, _WHITE, 0.5), (x, y), radius, 0.003, 0.6)
        canvas.glow(_WHITE, (x - radius * 0.35, y - radius * 0.35), radius * 0.6, 0.4)


def ribbons(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Broad bands that flow across the sheet."""
    colours = (palette.light, palette.far, mixed(palette.far, palette.light, 0.4), palette.near, palette.far)
    phase, lift = dice.between(0, 2 * pi), dice.between(-0.3, 0.3)
    for at, colour in enumerate(colours):
        base, height = 0.24 + 0.11 * at, dice.between(0.05, 0.1)
        xs = [n / 96 for n in range(97)]
        upper = [(x, base + lift * (x - 0.5) + height * sin(2 * pi * x * 0.9 + phase + 0.5 * at)) for x in xs]
        lower = [(x, y + 0.1 + 0.05 * sin(2 * pi * x * 0.7 + at)) for x, y in reversed(upper)]
        canvas.fill(colour, upper + lower, opacity=0.55)


def portal(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """An arch of light with steps that lead up to it."""
    x = dice.between(0.4, 0.6)
    canvas.glow(palette.light, (x, 0.4), 0.5, 0.8)
    for grow, colour in ((0.035, palette.near), (0.012, palette.far), (0.0, mixed(palette.light, _WHITE, 0.4))):
        canvas.fill(colour, _arch(x, 0.115 + grow, 0.24 - grow, 0.62))
    for step in range(4):
        half, y = 0.17 + 0.05 * step, 0.61 + 0.034 * step
        sides = [(x - half, y), (x + half, y), (x + half + 0.03, y + 0.036), (x - half - 0.03, y + 0.036)]
        canvas.fill(mixed(palette.far, palette.near, 0.3 + 0.2 * step), sides)


def figure(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """A head and shoulders against the light."""
    x = dice.between(0.44, 0.56)
    canvas.glow(palette.light, (x, 0.36), 0.46, 0.85)
    canvas.ring(palette.light, (x, 0.36), 0.24, 0.005, 0.75)
    shade = mixed(palette.near, palette.far, 0.1)
    shoulders = [(x - 0.26 * cos(a), 0.8 - 0.27 * sin(a) ** 0.75) for a in (pi * n / 48 for n in range(49))]
    neck = [(x - 0.034, 0.42), (x + 0.034, 0.42), (x + 0.048, 0.56), (x - 0.048, 0.56)]
    head = [(x + 0.07 * cos(a), 0.365 + 0.094 * sin(a)) for a in _turns(48)]
    hair = [(x + 0.084 * cos(a), 0.34 + 0.086 * sin(a)) for a in _turns(48)]
    knot = [(x + 0.034 * cos(a), 0.245 + 0.03 * sin(a)) for a in _turns(32)]
    canvas.fill(shade, [*shoulders, (x + 0.26, 1), (x - 0.26, 1)], neck, head, hair, knot)


def _turns(steps: int) -> list[float]:
    return [2 * pi * n / steps for n in range(steps)]


def _arch(x: float, half: float, top: float, foot: float) -> list[Point]:
    curve = [(x - half * cos(pi * n / 32), top + half - half * sin(pi * n / 32)) for n in range(33)]
    return [*curve, (x + half, foot), (x - half, foot)]


def _petal(angle: float, length: float, half: float) -> list[Point]:
    """From the middle outward and back."""
    along, across = (cos(angle), sin(angle)), (-sin(angle), cos(angle))
    sides: list[Point] = []
    for side, steps in ((1, range(49)), (-1, range(48, -1, -1))):
        for n in steps:
            t = n / 48
            out, wide = length * t, side * half * sin(pi * t**0.8) ** 0.8
            sides.append(
                (_MIDDLE[0] + out * along[0] + wide * across[0], _MIDDLE[1] + out * along[1] + wide * across[1])
            )
    return sides


def _twinkle(centre: Point, size: float) -> list[tuple[Point, Point]]:
    x, y = centre
    return [((x - size, y), (x + size, y)), ((x, y - size), (x, y + size))]
