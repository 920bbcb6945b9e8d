"""What the lexicon finds in a dream."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.dreams.lexicon.emotions import EMOTIONS
from app.dreams.lexicon.symbols import SYMBOLS, SymbolEntry

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|\n+")  # noqa: RUF001 - full stops of other scripts
_SYMBOLS, _EMOTIONS = 7, 5
_QUOTED_CHARACTERS = 160
_TITLE_WORDS = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """`symbols` in the order of how often they come up, `emotions` with their share of the strongest one.

    `first` and `last` are the dream's own first and last sentences, shortened; the same where it has one.
    """

    symbols: tuple[SymbolEntry, ...]
    emotions: tuple[tuple[str, float], ...]
    first: str
    last: str
    title: str


def read(text: str) -> Reading:
    """Look up each word; whatever the text says is data."""
    words = [word.lower() for word in _WORD.findall(text)]
    sentences = [clean for part in _SENTENCE.split(text) if (clean := " ".join(part.split()))] or ["…"]
    return Reading(_symbols(words), _emotions(words), _short(sentences[0]), _short(sentences[-1]), _title(sentences[0]))


def _symbols(words: Sequence[str]) -> tuple[SymbolEntry, ...]:
    counted = Counter[str]()
    for word in words:
        counted.update(entry.name for entry in SYMBOLS if _is_one_of(word, entry.words))
    order = {name: place for place, name in enumerate(counted)}  # those that come first in the dream
    names = sorted(counted, key=lambda name: (-counted[name], order[name]))[:_SYMBOLS]
    by_name = {entry.name: entry for entry in SYMBOLS}
    return tuple(by_name[name] for name in names)


def _emotions(words: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """One that is named once has half the strength of one that is named often: counts level off."""
    counted = Counter[str]()
    for word in words:
        counted.update(name for name, stems in EMOTIONS.items() if _is_one_of(word, stems))
    strongest = counted.most_common(_EMOTIONS)
    return tuple((name, round(count / (count + 1), 2)) for name, count in strongest)


def _is_one_of(word: str, stems: Iterable[str]) -> bool:
    return any(word == stem[:-1] if stem.endswith("=") else word.startswith(stem) for stem in stems)


def _short(sentence: str) -> str:
    if len(sentence) <= _QUOTED_CHARACTERS:
        return sentence
    return sentence[:_QUOTED_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _title(sentence: str) -> str:
    words = sentence.rstrip(".!?…").split()
    title = " ".join(words[:_TITLE_WORDS])[:60]
    return title[:1].upper() + title[1:] + ("…" if len(words) > _TITLE_WORDS else "")
