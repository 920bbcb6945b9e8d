"""The words by which feelings are known, in English and, as far as they are plain, in a few other languages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


EMOTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "fear": _words(
            "afraid fear frighten scare scared terrif terror panic dread horror nightmare angst fürcht panik peur "
            "effray miedo asust"
        ),
        "joy": _words(
            "joy happy happi glad delight laugh smil cheer wonderful freude glücklich fröhlich lach joie heureu rire= "
            "alegr feliz reír"
        ),
        "sadness": _words(
            "sad= sadness sadly cry= cried crying tears= tear= weep wept grief griev mourn sorrow traurig wein= weinte "
            "trist pleur larme llor lágrima"
        ),
        "anger": _words(
            "angry anger rage furious fury shout yell= yelled hate= hated wut= wütend zorn colère furieu enfad ira="
        ),
        "shame": _words("shame asham embarrass humiliat blush scham schäm honte vergüenza guilt guilty"),
        "surprise": _words("surpris suddenly astonish amaz unexpect shock plötzlich überrasch soudain"),
        "loneliness": _words("lonely alone loneli abandon solitude einsam allein seul= seule= sola= soledad"),
        "longing": _words("longing longed miss= missed= missing yearn wish= wished homesick sehn nostalg añor"),
        "love": _words("love= loved loves= loving tender kiss hug= hugged embrace liebe= küss amour aime= amor= bes="),
        "calm": _words("calm peace quiet gentle safe= serene rest= rested ruhig frieden calme paix tranquil paz="),
        "confusion": _words("confus strange weird lost= puzzl bewilder verwirr seltsam bizarre étrange extrañ confund"),
        "wonder": _words(
            "wonder= wondrous magic beautiful shining glow awe= marvel zauber wunder merveill magi maravill"
        ),
    }
)
