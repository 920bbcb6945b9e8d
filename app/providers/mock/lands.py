"""What a placeholder's horizon is made of."""

from itertools import pairwise
from math import pi, sin

from app.providers.mock.canvas import Canvas, Point
from app.providers.mock.dice import Dice
from app.providers.mock.palette import Palette, mixed

_LAYERS = 4


def mountains(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Ridges one before the other, the farther the hazier."""
    for layer in range(_LAYERS):
        base = 0.46 + 0.125 * layer
        line = _broken(dice, base, 0.2 - 0.03 * layer)
        canvas.fill(_depth(palette, layer), [*line, (1, 1), (0, 1)])


def hills(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Long soft swells, as of dunes and meadows."""
    for layer in range(_LAYERS):
        canvas.fill(_depth(palette, layer), _swell(dice, 0.54 + 0.12 * layer, 0.055, 1.3))


def waves(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Water up to the horizon, in bands that get higher towards the front, and light on it."""
    canvas.fill(mixed(palette.horizon, palette.far, 0.6), [(0, 0.55), (1, 0.55), (1, 1), (0, 1)])
    middle = dice.between(0.35, 0.65)
    glints = [
        (middle + dice.between(-1, 1) * (0.03 + 0.2 * t), 0.56 + 0.2 * t, 0.008 + 0.03 * t)
        for t in (at / 26 for at in range(26))
    ]
    canvas.strokes(palette.light, [((x - half, y), (x + half, y)) for x, y, half in glints], 0.003, 0.6)
    for layer in range(_LAYERS):
        band = _swell(dice, 0.64 + 0.1 * layer, 0.012 + 0.006 * layer, 3.4 - 0.5 * layer)
        canvas.fill(mixed(palette.far, palette.near, (layer + 0.6) / _LAYERS), band, opacity=0.72)


def forest(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Rows of firs."""
    for layer in range(3):
        colour = _depth(palette, layer + 1)
        ground = 0.68 + 0.13 * layer
        canvas.fill(colour, _swell(dice, ground, 0.02, 1.5))
        firs: list[list[Point]] = []
        x = -0.04
        while x < 1.04:  # noqa: PLR2004 - a little beyond the edge
            firs += _fir((x, ground + 0.035), dice.between(0.11, 0.19) * (1 + 0.3 * layer))
            x += dice.between(0.035, 0.075) * (1 + 0.45 * layer)
        canvas.fill(colour, *firs)


def skyline(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Houses in two rows, with lit windows in the nearer one."""
    for layer in range(2):
        colour, x = _depth(palette, 1 + 2 * layer), -0.02
        houses: list[list[Point]] = []
        lit: list[tuple[Point, Point]] = []
        while x < 1:
            width, roof = dice.between(0.06, 0.12), dice.between(0.38, 0.6) + 0.13 * layer
            houses.append([(x, roof), (x + width, roof), (x + width, 1), (x, 1)])
            if layer:
                lit += _windows(dice, x, width, roof)
            x += width + dice.between(0.002, 0.016)
        canvas.fill(colour, *houses)
        canvas.strokes(palette.light, lit, 0.011, 0.8)


def _windows(dice: Dice, x: float, width: float, roof: float) -> list[tuple[Point, Point]]:
    columns = max(2, int(width / 0.026))
    step = width / (columns + 0.5)
    spots = ((x + step * (column + 0.75), roof + 0.03 + 0.032 * row) for column in range(columns) for row in range(8))
    return [((left - 0.004, y), (left + 0.004, y)) for left, y in spots if dice.between(0, 1) < 0.45]  # noqa: PLR2004 - a share


def _fir(foot: Point, height: float) -> list[list[Point]]:
    """Three tiers, one over the other."""
    x, y = foot
    return [
        [(x - half, y - height * low), (x, y - height * high), (x + half, y - height * low)]
        for low, high, half in ((0, 0.55, height * 0.24), (0.28, 0.8, height * 0.18), (0.55, 1, height * 0.12))
    ]


def _depth(palette: Palette, layer: int) -> tuple[int, int, int]:
    """The colour of a layer: haze far away, shade close by."""
    hazy = mixed(palette.far, palette.horizon, 0.45)
    return mixed(hazy, palette.near, (layer / (_LAYERS - 1)) ** 0.9)


def _broken(dice: Dice, base: float, height: float) -> list[Point]:
    """A ridge, its middle points moved again and again."""
    line = [base + dice.between(-height, height) * 0.6 for _ in range(4)]
    reach = height
    for _ in range(5):
        reach *= 0.52
        middles = [(a + b) / 2 + dice.between(-reach, reach) for a, b in pairwise(line)]
        line = [y for pair in zip(line, middles, strict=False) for y in pair] + line[-1:]
    return [(at / (len(line) - 1), y) for at, y in enumerate(line)]


def _swell(dice: Dice, base: float, height: float, turns: float) -> list[Point]:
    """What lies under two waves laid over each other, down to the lower edge."""
    first, second = dice.between(0, 2 * pi), dice.between(0, 2 * pi)
    line = [
        (x, base + height * (sin(2 * pi * turns * x + first) + 0.45 * sin(2 * pi * turns * 2.3 * x + second)))
        for x in (at / 96 for at in range(97))
    ]
    return [*line, (1, 1), (0, 1)]
