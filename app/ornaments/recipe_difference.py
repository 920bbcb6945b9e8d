"""What was asked for differently of two images."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.generations.recipe import Recipe

_AROUND_WORDS = ".,;:!?\"'()[]{}“”«»…"


@dataclass(frozen=True, slots=True)
class Change:
    """Something of the recipes by its name, and what it is in each; null where it was not given."""

    name: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class RecipeDifference:
    """From the first to the second: words of the whole instruction (in lower case, in their order), and the rest."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changes: tuple[Change, ...]


def between(prompts: tuple[str, str], first: Recipe | None, second: Recipe | None) -> RecipeDifference:
    """What differs; `prompts` are the whole instructions of both.

    A recipe is null when nobody knows it any more, and then only words are compared.
    """
    words, others = (_words(text) for text in prompts)
    changes = _changes(first, second) if first and second else ()
    return RecipeDifference(_lacking(others, words), _lacking(words, others), tuple(changes))


def _words(text: str) -> list[str]:
    return [word for part in text.lower().split() if (word := part.strip(_AROUND_WORDS))]


def _lacking(words: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Those of `words` that `others` have not as often."""
    left = Counter(others)
    found = list[str]()
    for word in words:
        if left[word]:
            left[word] -= 1
        else:
            found.append(word)
    return tuple(found)


def _changes(first: Recipe, second: Recipe) -> Iterator[Change]:
    given, wanted = _given(first), _given(second)
    for name in dict.fromkeys((*given, *wanted)):
        if given.get(name) != wanted.get(name):
            yield Change(name, given.get(name), wanted.get(name))


def _given(recipe: Recipe) -> dict[str, str]:
    return {"provider": recipe.provider, "model": recipe.model, "task": recipe.task, **recipe.parameters}
