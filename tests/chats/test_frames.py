"""Frames are in the order that was said, and show the picture that was chosen."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.access import Role
from app.chats.entities import OF_A_KIND_MAX, Entities
from app.chats.frames import Frames, frames_in_order
from app.chats.model import Chat, ChatKind
from app.chats.words import Described
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.lineage.deletion import delete_forever
from app.pictures.model import Picture, PictureState
from app.projects.made_once import Call
from app.projects.model import Project
from tests.api.shop import Shop, opened_shop
from tests.chats.stored import chat_of, exchange_of, image_of
from tests.ornaments.images import picture_of
from tests.projects.projects import member_of, project_of


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


@pytest.fixture
async def project(shop: Shop) -> Project:
    stored = project_of(shop.owner_id)
    await stored.insert()
    return stored


@pytest.fixture
def entities(shop: Shop) -> Entities:
    return shop.services.entities


@pytest.fixture
def frames(shop: Shop) -> Frames:
    return shop.services.frames


async def _made(entities: Entities, project: Project, count: int) -> list[Chat]:
    call, described = Call(project.owner_id), Described("A door")
    return [await entities.create(call, project, ChatKind.FRAME, described) for _ in range(count)]


async def _in_order(project: Project) -> list[PydanticObjectId]:
    found = await frames_in_order([project.identity])
    return [one.identity for one in found[project.identity]]


def _ids(chats: Sequence[Chat]) -> list[PydanticObjectId]:
    return [one.identity for one in chats]


async def test_frames_are_in_the_order_in_which_they_were_made_until_somebody_says_another(
    entities: Entities, frames: Frames, project: Project
) -> None:
    made = _ids(await _made(entities, project, 4))
    assert await _in_order(project) == made
    await frames.reorder(project.owner_id, project.identity, made[::-1])
    assert await _in_order(project) == made[::-1]
    (late,) = _ids(await _made(entities, project, 1))
    assert await _in_order(project) == [*made[::-1], late]


async def test_frames_that_nobody_has_lined_up_come_last_oldest_first(entities: Entities, project: Project) -> None:
    made = _ids(await _made(entities, project, 3))
    await Project.drop_frames(project.identity, made[:2])  # a crash kept them from being put there
    assert await _in_order(project) == [made[2], made[0], made[1]]


async def test_order_names_each_frame_once_or_changes_nothing(
    shop: Shop, entities: Entities, frames: Frames, project: Project
) -> None:
    made = await _made(entities, project, 3)
    ids = _ids(made)
    foreign, trashed = chat_of(project_of(shop.owner_id)), chat_of(project, trashed_at=utc_now())
    await Chat.insert_many([foreign, trashed])
    cases: list[tuple[list[PydanticObjectId], tuple[str, ...], str]] = [
        (ids[:2], (), "Missing: the one at position 2 (“A door”)."),
        ([], (), "position 0"),
        ([*ids, foreign.identity], ("3",), "no frame of this project"),
        ([*ids[:2], trashed.identity], ("2",), "in the trash"),
        ([ids[0], ids[0], ids[1], ids[2]], ("1",), "named twice"),
    ]
    for given, place, words in cases:
        with pytest.raises(AppError) as refused:
            await frames.reorder(shop.owner_id, project.identity, given)
        assert (refused.value.code, refused.value.path) == (
            ErrorCode.BAD_USER_INPUT,
            ("input", "frameIds", *place),
        )
        assert words in refused.value.message
    assert (await _in_order(project))[:3] == ids


async def test_frame_in_the_trash_comes_back_behind_the_others(
    entities: Entities, frames: Frames, project: Project
) -> None:
    first, second, third = _ids(await _made(entities, project, 3))
    await entities.discard(project.owner_id, first, ChatKind.FRAME)
    await frames.reorder(project.owner_id, project.identity, [third, second])
    await Chat.out_of_trash([first])
    assert await _in_order(project) == [third, second, first]


async def test_frames_that_are_made_while_others_are_put_in_order_stay_last_and_none_is_lost(
    entities: Entities, frames: Frames, project: Project
) -> None:
    made = _ids(await _made(entities, project, 4))
    orders = [made[::-1], [*made[1:], made[0]]]
    results = await asyncio.gather(
        *(frames.reorder(project.owner_id, project.identity, order) for order in orders),
        *(_made(entities, project, 2) for _ in range(3)),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, BaseException)]
    assert all(isinstance(one, AppError) and "Missing" in one.message for one in refused), refused
    now = await _in_order(project)
    assert now[:4] in ([*orders, made] if len(refused) == 2 else orders)
    assert len(set(now)) == len(now) == 10
    stored = await Project.get(project.identity)
    assert stored is not None
    assert sorted(stored.frame_order) == sorted(now)


async def test_same_call_at_once_makes_one_frame(entities: Entities, project: Project) -> None:
    call = Call(PydanticObjectId(), "a", "b")
    made = await asyncio.gather(
        *(entities.create(call, project, ChatKind.FRAME, Described("A door")) for _ in range(5))
    )
    assert len(set(_ids(made))) == await Chat.count() == 1
    assert await _in_order(project) == [made[0].identity]


async def test_frame_that_a_crash_kept_from_its_place_gets_it_by_the_same_call(
    shop: Shop, entities: Entities, project: Project
) -> None:
    call = Call(shop.owner_id, "a", "b")
    frame = await entities.create(call, project, ChatKind.FRAME, Described("A door"))
    await Project.drop_frames(project.identity, [frame.identity])
    await shop.services.projects.discard(shop.owner_id, project.identity)
    known = await entities.known(call)
    assert known is not None
    assert known.identity == frame.identity
    stored = await Project.get(project.identity)
    assert stored is not None
    assert stored.frame_order == (frame.identity,)


async def test_who_is_no_member_any_more_is_not_shown_what_they_made(
    shop: Shop, entities: Entities, project: Project
) -> None:
    call = Call(PydanticObjectId(), "a", "b")
    await entities.create(call, project, ChatKind.FRAME, Described("A door"))
    assert await entities.known(call) is None
    assert await entities.known(Call(shop.owner_id, "a", "b")) is None


async def test_project_has_so_many_frames_at_most(entities: Entities, project: Project) -> None:
    await Chat.insert_many([chat_of(project) for _ in range(OF_A_KIND_MAX)])
    with pytest.raises(AppError, match="at most 500 frames") as full:
        await _made(entities, project, 1)
    assert (full.value.code, full.value.path) == (ErrorCode.CONFLICT, ("input", "projectId"))
    context = await entities.create(Call(project.owner_id), project, ChatKind.CONTEXT, Described("Her", "Tall."))
    assert context.kind is ChatKind.CONTEXT


async def test_frame_goes_on_to_show_the_picture_of_an_image_that_is_deleted(
    shop: Shop, frames: Frames, project: Project
) -> None:
    frame, picture = chat_of(project), picture_of(shop.owner_id)
    exchange = exchange_of(frame)
    image = image_of(exchange, picture_id=picture.identity)
    for one in (frame, picture, exchange, image):
        await one.insert()
    chosen = await frames.choose_picture(frame, image.identity)
    assert (chosen.picture_ids, chosen.chosen_image_id) == ((picture.identity,), image.identity)
    await delete_forever([image])
    assert await Chat.showing([picture.identity]) == {picture.identity}, "no sweep takes it"
    left = await frames.choose_picture(chosen, None)
    assert (left.picture_ids, left.chosen_image_id) == ((), None)
    (now,) = await Picture.find_all().to_list()
    assert (now.state, await Chat.showing([picture.identity])) == (PictureState.LOOSE, set())


async def test_frame_shows_images_of_its_own_chat_alone(frames: Frames, project: Project) -> None:
    frame, other = chat_of(project), chat_of(project)
    elsewhere, own = exchange_of(other), exchange_of(frame)
    foreign, trashed, lost = image_of(elsewhere), image_of(own, trashed_at=utc_now()), image_of(own)
    lost = lost.model_copy(update={"id": PydanticObjectId()})
    for one in (frame, other, foreign, trashed, lost):
        await one.insert()
    cases = [
        (foreign.identity, ErrorCode.BAD_USER_INPUT),
        (PydanticObjectId(), ErrorCode.BAD_USER_INPUT),
        (trashed.identity, ErrorCode.CONFLICT),
        (lost.identity, ErrorCode.SOURCE_IMAGE_MISSING),
    ]
    for image_id, code in cases:
        with pytest.raises(AppError) as refused:
            await frames.choose_picture(frame, image_id)
        assert (refused.value.code, refused.value.path) == (code, ("input", "imageId"))


async def test_what_is_in_the_trash_or_in_a_project_there_can_t_be_changed(
    shop: Shop, entities: Entities, project: Project
) -> None:
    frame = chat_of(project)
    await frame.insert()
    await entities.discard(shop.owner_id, frame.identity, ChatKind.FRAME)
    with pytest.raises(AppError, match="This frame is in the trash"):
        await entities.open_to(shop.owner_id, frame.identity, ChatKind.FRAME)
    with pytest.raises(AppError, match="This frame is in the trash"):
        await entities.update(frame, {"title": "Late"})
    await Chat.out_of_trash([frame.identity])
    await shop.services.projects.discard(shop.owner_id, project.identity)
    for tried in (
        entities.open_to(shop.owner_id, frame.identity, ChatKind.FRAME, "input", "frameId"),
        entities.discard(shop.owner_id, frame.identity, ChatKind.FRAME, "input", "frameId"),
    ):
        with pytest.raises(AppError, match="This project is in the trash") as refused:
            await tried
        assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "frameId"))


async def test_viewer_changes_nothing_and_an_editor_all(shop: Shop, entities: Entities) -> None:
    editor, viewer = PydanticObjectId(), PydanticObjectId()
    project = project_of(shop.owner_id, member_of(editor), member_of(viewer, Role.VIEWER))
    frame = chat_of(project)
    await project.insert()
    await frame.insert()
    for who in (viewer, PydanticObjectId()):
        with pytest.raises(AppError) as refused:
            await entities.open_to(who, frame.identity, ChatKind.FRAME)
        assert refused.value.code is ErrorCode.FORBIDDEN
    assert (await entities.open_to(editor, frame.identity, ChatKind.FRAME)).identity == frame.identity
    assert (await entities.discard(editor, frame.identity, ChatKind.FRAME)).trashed_at is not None


@pytest.mark.parametrize("kind", [ChatKind.CONTEXT, ChatKind.MAIN])
async def test_only_a_frame_is_a_frame(shop: Shop, entities: Entities, project: Project, kind: ChatKind) -> None:
    chat = chat_of(project, kind)
    await chat.insert()
    with pytest.raises(AppError) as unknown:
        await entities.discard(shop.owner_id, chat.identity, ChatKind.FRAME)
    assert unknown.value.code is ErrorCode.NOT_FOUND
