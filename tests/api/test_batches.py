"""Regenerations of one image and of many, as the schema takes them in: nobody works on them here."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.batches.service import Batches
from app.batches.starting import Starter
from app.costs.budgets import Budgets
from app.costs.prices import PriceList
from app.costs.usage import Unit, Usage
from app.generations.model import Generation
from app.generations.service import OwnerLimits
from app.lineage.wishes import COMBINED_MAX_CHARACTERS, combined
from app.ornaments.batching import RegenerateEach
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.regenerating import FROM_ONE_PICTURE
from app.ornaments.service import GENERATION_KIND, Ornaments
from app.providers.mock.image import MockImageModel
from app.providers.ports.image import ImageRequest
from app.providers.ports.model import Source
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of, picture_of

_ONE = """mutation ($input: RegenerateImageInput!) { regenerateImage(input: $input) {
  generation { id } generations { id recipe { prompts } } errors { code path retryable } } }"""
_MANY = """mutation ($input: RegenerateImagesInput!) { regenerateImages(input: $input) {
  batch { id counts { total queued failed } finished estimatedCost { amount currency } cost { amount }
    items { nodes { number subjectId status failure { code message } generation { id recipe { parentId } } } } }
  errors { code path message } } }"""
_ITEMS = """query ($id: ID!, $first: Int, $after: String, $status: [GenerationStatus!]) { node(id: $id) { ... on Batch {
  items(first: $first, after: $after, status: $status) {
    nodes { number } pageInfo { hasNextPage endCursor } } } } }"""
_ESTIMATE = """query ($input: EstimateInput!) { estimate(input: $input) {
  generations cost { amount currency } queuePosition waitSeconds usualSeconds } }"""
_PRICES = '[{"model": "dear-1", "unit": "pictures", "amount": "0.04", "currency": "USD", "since": "2026-01-01"}]'


class Dear(MockImageModel):
    """A provider's model, of which nothing is ever asked here."""

    @property
    def name(self) -> str:
        return "dear"

    @property
    def model(self) -> str:
        return "dear-1"

    @property
    def source(self) -> Source:
        return Source.PROVIDER

    def expected_usage(self, request: ImageRequest) -> Usage:
        return {Unit.PICTURES: 1, Unit.INPUT_IMAGE_TOKENS: 100 * len(request.references)}


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


def _with_limits(shop: Shop, limits: OwnerLimits) -> Shop:
    """The same, with other limits of an owner."""
    return _with(shop, replace(shop.services.ornaments, generations=replace(shop.services.generations, limits=limits)))


def _with_prices(shop: Shop, prices: str) -> Shop:
    """The same, where a provider makes the pictures and these are the prices."""
    generations = shop.services.generations
    closing = replace(generations.closing, budgets=Budgets(PriceList.parse(prices)))
    return _with(shop, Ornaments(replace(generations, closing=closing), Dear()))


def _with(shop: Shop, ornaments: Ornaments) -> Shop:
    batches = Batches(Starter(ornaments.generations, {GENERATION_KIND: RegenerateEach(ornaments)}))
    generations = ornaments.generations
    return replace(shop, services=replace(shop.services, ornaments=ornaments, batches=batches, generations=generations))


async def _images(owner_id: PydanticObjectId, count: int, **given: Any) -> list[str]:
    """The ids of new images of that owner, each with its picture."""
    pictures = [picture_of(owner_id) for _ in range(count)]
    images = [image_of(owner_id, picture_id=picture.identity, **given) for picture in pictures]
    for document in (*pictures, *images):
        await document.insert()
    return [global_id("OrnamentImage", image.identity) for image in images]


async def _regenerate(shop: Shop, image_id: str, **input: Any) -> Any:
    given = {"imageId": image_id, "prompt": "Add gold accents", **input}
    return (await shop.run(_ONE, {"input": given}))["regenerateImage"]


async def _regenerate_all(shop: Shop, **input: Any) -> Any:
    return (await shop.run(_MANY, {"input": {"prompt": "Add gold accents", **input}}))["regenerateImages"]


async def test_variations_are_siblings_of_one_wish_each_its_own_generation(shop: Shop) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    payload = await _regenerate(shop, image_id, variations=4, idempotencyKey="k")
    ids = [one["id"] for one in payload["generations"]]
    assert len(set(ids)) == 4
    assert payload["generation"]["id"] == ids[0]
    assert len({tuple(one["recipe"]["prompts"]) for one in payload["generations"]}) == 1
    made = await Generation.find_all().sort("_id").to_list()
    assert {one.recipe.parent_id for one in made} == {made[0].recipe.parent_id}
    assert [one.idempotency_key.removeprefix(f"{shop.owner_id}:") for one in made] == ["k", "k:2", "k:3", "k:4"]
    again = await _regenerate(shop, image_id, variations=4, idempotencyKey="k")
    assert [one["id"] for one in again["generations"]] == ids


