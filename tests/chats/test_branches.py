"""Branches of a chat against a model that is simple enough to see: each is the list of all that leads to its end.

Whatever is sent, regenerated, edited and chosen: the pages of a chat, forward and backward, are those of the list.
"""

import asyncio
import os
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from beanie import PydanticObjectId, init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter is untyped
from hypothesis import Phase, given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples
from pymongo import AsyncMongoClient

from app.api.connections import CountedConnection, Listing, PageInfo
from app.api.positions import Numbers
from app.chats.branches import Beside, answers_to, questions_beside, used_last
from app.chats.exchange import Exchange, Reference
from app.chats.listing import Message, MessageRole, messages, number_of_messages
from app.chats.model import Chat, ChatKind
from app.chats.recipes import ChatModels
from app.chats.references import Given
from app.chats.sending import Caller, Draft, Edits
from app.chats.service import Chats
from app.chats.starting import ExchangeStarter
from app.errors import AppError, ErrorCode
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.generations.service import Generations
from app.lineage.tombstone import Tombstone
from app.projects.model import Project
from app.providers.local.vision import LocalVisionModel
from app.providers.mock.image import MockImageModel
from app.simulator.simulator import Simulator
from tests.chats.conftest import PROMPT, Desk
from tests.chats.rooms import chat_of, project_of

_DEEDS = ("send", "send", "send", "regenerate", "edit", "choose answer", "choose question")

_WHOLE = 100

type Path = list[PydanticObjectId]
"""The exchanges from the beginning on."""


@dataclass
class Branch:
    """All that leads to the end of a branch; `used` rises with each use of any."""

    branch_id: PydanticObjectId
    path: Path
    used: int = 0


@dataclass
class Story:
    """A chat as it should be; `questions` are by exchange."""

    chats: Chats
    project: Project
    chat_id: PydanticObjectId
    clock: int = 0
    questions: dict[PydanticObjectId, PydanticObjectId] = field(
        default_factory=dict[PydanticObjectId, PydanticObjectId]
    )
    branches: list[Branch] = field(default_factory=list[Branch])
    shown: int = 0

    def __post_init__(self) -> None:
        self.branches.append(Branch(self.chat_id, []))

    @property
    def caller(self) -> Caller:
        return Caller(self.project.owner_id)

    def use(self, branch: int) -> None:
        self.clock += 1
        self.branches[branch].used, self.shown = self.clock, branch

    async def do(self, deed: str, number: int) -> None:
        exchanges = list(self.questions)
        if deed == "send" or not exchanges:
            sent = await self.chats.send(self.caller, self.chat_id, Draft(f"{number}"))
            self.branches[self.shown].path.append(self._noted(sent.exchange))
            self.use(self.shown)
            return
        other = exchanges[number % len(exchanges)]
        if deed == "regenerate":
            self._fork(other, (await self.chats.regenerate(self.caller, other, None)).exchange)
        elif deed == "edit":
            edited = await self.chats.edit(self.caller, self.questions[other], Edits(f"{number}"))
            self._fork(other, edited.exchange)
        else:
            is_answer = deed == "choose answer"
            meant = (
                {other}
                if is_answer
                else {one for one, asked in self.questions.items() if asked == self.questions[other]}
            )
            await self.chats.choose(self.project.owner_id, other if is_answer else self.questions[other])
            through = [at for at, branch in enumerate(self.branches) if meant & set(branch.path)]
            last = max(through, key=lambda at: self.branches[at].used)
            self.use(self.shown if self.shown in through else last)

    def _noted(self, exchange: Exchange) -> PydanticObjectId:
        self.questions[exchange.identity] = exchange.question_id
        return exchange.identity

    def _fork(self, other: PydanticObjectId, exchange: Exchange) -> None:
        path = next(branch.path for branch in self.branches if other in branch.path)
        self.branches.append(Branch(exchange.identity, [*path[: path.index(other)], self._noted(exchange)]))
        self.use(len(self.branches) - 1)

    async def check(self) -> None:
        path = self.branches[self.shown].path
        assert await self._pages(first=_WHOLE) == self._ids(path)
        await self._check_beside(path)

    async def check_pages(self, size: int) -> None:
        ids = self._ids(self.branches[self.shown].path)
        assert await self._pages(first=size) == ids
        assert await self._pages(last=size) == ids

    async def check_uses(self) -> None:
        for exchange in (await Exchange.by_ids(list(self.questions))).values():
            through = [branch for branch in self.branches if exchange.identity in branch.path]
            last = max(through, key=lambda branch: branch.used)
            assert (await used_last(exchange)).branch_id == last.branch_id

    def _ids(self, path: Path) -> list[PydanticObjectId]:
        return [one for exchange in path for one in (self.questions[exchange], exchange)]

    async def _pages(self, **size: int) -> list[PydanticObjectId]:
        """All messages, page by page."""
        found, cursor, forward = list[PydanticObjectId](), None, "first" in size
        while True:
            chat = await Chat.get(self.chat_id)
            assert chat is not None
            page, total = await _page(
                chat, after=cursor if forward else None, before=None if forward else cursor, **size
            )
            nodes, info = page
            found = [*found, *nodes] if forward else [*nodes, *found]
            assert total == 2 * len(self.branches[self.shown].path)
            if not (info.has_next_page if forward else info.has_previous_page):
                return found
            cursor = info.end_cursor if forward else info.start_cursor

    async def _check_beside(self, path: Path) -> None:
        exchanges = await Exchange.by_ids(path)
        answers = await answers_to([self.questions[one] for one in path])
        places = {one: Beside(self.chat_id, at, path[at - 1] if at else None) for at, one in enumerate(path)}
        questions = await questions_beside(list(places.values()))
        before = {
            one: branch.path[at - 1] if at else None for branch in self.branches for at, one in enumerate(branch.path)
        }
        for at, one in enumerate(path):
            assert (exchanges[one].position, exchanges[one].parent_id) == (at, before[one])
            assert answers[self.questions[one]] == [
                other for other, asked in self.questions.items() if asked == self.questions[one]
            ]
            beside = dict.fromkeys(asked for other, asked in self.questions.items() if before[other] == before[one])
            assert list(questions[places[one]]) == list(beside)


