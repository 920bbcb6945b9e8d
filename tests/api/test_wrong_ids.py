"""What is no id, the id of another type, and what is no cursor: BAD_USER_INPUT that names the argument, everywhere.

The cases are made from the schema and from `app/api/rules.py`; whatever else an operation takes is in order.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from graphql import GraphQLObjectType
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.api.rule import Named, Rule
from app.api.rules import RULES
from app.api.schema import NODES
from tests.api.calls import ROOTS, Operation, call, fields_below_that_take_ids, root_fields
from tests.api.operations import CURSORS, SCHEMA, Samples
from tests.api.shop import Shop, opened_shop
from tests.api.world import Persona, Plot, World

_NONSENSE = "nonsense"
_OF_ANY_TYPE = {"node", "nodes"}
"""What takes ids of all types."""
_AS_THE_MUTATION = {"estimate"}
"""What says the path as the mutation would whose input it is given."""


@pytest.fixture
async def plot(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Plot]:
    """That of an administrator, who may call everything."""
    async with opened_shop(database, mongodb_url, tmp_path) as shop:
        world = await World.around(shop)
        await world.set_administrators(are_all=True)
        yield world.plot(Persona.OWNER)


def _operations(root: str) -> Iterator[tuple[Operation, Rule]]:
    below = (("Query", name, field) for name, field in fields_below_that_take_ids())
    for one, name, field in (*root_fields(), *below):
        if one == root and name in RULES:  # tests/api/test_rules.py says what is missing
            yield Operation(one, name, field), RULES[name]


def _wrong(operation: Operation, named: Named) -> Iterator[str]:
    yield _NONSENSE
    if operation.name not in _OF_ANY_TYPE:
        taken = {kind for one in RULES[operation.name].names if one.path == named.path for kind in one.types}
        yield global_id(next(one for one in NODES if one not in taken), PydanticObjectId())


async def _variables(plot: Plot, operation: Operation, rule: Rule, named: Named, wrong: str) -> dict[str, Any]:
    """All that it takes is there, but for the one in question."""
    ids = dict[str, str]()
    for one in rule.names:
        key = "Picture" if _is_picture(one) else one.path.rpartition(".")[2]
        ids[key] = await plot.named(f"{operation.name}.{one.path}", one.types[0])
    return operation.variables(Samples(ids), named, wrong)


def _is_picture(named: Named) -> bool:
    return named.path.endswith(".id") and named.path != "input.id"


def _place(operation: Operation, named: Named) -> str:
    """The path that the error says: of a picture that of its input, which may be a file as well."""
    path = named.path.removesuffix(".id") if _is_picture(named) else named.path
    if operation.name in _AS_THE_MUTATION:
        first, _, *rest = path.split(".")
        return ".".join((first, *rest))
    return path


@pytest.mark.parametrize("root", ROOTS)
async def test_wrong_id_is_bad_user_input_at_its_argument(root: str, plot: Plot) -> None:
    faults, tried = list[str](), 0
    for operation, rule in _operations(root):
        for named in rule.names:
            for wrong in _wrong(operation, named):
                answer = await call(plot.shop, operation, await _variables(plot, operation, rule, named, wrong))
                found = [(code, _without_numbers(place)) for code, place, _ in answer.errors]
                expected = [("BAD_USER_INPUT", _place(operation, named))]
                faults += [] if found == expected else [f"{operation.name} {named.path}: {answer}, not {expected}"]
                tried += 1
    assert not faults, "\n".join(faults)
    assert tried


def _without_numbers(path: str) -> str:
    return ".".join(part for part in path.split(".") if not part.isdigit())


def _lists() -> Iterator[tuple[str, str, str]]:
    """Type, field and argument."""
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for name, field in kind.fields.items():
                is_list = "Connection" in f"{field.type}"
                yield from ((kind.name, name, one) for one in CURSORS.intersection(field.args) if is_list)


@pytest.mark.parametrize(("type_name", "field", "argument"), sorted(_lists()))
async def test_wrong_cursor_is_bad_user_input_at_its_argument(
    type_name: str, field: str, argument: str, plot: Plot
) -> None:
    errors = await _asked(plot.shop, await plot.named("", type_name), type_name, f'{field}({argument}: "{_NONSENSE}")')
    assert errors == [("BAD_USER_INPUT", argument)]


async def _asked(shop: Shop, node_id: str, type_name: str, list_of: str) -> list[tuple[str, str | None]]:
    shown = f"{{ {list_of} {{ pageInfo {{ hasNextPage }} }} }}"
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {shown} }} }}"
    _, errors = await shop.answer(query, {"id": node_id})
    return errors
