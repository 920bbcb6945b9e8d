"""Objects by their ids: one, or many with one command a type."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.api.limits import MAX
from app.api.schema import NODES
from app.ornaments.model import OrnamentImage
from tests.api.conftest import stored
from tests.api.shop import Shop, opened_shop
from tests.database.index_rule import Watch
from tests.ornaments.images import image_of, picture_of

_NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
_DEEP = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on OrnamentImage { ancestors { ancestors { id } } } } }"


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


async def _picture(owner_id: PydanticObjectId) -> str:
    picture = picture_of(owner_id)
    await picture.insert()
    return global_id("Picture", picture.identity)


async def _image(owner_id: PydanticObjectId) -> str:
    image = image_of(owner_id)
    await OrnamentImage.insert_many([image])
    return global_id("OrnamentImage", image.identity)


async def _found(shop: Shop, ids: Sequence[str]) -> list[str | None]:
    """The id of each, null for null."""
    nodes = (await shop.run(_NODES, {"ids": ids}))["nodes"]
    return [node and node["id"] for node in nodes]


async def test_nodes_come_in_the_order_they_were_asked_for_and_as_often(shop: Shop) -> None:
    picture, image = await _picture(shop.owner_id), await _image(shop.owner_id)
    generation = global_id("Generation", (await stored(shop.owner_id)).identity)
    me = (await shop.run("{ viewer { user { id } } }"))["viewer"]["user"]["id"]
    ids = [image, generation, picture, me, image]
    assert await _found(shop, ids) == ids
    types = [node["__typename"] for node in (await shop.run(_NODES, {"ids": ids}))["nodes"]]
    assert types == ["OrnamentImage", "Generation", "Picture", "User", "OrnamentImage"]


async def test_what_is_not_there_or_somebody_elses_or_no_node_is_null_in_its_place(shop: Shop) -> None:
    own = await _picture(shop.owner_id)
    another = await _picture(PydanticObjectId())
    missing, unknown = global_id("Picture", PydanticObjectId()), global_id("Teapot", PydanticObjectId())
    assert await _found(shop, [another, own, missing, unknown]) == [None, own, None, None]
    assert await _found(shop, []) == []


@pytest.mark.usefixtures("read_once")
async def test_each_type_is_read_with_one_command(shop: Shop, _watch: Watch) -> None:  # noqa: PT019 - its value counts
    ids = [global_id(name, PydanticObjectId()) for _ in range(3) for name in NODES]
    _watch.clear()
    assert await _found(shop, ids) == [None] * len(ids)
    read = Counter(query.collection for query in _watch.asked)
    twice = {"exchanges": "by the answer, then by the question", "projects": "as itself, and for its main chat"}
    assert dict.fromkeys(read, 1) | dict.fromkeys(twice, 2) == read
    in_chats = {"Chat", "Frame", "Context"}
    types = NODES.keys() - in_chats - {"User", "Viewer"}  # another's account is not looked for, as nobody shows it
    assert len(read) == len(types) + 1


@pytest.mark.usefixtures("read_once")
async def test_own_account_is_read_once_however_often_it_is_asked_for(shop: Shop, _watch: Watch) -> None:  # noqa: PT019 - its value counts
    me = global_id("User", shop.owner_id)
    _watch.clear()
    assert await _found(shop, [me] * 100) == [me] * 100
    assert len(_watch.asked) == 1


async def test_wrong_id_is_named_by_its_place(shop: Shop) -> None:
    own = await _picture(shop.owner_id)
    _, errors = await shop.answer(_NODES, {"ids": [own, "nonsense"]})
    assert errors == [("BAD_USER_INPUT", "ids.1")]


async def test_more_than_a_hundred_are_refused(shop: Shop) -> None:
    identity = global_id("Picture", PydanticObjectId())
    assert len(await _found(shop, [identity] * 100)) == 100
    _, errors = await shop.answer(_NODES, {"ids": [identity] * 101})
    assert errors == [("BAD_USER_INPUT", "ids")]


@pytest.mark.parametrize("default", ["", ' = ["a"]'])
async def test_cost_counts_each_of_them(shop: Shop, default: str) -> None:
    """A hundred times a hundred ancestors is within the limit, with theirs it is not; a default hides nothing."""
    query = _DEEP.replace("[ID!]!", f"[ID!]!{default}", 1)
    variables = {} if default else {"ids": [global_id("OrnamentImage", PydanticObjectId())] * 100}
    assert 100 * 100 < MAX.cost < 100 * 100 * 100
    _, errors = await shop.answer(query, variables)
    assert errors == [("QUERY_TOO_COMPLEX", None)]
    if not default:
        few = {"ids": variables["ids"][:1]}
        assert (await shop.answer(query, few))[1] == []
