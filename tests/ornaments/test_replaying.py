"""What can be done once more, and what is promised of it."""

from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.database.document import utc_now
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe, RecipePicture
from app.generations.service import Generations
from app.making.pictures import made_with
from app.ornaments.model import OrnamentImage
from app.ornaments.replaying import Replays
from app.ornaments.service import GENERATION_KIND
from app.providers.gemini.image import GeminiImageModel
from app.providers.local.provider import LocalImageModel
from app.providers.mock.image import MockImageModel
from app.providers.ports.image import ImageModel
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of, picture_of

_REPLAY = """mutation ($input: ReplayGenerationInput!) { replayGeneration(input: $input) {
  generation { id } deterministic errors { code path } } }"""


class _OtherPlaceholders(MockImageModel):
    """Those of another number."""

    @property
    def model(self) -> str:
        return "placeholder-0"


_LOCAL, _MOCK = LocalImageModel(), MockImageModel()
_GEMINI = GeminiImageModel("key", "gemini-test", 1)


def _recipe(maker: ImageModel, **given: Any) -> Recipe:
    values: dict[str, Any] = {"task": "ADJUST", "prompts": ("a", "b"), "pictures": ()}
    values |= {"provider": maker.name, "model": maker.model, **given}
    return Recipe(**values)


_LIBRARIES = "Pixels 1"


async def _libraries() -> str:
    return _LIBRARIES


async def _others() -> str:
    return "Pixels 2"


async def _promised(model: ImageModel, made_by: str | None) -> bool:
    """Of what was made with that, replayed by that model."""
    queue, hub = InProcessQueue(), InProcessHub()
    generations = Generations(queue, hub, Closing({}, queue, hub, window=1))
    return await Replays(generations, {model.name: model}, _libraries).is_deterministic(model.name, made_by)


@pytest.mark.parametrize(("model", "promised"), [(_LOCAL, True), (_MOCK, True), (_GEMINI, False)])
async def test_only_what_is_made_here_is_promised_to_be_the_same(model: ImageModel, *, promised: bool) -> None:
    assert await _promised(model, f"{model.model}, {_LIBRARIES}") is promised
    assert await _promised(model, await made_with(model, _libraries)) is promised


async def test_processing_placeholders_or_libraries_that_were_changed_since_promise_nothing() -> None:
    assert await _promised(_LOCAL, await made_with(_LOCAL, _libraries))
    assert not await _promised(_LOCAL, f"basic-processing-0+{_MOCK.model}, {_LIBRARIES}")
    assert not await _promised(LocalImageModel(placeholders=_OtherPlaceholders()), await made_with(_LOCAL, _libraries))
    assert not await _promised(_LOCAL, await made_with(_LOCAL, _others))


async def test_what_was_made_before_that_was_recorded_is_not_promised() -> None:
    assert not await _promised(_LOCAL, None)


async def _made(shop: Shop, status: Status = Status.SUCCEEDED, **given: Any) -> Generation:
    """A generation of a child of an image."""
    picture = picture_of(shop.owner_id)
    await picture.insert()
    parent = image_of(shop.owner_id, picture_id=picture.identity)
    await parent.insert()
    of = RecipePicture(picture_id=picture.identity, sha256=picture.sha256)
    recipe = _recipe(_LOCAL, parent_id=parent.identity, **{"pictures": (of,), **given})
    made = Generation.queued(shop.owner_id, GENERATION_KIND, recipe, f"{PydanticObjectId()}", utc_now())
    made.status, made.settled = status, status.ended
    await made.insert()
    return made


async def _replay(shop: Shop, made: Generation) -> Any:
    variables = {"input": {"generationId": global_id("Generation", made.identity)}}
    return (await shop.run(_REPLAY, variables))["replayGeneration"]


async def test_what_can_not_be_done_once_more_says_why(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path
) -> None:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        shop, stranger = await opened.joined(), await opened.joined()
        gone = RecipePicture(picture_id=PydanticObjectId(), sha256="0")
        trashed = await _made(shop)
        assert trashed.recipe.parent_id
        await OrnamentImage.into_trash([trashed.recipe.parent_id])
        for made, code in (
            (await _made(shop, Status.FAILED), "CONFLICT"),
            (await _made(shop, Status.RUNNING), "CONFLICT"),
            (await _made(stranger), "FORBIDDEN"),
            (trashed, "CONFLICT"),
            (await _made(shop, pictures=(gone,)), "SOURCE_IMAGE_MISSING"),
            (await _made(shop, provider="retired"), "PROVIDER_NOT_CONFIGURED"),
        ):
            payload = await _replay(shop, made)
            assert payload["errors"] == [{"code": code, "path": ["input", "generationId"]}]
            assert (payload["generation"], payload["deterministic"]) == (None, False)


async def test_replay_is_by_the_whole_recipe(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path
) -> None:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        shop = await opened.joined()
        made = await _made(shop, provider="mock", model="placeholder-0", parameters={"kind": "WHITE_BACKGROUND"})
        payload = await _replay(shop, made)
        assert payload["deterministic"] is False  # another composition by now
        _, again = await Generation.find_all().sort("_id").to_list()
        assert again.recipe == made.recipe
        assert global_id("Generation", again.identity) == payload["generation"]["id"]
