"""What a placeholder shows, by the words of its prompt."""

from collections.abc import Callable

from app.providers.mock import lands, skies, subjects
from app.providers.mock.canvas import Canvas
from app.providers.mock.dice import Dice
from app.providers.mock.palette import Palette
from app.providers.mock.words import Words

type Motif = Callable[[Canvas, Palette, Dice], None]
"""Draws one thing on a sheet."""
type _Vocabulary = tuple[tuple[Motif, str], ...]
"""Motifs, and the words that stand for each; the earlier ones come first and lie behind."""

_SKIES: _Vocabulary = (
    (skies.stars, "night midnight star stars space galaxy cosmos dark sleep nightmare universe"),
    (skies.moon, "moon moonlight night ghost midnight werewolf"),
    (skies.sun, "sun sunset sunrise dawn dusk evening morning day summer beach desert"),
    (skies.rays, "light rays god holy heaven angel shine shining bright brighter sparkle glow"),
    (skies.clouds, "cloud clouds sky heaven fly flying plane wind air"),
    (skies.birds, "bird birds eagle gull dove free wings"),
    (skies.rain, "rain storm rainy thunder tears crying"),
    (skies.snow, "snow snowy winter blizzard christmas frozen"),
)
_LANDS: _Vocabulary = (
    (lands.waves, "sea ocean water wave waves river lake swim swimming boat ship fish beach island whale coast"),
    (lands.hills, "desert sand dune dunes hill hills meadow field fields grass garden horse farm path"),
    (lands.mountains, "mountain mountains peak alps cliff rock volcano glacier snow climb climbing valley"),
    (lands.forest, "forest tree trees wood woods jungle bear wolf deer fox park pine"),
    (lands.skyline, "city street town village building buildings house houses tower urban car road office school"),
)
_SUBJECTS: _Vocabulary = (
    (
        subjects.jewel,
        "ring rings diamond diamonds jewel jewellery jewelry necklace ornament ornaments earrings gem gems",
    ),
    (subjects.blossom, "flower flowers rose roses bloom blooming blossom petal petals tulip orchid bouquet lotus"),
    (subjects.portal, "door gate castle temple portal stairs staircase church palace arch room key"),
    (subjects.figure, "man woman person girl boy child king queen portrait face mother father friend hero she he"),
    (subjects.ribbons, "music dance dancing silk wind flow flowing ribbon ribbons modern colourful"),
    (subjects.orbs, "bubble bubbles ball balls balloon planet planets dream dreams abstract circles magic"),
)
_SCENES: tuple[tuple[Motif, ...], ...] = (
    (skies.sun, lands.mountains),
    (skies.sun, skies.birds, lands.hills),
    (skies.clouds, lands.hills),
    (skies.sun, lands.waves),
    (skies.rays, lands.forest),
    (subjects.orbs,),
    (subjects.ribbons,),
)
_NIGHTS: tuple[tuple[Motif, ...], ...] = ((skies.stars, skies.moon, lands.hills), (skies.stars, lands.mountains))


def scene_of(words: Words, palette: Palette, dice: Dice, *, with_pictures: bool) -> list[Motif]:
    """What is drawn, from back to front: what is named, else a scene by chance.

    `with_pictures`: pictures in frames come before it, and are the subject.
    """
    above, below = _named(_SKIES, words)[:3], _named(_LANDS, words)[:1]
    subject = [] if with_pictures else _named(_SUBJECTS, words)[:1]
    if not (above or below or subject):
        return list(dice.one_of(_NIGHTS if palette.is_dark else _SCENES))
    if not (below or subject or with_pictures):
        below = [dice.one_of((lands.hills, lands.mountains, lands.waves))]
    if not (above or subject):
        above = [skies.stars if palette.is_dark else skies.sun]
    return [*above, *below, *subject]


def _named(vocabulary: _Vocabulary, words: Words) -> list[Motif]:
    return [motif for motif, named in vocabulary if not set(named.split()).isdisjoint(words.each)]
