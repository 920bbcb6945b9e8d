"""What has to be there before the same recipe is done once more: by `retryGeneration`, a batch, or an operator."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.batches.model import Batch
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.generations.recipe import Origin, OriginPicture, Recipe, RecipePicture
from app.jobs.desk import Desk
from app.jobs.steering import Steering
from app.ornaments.model import OrnamentImage
from app.ornaments.service import GENERATION_KIND
from app.pictures.model import Picture, PictureState
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of, picture_of

_RETRY = """mutation ($input: RetryGenerationInput!) { retryGeneration(input: $input) {
  generation { id } errors { code path message } } }"""
_BATCH = """mutation ($input: RegenerateImagesInput!) { regenerateImages(input: $input) { batch { id } } }"""
_RETRY_BATCH = """mutation ($input: RetryBatchInput!) { retryBatch(input: $input) {
  batch { items { nodes { status failure { code message } } } } errors { code } } }"""
_FAILED = {"status": Status.FAILED, "settled": True}


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


async def _failed(shop: Shop) -> Generation:
    """A generation of a child of an image, with the picture that it starts from and the one of its root."""
    start, source = picture_of(shop.owner_id), picture_of(shop.owner_id)
    parent = image_of(shop.owner_id, picture_id=start.identity)
    start.touched_at = source.touched_at = utc_now() - timedelta(days=1)
    for document in (start, source, parent):
        await document.insert()
    origin = Origin(
        ancestors=(parent.identity,), original_prompt="a", sources=(OriginPicture(picture_id=source.identity),)
    )
    recipe = Recipe(
        task="ADJUST",
        prompts=("a", "b"),
        pictures=(RecipePicture(picture_id=start.identity, sha256=start.sha256),),
        provider="local",
        model="any",
        parent_id=parent.identity,
        origin=origin,
    )
    failed = Generation.queued(shop.owner_id, GENERATION_KIND, recipe, f"{PydanticObjectId()}", utc_now())
    failed.status, failed.settled = Status.FAILED, True
    await failed.insert()
    return failed


async def _retry(shop: Shop, failed: Generation) -> Any:
    given = {"input": {"id": global_id("Generation", failed.identity)}}
    return (await shop.run(_RETRY, given))["retryGeneration"]


async def test_retry_below_a_parent_in_the_trash_is_refused_until_it_is_restored(shop: Shop) -> None:
    failed = await _failed(shop)
    assert failed.recipe.parent_id
    await OrnamentImage.into_trash([failed.recipe.parent_id])
    (error,) = (await _retry(shop, failed))["errors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "id"])
    assert "trash" in error["message"]
    await OrnamentImage.out_of_trash([failed.recipe.parent_id])
    payload = await _retry(shop, failed)
    assert (payload["errors"], await Generation.count()) == ([], 2)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("deleted", [True, False])
async def test_retry_without_a_picture_that_it_needs_says_so(shop: Shop, which: int, *, deleted: bool) -> None:
    failed = await _failed(shop)
    missing = {"_id": failed.recipe.picture_ids[which]}
    if deleted:
        await Picture.rows().delete_one(missing)
    else:
        await Picture.rows().update_one(missing, {"$set": {"state": PictureState.DELETING}})
    (error,) = (await _retry(shop, failed))["errors"]
    assert (error["code"], error["path"]) == ("SOURCE_IMAGE_MISSING", ["input", "id"])
    assert await Generation.count() == 1


async def test_retry_keeps_its_pictures_from_the_sweep(shop: Shop) -> None:
    failed = await _failed(shop)
    before = utc_now() - timedelta(minutes=1)
    await _retry(shop, failed)
    pictures = await Picture.by_ids(failed.recipe.picture_ids)
    assert len(pictures) == 2
    assert min(one.touched_at for one in pictures.values()) > before


async def test_retry_below_a_parent_that_was_deleted_goes_on_while_the_pictures_are_there(shop: Shop) -> None:
    failed = await _failed(shop)
    await OrnamentImage.rows().delete_many({})
    assert (await _retry(shop, failed))["errors"] == []


async def test_batch_that_is_retried_says_of_each_item_why_it_is_not(shop: Shop) -> None:
    failed = await _failed(shop)
    parent_id = failed.recipe.parent_id
    assert parent_id
    image_ids = [global_id("OrnamentImage", parent_id)]
    await shop.run(_BATCH, {"input": {"ids": image_ids, "prompt": "Add gold"}})
    (batch,) = await Batch.find_all().to_list()
    await Generation.rows().update_many({"batchId": {"$ne": None}}, {"$set": _FAILED})
    await OrnamentImage.into_trash([parent_id])
    given = {"input": {"id": global_id("Batch", batch.identity)}}
    (item,) = (await shop.run(_RETRY_BATCH, given))["retryBatch"]["batch"]["items"]["nodes"]
    assert (item["status"], item["failure"]["code"]) == ("FAILED", "CONFLICT")
    assert "trash" in item["failure"]["message"]
    await OrnamentImage.out_of_trash([parent_id])
    (item,) = (await shop.run(_RETRY_BATCH, given))["retryBatch"]["batch"]["items"]["nodes"]
    assert item == {"status": "QUEUED", "failure": None}


async def test_operator_can_not_retry_it_either(shop: Shop) -> None:
    failed = await _failed(shop)
    assert failed.recipe.parent_id
    await OrnamentImage.into_trash([failed.recipe.parent_id])
    with pytest.raises(AppError, match="trash") as refused:
        await Steering(Desk(0), shop.services.generations).retry(str(failed.identity))
    assert refused.value.code is ErrorCode.CONFLICT
