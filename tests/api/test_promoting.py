"""The chosen version of a tree, through the schema."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.database.document import utc_now
from app.lineage.deletion import delete_forever
from app.ornaments.model import OrnamentImage
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of

_PROMOTE = """mutation ($input: PromoteImageInput!) { promoteImage(input: $input) {
  image { id promoted } errors { code path } } }"""
_TREE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { root { promotedVersion { id } }
  tree { nodes { id promoted promotedVersion { id } } } } } }"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


async def _tree(shop: Shop) -> list[OrnamentImage]:
    root = image_of(shop.owner_id)
    child = image_of(shop.owner_id, "Add gold accents", root)
    images = [root, child, image_of(shop.owner_id, "Make it brighter", child)]
    await OrnamentImage.insert_many(images)
    return images


def _id(image: OrnamentImage) -> str:
    return global_id("OrnamentImage", image.identity)


async def _promoted(shop: Shop, image: OrnamentImage) -> Any:
    return (await shop.run(_PROMOTE, {"input": {"imageId": _id(image)}}))["promoteImage"]


async def _shown(shop: Shop, image: OrnamentImage) -> tuple[list[str], set[str | None]]:
    """The ids of the versions that say they are chosen, and of the one that each version of the tree names."""
    node = (await shop.run(_TREE, {"id": _id(image)}))["node"]
    versions = node["tree"]["nodes"]
    named = [
        *(one["promotedVersion"] for one in versions),
        *([node["root"]["promotedVersion"]] if node["root"] else []),
    ]
    return [one["id"] for one in versions if one["promoted"]], {one and one["id"] for one in named}


async def test_whole_tree_names_the_one_version_that_was_chosen_last(shop: Shop) -> None:
    root, child, grandchild = await _tree(shop)
    assert await _shown(shop, root) == ([], {None})
    for image in (child, grandchild, grandchild, root):
        assert await _promoted(shop, image) == {"image": {"id": _id(image), "promoted": True}, "errors": []}
        assert await _shown(shop, child) == ([_id(image)], {_id(image)})


async def test_version_deleted_for_ever_is_not_named_any_more(shop: Shop) -> None:
    root, child, grandchild = await _tree(shop)
    await _promoted(shop, child)
    await delete_forever([child])
    assert await _shown(shop, grandchild) == ([], {None})
    await _promoted(shop, grandchild)
    await delete_forever([root])
    assert await _shown(shop, grandchild) == ([_id(grandchild)], {_id(grandchild)})


async def test_version_in_the_trash_can_not_be_chosen(shop: Shop) -> None:
    _, child, _ = await _tree(shop)
    await OrnamentImage.rows().update_one({"_id": child.identity}, {"$set": {"trashedAt": utc_now()}})
    payload = await _promoted(shop, child)
    assert payload == {"image": None, "errors": [{"code": "CONFLICT", "path": ["input", "imageId"]}]}


async def test_nobody_chooses_for_others(shop: Shop) -> None:
    root, *_ = await _tree(shop)
    payload = await _promoted(await shop.joined(), root)
    assert payload == {"image": None, "errors": [{"code": "FORBIDDEN", "path": ["input", "imageId"]}]}
    assert await _shown(shop, root) == ([], {None})
