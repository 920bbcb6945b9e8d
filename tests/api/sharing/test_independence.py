"""What only reads what the event holds is the same for all; whatever asks a resolver may not be."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import strawberry
from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode, parse, validate
from strawberry.permission import BasePermission

from app.api.schema import schema
from app.api.sharing.independence import is_independent

_INNER = "fragment Inner on GenerationEvent { percent message }"
_OUTER = "fragment Outer on GenerationEvent { at ...Inner } " + _INNER
_ASKING = "fragment Outer on GenerationEvent { preview { id } }"


class _Nobody(BasePermission):
    message = "no"

    def has_permission(self, source: Any, info: Any, **arguments: Any) -> bool:
        del source, info, arguments
        return False


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Inside(Named):
    size: int

    @strawberry.field
    def asked(self) -> int:
        return self.size


@strawberry.type
class Event:
    inside: Inside
    named: Named
    secret: str = strawberry.field(permission_classes=[_Nobody])


@strawberry.type
class Query:
    ok: bool = True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def event(self) -> AsyncGenerator[Event]:
        yield Event(inside=Inside(name="a", size=1), named=Inside(name="a", size=1), secret="s")


_SMALL = strawberry.Schema(Query, subscription=Subscription, types=[Inside])


def _proved(whole: strawberry.Schema, text: str) -> bool:
    core: GraphQLSchema = whole._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no public way to the core schema
    document = parse(text)
    assert validate(core, document) == []
    (operation,) = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    return is_independent(core, operation, fragments)


@pytest.mark.parametrize(
    ("selected", "fragments", "expected"),
    [
        ("sequence type at status percent __typename", "", True),
        ("again: sequence ... { type } ... on GenerationEvent { at }", "", True),
        ("...Outer", _OUTER, True),
        ("generation { id }", "", False),
        ("sequence ... { preview { id } }", "", False),
        ("...Outer", _ASKING, False),
    ],
)
def test_fields_of_an_event_are_independent_until_one_is_resolved(
    selected: str, fragments: str, *, expected: bool
) -> None:
    text = f'subscription {{ generationProgress(id: "a") {{ {selected} }} }} {fragments}'
    assert _proved(schema, text) is expected


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        ("inside { name size }", True),
        ("inside { asked }", False),
        ("named { ... on Inside { name } }", True),
        ("named { name }", False),
        ("secret", False),
    ],
)
def test_objects_inside_are_looked_into_as_far_as_their_type_is_known(selected: str, *, expected: bool) -> None:
    assert _proved(_SMALL, f"subscription {{ event {{ {selected} }} }}") is expected
