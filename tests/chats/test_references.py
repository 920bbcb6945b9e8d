"""What guides a message: pictures that its sender sees, which become the project's owner's."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from app.bootstrap.database import DOCUMENTS
from app.chats.image import ChatImage
from app.chats.model import ChatKind
from app.chats.references import REFERENCES_MAX, Given, References
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.lineage.deletion import delete_forever
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture
from app.projects.model import Project
from tests.api.shop import Shop
from tests.chats.studio import Studio, chat_in, image_in, opened_studio, project_of
from tests.indexed import point_at
from tests.lineage.conftest import Commands
from tests.ornaments.images import image_of

_PATH = ("input", "contextImageIds")
_MAX_COMMANDS = 8  # two of them are the test's


@pytest.fixture
async def studio(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with opened_studio(database, mongodb_url, tmp_path) as opened:
        yield opened


async def _referred(studio: Studio, given: list[Given], by: Shop | None = None) -> list[tuple[Any, Any, Any]]:
    """Type, id and picture of each."""
    services = studio.parts.services
    find = References(services.pictures, services.gate, {"OrnamentImage": OrnamentImage.by_ids})
    project = await Project.get(studio.project.identity)
    assert project
    found = await find((by or studio.editor).owner_id, project, given, _PATH)
    pictures = await Picture.by_ids([one.picture_id for one in found])
    assert {one.owner_id for one in pictures.values()} <= {project.owner_id}
    assert [one.sha256 for one in found] == [pictures[one.picture_id].sha256 for one in found]
    return [(one.image_type, one.image_id, one.picture_id) for one in found]


async def _refused(studio: Studio, given: list[Given], by: Shop | None = None) -> AppError:
    with pytest.raises(AppError) as refused:
        await _referred(studio, given, by)
    return refused.value


async def _ornament(studio: Studio, owner_id: PydanticObjectId, shade: int) -> OrnamentImage:
    picture = await studio.kept(owner_id, shade)
    image = image_of(owner_id, picture_id=picture.identity)
    await image.insert()
    return image


async def test_references_of_every_type_come_in_their_order_and_each_once(studio: Studio) -> None:
    image = await studio.image(10)
    ornament = await _ornament(studio, studio.editor.owner_id, 20)
    picture = await studio.kept(studio.editor.owner_id, 30)
    own = await studio.kept(studio.project.owner_id, 40)
    await Project.rows().update_one({"_id": studio.project.identity}, {"$set": {"contextPictureIds": [own.identity]}})
    given: list[Given] = [
        ("OrnamentImage", ornament.identity),
        ("ChatImage", image.identity),
        ("Picture", picture.identity),
        ("ChatImage", image.identity),
        ("Picture", own.identity),
    ]
    found = await _referred(studio, given)
    assert [one[:2] for one in found] == [
        ("OrnamentImage", ornament.identity),
        ("ChatImage", image.identity),
        (None, None),
        (None, None),
    ]
    assert (found[1][2], found[3][2]) == (image.picture_id, own.identity)
    assert found[0][2] != ornament.picture_id  # the owner's copy
    assert found[2][2] != picture.identity
    assert await _referred(studio, []) == []


async def test_image_of_another_project_that_one_is_in_is_a_reference_and_its_picture_is_copied(studio: Studio) -> None:
    other = project_of(PydanticObjectId(), viewer=studio.editor.owner_id)
    chat = chat_in(other)
    picture = await studio.kept(other.owner_id, 50)
    image = image_in(chat, picture_id=picture.identity)
    for document in (other, chat, image):
        await document.insert()
    ((_, image_id, picture_id),) = await _referred(studio, [("ChatImage", image.identity)])
    assert image_id == image.identity
    assert picture_id != picture.identity
    assert (await _refused(studio, [("ChatImage", image.identity)], studio.owner)).code is ErrorCode.BAD_USER_INPUT


async def test_what_one_may_not_see_is_refused_in_the_words_of_what_is_not_there(studio: Studio) -> None:
    image, ornament = await studio.image(10), await _ornament(studio, studio.stranger.owner_id, 20)
    foreign_chat = chat_in(project_of(studio.stranger.owner_id))
    foreign = image_in(foreign_chat, picture_id=(await studio.kept(studio.stranger.owner_id, 30)).identity)
    await foreign.insert()
    lone = await studio.kept(studio.stranger.owner_id, 40)
    before = await Picture.count()
    hidden: list[Given] = [
        ("ChatImage", foreign.identity),
        ("OrnamentImage", ornament.identity),
        ("Picture", lone.identity),
        ("ChatImage", PydanticObjectId()),
        ("OrnamentImage", PydanticObjectId()),
        ("Picture", PydanticObjectId()),
        ("Dream", PydanticObjectId()),
    ]
    editors = await studio.kept(studio.editor.owner_id, 60)
    given: list[Given] = [("Picture", editors.identity), ("ChatImage", image.identity)]
    refused = [await _refused(studio, [*given, one]) for one in hidden]
    assert {(error.code, error.path) for error in refused} == {(ErrorCode.BAD_USER_INPUT, (*_PATH, "2"))}
    assert len({error.message for error in refused}) == 1
    assert await Picture.count() == before + 1  # nothing was copied before the refusal


async def test_member_may_name_the_pictures_of_frames_and_contexts_of_this_project_alone(studio: Studio) -> None:
    own, others = await studio.kept(studio.project.owner_id, 10), await studio.kept(studio.project.owner_id, 20)
    await chat_in(studio.project, kind=ChatKind.CONTEXT, picture_ids=(own.identity,)).insert()
    await chat_in(project_of(studio.project.owner_id), picture_ids=(others.identity,)).insert()
    assert await _referred(studio, [("Picture", own.identity)]) == [(None, None, own.identity)]
    refused = await _refused(studio, [("Picture", others.identity)])
    assert (refused.code, refused.path) == (ErrorCode.BAD_USER_INPUT, (*_PATH, "0"))
    assert len(await _referred(studio, [("Picture", others.identity)], studio.owner)) == 1


async def test_image_in_the_trash_and_one_whose_picture_is_gone_are_refused(studio: Studio) -> None:
    trashed, gone, deleted = [await studio.image(shade) for shade in (10, 20, 30)]
    await ChatImage.into_trash([trashed.identity])
    await Picture.rows().delete_one({"_id": gone.picture_id})
    await delete_forever([deleted])
    wrong = [(one, await _refused(studio, [("ChatImage", one.identity)])) for one in (trashed, gone, deleted)]
    codes = [error.code for _, error in wrong]
    assert codes == [ErrorCode.CONFLICT, ErrorCode.BAD_USER_INPUT, ErrorCode.BAD_USER_INPUT]
    assert {error.path for _, error in wrong} == {(*_PATH, "0")}


async def test_more_than_eight_are_refused(studio: Studio) -> None:
    refused = await _refused(studio, [("Picture", PydanticObjectId()) for _ in range(REFERENCES_MAX + 1)])
    assert (refused.code, refused.path) == (ErrorCode.BAD_USER_INPUT, _PATH)


async def test_references_are_safe_from_sweeps_for_a_grace_period(studio: Studio) -> None:
    image = await studio.image(10)
    long_ago = utc_now() - timedelta(days=3)
    await Picture.rows().update_many({}, {"$set": {"touchedAt": long_ago}})
    await _referred(studio, [("ChatImage", image.identity)])
    picture = await Picture.get(image.picture_id)
    assert picture
    assert picture.touched_at > long_ago + timedelta(days=2)


async def test_eight_references_of_all_types_take_few_commands(
    studio: Studio, database: AsyncDatabase[dict[str, Any]], mongodb_url: str
) -> None:
    images = [await studio.image(shade) for shade in range(4)]
    pictures = [await studio.kept(studio.project.owner_id, 10 + shade) for shade in range(2)]
    await Project.rows().update_one(
        {"_id": studio.project.identity}, {"$set": {"contextPictureIds": [one.identity for one in pictures]}}
    )
    ornaments = [await _ornament(studio, studio.owner.owner_id, 20 + shade) for shade in range(2)]
    given: list[Given] = [("ChatImage", one.identity) for one in images]
    given += [("Picture", one.identity) for one in pictures] + [("OrnamentImage", one.identity) for one in ornaments]
    commands = Commands()
    async with AsyncMongoClient[dict[str, Any]](mongodb_url, event_listeners=[commands]) as client:
        await point_at(client[database.name], DOCUMENTS)
        commands.sent.clear()
        assert len(await _referred(studio, given, studio.owner)) == REFERENCES_MAX
        assert len(commands.sent) <= _MAX_COMMANDS, commands.sent
