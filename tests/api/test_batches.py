"""Regenerations of one image and of many, as the schema takes them in: nobody works on them here."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.generations.model import Generation
from app.generations.service import OwnerLimits
from app.lineage.wishes import COMBINED_MAX_CHARACTERS, combined
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.regenerating import FROM_ONE_PICTURE
from tests.api.orders import images, regenerate, regenerate_all, with_limits
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of

_ITEMS = """query ($id: ID!, $first: Int, $after: String, $status: [GenerationStatus!]) { node(id: $id) { ... on Batch {
  items(first: $first, after: $after, status: $status) {
    nodes { number } pageInfo { hasNextPage endCursor } } } } }"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


async def test_variations_are_siblings_of_one_wish_each_its_own_generation(shop: Shop) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    payload = await regenerate(shop, image_id, variations=4, idempotencyKey="k")
    ids = [one["id"] for one in payload["generations"]]
    assert len(set(ids)) == 4
    assert payload["generation"]["id"] == ids[0]
    assert len({tuple(one["recipe"]["prompts"]) for one in payload["generations"]}) == 1
    made = await Generation.find_all().sort("_id").to_list()
    assert {one.recipe.parent_id for one in made} == {made[0].recipe.parent_id}
    assert [one.idempotency_key.removeprefix(f"{shop.owner_id}:") for one in made] == ["k", "k:2", "k:3", "k:4"]
    again = await regenerate(shop, image_id, variations=4, idempotencyKey="k")
    assert [one["id"] for one in again["generations"]] == ids


@pytest.mark.parametrize("variations", [0, 5])
async def test_number_of_variations_is_checked(shop: Shop, variations: int) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    payload = await regenerate(shop, image_id, variations=variations)
    assert [one["path"] for one in payload["errors"]] == [["input", "variations"]]
    assert payload["generations"] == []


async def test_key_used_with_another_number_of_variations_is_a_conflict(shop: Shop) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    await regenerate(shop, image_id, variations=1, idempotencyKey="k")
    payload = await regenerate(shop, image_id, variations=2, idempotencyKey="k")
    assert [one["code"] for one in payload["errors"]] == ["CONFLICT"]
    assert await Generation.count() == 1


async def test_queue_that_fills_up_shows_what_was_started_and_the_same_call_starts_the_rest(shop: Shop) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    full = with_limits(shop, OwnerLimits(running=1, queued=1))
    payload = await regenerate(full, image_id, variations=3, idempotencyKey="k")
    assert len(payload["generations"]) == 2
    assert [(one["code"], one["retryable"]) for one in payload["errors"]] == [("RATE_LIMITED", True)]
    payload = await regenerate(shop, image_id, variations=3, idempotencyKey="k")
    assert (len(payload["generations"]), payload["errors"]) == (3, [])
    assert await Generation.count() == 3


async def test_another_kind_is_made_of_the_parents_picture_with_its_own_instruction(shop: Shop) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    await regenerate(shop, image_id, kind="MODEL_WITH_ORNAMENT")
    (made,) = await Generation.find_all().to_list()
    parent = await OrnamentImage.get(made.recipe.parent_id)
    assert parent
    assert made.recipe.task == "COMPOSE"
    assert made.recipe.parameters["kind"] == OrnamentKind.MODEL_WITH_ORNAMENT
    assert [one.picture_id for one in made.recipe.pictures] == [parent.picture_id]
    *before, instruction, wish = made.recipe.prompts
    assert (tuple(before), wish) == (parent.prompts, "Add gold accents")
    assert "model" in instruction


async def test_wishes_that_are_too_long_together_say_what_to_do(shop: Shop) -> None:
    before = tuple(f"{number} " + "so much gold " * 150 for number in range(8))
    (image_id,) = await images(shop.owner_id, 1, prompts=before, combined_prompt=combined(*before))
    fits = COMBINED_MAX_CHARACTERS - len(combined(*before)) - len(". ")
    (error,) = (await regenerate(shop, image_id, prompt="x" * (fits + 1)))["errors"]
    assert (error["code"], error["path"]) == ("BAD_USER_INPUT", ["input", "prompt"])
    (item,) = (await regenerate_all(shop, ids=[image_id], prompt="x" * (fits + 1)))["batch"]["items"]["nodes"]
    assert item["failure"]["code"] == "BAD_USER_INPUT"
    assert "start anew" in item["failure"]["message"]
    assert await Generation.count() == 0
    assert (await regenerate(shop, image_id, prompt="x" * fits))["errors"] == []


async def test_kind_of_the_parent_is_no_other_kind(shop: Shop) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    await regenerate(shop, image_id, kind="WHITE_BACKGROUND")
    (made,) = await Generation.find_all().to_list()
    assert (made.recipe.task, len(made.recipe.prompts)) == ("ADJUST", 3)


@pytest.mark.parametrize("kind", sorted(set(OrnamentKind) - FROM_ONE_PICTURE))
async def test_kind_that_needs_more_pictures_is_refused(shop: Shop, kind: OrnamentKind) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    for payload in (
        await regenerate(shop, image_id, kind=kind),
        await regenerate_all(shop, ids=[image_id], kind=kind),
    ):
        assert [(one["code"], one["path"]) for one in payload["errors"]] == [("BAD_USER_INPUT", ["input", "kind"])]