async def _page(chat: Chat, **arguments: Any) -> tuple[tuple[list[PydanticObjectId], PageInfo], int]:
    """As the schema reads it."""
    listing = Listing("messages", chat.identity, newest_first=False)
    names = ("first", "after", "last", "before")
    first, after, last, before = (arguments.get(name) for name in names)
    page = Numbers(listing, first, after, last, before)
    found = [(one.number, one) for one in await messages(chat, page.span)]

    async def count() -> int:
        return await number_of_messages(chat)

    shown = CountedConnection[Message].of(found, page, count)
    return ([one.identity for one in shown.nodes], shown.page_info), await count()


def _chats() -> Chats:
    queue, hub = InProcessQueue(), InProcessHub()
    generations = Generations(queue, hub, Closing({}, queue, hub, 4))
    return Chats(ExchangeStarter(generations), ChatModels(MockImageModel(), LocalVisionModel()), _no_references)


async def _no_references(
    _: PydanticObjectId, __: Project, wanted: Sequence[Given], ___: tuple[str, ...]
) -> tuple[Reference, ...]:
    assert not wanted
    return ()


_STORIES = lists(tuples(sampled_from(_DEEDS), integers(0, 99)), min_size=6, max_size=20)


def test_pages_of_a_chat_are_those_of_a_plain_list_whatever_branches_it_has(mongodb_url: str) -> None:
    async def tell(deeds: Sequence[tuple[str, int]], size: int) -> None:
        async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
            database = client[f"chats_{uuid4().hex}"]
            documents = [Project, Chat, Exchange, Generation, Lane, Tombstone]
            await init_beanie(database=database, document_models=documents)
            project = project_of(PydanticObjectId())
            chat = chat_of(project, ChatKind.MAIN)
            await project.insert()
            await chat.insert()
            story = Story(_chats(), project, chat.identity)
            await story.chats.starter.generations.clock.set(database)
            await story.check()
            for deed in deeds:
                await story.do(*deed)
                await story.check()
            await story.check_pages(size)
            await story.check_uses()
            await client.drop_database(database.name)

    @given(_STORIES, integers(1, 5))
    @settings(max_examples=40 if os.environ.get("FULL") else 3, deadline=None, phases=[Phase.generate])
    def stories(deeds: Sequence[tuple[str, int]], size: int) -> None:
        with asyncio.Runner() as runner:
            told: Coroutine[Any, Any, None] = tell(deeds, size)
            runner.run(told)

    stories()


