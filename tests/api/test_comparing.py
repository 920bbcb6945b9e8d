"""Two images side by side, through the schema."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.lineage.deletion import delete_forever
from app.ornaments.model import OrnamentImage
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of

_COMPARE = """query ($a: ID!, $b: ID!) { viewer { id compareImages(a: $a, b: $b) { a { id } b { id }
  distance { structure colour changedShare }
  changedRegion { left top width height picture { id type url width } }
  recipe { wordsAdded wordsRemoved changes { name a b } }
  nearestCommonAncestorId nearestCommonAncestor { id } } } }"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


def _id(image: OrnamentImage) -> str:
    return global_id("OrnamentImage", image.identity)


async def _family(shop: Shop) -> tuple[OrnamentImage, OrnamentImage, OrnamentImage]:
    """A white root, a red child and a green one."""
    root = await _shown(shop, "white")
    return root, await _shown(shop, "red", "Add a ruby", root), await _shown(shop, "green", "Add an emerald", root)


async def _shown(
    shop: Shop, colour: str, wish: str = "Make it shine", parent: OrnamentImage | None = None
) -> OrnamentImage:
    out = io.BytesIO()
    Image.new("RGB", (80, 60), colour).save(out, "PNG")
    picture = await shop.services.pictures.accept(shop.owner_id, out.getvalue())
    image = image_of(shop.owner_id, wish, parent, picture_id=picture.identity)
    await OrnamentImage.insert_many([image])
    return image


async def _compared(shop: Shop, a: OrnamentImage, b: OrnamentImage) -> Any:
    return (await shop.run(_COMPARE, {"a": _id(a), "b": _id(b)}))["viewer"]["compareImages"]


async def test_siblings_are_compared_in_picture_recipe_and_descent(shop: Shop) -> None:
    root, red, green = await _family(shop)
    found = await _compared(shop, red, green)
    assert (found["a"]["id"], found["b"]["id"]) == (_id(red), _id(green))
    assert found["distance"]["colour"] > 0.5
    assert found["distance"]["structure"] == pytest.approx(0, abs=0.001)
    assert found["distance"]["changedShare"] == 1
    region = found["changedRegion"]
    assert (region["left"], region["top"], region["width"], region["height"]) == (0, 0, 1, 1)
    assert (region["picture"]["type"], region["picture"]["width"]) == ("image/webp", 80)
    assert region["picture"]["url"].startswith("http://regen.test/")
    assert found["recipe"] == {"wordsAdded": ["an", "emerald"], "wordsRemoved": ["a", "ruby"], "changes": []}
    assert found["nearestCommonAncestorId"] == _id(root)
    assert found["nearestCommonAncestor"] == {"id": _id(root)}


async def test_what_is_measured_is_the_same_either_way_round(shop: Shop) -> None:
    root, red, _ = await _family(shop)
    there, back = await _compared(shop, root, red), await _compared(shop, red, root)
    assert there["distance"] == back["distance"]
    assert there["changedRegion"]["picture"]["id"] == back["changedRegion"]["picture"]["id"]
    assert there["recipe"]["wordsAdded"] == back["recipe"]["wordsRemoved"] == ["add", "a", "ruby"]


async def test_image_is_not_apart_from_itself(shop: Shop) -> None:
    root, *_ = await _family(shop)
    found = await _compared(shop, root, root)
    assert found["distance"] == {"structure": 0, "colour": 0, "changedShare": 0}
    assert found["changedRegion"] is None
    assert found["recipe"] == {"wordsAdded": [], "wordsRemoved": [], "changes": []}


async def test_ancestor_that_is_deleted_for_ever_is_still_named(shop: Shop) -> None:
    root, red, green = await _family(shop)
    await delete_forever([root])
    found = await _compared(shop, red, green)
    assert (found["nearestCommonAncestorId"], found["nearestCommonAncestor"]) == (_id(root), None)
    other = await _compared(shop, red, await _shown(shop, "white"))
    assert (other["nearestCommonAncestorId"], other["nearestCommonAncestor"]) == (None, None)


async def test_missing_picture_takes_nothing_from_the_rest(shop: Shop) -> None:
    root, red, _ = await _family(shop)
    lost = image_of(shop.owner_id, "Add gold", root)
    await OrnamentImage.insert_many([lost])
    data, errors = await shop.answer(_COMPARE, {"a": _id(red), "b": _id(lost)})
    assert set(errors) == {("SOURCE_IMAGE_MISSING", None)}
    found = data["viewer"]["compareImages"]
    assert (found["distance"], found["changedRegion"]) == (None, None)
    assert found["recipe"]["wordsAdded"] == ["gold"]


async def test_images_of_others_are_not_compared(shop: Shop) -> None:
    root, red, _ = await _family(shop)
    other = await shop.joined()
    data, errors = await other.answer(_COMPARE, {"a": _id(root), "b": _id(red)})
    assert errors == [("FORBIDDEN", "a")]
    assert data["viewer"]["compareImages"] is None