async def test_batch_reports_item_by_item_and_goes_on(shop: Shop) -> None:
    first, trashed, last = await images(shop.owner_id, 3)
    (foreign,) = await images(PydanticObjectId(), 1)
    missing = global_id("OrnamentImage", PydanticObjectId())
    await shop.run(
        "mutation ($ids: [ID!]!) { moveToTrash(input: {ids: $ids}) { errors { code } } }", {"ids": [trashed]}
    )
    given = [first, foreign, trashed, missing, last]
    batch = (await regenerate_all(shop, ids=given))["batch"]
    items = batch["items"]["nodes"]
    assert [one["subjectId"] for one in items] == given
    assert [one["number"] for one in items] == [1, 2, 3, 4, 5]
    assert [one["status"] for one in items] == ["QUEUED", "FAILED", "FAILED", "FAILED", "QUEUED"]
    codes = [one["failure"] and one["failure"]["code"] for one in items]
    assert codes == [None, "FORBIDDEN", "CONFLICT", "NOT_FOUND", None]
    assert [one["generation"] and one["generation"]["recipe"]["parentId"] for one in items] == [
        first,
        None,
        None,
        None,
        last,
    ]
    assert (batch["counts"], batch["finished"]) == ({"total": 5, "queued": 2, "failed": 3}, False)
    assert Decimal(batch["estimatedCost"]["amount"]) == 0


async def test_images_of_a_filter_are_regenerated_the_newest_first(shop: Shop) -> None:
    await images(shop.owner_id, 2)
    tagged = await images(shop.owner_id, 2, tags=("gold",))
    await images(PydanticObjectId(), 1, tags=("gold",))
    items = (await regenerate_all(shop, filter={"tag": "Gold"}))["batch"]["items"]["nodes"]
    assert [one["subjectId"] for one in items] == tagged[::-1]


async def test_filter_like_which_nothing_or_too_much_is_is_refused(shop: Shop) -> None:
    payload = await regenerate_all(shop, filter={})
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("BAD_USER_INPUT", ["input", "filter"])]
    await OrnamentImage.insert_many([image_of(shop.owner_id) for _ in range(101)])
    payload = await regenerate_all(shop, filter={"rootsOnly": True})
    assert "narrow" in payload["errors"][0]["message"]


@pytest.mark.parametrize(
    ("input", "path"),
    [
        ({}, ["input", "ids"]),
        ({"ids": ["x"], "filter": {}}, ["input", "ids"]),
        ({"ids": []}, ["input", "ids"]),
        ({"ids": ["x"] * 101}, ["input", "ids"]),
        ({"ids": ["nothing"]}, ["input", "ids", "0"]),
        ({"filter": {"createdAfter": "2026-01-01T00:00:00"}}, ["input", "filter", "createdAfter"]),
        ({"filter": {"tag": ""}}, ["input", "filter", "tag"]),
        ({"filter": {}, "prompt": " "}, ["input", "prompt"]),
    ],
)
async def test_input_that_makes_no_batch_says_which_argument(shop: Shop, input: Any, path: list[str]) -> None:
    payload = await regenerate_all(shop, **input)
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("BAD_USER_INPUT", path)]
    assert payload["batch"] is None


async def test_same_batch_of_a_filter_is_the_same_though_its_images_are_others_by_now(shop: Shop) -> None:
    await images(shop.owner_id, 1)
    first = await regenerate_all(shop, filter={}, idempotencyKey="k")
    await images(shop.owner_id, 1)
    assert (await regenerate_all(shop, filter={}, idempotencyKey="k"))["batch"]["id"] == first["batch"]["id"]
    other = await regenerate_all(shop, filter={"rootsOnly": True}, idempotencyKey="k")
    assert [one["code"] for one in other["errors"]] == ["CONFLICT"]


async def test_items_are_paged_and_filtered_by_status(shop: Shop) -> None:
    own, (foreign,) = await images(shop.owner_id, 3), await images(PydanticObjectId(), 1)
    batch_id = (await regenerate_all(shop, ids=[own[0], foreign, *own[1:]]))["batch"]["id"]
    numbers, after, pages = list[int](), None, 0
    while pages < 3:
        variables = {"id": batch_id, "first": 2, "after": after, "status": ["QUEUED"]}
        page = (await shop.run(_ITEMS, variables))["node"]["items"]
        numbers += [one["number"] for one in page["nodes"]]
        pages, after = pages + 1, page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert (numbers, pages) == ([1, 3, 4], 2)
    data = await shop.run(_ITEMS, {"id": batch_id, "status": ["FAILED"]})
    assert [one["number"] for one in data["node"]["items"]["nodes"]] == [2]


async def test_batches_are_their_owners_own(shop: Shop) -> None:
    ids = [(await regenerate_all(shop, ids=await images(shop.owner_id, 1)))["batch"]["id"] for _ in range(2)]
    mine = "{ viewer { batches { nodes { id counts { queued } } } } }"
    assert [one["id"] for one in (await shop.run(mine))["viewer"]["batches"]["nodes"]] == ids[::-1]
    stranger = await shop.joined()
    assert (await stranger.run(mine))["viewer"]["batches"]["nodes"] == []
    assert (await stranger.run(_ITEMS, {"id": ids[0]}))["node"] is None
    for mutation in ("cancelBatch", "retryBatch"):
        text = f"mutation ($id: ID!) {{ {mutation}(input: {{id: $id}}) {{ errors {{ code }} }} }}"
        assert (await stranger.run(text, {"id": ids[0]}))[mutation]["errors"] == [{"code": "FORBIDDEN"}]