@pytest.mark.parametrize("variations", [0, 5])
async def test_number_of_variations_is_checked(shop: Shop, variations: int) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    payload = await _regenerate(shop, image_id, variations=variations)
    assert [one["path"] for one in payload["errors"]] == [["input", "variations"]]
    assert payload["generations"] == []


async def test_key_used_with_another_number_of_variations_is_a_conflict(shop: Shop) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    await _regenerate(shop, image_id, variations=1, idempotencyKey="k")
    payload = await _regenerate(shop, image_id, variations=2, idempotencyKey="k")
    assert [one["code"] for one in payload["errors"]] == ["CONFLICT"]
    assert await Generation.count() == 1


async def test_queue_that_fills_up_shows_what_was_started_and_the_same_call_starts_the_rest(shop: Shop) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    full = _with_limits(shop, OwnerLimits(running=1, queued=1))
    payload = await _regenerate(full, image_id, variations=3, idempotencyKey="k")
    assert len(payload["generations"]) == 2
    assert [(one["code"], one["retryable"]) for one in payload["errors"]] == [("RATE_LIMITED", True)]
    payload = await _regenerate(shop, image_id, variations=3, idempotencyKey="k")
    assert (len(payload["generations"]), payload["errors"]) == (3, [])
    assert await Generation.count() == 3


async def test_another_kind_is_made_of_the_parents_picture_with_its_own_instruction(shop: Shop) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    await _regenerate(shop, image_id, kind="MODEL_WITH_ORNAMENT")
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
    (image_id,) = await _images(shop.owner_id, 1, prompts=before, combined_prompt=combined(*before))
    fits = COMBINED_MAX_CHARACTERS - len(combined(*before)) - len(". ")
    (error,) = (await _regenerate(shop, image_id, prompt="x" * (fits + 1)))["errors"]
    assert (error["code"], error["path"]) == ("BAD_USER_INPUT", ["input", "prompt"])
    (item,) = (await _regenerate_all(shop, ids=[image_id], prompt="x" * (fits + 1)))["batch"]["items"]["nodes"]
    assert item["failure"]["code"] == "BAD_USER_INPUT"
    assert "start anew" in item["failure"]["message"]
    assert await Generation.count() == 0
    assert (await _regenerate(shop, image_id, prompt="x" * fits))["errors"] == []


async def test_kind_of_the_parent_is_no_other_kind(shop: Shop) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    await _regenerate(shop, image_id, kind="WHITE_BACKGROUND")
    (made,) = await Generation.find_all().to_list()
    assert (made.recipe.task, len(made.recipe.prompts)) == ("ADJUST", 3)


@pytest.mark.parametrize("kind", sorted(set(OrnamentKind) - FROM_ONE_PICTURE))
async def test_kind_that_needs_more_pictures_is_refused(shop: Shop, kind: OrnamentKind) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    for payload in (
        await _regenerate(shop, image_id, kind=kind),
        await _regenerate_all(shop, ids=[image_id], kind=kind),
    ):
        assert [(one["code"], one["path"]) for one in payload["errors"]] == [("BAD_USER_INPUT", ["input", "kind"])]


async def test_batch_reports_item_by_item_and_goes_on(shop: Shop) -> None:
    first, trashed, last = await _images(shop.owner_id, 3)
    (foreign,) = await _images(PydanticObjectId(), 1)
    missing = global_id("OrnamentImage", PydanticObjectId())
    await shop.run(
        "mutation ($ids: [ID!]!) { moveToTrash(input: {ids: $ids}) { errors { code } } }", {"ids": [trashed]}
    )
    given = [first, foreign, trashed, missing, last]
    batch = (await _regenerate_all(shop, ids=given))["batch"]
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
    await _images(shop.owner_id, 2)
    tagged = await _images(shop.owner_id, 2, tags=("gold",))
    await _images(PydanticObjectId(), 1, tags=("gold",))
    items = (await _regenerate_all(shop, filter={"tag": "Gold"}))["batch"]["items"]["nodes"]
    assert [one["subjectId"] for one in items] == tagged[::-1]


async def test_filter_like_which_nothing_or_too_much_is_is_refused(shop: Shop) -> None:
    payload = await _regenerate_all(shop, filter={})
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("BAD_USER_INPUT", ["input", "filter"])]
    await OrnamentImage.insert_many([image_of(shop.owner_id) for _ in range(101)])
    payload = await _regenerate_all(shop, filter={"rootsOnly": True})
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
    payload = await _regenerate_all(shop, **input)
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("BAD_USER_INPUT", path)]
    assert payload["batch"] is None


