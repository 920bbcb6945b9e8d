"""A chat is followed live by all who have its project open: nothing is missed, and nothing comes twice."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo import monitoring

from app.access import Gate, Role
from app.chats import following
from app.chats.deletion import delete_forever, delete_projects_forever
from app.chats.exchange import AnswerStatus, Exchange
from app.chats.image import ChatImage
from app.chats.looking import Sight
from app.chats.model import Chat
from app.chats.news import ChatNews, ChatNewsType
from app.database.document import utc_now
from app.generations.events import EventType, GenerationEvent
from app.generations.following import keep_caught_up
from app.generations.model import Generation
from app.lineage.again import Again
from app.ornaments.asked import Asked
from app.ornaments.asked import Role as Asset
from app.ornaments.model import OrnamentKind
from app.projects.hints import wake
from app.projects.model import Project
from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from tests.chats.conftest import Desk, MakeDesk
from tests.chats.rooms import member_of
from tests.lineage.conftest import Commands

_LAST_TITLE = "The end"
_MORE_THAN_A_BUFFER = 80
_CUTS = range(1, 41, 1 if os.environ.get("FULL") else 4)
"""After so many news a connection is cut."""

type Watched = AsyncGenerator[ChatNews]
type Until = Callable[[ChatNews], bool]


@pytest.fixture(scope="module", autouse=True)
def commands() -> Commands:
    """What is sent to the database by all that are opened from now on."""
    listener = Commands()
    monitoring.register(listener)
    return listener


def followed(desk: Desk, chat: Chat | None = None, since: datetime | None = None, by: Any = None) -> Watched:
    """The news of a chat for its owner, or for somebody else."""
    of, services = chat or desk.chat, desk.parts.services
    seeing = partial(Gate(members_among=Project.members_among).seeing, thing=of)
    sight = Sight(of, by or desk.owner_id, seeing, services.generations.clock)
    return following.events(desk.parts.hub, sight, since)


async def told_until(news: Watched, is_last: Until) -> list[ChatNews]:
    """All that is told up to that one, itself included."""
    told = list[ChatNews]()
    async with asyncio.timeout(60):
        async for one in news:
            told.append(one)
            if is_last(one):
                return told
    raise AssertionError(told)


def is_level(one: ChatNews) -> bool:
    """The last SNAPSHOT: from there on it is live."""
    return one.type is ChatNewsType.SNAPSHOT and one.exchange is None and one.work is None


def is_end(one: ChatNews) -> bool:
    return one.type is ChatNewsType.WORK and one.work is not None and one.work.event.type.terminal


def is_of(type: ChatNewsType) -> Until:
    return lambda one: one.type is type


async def rest_of(news: Watched) -> list[ChatNews]:
    """All that is told to the end of the stream."""
    async with asyncio.timeout(60):
        return [one async for one in news]


def begun[T](awaitable: Awaitable[T]) -> asyncio.Future[T]:
    """The same, on its way."""
    return asyncio.ensure_future(awaitable)


def events_in(told: list[ChatNews]) -> list[EventType]:
    return [one.work.event.type for one in told if one.type is ChatNewsType.WORK and one.work]


async def settled(desk: Desk) -> None:
    """Return when every follower of the desk's process has dealt with all that it was told."""
    async with asyncio.timeout(60):
        while not desk.parts.hub.followers.idle:  # noqa: ASYNC110 - a follower has no event for it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def nothing_told(desk: Desk, news: Watched) -> AsyncGenerator[None]:
    """What is done inside is told to nobody who follows in the desk's process; `news` are the only ones."""
    telling = begun(anext(news, None))
    await asyncio.sleep(0)
    yield
    await settled(desk)
    assert not telling.done()
    telling.cancel()
    await asyncio.wait([telling])


