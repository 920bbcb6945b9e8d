"""Compiled execution shows what graphql-core shows, in corners that were thought of or found."""

import asyncio
import types
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from typing import Annotated, Any, override

import pytest
import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from tests.api.execution.comparing import Outcome, Run, Ways
from tests.api.execution.gallery import SELECTIONS, VALUES, Change, Gallery, Image, Other, image
from tests.api.execution.operations import Operation

type _Info = strawberry.Info[Any, Any]


def _operation(text: str) -> Operation:
    kind = text.split(maxsplit=1)[0].capitalize()
    return Operation(text, kind if kind in {"Mutation", "Subscription"} else "Query", None, ())


async def _alike(
    query: type, text: str, root: Callable[[], object] = lambda: None, variables: Any = None, **options: Any
) -> Outcome:
    """What both ways show."""
    ways = Ways.of(query, **options)
    shown, _ = await ways.compare(_operation(text), variables or {}, lambda: (Run(), root()))
    return shown


@pytest.mark.parametrize("values", VALUES)
async def test_selections_of_usual_and_odd_values_are_shown_alike(values: str) -> None:
    def begin() -> tuple[Run, Gallery]:
        return Run(), Gallery(images=VALUES[values](), maybe=VALUES[values](), nodes=VALUES[values]())

    ways = Ways.of(Gallery, mutation=Change, types=[Other])
    for selection in SELECTIONS:
        for skipped in (True, False) if "$s" in selection else (None,):
            await ways.compare(_operation(selection), {} if skipped is None else {"s": skipped}, begin)


@strawberry.input
class Lucky:
    number: int

    def __post_init__(self) -> None:
        if self.number == 7:
            raise ValueError("Seven is not lucky.")


async def test_input_that_fits_nothing_fails_when_its_coroutine_is_awaited() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        async def first(self, given: Lucky) -> int | None:
            return given.number

        @strawberry.field
        def second(self) -> int | None:
            raise ValueError("I come first.")

    shown = await _alike(Query, "{ first(given: {number: 7}) second }")
    assert shown.errors == ["I come first.", "Seven is not lucky."]


async def test_input_that_fits_nothing_fails_at_once_where_nothing_is_awaited() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def first(self, given: Lucky) -> int | None:
            return given.number

        @strawberry.field
        async def second(self, given: Lucky) -> int:
            return given.number

    shown = await _alike(Query, "{ first(given: {number: 7}) second(given: {number: 7}) }")
    assert shown.errors == ["Seven is not lucky."] * 2
    assert shown.data is None


async def test_generator_that_is_a_coroutine_is_awaited_after_one_that_is_none() -> None:
    @types.coroutine
    def wait() -> Generator[Any, Any, list[int]]:
        yield from asyncio.sleep(0).__await__()
        return [1]

    @strawberry.type
    class Query:
        @strawberry.field
        def plain(self) -> list[int]:
            return (number for number in (1, 2))  # type: ignore[return-value] # pyright: ignore[reportReturnType] - what is tried

        @strawberry.field
        def waited(self) -> list[int]:
            return wait()  # type: ignore[return-value] # pyright: ignore[reportReturnType] - what is tried

    shown = await _alike(Query, "{ plain waited again: plain }")
    assert shown.data == {"plain": [1, 2], "waited": [1], "again": [1, 2]}


async def test_object_below_a_member_of_a_union_is_of_the_type_that_graphql_core_says() -> None:
    @strawberry.type
    class Animal:
        name: str

    @strawberry.type
    class Cat(Animal):
        lives: int = 9

    @strawberry.type
    class Query:
        pets: list[Annotated[Animal | Cat, strawberry.union("Pet")]]

    text = "{ pets { __typename ... on Animal { name } ... on Cat { name lives } } }"
    await _alike(Query, text, lambda: Query(pets=[Cat(name="c"), Animal(name="a")]))


@strawberry.type
class Holder[T]:
    held: T


