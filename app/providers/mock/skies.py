"""What stands in the sky of a placeholder."""

from itertools import pairwise
from math import cos, pi, sin

from app.providers.mock.canvas import Canvas, Point
from app.providers.mock.dice import Dice
from app.providers.mock.palette import Palette, mixed


def sun(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """A disc with a wide glow."""
    centre = dice.between(0.25, 0.75), dice.between(0.24, 0.4)
    radius = dice.between(0.075, 0.12)
    canvas.glow(palette.light, centre, radius * 5.5, 0.75)
    canvas.discs(mixed(palette.light, (255, 255, 255), 0.35), [(*centre, radius)], 0.95)


def moon(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """A pale disc with a faint halo and two craters."""
    x, y = dice.between(0.22, 0.78), dice.between(0.18, 0.3)
    radius = dice.between(0.07, 0.1)
    canvas.glow(palette.light, (x, y), radius * 4.5, 0.55)
    canvas.discs(palette.light, [(x, y, radius)])
    craters = [
        (x - radius * 0.3, y - radius * 0.2, radius * 0.22),
        (x + radius * 0.35, y + radius * 0.3, radius * 0.15),
    ]
    canvas.discs(mixed(palette.light, palette.horizon, 0.35), craters, 0.6)


def stars(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Points of light, fewer towards the horizon; three of them glow."""
    small = [(dice.between(0, 1), dice.between(0, 1) ** 1.6 * 0.75, dice.between(0.0007, 0.0022)) for _ in range(150)]
    canvas.discs(palette.light, small, 0.9)
    for _ in range(3):
        centre = dice.between(0.08, 0.92), dice.between(0.05, 0.45)
        canvas.glow(palette.light, centre, dice.between(0.03, 0.05))
        canvas.discs((255, 255, 255), [(*centre, 0.0032)])


def clouds(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Banks of round puffs with a flat lower side."""
    colour = (
        mixed(palette.light, palette.horizon, 0.7) if palette.is_dark else mixed(palette.light, (255, 255, 255), 0.5)
    )
    for _ in range(3):
        x, y, size = dice.between(0.0, 0.85), dice.between(0.1, 0.42), dice.between(0.05, 0.085)
        count = dice.whole(4, 6)
        puffs = [
            (x + at * size * 0.95, y - sin(pi * (at + 0.5) / count) * size * 0.55, size * dice.between(0.55, 0.85))
            for at in range(count)
        ]
        canvas.discs(colour, puffs, 0.35 if palette.is_dark else 0.6)


def birds(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """A few birds far away, each two curved wings."""
    middle = dice.between(0.3, 0.6), dice.between(0.22, 0.36)
    wings: list[tuple[Point, Point]] = []
    for _ in range(dice.whole(5, 8)):
        x, y = middle[0] + dice.between(-0.2, 0.25), middle[1] + dice.between(-0.1, 0.1)
        span = dice.between(0.016, 0.034)
        for side in (-1, 1):
            arc = [(x + side * span * t / 8, y - span * 0.55 * sin(pi * t / 9)) for t in range(9)]
            wings += pairwise(arc)
    canvas.strokes(palette.near, wings, 0.0032, 0.85)


def rain(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Slanting streaks."""
    lines: list[tuple[Point, Point]] = []
    for _ in range(120):
        x, y, length = dice.between(-0.1, 1.1), dice.between(-0.1, 1), dice.between(0.03, 0.08)
        lines.append(((x, y), (x - length * 0.3, y + length)))
    canvas.strokes(mixed(palette.light, (255, 255, 255), 0.4), lines, 0.0014, 0.4)


def snow(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Flakes, near and far."""
    flakes = [(dice.between(0, 1), dice.between(0, 1), dice.between(0.0015, 0.006)) for _ in range(140)]
    canvas.discs(mixed(palette.light, (255, 255, 255), 0.8), flakes, 0.8)


def rays(canvas: Canvas, palette: Palette, dice: Dice) -> None:
    """Beams that fan out from beyond the upper edge."""
    x, y = dice.between(0.15, 0.85), -0.08
    turn = dice.between(0, pi / 9)
    beams: list[list[Point]] = []
    for at in range(9):
        angle, half = turn + pi * at / 9, pi / 44
        rim = [(x + 1.7 * cos(a), y + 1.7 * sin(a)) for a in (angle - half, angle + half)]
        beams.append([(x, y), *rim])
    canvas.fill(palette.light, *beams, opacity=0.16)
    canvas.glow(palette.light, (x, y), 0.6, 0.8)