async def test_message_of_another_its_text_and_its_end_are_told(desk: Desk) -> None:
    references = [("Picture", (await desk.picture(number)).identity) for number in range(2)]
    async with aclosing(followed(desk)) as news:
        assert is_level(await anext(news))
        telling = begun(told_until(news, is_end))
        await asyncio.sleep(0)
        sent = await desk.sent(given=references, image_count=2)
        told = await telling
    first, last = told[0], told[-1]
    assert first.exchange is not None
    assert (first.type, first.exchange.prompt) == (ChatNewsType.MESSAGE, sent.prompt)
    assert first.exchange.status is AnswerStatus.PROCESSING
    assert {EventType.QUEUED, EventType.TEXT, EventType.SUCCEEDED} <= set(events_in(told))
    texts = [one.work.event.text for one in told if one.work and one.work.event.text]
    assert sent.analyses[-1].text in (texts[-1] or "")
    assert last.exchange is not None
    assert (last.exchange.status, last.exchange.slots) == (AnswerStatus.READY, sent.slots)
    of_text = next(one for one in told if one.work and one.work.event.text)
    assert of_text.exchange is not None
    assert of_text.exchange.identity == sent.identity


async def test_snapshot_is_of_what_is_under_way_and_of_what_changed_since(desk: Desk, simulator: Simulator) -> None:
    old, ended = await desk.sent("Old"), await desk.sent("Ended")
    long_ago = utc_now() - timedelta(hours=1)
    for stored, identity in ((Exchange, old.identity), (Generation, old.generation_id)):
        await stored.rows().update_one({"_id": identity}, {"$set": {"changedAt": long_ago}})
    simulator.always(Provider.OPENAI, Scenario.SLOW)
    waiting = (await desk.send("Waiting")).exchange

    async def standing(since: datetime | None) -> list[ChatNews]:
        async with aclosing(followed(desk, since=since)) as news:
            return await told_until(news, is_level)

    bare, since = await standing(None), await standing(utc_now() - timedelta(minutes=1))
    assert [one.exchange.prompt for one in bare if one.exchange] == ["Waiting"]
    assert [one.exchange.prompt for one in since if one.exchange] == ["Ended", "Waiting"]
    assert [one.at for one in since] == sorted(one.at for one in since)
    of_work = {one.exchange.identity: one.work for one in since if one.exchange and one.work}
    assert {identity: work.event.type for identity, work in of_work.items()} == {
        ended.identity: EventType.SNAPSHOT,
        waiting.identity: EventType.SNAPSHOT,
    }
    assert of_work[ended.identity].event.sequence == (await desk.generation_of(ended)).last_sequence


async def test_what_ended_just_before_is_no_news(desk: Desk) -> None:
    await desk.sent()
    async with aclosing(followed(desk)) as news:
        assert is_level(await anext(news))
        async with nothing_told(desk, news):
            desk.parts.hub.followers.miss_all()


@dataclass
class Screen:
    """What one client shows: it holds on to the latest moment, and drops the events that it has seen."""

    since: datetime | None = None
    title: str = ""
    branch_id: PydanticObjectId | None = None
    revisions: dict[PydanticObjectId, int] = field(default_factory=dict[PydanticObjectId, int])
    sequences: dict[PydanticObjectId, int] = field(default_factory=dict[PydanticObjectId, int])
    told: int = 0

    async def follow(self, desk: Desk, at_most: int | None = None) -> None:
        """Until the last title, or so many news."""
        fresh = set[PydanticObjectId]()
        async with aclosing(followed(desk, since=self.since)) as news:
            async for one in news:
                self._show(one, fresh)
                self.told += 1
                if self.told == at_most or (one.chat.title == _LAST_TITLE and self.is_level_again(one)):
                    return

    @staticmethod
    def is_level_again(one: ChatNews) -> bool:
        """Whether the connection has caught up: its snapshots are over."""
        return is_level(one) or one.type is not ChatNewsType.SNAPSHOT

    def _show(self, one: ChatNews, fresh: set[PydanticObjectId]) -> None:
        self.since = max(one.at, self.since or one.at)
        self.title, self.branch_id = one.chat.title, one.chat.branch_id
        if one.exchange is not None:
            before = self.revisions.get(one.exchange.identity, -1)
            if one.type is ChatNewsType.MESSAGE:
                assert one.exchange.revision > before or one.exchange.identity not in fresh
                fresh.add(one.exchange.identity)
            assert one.exchange.revision >= before
            self.revisions[one.exchange.identity] = one.exchange.revision
        if one.work is not None:
            self._hear(one)

    def _hear(self, one: ChatNews) -> None:
        assert one.work is not None
        about, event = one.work.about, one.work.event
        generation_id = about.identity if isinstance(about, Generation) else about
        seen = self.sequences.get(generation_id, 0)
        if one.type is ChatNewsType.WORK:
            assert event.sequence == seen + 1
        self.sequences[generation_id] = max(event.sequence, seen)