async def test_generic_objects_are_of_the_type_that_graphql_core_says() -> None:
    @strawberry.type
    class Query:
        holders: list[Annotated[Holder[int] | Holder[str], strawberry.union("Held")]]
        number: Holder[int]

    text = "{ holders { __typename ... on IntHolder { n: held } ... on StrHolder { s: held } } number { held } }"
    shown = await _alike(Query, text, lambda: Query(holders=[Holder(held=1), Holder(held="a")], number=Holder(held=2)))
    assert shown.data["number"] == {"held": 2}


async def test_object_that_is_cast_is_of_the_type_it_is_cast_to() -> None:
    def cast() -> Gallery:
        right, wrong = image(1), image(2)
        strawberry.cast(Other, wrong)
        return Gallery(images=[right, wrong], maybe=[wrong, right], nodes=[strawberry.cast(Image, image(3)), right])

    text = "{ maybe { id slow } nodes { __typename id } }"
    shown = await _alike(Gallery, text, cast, types=[Other])
    assert shown.data["maybe"][0] is None
    await _alike(Gallery, "{ images { id } }", cast, types=[Other])


async def test_resolver_that_changes_its_object_is_seen_by_the_fields_after_it() -> None:
    @strawberry.type
    class Counter:
        count: int

        @strawberry.field
        def raised(self) -> int:
            self.count += 1
            return self.count

    @strawberry.type
    class Query:
        counters: list[Counter]

    text = "{ counters { a: count b: raised c: count d: raised e: count } }"
    shown = await _alike(Query, text, lambda: Query(counters=[Counter(count=1)] * 2))
    assert shown.data["counters"][1] == {"a": 3, "b": 4, "c": 4, "d": 5, "e": 5}


async def test_resolver_that_changes_what_it_is_given_changes_it_for_nobody_else() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def taken(self, numbers: list[int], grid: list[list[int]]) -> list[int]:
            numbers.append(len(numbers))
            grid[0].append(1)
            return numbers + grid[0]

    calls = "a: taken(numbers: [5], grid: [[]]) b: taken(numbers: $n, grid: [$n]) c: taken(numbers: $n, grid: [[]])"
    text = f"query ($n: [Int!]!) {{ {calls} }}"
    await _alike(Query, text, variables={"n": [1]})


async def test_fields_may_take_the_names_of_each_other() -> None:
    shown = await _alike(
        Gallery,
        "{ images { number: id id: number ...F } } fragment F on Image { name: loud loud: name parent { name: id } }",
        lambda: Gallery(images=[image(1)], maybe=None, nodes=[]),
        types=[Other],
    )
    assert list(shown.data["images"][0].items())[:3] == [("number", "1"), ("id", 1), ("name", "N1")]


async def test_operations_of_one_document_are_kept_apart() -> None:
    text = "query A { images { id } } query B { images { name } }"
    ways = Ways.of(Gallery, types=[Other])
    for name in ("A", "B", "A"):
        operation = Operation(text, "Query", name, ())
        await ways.compare(operation, {}, lambda: (Run(), Gallery(images=[image(1)], maybe=None, nodes=[])))


async def test_condition_that_is_null_or_missing_is_the_error_that_it_is() -> None:
    text = "query ($s: Boolean = true) { images { id @skip(if: $s) name } }"
    for variables in ({}, {"s": None}, {"s": False}, {"s": "x"}):
        await _alike(Gallery, text, lambda: Gallery(images=[image(1)], maybe=None, nodes=[]), variables, types=[Other])


async def test_same_operation_many_times_at_once_keeps_each_apart() -> None:
    @strawberry.type
    class Query:
        name: str

        @strawberry.field
        async def doubled(self, info: _Info, times: int) -> str:
            await asyncio.sleep(0)
            return self.name * (times + 0 * len(info.context.called))

    ways = Ways.of(Query)
    text = "query ($n: Int!) { name doubled(times: $n) }"

    async def ask(number: int) -> Any:
        return await ways.compiled.execute(text, {"n": number}, Run(), Query(name=f"{number}"))

    several = await asyncio.gather(*(ask(number) for number in range(8)))
    assert [one.data["doubled"] for one in several] == [f"{number}" * number for number in range(8)]


