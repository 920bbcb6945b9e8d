"""What a resolver would find at hand is shown without it, and otherwise by it."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final, override

import pytest
import strawberry
from strawberry.extensions import FieldExtension

from app.api.derived import often_ready
from tests.api.execution.comparing import Run, Ways
from tests.api.execution.operations import Operation

type _Info = strawberry.Info[Any, Any]

_ITEMS: Final = 3
_TIMES_MAX: Final = 5


@dataclass(slots=True)
class _World:
    """Which items' words are at hand, and those whose resolvers were called."""

    at_hand: Collection[int]
    asked: list[int] = field(default_factory=list[int])


def _said(word: "Word", _: Run, times: int = 1) -> str:
    if times > _TIMES_MAX:
        raise ValueError(word.text)
    return word.text * times


def _resolved_said(word: strawberry.Parent["Word"], info: _Info, times: int = 1) -> str:
    return _said(word, info.context, times)


@strawberry.type
class Word:
    """What is at hand, or not."""

    text: str
    said: str = often_ready(_resolved_said, _said)
    said_or_nothing: str | None = often_ready(_resolved_said, _said)


def _word(item: "Item", run: Run) -> Word | None:
    if item.number not in run.world.at_hand:
        raise KeyError(item.number)
    return Word(text=f"word {item.number}")


async def _resolved_word(item: strawberry.Parent["Item"], info: _Info) -> Word | None:
    info.context.world.asked.append(item.number)
    return Word(text=f"word {item.number}")


class _Loud(FieldExtension):
    """Something around a resolver."""

    @override
    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Any, **kwargs: Any) -> Any:
        found = await next_(source, info, **kwargs)
        return Word(text=found.text.upper())


@strawberry.type
class Item:
    """One of several."""

    number: int
    word: Word | None = often_ready(_resolved_word, _word)
    loud: Word | None = often_ready(_resolved_word, _word)


next(one for one in Item.__strawberry_definition__.fields if one.name == "loud").extensions.append(_Loud())  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType] - Strawberry's own mark


@strawberry.type
class Query:
    """All of them."""

    items: list[Item]
    first: Item


async def _asked_for(selection: str, at_hand: Collection[int], **variables: Any) -> tuple[Any, list[int], list[str]]:
    """The data, whose resolvers were called in the end, and what failed; the same as graphql-core has."""
    worlds = list[_World]()

    def begin() -> tuple[Run, object]:
        worlds.append(_World(at_hand))
        items = [Item(number=number) for number in range(_ITEMS)]
        return Run(worlds[-1]), Query(items=items, first=items[0])

    text = f"query ($times: Int! = 3) {{ {selection} }}"
    _, shown = await Ways.of(Query).compare(Operation(text, "Query", None, ()), variables, begin)
    assert worlds[0].asked, "graphql-core calls every resolver"
    return json.loads(shown.answers[0][0]), worlds[-1].asked, shown.errors


@pytest.mark.parametrize("at_hand", [{0, 1, 2}, {0, 2}, {1}, ()])
@pytest.mark.parametrize(("arguments", "times"), [("", 1), ("(times: 2)", 2), ("(times: $times)", 4)])
async def test_resolvers_are_called_unless_all_of_a_list_is_at_hand(
    arguments: str, times: int, at_hand: Collection[int]
) -> None:
    selection = f"items {{ number word {{ text said{arguments} }} again: number }}"
    data, asked, _ = await _asked_for(selection, at_hand, times=4)
    words = [f"word {number}" for number in range(_ITEMS)]
    assert [one["word"] for one in data["items"]] == [{"text": word, "said": word * times} for word in words]
    assert asked == ([] if len(at_hand) == _ITEMS else [0, 1, 2])


@pytest.mark.parametrize("said", ["said", "saidOrNothing"])
async def test_what_fails_while_it_is_read_fails_as_its_resolver_does(said: str) -> None:
    _, asked, errors = await _asked_for(f"items {{ word {{ {said}(times: 9) }} }} first {{ word {{ text }} }}", {0, 1})
    assert errors == [f"word {number}" for number in range(_ITEMS)]
    assert set(asked) >= {2}


async def test_resolver_with_something_around_it_is_always_called() -> None:
    data, asked, _ = await _asked_for("items { number loud { text } }", {0, 1, 2})
    assert [one["loud"]["text"] for one in data["items"]] == ["WORD 0", "WORD 1", "WORD 2"]
    assert asked == [0, 1, 2]
