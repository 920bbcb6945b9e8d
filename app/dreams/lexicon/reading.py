"""What the lexicon finds in a dream."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

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


class _Stems:
    """What is known by which words; a stem that ends in `=` is a whole word, any other one the beginning of words."""

    def __init__(self, known: Iterable[tuple[str, Iterable[str]]]) -> None:
        by_stem = defaultdict[str, list[tuple[int, str]]](list)
        for place, (name, stems) in enumerate(known):
            for stem in stems:
                by_stem[stem].append((place, name))
        self._by_stem = dict(by_stem)
        self._longest = max(map(len, by_stem))

    def counted(self, words: Iterable[str]) -> Counter[str]:
        """How often each comes up, those that come first in the text first."""
        counted = Counter[str]()
        for word, times in Counter(words).items():
            for name in self._names(word):
                counted[name] += times
        return counted

    def _names(self, word: str) -> list[str]:
        """Those that a word stands for, each once, in the lexicon's order."""
        stems = [f"{word}=", *(word[:end] for end in range(1, min(len(word), self._longest) + 1))]
        return [name for _, name in sorted({known for stem in stems for known in self._by_stem.get(stem, ())})]


_BY_SYMBOL: Final = {entry.name: entry for entry in SYMBOLS}
_SYMBOL_STEMS: Final = _Stems((entry.name, entry.words) for entry in SYMBOLS)
_EMOTION_STEMS: Final = _Stems(EMOTIONS.items())


def _symbols(words: Iterable[str]) -> tuple[SymbolEntry, ...]:
    return tuple(_BY_SYMBOL[name] for name, _ in _SYMBOL_STEMS.counted(words).most_common(_SYMBOLS))


def _emotions(words: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """One that is named once has half the strength of one that is named often: counts level off."""
    strongest = _EMOTION_STEMS.counted(words).most_common(_EMOTIONS)
    return tuple((name, round(count / (count + 1), 2)) for name, count in strongest)


def _short(sentence: str) -> str:
    if len(sentence) <= _QUOTED_CHARACTERS:
        return sentence
    return sentence[:_QUOTED_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _title(sentence: str) -> str:
    words = sentence.rstrip(".!?…").split()
    title = " ".join(words[:_TITLE_WORDS])[:60]
    return title[:1].upper() + title[1:] + ("…" if len(words) > _TITLE_WORDS else "")
