"""What is deleted for ever leaves nothing, whoever writes meanwhile, and wherever it is cut off."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, override

import pytest
from beanie import PydanticObjectId
from pymongo import monitoring
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.access import Role
from app.chats import deletion
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.generations.model import Generation, Status
from app.lineage.clearing import clear
from app.lineage.deletion import delete_forever
from app.lineage.tombstone import Tombstone
from app.lineage.trash import Trash
from app.lineage.writing import write
from app.pictures.model import Picture, PictureState
from app.projects.invitation import Invitation
from app.projects.model import Project
from tests.api.shop import Shop, opened_shop
from tests.chats.stored import RECIPE, being_made, chat_of, exchange_of, image_of, referring_to
from tests.ornaments.images import picture_of
from tests.projects.projects import project_of

_TRASHES: Mapping[str, Trash[Any]] = {
    "projects": Trash(Project, deletion.delete_projects_forever, deletion.finish_project),
    "chats": Trash(Chat, deletion.delete_forever, deletion.finish),
    "chat_images": Trash(ChatImage, delete_forever),
}
_STEP = 1 if os.environ.get("FULL") else 11
"""At each so-manieth command it is cut off."""
_IN_A_PROJECT = (Project, Invitation, Chat, Exchange, ChatImage, Tombstone)


@dataclass(slots=True)
class Blade(CommandListener):
    """Cuts a task off at the command of that number, which may have come to the database by then."""

    task: asyncio.Task[None] | None = None
    left: int = 0

    @override
    def started(self, event: CommandStartedEvent) -> None:
        if self.task is None:
            return
        self.left -= 1
        if self.left == 0:
            self.task.cancel()

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture(scope="module", autouse=True)
def blade() -> Blade:
    """Hears what is sent by all that are opened from now on."""
    made = Blade()
    monitoring.register(made)
    return made


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


@dataclass(frozen=True, slots=True)
class World:
    """A project with all that may be in one."""

    project: Project
    frame: Chat
    exchange: Exchange
    image: ChatImage
    pictures: tuple[Picture, ...]


async def _planted(shop: Shop) -> World:
    pictures = about, shown, reference, chosen = tuple(picture_of(shop.owner_id) for _ in range(4))
    project = project_of(shop.owner_id, context_picture_ids=(about.identity,))
    main, frame = chat_of(project, ChatKind.MAIN), chat_of(project, picture_ids=(chosen.identity,))
    context = chat_of(project, ChatKind.CONTEXT)
    project.frame_order = (frame.identity,)
    exchange = exchange_of(frame, references=(referring_to(reference.identity),))
    image = image_of(exchange, picture_id=shown.identity)
    child = image_of(exchange, image)
    said = exchange_of(main)
    invitation, _ = Invitation.to(project, Role.VIEWER)
    for one in (*pictures, project, main, frame, context, exchange, said, image, child, image_of(said), invitation):
        await one.insert()
    return World(project, frame, exchange, image, pictures)


async def _cleared() -> None:
    """As it is done a grace period later, as often as something new turns up."""
    for _ in range(2):
        await Tombstone.rows().update_many({}, {"$set": {"touchedAt": utc_now().replace(year=2000)}})
        await clear(_TRASHES, 0)


async def _left() -> dict[str, int]:
    counts = {kind.rows().name: await kind.count() for kind in _IN_A_PROJECT}
    return {name: count for name, count in counts.items() if count}


async def test_project_goes_with_all_that_is_in_it_and_nobody_elses(shop: Shop) -> None:
    others = await _planted(shop)
    before = await _left()
    world = await _planted(shop)
    await deletion.delete_projects_forever([world.project])
    assert {one.state for one in (await Picture.by_ids([it.identity for it in world.pictures])).values()} == {
        PictureState.LOOSE
    }
    await _cleared()
    assert await _left() == before
    assert await Project.get(others.project.identity) is not None
    assert {one.state for one in (await Picture.by_ids([it.identity for it in others.pictures])).values()} == {
        PictureState.HELD
    }


async def test_frame_goes_with_its_chat_and_its_place(shop: Shop) -> None:
    world = await _planted(shop)
    await deletion.delete_forever([world.frame])
    await _cleared()
    assert await _left() == {"projects": 1, "invitations": 1, "chats": 2, "exchanges": 1, "chat_images": 1}
    project = await Project.get(world.project.identity)
    assert project is not None
    assert project.frame_order == ()


@pytest.mark.long
async def test_deletion_that_is_cut_off_at_any_command_is_finished_by_the_sweep(shop: Shop, blade: Blade) -> None:
    cut, is_through = 0, False
    while not is_through:
        cut += _STEP
        world = await _planted(shop)
        doomed = asyncio.create_task(deletion.delete_projects_forever([world.project]))
        blade.task, blade.left = doomed, cut
        await asyncio.wait([doomed])
        blade.task, is_through = None, not doomed.cancelled()
        if await Project.get(world.project.identity) and not await Tombstone.get(world.project.identity):
            await deletion.delete_projects_forever([world.project])  # nothing was begun, and its owner tries again
        await _cleared()
        assert await _left() == {}, cut
    assert cut > 30, "it was cut off nowhere"


async def test_work_that_ends_later_leaves_nothing_and_its_words_are_blanked_then(shop: Shop) -> None:
    world = await _planted(shop)
    generation = Generation.queued(shop.owner_id, "CHAT", RECIPE, "a", utc_now())
    exchange = exchange_of(world.frame, 1, **being_made(generation.identity))
    generation.recipe = RECIPE.model_copy(update={"parent_id": exchange.identity})
    generation.status = Status.RUNNING
    await generation.insert()
    await exchange.insert()
    await deletion.delete_forever([world.frame])
    assert await Exchange.get(exchange.identity) is None
    late = image_of(exchange)
    assert not await write(late), "its tombstone is there already"
    await _cleared()
    running = await Generation.get(generation.identity)
    assert running is not None
    assert running.recipe.prompts == ("A whale",)
    assert await Tombstone.get(exchange.identity) is not None, "it waits for the work's end"
    await Generation.rows().update_one({"_id": generation.identity}, {"$set": {"status": "FAILED", "settled": True}})
    await _cleared()
    found = await Generation.get(generation.identity)
    assert found is not None
    assert found.recipe.prompts == ()
    assert "tombstones" not in await _left()
    assert await ChatImage.get(late.identity) is None


async def test_what_comes_into_a_chat_or_a_project_too_late_goes_with_the_sweep(shop: Shop) -> None:
    world = await _planted(shop)
    await deletion.delete_projects_forever([world.project])
    late_frame = chat_of(world.project)
    main = chat_of(world.project, ChatKind.MAIN)
    late = exchange_of(world.frame, 7), exchange_of(late_frame), exchange_of(main, 7)
    invitation, _ = Invitation.to(world.project, Role.EDITOR)
    for one in (late_frame, *late, *(image_of(one) for one in late), invitation):
        await one.insert()
    for _ in range(2):
        await _cleared()
    assert await _left() == {}


async def test_two_who_delete_the_same_at_once_disturb_nobody(shop: Shop) -> None:
    world = await _planted(shop)
    await asyncio.gather(
        *(deletion.delete_projects_forever([world.project]) for _ in range(2)),
        deletion.delete_forever([world.frame]),
        _cleared(),
    )
    await _cleared()
    assert await _left() == {}


@pytest.mark.long
async def test_long_chat_goes_whole(shop: Shop) -> None:
    project = project_of(shop.owner_id)
    chat = chat_of(project)
    exchanges = [exchange_of(chat, number) for number in range(120)]
    await Chat.insert_many([chat])
    await Exchange.insert_many(exchanges)
    await ChatImage.insert_many([image_of(one) for one in exchanges])
    await deletion.delete_forever([chat])
    assert set(await _left()) == {"tombstones"}
    counted = {PydanticObjectId(row["_id"]) async for row in Tombstone.rows().find({}, {"_id": 1})}
    assert counted == {chat.identity} | {one.slots[0].image_id for one in exchanges}
