"""What is written down for users is answered alike by compiled plans and by graphql-core, on Regen's own schema."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.api.edge import Edge
from app.api.rules import RULES
from app.api.schema import schema as own_schema
from tests.api.both import COMPARISON, schema
from tests.api.calls import Operation, fields_below_that_take_ids, root_fields
from tests.api.execution.written import Written, written
from tests.api.operations import Samples
from tests.api.shop import Shop, opened_shop
from tests.api.world import PLANTS, Persona, Plot, World

_WRITTEN = {f"{one.place} {one.name}": one for one in written()}
_TIME_S = 20
_TIMES = 3
"""Until it is compiled, and kept, and run from what was kept."""


@pytest.fixture
async def plot(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Plot]:
    """An administrator's, who may ask everything."""
    async with opened_shop(database, mongodb_url, tmp_path) as shop:
        world = await World.around(shop)
        await world.set_administrators(are_all=True)
        yield world.plot(Persona.OWNER)


async def _answered(shop: Shop, one: Written, variables: dict[str, Any]) -> Any:
    if one.kind != "subscription":
        return await schema.execute(one.text, variables, shop.context())
    stream: Any = await schema.subscribe(one.text, variables, shop.context())
    async with asyncio.timeout(_TIME_S), aclosing(stream):
        return await anext(stream)


async def test_each_written_operation_is_shown_alike(plot: Plot) -> None:
    assert {one.kind for one in _WRITTEN.values()} == {"query", "mutation", "subscription"}
    for name, one in _WRITTEN.items():
        before = COMPARISON.count
        answer = await _answered(plot.shop, one, await one.variables(plot))
        assert (name, answer.errors) == (name, None)
        assert COMPARISON.count > before, name
        assert COMPARISON.differences == [], name


async def _shown(shop: Shop, text: str, variables: dict[str, Any], *, compiled: bool) -> str:
    """All of an answer, with the order of its keys."""
    context = replace(shop.context(), edge=Edge(compiled=compiled))
    result = await own_schema.execute(text, variables, context)
    errors = [one.formatted for one in result.errors or ()]
    assert result.data is not None, (text, errors)
    return json.dumps([result.data, errors, result.extensions], default=repr)


async def _whole(plot: Plot, operation: Operation) -> tuple[str, dict[str, Any]]:
    """It as a document that asks for all that its answer can show, and its variables."""
    ids = dict[str, str]()
    named = RULES[operation.name].names
    for one in named:
        given = await plot.named(f"{operation.name}.{one.path}", one.types[0])
        ids[one.path.rpartition(".")[2]] = ids[one.types[0]] = given
    first = named[0] if named else None
    values = operation.variables(Samples(ids), first, ids[first.types[0]] if first else None)
    return operation.text(values, whole=True), values


@pytest.mark.long
async def test_each_query_is_shown_alike_the_first_time_and_from_what_is_kept(plot: Plot) -> None:
    for kind in PLANTS:
        await plot.id_of(kind)
    below = (("Query", name, field) for name, field in fields_below_that_take_ids() if name.startswith("Viewer."))
    operations = [Operation(*one) for one in (*root_fields(), *below) if one[0] == "Query" and one[1] in RULES]
    asked = [(one.text, await one.variables(plot)) for one in _WRITTEN.values() if one.kind == "query"]
    asked += [await _whole(plot, one) for one in operations]
    for text, variables in asked:
        expected = await _shown(plot.shop, text, variables, compiled=False)
        for _ in range(_TIMES):
            assert await _shown(plot.shop, text, variables, compiled=True) == expected, text
    assert len(asked) > len(operations) > 5
