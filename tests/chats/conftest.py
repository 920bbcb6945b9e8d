"""Chats over a real engine whose worker is called by hand, a real database, and the simulated providers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.bootstrap.parts import Parts, assemble
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.listing import Message, Span, messages
from app.chats.model import Chat, ChatKind
from app.chats.sending import Caller, Draft, Edits
from app.chats.service import Answering, Chats
from app.generations.following import progress
from app.generations.lanes import Lane
from app.generations.model import OPEN, Generation
from app.pictures.model import Picture
from app.projects.model import Project
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.chats.rooms import chat_of, project_of
from tests.faults.plant import small_photo
from tests.given import settings_from
from tests.indexed import opened_indexed

PROMPT = "A red lighthouse in a storm"
_BARE: Mapping[str, None] = dict.fromkeys(("redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))


@dataclass(frozen=True)
class Desk:
    """One process that takes messages in, for the owner of one project; `parts` are its own."""

    parts: Parts
    project: Project
    chat: Chat

    @property
    def chats(self) -> Chats:
        return self.parts.services.chats

    @property
    def owner_id(self) -> PydanticObjectId:
        return self.project.owner_id

    async def send(
        self, prompt: str = PROMPT, key: str | None = None, chat: Chat | None = None, **more: Any
    ) -> Answering:
        caller = Caller(self.owner_id, key, f"{prompt} {more}" if key else "")
        known = await self.chats.known(caller)
        return known or await self.chats.send(caller, (chat or self.chat).identity, Draft(prompt, **more))

    async def sent(self, prompt: str = PROMPT, **more: Any) -> Exchange:
        """One whose work has ended."""
        answering = await self.send(prompt, **more)
        assert answering.refusal is None
        await self.work()
        return await self.now(answering.exchange)

    async def again(self, exchange: Exchange, wish: str | None = None) -> Exchange:
        return (await self.chats.regenerate(Caller(self.owner_id), exchange.identity, wish)).exchange

    async def edit(self, exchange: Exchange, prompt: str = "A blue one", **more: Any) -> Exchange:
        return (await self.chats.edit(Caller(self.owner_id), exchange.question_id, Edits(prompt, **more))).exchange

    async def retry(self, exchange: Exchange, key: str | None = None) -> Generation:
        _, generation = await self.parts.services.missing.make(Caller(self.owner_id, key), exchange.identity)
        return generation

    async def picture(self, number: int = 0) -> Picture:
        """An uploaded one of the owner's; another one for each number."""
        return await self.parts.services.pictures.accept(self.owner_id, small_photo(number))

    async def frame(self) -> Chat:
        chat = chat_of(self.project, ChatKind.FRAME)
        await chat.insert()
        return chat

    async def now(self, exchange: Exchange) -> Exchange:
        """As it is stored."""
        found = await Exchange.get(exchange.identity)
        assert found is not None
        return found

    async def images(self, exchange: Exchange) -> list[ChatImage]:
        """Those of the answer that are there, in order."""
        found = await ChatImage.by_ids([slot.image_id for slot in exchange.slots])
        return [found[slot.image_id] for slot in exchange.slots if slot.image_id in found]

    async def shown(self, span: Span | None = None) -> list[Message]:
        """The messages of the chat."""
        chat = await Chat.get(self.chat.identity)
        assert chat is not None
        return await messages(chat, span or Span(400))

    async def generations(self) -> list[Generation]:
        """All that there are, oldest first."""
        return await Generation.find_all().sort("_id").to_list()

    async def generation_of(self, exchange: Exchange) -> Generation:
        """The answer's latest, with its events."""
        found = await Generation.get((await self.now(exchange)).generation_id)
        assert found is not None
        return found

    async def work(self) -> None:
        """Do all that waits, one after another, each to its end."""
        while waiting := [one for one in await self.generations() if one.status in OPEN]:
            for one in waiting:
                await self.parts.runner.run(one.identity)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """A worker serves, and heeds cancels."""
        async with self.parts.queue.serve(self.parts.runner.run, 2):
            heeding = asyncio.create_task(self.parts.runner.heed_cancels())
            try:
                for one in await self.generations():
                    await self.parts.queue.ring(one.identity)
                yield
            finally:
                heeding.cancel()
                await asyncio.wait([heeding])

    async def ended(self, exchange: Exchange) -> None:
        """Return when the answer's work has ended, and the process has done with it."""
        now = await self.now(exchange)
        assert now.generation_id is not None
        async with asyncio.timeout(60):
            async for _ in progress(self.parts.hub, self.owner_id, now.generation_id, 0):
                pass
            while (await self._lane()).open:  # noqa: ASYNC110 - only the database knows
                await asyncio.sleep(0.02)

    async def _lane(self) -> Lane:
        lane = await Lane.get(self.owner_id)
        assert lane is not None
        return lane

    async def sweep(self) -> None:
        """As it is done a long time later."""
        long_ago = Exchange.soon().replace(year=2000)
        await Exchange.rows().update_many({"due": {"$ne": None}}, {"$set": {"due": long_ago}})
        await self.chats.starter.finish_left_over()


type MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture(scope="session")
def _simulated() -> Iterator[Simulator]:
    with simulated_providers() as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulated: Simulator) -> Simulator:
    """The providers' stand-in, as if nobody had called it yet."""
    _simulated.reset()
    return _simulated


@pytest.fixture
async def make_desk(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path
) -> AsyncIterator[MakeDesk]:
    """Makes desks over the test's database; `settings` by the names of fields, none of them with a key of its own."""
    url = urlsplit(mongodb_url)._replace(path=f"/{database.name}").geturl()
    project = project_of(PydanticObjectId(), context_text="A film about the sea.")
    chat = chat_of(project, ChatKind.MAIN)
    async with AsyncExitStack() as stack:

        async def make(simulator: Simulator | None = None, **settings: Any) -> Desk:
            settings_of = simulator.settings.items() if simulator else ()
            keys = {name.lower(): value for name, value in settings_of if name.startswith("OPENAI")}
            given = {**_BARE, "data_dir": tmp_path, "mongodb_url": url, "generation_attempts": 1, **keys, **settings}
            parts = assemble(settings_from(given))
            await stack.enter_async_context(opened_indexed(parts))
            stack.push_async_callback(parts.close)
            if await Project.get(project.identity) is None:
                await project.insert()
                await chat.insert()
            return Desk(parts, project, chat)

        yield make


@pytest.fixture
async def desk(make_desk: MakeDesk, simulator: Simulator) -> Desk:
    """With simulated models."""
    return await make_desk(simulator)


@pytest.fixture
async def bare_desk(make_desk: MakeDesk) -> Desk:
    """Without any key."""
    return await make_desk()