async def test_same_batch_of_a_filter_is_the_same_though_its_images_are_others_by_now(shop: Shop) -> None:
    await _images(shop.owner_id, 1)
    first = await _regenerate_all(shop, filter={}, idempotencyKey="k")
    await _images(shop.owner_id, 1)
    assert (await _regenerate_all(shop, filter={}, idempotencyKey="k"))["batch"]["id"] == first["batch"]["id"]
    other = await _regenerate_all(shop, filter={"rootsOnly": True}, idempotencyKey="k")
    assert [one["code"] for one in other["errors"]] == ["CONFLICT"]


async def test_items_are_paged_and_filtered_by_status(shop: Shop) -> None:
    own, (foreign,) = await _images(shop.owner_id, 3), await _images(PydanticObjectId(), 1)
    batch_id = (await _regenerate_all(shop, ids=[own[0], foreign, *own[1:]]))["batch"]["id"]
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
    ids = [(await _regenerate_all(shop, ids=await _images(shop.owner_id, 1)))["batch"]["id"] for _ in range(2)]
    mine = "{ viewer { batches { nodes { id counts { queued } } } } }"
    assert [one["id"] for one in (await shop.run(mine))["viewer"]["batches"]["nodes"]] == ids[::-1]
    stranger = await shop.joined()
    assert (await stranger.run(mine))["viewer"]["batches"]["nodes"] == []
    assert (await stranger.run(_ITEMS, {"id": ids[0]}))["node"] is None
    for mutation in ("cancelBatch", "retryBatch"):
        text = f"mutation ($id: ID!) {{ {mutation}(input: {{id: $id}}) {{ errors {{ code }} }} }}"
        assert (await stranger.run(text, {"id": ids[0]}))[mutation]["errors"] == [{"code": "FORBIDDEN"}]


async def test_estimate_says_what_it_costs_and_how_long_it_waits_and_starts_nothing(shop: Shop) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    dear, wish = _with_prices(shop, _PRICES), {"imageId": image_id, "prompt": "Make it shine", "variations": 3}
    estimate = (await dear.run(_ESTIMATE, {"input": {"regenerateImage": wish}}))["estimate"]
    assert estimate == {
        "generations": 3,
        "cost": {"amount": "0.12", "currency": "USD"},
        "queuePosition": 0,
        "waitSeconds": 0,
        "usualSeconds": None,
    }
    many = {"regenerateImages": {"ids": await _images(shop.owner_id, 2), "prompt": "Make it shine"}}
    estimate = (await dear.run(_ESTIMATE, {"input": many}))["estimate"]
    assert (estimate["generations"], estimate["cost"]["amount"]) == (2, "0.08")
    assert await Generation.count() == 0


async def test_cost_that_nobody_knows_is_null_and_local_work_costs_nothing(shop: Shop) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    given = {"regenerateImage": {"imageId": image_id, "prompt": "Make it shine"}}
    assert (await _with_prices(shop, "[]").run(_ESTIMATE, {"input": given}))["estimate"]["cost"] is None
    assert (await shop.run(_ESTIMATE, {"input": given}))["estimate"]["cost"] == {"amount": "0", "currency": None}
    batch = (await _regenerate_all(_with_prices(shop, "[]"), ids=[image_id]))["batch"]
    assert batch["estimatedCost"] is None


async def test_estimated_cost_of_a_batch_leaves_out_what_could_not_be_started(shop: Shop) -> None:
    own, (foreign,) = await _images(shop.owner_id, 2), await _images(PydanticObjectId(), 1)
    batch = (await _regenerate_all(_with_prices(shop, _PRICES), ids=[foreign, *own]))["batch"]
    assert batch["estimatedCost"] == {"amount": "0.08", "currency": "USD"}


async def test_estimate_waits_for_those_before_it(shop: Shop) -> None:
    (image_id,) = await _images(shop.owner_id, 1)
    small = _with_limits(shop, OwnerLimits(running=2, queued=50))
    await _regenerate(small, image_id, variations=4)
    given = {"regenerateImage": {"imageId": image_id, "prompt": "Make it shine"}}
    estimate = (await small.run(_ESTIMATE, {"input": given}))["estimate"]
    assert (estimate["queuePosition"], estimate["waitSeconds"]) == (4, None)


@pytest.mark.parametrize(
    ("input", "argument"),
    [
        ({"imageId": "OTHERS", "prompt": "a"}, "input.imageId"),
        ({"imageId": "OWN", "prompt": "a", "variations": 9}, "input.variations"),
        ({"imageId": "OWN", "prompt": "a", "kind": "CAMPAIGN_SHOT_ADVANCED"}, "input.kind"),
    ],
)
async def test_what_the_mutation_would_refuse_has_no_estimate(shop: Shop, input: Any, argument: str) -> None:
    ids = {"OWN": (await _images(shop.owner_id, 1))[0], "OTHERS": (await _images(PydanticObjectId(), 1))[0]}
    given = {"regenerateImage": {**input, "imageId": ids[input["imageId"]]}}
    _, errors = await shop.answer(_ESTIMATE, {"input": given})
    assert [path for _, path in errors] == [argument]
