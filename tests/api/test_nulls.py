"""A null where the schema takes none is told in the words of the schema, however it is given."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from tests.api.both import schema
from tests.api.shop import Shop, opened_shop


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ('mutation { updateDream(input: {dreamId: "x", text: null}) { errors { code } } }', None),
        (
            "mutation ($input: UpdateDreamInput!) { updateDream(input: $input) { errors { code } } }",
            {"input": {"dreamId": "x", "text": None}},
        ),
    ],
    ids=["in the text", "in a variable"],
)
async def test_null_names_no_type_of_python(shop: Shop, query: str, variables: Any) -> None:
    result = await schema.execute(query, variables, context_value=shop.context())
    (error,) = result.errors or []
    assert error.message == "A field of this input can't be null: leave it out, or give it a value."
    assert (error.extensions or {})["code"] == "BAD_USER_INPUT"