async def _busy_day(desk: Desk, simulator: Simulator) -> None:
    """All that can happen in a chat."""
    first = await desk.sent(given=[("Picture", (await desk.picture()).identity)], image_count=2)
    (image, _) = await desk.images(first)
    await desk.parts.services.chat_images.again(desk.owner_id, image.identity, Again("In gold"), None)
    await desk.again(first, "In blue")
    await desk.work()
    simulator.then(Provider.OPENAI, Scenario.MODERATION)
    failed = await desk.sent("A wave")
    await desk.retry(failed)
    await desk.work()
    await desk.edit(failed, "A wave at night")
    await desk.work()
    await desk.chats.choose(desk.owner_id, first.identity)
    title = {"$set": {"title": _LAST_TITLE}, "$inc": {"revision": 1}, "$currentDate": {"changedAt": True}}
    await Chat.rows().update_one({"_id": desk.chat.identity}, title)
    await wake(desk.parts.hub, desk.owner_id, [desk.chat.identity])


async def _truth(desk: Desk) -> tuple[Any, ...]:
    chat = await Chat.get(desk.chat.identity)
    assert chat is not None
    exchanges = await Exchange.find_all().to_list()
    generations = await desk.generations()
    return (
        {one.identity: one.revision for one in exchanges},
        {one.identity: one.last_sequence for one in generations},
        chat.branch_id,
    )


def _shown(screen: Screen) -> tuple[Any, ...]:
    return screen.revisions, screen.sequences, screen.branch_id


@pytest.mark.long
async def test_who_was_cut_off_at_any_moment_misses_nothing_and_hears_nothing_twice(
    desk: Desk, simulator: Simulator
) -> None:
    steady, cut_off = Screen(), {at: Screen() for at in _CUTS}
    over = asyncio.Event()

    async def with_a_cut(screen: Screen, at: int) -> None:
        """Come back at once, or when all is over."""
        await screen.follow(desk, at)
        if at % 8 > 4:
            await over.wait()
        await screen.follow(desk)

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        group.create_task(steady.follow(desk))
        for at, screen in cut_off.items():
            group.create_task(with_a_cut(screen, at))
        await asyncio.sleep(0)
        await _busy_day(desk, simulator)
        over.set()
    truth = await _truth(desk)
    assert steady.told > _CUTS[-1]
    assert _shown(steady) == truth
    assert [at for at, screen in cut_off.items() if _shown(screen) != truth] == []


async def test_process_that_hears_nothing_is_caught_up_by_rereading(
    desk: Desk, make_desk: MakeDesk, simulator: Simulator
) -> None:
    silent = await make_desk(simulator)
    assert silent.parts.hub is not desk.parts.hub  # what the other process says is never heard here
    rereading = asyncio.create_task(
        keep_caught_up(desk.parts.hub.followers, desk.parts.services.generations.clock, 0.05)
    )
    async with aclosing(followed(desk)) as news:
        await anext(news)
        telling = begun(told_until(news, is_end))
        await asyncio.sleep(0)
        sent = await silent.sent(given=[("Picture", (await silent.picture()).identity)])
        told = await telling
    rereading.cancel()
    heard_of = [one.work.event.sequence for one in told if one.type is ChatNewsType.WORK and one.work]
    assert heard_of == list(range(1, (await desk.generation_of(sent)).last_sequence + 1))
    assert {one.exchange.identity for one in told if one.exchange} == {sent.identity}