async def test_same_text_means_something_else_in_another_schema() -> None:
    @strawberry.type(name="Query")
    class One:
        value: int

    @strawberry.type(name="Query")
    class Two:
        value: str

    for query, value in ((One, 1), (Two, "x"), (One, 2), (One, 3), (Two, "y")):
        shown = await _alike(query, "{ value }", lambda query=query, value=value: query(value=value))  # type: ignore[misc]
        assert shown.data == {"value": value}


async def test_middleware_of_an_extension_sees_every_field() -> None:
    class Watch(SchemaExtension):
        @override
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            info.context.called.append(info.field_name)
            return _next(root, info, *args, **kwargs)

    shown = await _alike(
        Gallery,
        "{ images { id name } }",
        lambda: Gallery(images=[image(1), image(2)], maybe=None, nodes=[]),
        types=[Other],
        extensions=[Watch],
    )
    assert shown.called == ("images", "id", "name", "id", "name")


async def test_own_info_default_resolver_and_kind_of_field_are_asked() -> None:
    class OwnInfo(strawberry.Info[Any, Any]):
        @property
        def shout(self) -> str:
            return self.field_name.upper()

    class OwnField(StrawberryField):
        @override
        def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Any:
            return f"own {self.python_name}"

    @strawberry.type
    class Query:
        item: str
        own: str = OwnField(python_name="own")  # type: ignore[assignment] # pyright: ignore[reportAssignmentType] - Strawberry's way

        @strawberry.field
        def shouted(self, info: OwnInfo) -> str:
            return info.shout

    config = StrawberryConfig(info_class=OwnInfo, default_resolver=lambda source, name: source[name])
    shown = await _alike(Query, "{ item own shouted }", lambda: {"item": "in a dict"}, config=config)
    assert shown.data == {"item": "in a dict", "own": "own own", "shouted": "SHOUTED"}


async def test_resolvers_get_parent_root_and_info_by_any_name() -> None:
    def from_parent(parent: strawberry.Parent[Any], told: strawberry.Info[Any, Any], n: int = 2) -> str:
        return f"{parent.name} {told.field_name} {told.path.as_list()} {n}"

    def from_root(root: Any, info: strawberry.Info[Any, Any]) -> str:
        return f"{root.name} {info.selected_fields} {info.operation.operation}"

    @strawberry.type
    class Query:
        name: str
        named: str = strawberry.field(resolver=from_parent)
        rooted: str = strawberry.field(resolver=from_root)

    shown = await _alike(Query, "{ x: named y: named(n: 3) rooted }", lambda: Query(name="q"))
    assert shown.data["y"] == "q named ['y'] 3"


async def test_subscription_that_fails_on_its_way_shows_each_event_before() -> None:
    @dataclass
    class Source:
        name: object

    @strawberry.type
    class Event:
        name: str

    @strawberry.type
    class Query:
        name: str

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def events(self) -> AsyncGenerator[Event]:
            for name in ("a", None, ValueError("v"), "d"):
                yield Source(name)  # type: ignore[misc] # pyright: ignore[reportReturnType] - what is tried

        @strawberry.subscription
        async def broken(self) -> AsyncGenerator[Event | None]:
            yield None
            raise ValueError("It ends.")

    shown = await _alike(Query, "subscription { events { name } }", subscription=Subscription)
    assert [len(errors) for _, errors in shown.answers] == [0, 1, 1, 0]
    shown = await _alike(Query, "subscription { broken { name } }", subscription=Subscription)
    assert len(shown.answers) == 2


async def test_errors_that_are_not_to_spread_are_handled_by_graphql_core() -> None:
    @strawberry.type
    class Item:
        name: str

    @strawberry.type
    class Query:
        items: list[Item]

    text = "query @experimental_disableErrorPropagation { items { name } }"
    shown = await _alike(Query, text, lambda: Query(items=[Item(name="a"), Item(name=None)]))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - what is tried
    assert shown.data == {"items": [{"name": "a"}, {"name": None}]}
