"""Images of chats are made anew alone: by whom, as what, and whatever goes away meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.chats.image import ChatImage
from app.chats.model import Chat
from app.chats.regenerating import IMAGE_KIND
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.lineage.clearing import clear
from app.lineage.deletion import delete_forever
from app.lineage.tombstone import Tombstone
from app.lineage.trash import Trash
from app.lineage.wishes import COMBINED_MAX_CHARACTERS
from app.pictures.model import Picture
from app.projects.model import Project
from tests.chats.studio import PROMPT, Studio, opened_studio, recipe

_LONG_AGO_S = -3600.0


@pytest.fixture
async def studio(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with opened_studio(database, mongodb_url, tmp_path) as opened:
        yield opened


async def test_child_of_an_image_is_the_projects_whoever_asked_for_it(studio: Studio) -> None:
    root = await studio.image()
    started = await studio.again(root, "Add a boat.")
    assert (started.kind, started.owner_id) == (IMAGE_KIND, studio.project.owner_id)
    assert started.project_id == studio.project.identity
    child = await studio.made(started)
    assert (child.owner_id, child.project_id) == (root.owner_id, root.project_id)
    assert (child.chat_id, child.exchange_id) == (root.chat_id, root.exchange_id)
    assert (child.parent_id, child.lineage.depth) == (root.identity, 1)
    assert (child.prompt, child.new_prompt, child.original_prompt) == ("Add a boat.", "Add a boat.", PROMPT)
    assert child.combined_prompt == f"{PROMPT}. Add a boat"
    picture = await Picture.get(child.picture_id)
    assert picture
    assert picture.owner_id == studio.project.owner_id


async def test_regeneration_of_a_regeneration_goes_on_from_its_picture_and_all_its_wishes(studio: Studio) -> None:
    root = await studio.image()
    child = await studio.made(await studio.again(root, "Add a boat"))
    started = await studio.again(child, "Make it brighter", by=studio.owner)
    assert [one.picture_id for one in started.recipe.pictures] == [child.picture_id]
    grandchild = await studio.made(started)
    assert grandchild.lineage.ancestors == (root.identity, child.identity)
    assert grandchild.prompts == (PROMPT, "Add a boat", "Make it brighter")
    assert (grandchild.original_prompt, grandchild.new_prompt) == (PROMPT, "Make it brighter")
    assert not grandchild.is_one_of_several


async def test_viewer_and_stranger_start_nothing(studio: Studio) -> None:
    image = await studio.image()
    for person in (studio.viewer, studio.stranger):
        with pytest.raises(AppError) as refused:
            await studio.again(image, by=person)
        assert (refused.value.code, refused.value.path) == (ErrorCode.FORBIDDEN, ("input", "imageId"))
    await ChatImage.remove([image.identity])
    with pytest.raises(AppError) as missing:
        await studio.again(image)
    assert (missing.value.code, missing.value.path) == (ErrorCode.NOT_FOUND, ("input", "imageId"))
    assert await Generation.count() == 0


@pytest.mark.parametrize("place", ["image", "chat", "project"])
async def test_nothing_is_regenerated_in_the_trash_until_it_is_restored(studio: Studio, place: str) -> None:
    image = await studio.image()
    product, document = {
        "image": (ChatImage, image),
        "chat": (Chat, studio.chat),
        "project": (Project, studio.project),
    }[place]
    failed = await studio.again(image)
    await Generation.rows().update_one({"_id": failed.identity}, {"$set": {"status": Status.FAILED, "settled": True}})
    await product.into_trash([document.identity])
    with pytest.raises(AppError, match="restore") as refused:
        await studio.again(image, by=studio.owner)
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "imageId"))
    with pytest.raises(AppError) as refused:
        await studio.again(image, by=studio.editor)
    seen_by_members = product is not Project
    assert refused.value.code is (ErrorCode.CONFLICT if seen_by_members else ErrorCode.FORBIDDEN)
    retry, owner_id = studio.parts.services.generations.retry, studio.owner.owner_id
    with pytest.raises(AppError, match="restore") as refused:
        await retry(owner_id, failed.identity, None)
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "id"))
    await product.out_of_trash([document.identity])
    retried = await retry(owner_id, failed.identity, None)
    assert (retried.project_id, retried.retry_of) == (studio.project.identity, failed.identity)
    assert (await studio.made(retried)).parent_id == image.identity


async def test_wish_that_makes_the_prompts_too_long_is_refused_with_a_way_out(studio: Studio) -> None:
    image = await studio.image(prompts=("x" * (COMBINED_MAX_CHARACTERS - 5),))
    with pytest.raises(AppError, match="sendMessage") as refused:
        await studio.again(image, "Brighter")
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "prompt"))


async def test_child_whose_ancestors_go_for_ever_while_it_waits_is_written_all_the_same(studio: Studio) -> None:
    root = await studio.image()
    parent = await studio.made(await studio.again(root, "Add a boat"))
    started = await studio.again(parent)
    await delete_forever([root, parent])
    child = await studio.made(started)
    assert child.lineage.ancestors == (root.identity, parent.identity)
    assert (child.chat_id, child.exchange_id) == (root.chat_id, root.exchange_id)
    assert set(await Tombstone.of([root.identity, parent.identity])) == {root.identity, parent.identity}


@pytest.mark.parametrize("tombstone", [True, False], ids=["being deleted", "gone"])
async def test_chat_that_goes_for_ever_while_a_child_is_made_leaves_nothing_of_it(
    studio: Studio, *, tombstone: bool
) -> None:
    root = await studio.image()
    started = await studio.again(root)
    await delete_forever([root])
    if tombstone:
        await Tombstone.keep([Tombstone.for_single(studio.chat)])
    else:
        await Chat.remove([studio.chat.identity])
    await studio.parts.runner.run(started.identity)
    assert await ChatImage.count() == 0
    ended = await Generation.get(started.identity)
    assert ended
    assert (ended.status, ended.recipe.prompts, ended.picture_ids) == (Status.SUCCEEDED, (), [])


async def test_those_who_follow_the_chat_are_told_of_the_child(studio: Studio) -> None:
    started = await studio.again(await studio.image())
    async with studio.parts.hub.follow(studio.project.owner_id, None) as follower:
        await studio.made(started)
        async with asyncio.timeout(30):
            async for news in follower.news():
                if news and news.generation_id == studio.chat.identity:
                    break


async def test_same_key_is_the_same_work_for_one_member_and_not_for_two(studio: Studio) -> None:
    image = await studio.image()
    first = await studio.again(image, key="k")
    assert (await studio.again(image, key="k")).identity == first.identity
    others = await studio.again(image, key="k", by=studio.owner)
    assert others.identity != first.identity
    with pytest.raises(AppError) as refused:
        await studio.again(image, "Another wish", key="k")
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "idempotencyKey"))


async def test_call_is_known_again_when_its_image_is_gone_and_only_to_who_sees_the_project(studio: Studio) -> None:
    image, asked = await studio.image(), "RegenerateImageInput:Make it brighter"
    first = await studio.again(image, key="k")
    await delete_forever([image])
    known = studio.parts.services.chat_images.known
    found = await known(studio.editor.owner_id, image.identity, "k", asked)
    assert found
    assert found.identity == first.identity
    assert await known(studio.stranger.owner_id, image.identity, "k", asked) is None
    await Project.rows().update_one({"_id": studio.project.identity}, {"$set": {"members": []}})
    assert await known(studio.editor.owner_id, image.identity, "k", asked) is None


async def test_deletion_of_one_image_of_an_answer_leaves_what_its_work_tells_of_the_others(studio: Studio) -> None:
    made_by = Generation.queued(studio.project.owner_id, "CHAT", recipe(), "k", utc_now())
    gone, stays = [await studio.image(shade, generation_id=made_by.identity) for shade in (10, 20)]
    made_by.status, made_by.settled = Status.SUCCEEDED, True
    made_by.picture_ids = [gone.picture_id, stays.picture_id]
    made_by.steps = {"image:0": {"pictureId": gone.picture_id}, "image:1": {"pictureId": stays.picture_id}}
    assert await Generation.start(made_by)
    await delete_forever([gone])
    left = await Generation.get(made_by.identity)
    assert left
    assert (left.recipe.prompts, left.picture_ids) == ((PROMPT,), [stays.picture_id])
    assert set(left.steps) == {"image:0", "image:1"}


async def test_pictures_of_deleted_images_are_swept_and_those_of_others_stay(studio: Studio) -> None:
    gone, stays = await studio.image(10), await studio.image(20)
    await delete_forever([gone])
    trashes: dict[str, Trash[Any]] = {"chat_images": Trash(ChatImage, delete_forever)}
    await clear(trashes, _LONG_AGO_S)
    await studio.parts.services.pictures.sweep(ChatImage.showing, _LONG_AGO_S)
    assert {row["_id"] async for row in Picture.rows().find({}, {"_id": 1})} == {stays.picture_id}
    assert await Tombstone.of([gone.identity]) == {}