async def test_slow_reader_is_told_all_events_in_their_order(desk: Desk) -> None:
    async with aclosing(followed(desk)) as news:
        await anext(news)
        first = begun(anext(news))
        await asyncio.sleep(0)
        sent = await desk.sent(image_count=2)
        for _ in range(_MORE_THAN_A_BUFFER):
            await wake(desk.parts.hub, desk.owner_id, [desk.chat.identity])
        told = [await first, *await told_until(news, is_end)]
    heard_of = [one.work.event.sequence for one in told if one.type is ChatNewsType.WORK and one.work]
    assert heard_of == list(range(1, (await desk.generation_of(sent)).last_sequence + 1))
    assert told[-1].exchange == sent


async def test_choice_of_a_branch_and_a_refused_message_are_told(make_desk: MakeDesk, simulator: Simulator) -> None:
    desk = await make_desk(simulator, user_running_limit=1, user_queued_limit=1)
    first = await desk.sent()
    second = await desk.again(first)
    await desk.work()
    async with aclosing(followed(desk)) as news:
        assert (await anext(news)).chat.branch_id == second.branch_id
        telling = begun(anext(news))
        await asyncio.sleep(0)
        await desk.chats.choose(desk.owner_id, first.identity)
        told = await telling
        assert (told.type, told.chat.branch_id) == (ChatNewsType.CHAT, first.branch_id)
        refused = begun(told_until(news, lambda one: bool(one.exchange and one.exchange.failure)))
        await asyncio.sleep(0)
        while (answering := await desk.send()).refusal is None:
            pass
        last = (await refused)[-1]
    assert last.exchange is not None
    assert (last.type, last.exchange.identity) == (ChatNewsType.MESSAGE, answering.exchange.identity)


@pytest.mark.long
async def test_image_that_is_regenerated_is_told_with_its_end_and_to_who_comes_later(desk: Desk) -> None:
    (image,) = await desk.images(await desk.sent())
    async with aclosing(followed(desk)) as news:
        await anext(news)
        telling = begun(told_until(news, is_end))
        await asyncio.sleep(0)
        generation = await desk.parts.services.chat_images.again(desk.owner_id, image.identity, Again("In gold"), None)
        async with aclosing(followed(desk)) as later:
            (waiting, _) = await told_until(later, is_level)
        await desk.work()
        told = await telling
    assert waiting.work is not None
    assert (waiting.type, waiting.exchange) == (ChatNewsType.SNAPSHOT, None)
    assert isinstance(waiting.work.about, Generation)
    assert waiting.work.about.identity == generation.identity
    assert all(one.work is None or one.work.about == generation.identity for one in told)
    assert await ChatImage.by_ids([generation.result_id])


async def test_image_that_went_to_the_trash_changes_its_message(desk: Desk) -> None:
    exchange = await desk.sent()
    async with aclosing(followed(desk)) as news:
        await anext(news)
        telling = begun(anext(news))
        await asyncio.sleep(0)
        await Exchange.touch([exchange.identity])
        await wake(desk.parts.hub, desk.owner_id, [desk.chat.identity])
        told = await telling
    assert told.exchange is not None
    assert (told.type, told.exchange.identity) == (ChatNewsType.MESSAGE, exchange.identity)
    assert told.exchange.revision == exchange.revision + 1


async def _ornament(desk: Desk) -> None:
    asked = Asked("Make it shine", {Asset.ORNAMENT: 1}, "white")
    pictures = {Asset.ORNAMENT: [await desk.picture(9)]}
    await desk.parts.services.ornaments.make(desk.owner_id, OrnamentKind.WHITE_BACKGROUND, asked, pictures, None)


async def test_what_happens_elsewhere_in_the_project_and_to_the_owner_is_not_told(desk: Desk) -> None:
    frame = await desk.frame()
    async with aclosing(followed(desk)) as here:
        await anext(here)
        async with nothing_told(desk, here):
            async with aclosing(followed(desk, frame)) as there:
                await anext(there)
                telling = begun(told_until(there, is_end))
                await asyncio.sleep(0)
                await _ornament(desk)
                exchange = await desk.sent(chat=frame)
                assert {one.exchange.identity for one in await telling if one.exchange} == {exchange.identity}
            desk.parts.hub.followers.miss_all()


