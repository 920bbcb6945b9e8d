"""The same call once more under the same key, whatever has become meanwhile of what it names."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest
from PIL import Image
from pymongo.asynchronous.database import AsyncDatabase
from starlette.datastructures import UploadFile

from app.api.ids import global_id
from app.database.document import utc_now
from app.generations.model import Generation, Status
from app.lineage.deletion import delete_forever
from app.ornaments.model import OrnamentImage
from app.ornaments.service import Ornaments
from app.pictures.model import Picture
from app.providers.mock.image import MockImageModel
from app.templates import service as templates
from app.templates.model import Template
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of, picture_of

_PICTURES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "uploadOrnament": ("image",),
        "changeBackground": ("ornamentImage", "backgroundImage"),
        "generateModelWithOrnament": ("ornamentImage", "poseStyle"),
        "generateRealModelWithOrnament": ("modelImage", "ornamentImage"),
        "generateCampaignShot": ("ornamentImages",),
    }
)
"""The pictures that a call of each of these brings."""
_MORE: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {"generateCampaignShot": {"ornamentNames": ["ring", "chain"], "modelType": "AI_MODEL"}}
)


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


def _photo(shade: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (24, 16), (shade, 40, 90)).save(out, "PNG")
    return out.getvalue()


def _uploaded(mutation: str, shade: int = 10) -> dict[str, Any]:
    """Each of its pictures as a file; a list has two."""
    files = {name: {"upload": UploadFile(BytesIO(_photo(shade)))} for name in _PICTURES[mutation]}
    second = {"upload": UploadFile(BytesIO(_photo(shade + 1)))}
    return {name: [file, second] if name.endswith("Images") else file for name, file in files.items()}


async def _call(shop: Shop, mutation: str, input: Mapping[str, Any]) -> Any:
    """The id of the generation, or the codes of the errors."""
    type_name = mutation[0].upper() + mutation[1:]
    answer = f"{mutation}(input: $input) {{ generation {{ id }} errors {{ code }} }}"
    query = f"mutation ($input: {type_name}Input!) {{ {answer} }}"
    payload = (await shop.run(query, {"input": dict(input)}))[mutation]
    return payload["generation"]["id"] if payload["generation"] else [one["code"] for one in payload["errors"]]


async def _make(shop: Shop, mutation: str, **input: Any) -> Any:
    given = {"prompt": "Make it shine", "idempotencyKey": "k", **_MORE.get(mutation, {}), **input}
    return await _call(shop, mutation, given)


async def _image(shop: Shop) -> OrnamentImage:
    picture = picture_of(shop.owner_id)
    image = image_of(shop.owner_id, picture_id=picture.identity)
    await picture.insert()
    await image.insert()
    return image


async def _regenerate(shop: Shop, image: OrnamentImage, **input: Any) -> Any:
    given = {"prompt": "Add gold", "idempotencyKey": "k", "imageId": global_id("OrnamentImage", image.identity)}
    return await _call(shop, "regenerateImage", given | input)


async def _other(shop: Shop, mutation: str, generation_id: str, key: str = "k") -> Any:
    name = "generationId" if mutation == "replayGeneration" else "id"
    return await _call(shop, mutation, {name: generation_id, "idempotencyKey": key})


async def _end(generation_id: str, status: Status) -> None:
    found = [
        one for one in await Generation.find_all().to_list() if global_id("Generation", one.identity) == generation_id
    ]
    change = {"status": status, "settled": True, "endedAt": utc_now()}
    await Generation.rows().update_one({"_id": found[0].identity}, {"$set": change})


@pytest.mark.parametrize("mutation", _PICTURES)
async def test_same_bytes_that_became_other_pictures_are_the_same_work(shop: Shop, mutation: str) -> None:
    first = await _make(shop, mutation, **_uploaded(mutation))
    await Picture.rows().delete_many({})  # swept: the same bytes become pictures of other ids
    assert await _make(shop, mutation, **_uploaded(mutation)) == first
    assert await Generation.count() == 1


@pytest.mark.parametrize("mutation", _PICTURES)
async def test_other_bytes_and_other_words_are_a_conflict(shop: Shop, mutation: str) -> None:
    await _make(shop, mutation, **_uploaded(mutation))
    assert await _make(shop, mutation, **_uploaded(mutation, shade=99)) == ["CONFLICT"]
    assert await _make(shop, mutation, prompt="Make it dull", **_uploaded(mutation)) == ["CONFLICT"]
    assert await Generation.count() == 1


async def test_picture_by_its_id_is_the_same_as_its_upload(shop: Shop) -> None:
    first = await _make(shop, "uploadOrnament", **_uploaded("uploadOrnament"))
    (picture,) = await Picture.find_all().to_list()
    by_id = {"image": {"id": global_id("Picture", picture.identity)}}
    assert await _make(shop, "uploadOrnament", **by_id) == first
    await Picture.rows().delete_many({})
    again = await shop.services.pictures.accept(shop.owner_id, _photo(10))
    assert again.identity != picture.identity
    assert await _make(shop, "uploadOrnament", image={"id": global_id("Picture", again.identity)}) == first


async def test_instruction_that_was_worded_otherwise_before_is_the_same_work(shop: Shop) -> None:
    first = await _make(shop, "uploadOrnament", **_uploaded("uploadOrnament"))
    await Generation.rows().update_many({}, {"$set": {"recipe.prompts.0": "Cut it out"}})  # by an earlier version
    assert await _make(shop, "uploadOrnament", **_uploaded("uploadOrnament")) == first


async def test_same_words_for_another_mutation_are_a_conflict(shop: Shop) -> None:
    image = await _image(shop)
    made = await _regenerate(shop, image)
    await _end(made, Status.SUCCEEDED)
    assert await _other(shop, "replayGeneration", made) == ["CONFLICT"]  # the recipe is the same, the call is not


async def test_parent_that_is_trashed_or_gone_since_is_no_hindrance(shop: Shop) -> None:
    image = await _image(shop)
    first = await _regenerate(shop, image)
    await OrnamentImage.into_trash([image.identity])
    assert await _regenerate(shop, image) == first
    assert await _regenerate(shop, image, idempotencyKey="new") == ["CONFLICT"]
    await delete_forever([image])
    assert await _regenerate(shop, image) == first
    assert await _regenerate(shop, image, idempotencyKey="new") == ["NOT_FOUND"]
    assert await _regenerate(shop, image, prompt="Add silver") == ["NOT_FOUND"]
    assert await Generation.count() == 1


async def test_all_variations_are_known_again_though_the_parent_is_trashed(shop: Shop) -> None:
    image = await _image(shop)
    await _regenerate(shop, image, variations=3)
    await OrnamentImage.into_trash([image.identity])
    query = """mutation ($input: RegenerateImageInput!) { regenerateImage(input: $input) {
      generations { id } errors { code } } }"""
    image_id = global_id("OrnamentImage", image.identity)
    given = {"imageId": image_id, "prompt": "Add gold", "variations": 3, "idempotencyKey": "k"}
    payload = (await shop.run(query, {"input": given}))["regenerateImage"]
    assert (len(payload["generations"]), payload["errors"]) == (3, [])
    assert await Generation.count() == 3


async def test_template_that_is_revised_or_deleted_since_is_no_hindrance(shop: Shop) -> None:
    image = await _image(shop)
    template = await templates.create(shop.owner_id, "metal", "Make it {metal}")
    given: dict[str, Any] = {"prompt": None, "templateId": global_id("Template", template.identity)}
    given["variables"] = [{"name": "metal", "value": "gold"}]
    first = await _regenerate(shop, image, **given)
    await templates.update(shop.owner_id, template.identity, 1, None, "Make all of it {metal}")
    assert await _regenerate(shop, image, **given) == first
    await Template.remove(template.identity)
    assert await _regenerate(shop, image, **given) == first
    assert await _regenerate(shop, image, **given, idempotencyKey="new") == ["NOT_FOUND"]


async def test_batch_is_known_again_though_its_template_is_gone(shop: Shop) -> None:
    image = await _image(shop)
    template = await templates.create(shop.owner_id, "metal", "Make it gold")
    query = """mutation ($input: RegenerateImagesInput!) { regenerateImages(input: $input) {
      batch { id } errors { code } } }"""
    given: dict[str, Any] = {"ids": [global_id("OrnamentImage", image.identity)], "idempotencyKey": "k"}
    given["templateId"] = global_id("Template", template.identity)
    first = await shop.run(query, {"input": given})
    await Template.remove(template.identity)
    assert first["regenerateImages"]["batch"]
    assert await shop.run(query, {"input": given}) == first


async def test_replay_and_retry_are_known_again_though_their_parent_is_trashed(shop: Shop) -> None:
    image = await _image(shop)
    made, failed = await _regenerate(shop, image), await _regenerate(shop, image, idempotencyKey="f")
    await _end(made, Status.SUCCEEDED)
    await _end(failed, Status.FAILED)
    replayed = await _other(shop, "replayGeneration", made, "replay")
    retried = await _other(shop, "retryGeneration", failed, "retry")
    await OrnamentImage.into_trash([image.identity])
    assert await _other(shop, "replayGeneration", made, "replay") == replayed
    assert await _other(shop, "retryGeneration", failed, "retry") == retried
    assert await _other(shop, "retryGeneration", failed, "replay") == ["CONFLICT"]


async def test_calls_at_once_with_one_key_start_one(shop: Shop) -> None:
    image = await _image(shop)
    regenerated = await asyncio.gather(*(_regenerate(shop, image) for _ in range(6)))
    upload = partial(_make, shop, "uploadOrnament", idempotencyKey="u")
    uploaded = await asyncio.gather(*(upload(**_uploaded("uploadOrnament")) for _ in range(6)))
    assert (len(set(regenerated)), len(set(uploaded))) == (1, 1)
    assert await Generation.count() == 2


async def test_call_of_an_earlier_version_that_kept_no_input_is_known_by_its_recipe(shop: Shop) -> None:
    image = await _image(shop)
    first = await _regenerate(shop, image)
    await Generation.rows().update_many({}, {"$unset": {"asked": ""}})
    ornaments = Ornaments(shop.services.generations, MockImageModel())  # a deploy changed the model besides
    later = replace(shop, services=replace(shop.services, ornaments=ornaments))
    assert await _regenerate(later, image) == first
    assert await _regenerate(later, image, prompt="Add silver") == ["CONFLICT"]