async def _said(desk: Desk) -> list[str]:
    """The shown users' messages, each with the wish of its answer."""
    shown = [one.exchange for one in await desk.shown() if one.role is MessageRole.USER]
    return [f"{one.prompt} {one.wish}" if one.wish else one.prompt for one in shown]


async def test_new_answer_leaves_the_old_one_and_what_followed_it_where_they_are(bare_desk: Desk) -> None:
    desk = bare_desk
    one, two, _ = [(await desk.send(prompt)).exchange for prompt in ("one", "two", "three")]
    again = await desk.again(two, "darker")
    assert (again.question_id, again.parent_id, again.position) == (two.question_id, one.identity, 1)
    assert await _said(desk) == ["one", "two darker"]
    await desk.send("four")
    edited = await desk.edit(one, "uno", image_count=3)
    assert (edited.parent_id, len(edited.slots), await _said(desk)) == (None, 3, ["uno"])
    for chosen, said in (
        (two.identity, ["one", "two", "three"]),
        (again.identity, ["one", "two darker", "four"]),
        (edited.question_id, ["uno"]),
        (one.question_id, ["one", "two darker", "four"]),
        (two.question_id, ["one", "two darker", "four"]),
    ):
        await desk.chats.choose(desk.owner_id, chosen)
        assert await _said(desk) == said


async def test_answer_is_made_by_the_message_and_its_wish(desk: Desk, simulator: Simulator) -> None:
    exchange = await desk.sent(PROMPT, image_count=2)
    again = await desk.again(exchange, "darker")
    other = await desk.again(again)
    await desk.work()
    assert [call.prompt for call in simulator.calls] == [PROMPT] * 2 + [f"{PROMPT}. darker"] * 2 + [PROMPT] * 2
    (image, _) = await desk.images(again)
    assert (image.prompts, image.combined_prompt, image.prompt) == ((PROMPT, "darker"), f"{PROMPT}. darker", "darker")
    assert {len(await desk.images(one)) for one in (exchange, again, other)} == {2}


async def test_edited_message_keeps_what_is_left_out(bare_desk: Desk) -> None:
    desk, picture = bare_desk, await bare_desk.picture()
    given = [("Picture", picture.identity)]
    sent = await desk.send(chat=await desk.frame(), image_count=2, given=given, with_context=True, allow_partial=True)
    same = await desk.edit(sent.exchange, "Another")
    assert (len(same.slots), same.with_context, same.allow_partial) == (2, True, True)
    assert same.references == sent.exchange.references
    other = await desk.edit(same, "Another", image_count=1, given=[], with_context=False, allow_partial=False)
    assert (len(other.slots), other.with_context, other.allow_partial, other.references) == (1, False, False, ())
    with pytest.raises(AppError) as refused:
        await desk.edit(sent.exchange, "Another", image_count=5)
    assert refused.value.path == ("input", "imageCount")


async def test_wrong_side_of_an_exchange_is_refused_and_says_what_does_it(bare_desk: Desk) -> None:
    exchange = (await bare_desk.send()).exchange
    caller, missing = Caller(bare_desk.owner_id), bare_desk.parts.services.missing
    for wrong, words in (
        (bare_desk.chats.regenerate(caller, exchange.question_id, None), "editAndResend"),
        (bare_desk.chats.edit(caller, exchange.identity, Edits("a")), "regenerateMessage"),
        (missing.make(caller, exchange.question_id), "name the answer"),
    ):
        with pytest.raises(AppError, match=words) as refused:
            await wrong
        assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "messageId"))