@pytest.mark.parametrize("whole", [True, False])
async def test_stream_ends_when_its_chat_is_deleted_for_ever(desk: Desk, *, whole: bool) -> None:
    chat = desk.chat if whole else await desk.frame()
    await desk.sent(chat=chat)
    async with aclosing(followed(desk, chat)) as news:
        await anext(news)
        rest = begun(rest_of(news))
        await asyncio.sleep(0)
        if whole:
            await delete_projects_forever([desk.project])
            await desk.parts.services.projects.wake_followers(desk.project)
        else:
            await delete_forever([chat])
            await desk.parts.services.entities.wake_followers([chat])
        assert await rest == []


async def test_stream_of_a_member_ends_with_their_membership(desk: Desk) -> None:
    member = member_of(PydanticObjectId(), Role.VIEWER)
    await Project.rows().update_one(
        {"_id": desk.project.identity}, {"$set": {"members": [member.model_dump(by_alias=True)]}}
    )
    async with aclosing(followed(desk, by=member.user_id)) as news, aclosing(followed(desk)) as of_owner:
        await anext(news)
        await anext(of_owner)
        rest, still = begun(rest_of(news)), begun(anext(of_owner))
        await asyncio.sleep(0)
        await Project.rows().update_one({"_id": desk.project.identity}, {"$set": {"members": []}})
        await wake(desk.parts.hub, desk.owner_id, [desk.project.identity])
        assert await rest == []
        await desk.send()
        assert (await still).exchange is not None
    async with aclosing(followed(desk, by=member.user_id)) as news:
        assert await rest_of(news) == []


async def test_end_that_was_read_before_it_was_written_is_told_all_the_same(desk: Desk) -> None:
    answering = await desk.send()
    generation_id = answering.exchange.generation_id
    async with aclosing(followed(desk)) as early:
        await told_until(early, is_level)
        before = await desk.now(answering.exchange)
        await desk.work()
        written = await desk.now(answering.exchange)
        await before.replace()  # as if the work had ended, and nothing of it were written yet
        async with aclosing(followed(desk)) as news:
            (shown, _) = await told_until(news, is_level)
            assert shown.exchange is not None
            assert shown.exchange.status is AnswerStatus.PROCESSING
            telling = begun(told_until(news, is_end))
            await asyncio.sleep(0)
            await Generation.rows().update_one({"_id": generation_id}, {"$set": {"settled": False}})
            await desk.parts.runner.closing.complete_left_over(PydanticObjectId(generation_id))
            told = await telling
    assert [one.type for one in told] == [ChatNewsType.MESSAGE, ChatNewsType.WORK]
    assert all(one.exchange and one.exchange.slots == written.slots for one in told)


async def test_quiet_stream_asks_the_database_nothing(desk: Desk, commands: Commands) -> None:
    frame = await desk.frame()
    async with aclosing(followed(desk)) as news:
        await anext(news)
        async with nothing_told(desk, news):
            commands.sent.clear()
            await wake(desk.parts.hub, desk.owner_id, [frame.identity])  # of another chat
        assert commands.sent == []


async def test_text_and_previews_cost_no_reading(desk: Desk, commands: Commands) -> None:
    waiting = (await desk.send()).exchange
    assert waiting.generation_id is not None
    async with aclosing(followed(desk)) as news:
        await told_until(news, is_level)
        commands.sent.clear()
        for number, kind in enumerate((EventType.STARTED, EventType.TEXT, EventType.PREVIEW), 2):
            event = GenerationEvent(sequence=number, type=kind, at=utc_now())
            await desk.parts.hub.publish(desk.owner_id, waiting.generation_id, event)
            told = await anext(news)
            assert told.exchange == waiting
        assert commands.sent == []
