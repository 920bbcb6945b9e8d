"""The parts of a process over a database of a test's own, a Gemini that the test steers, and people who use them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.access import Role as ProjectRole
from app.accounts.erasing import Erasures
from app.accounts.service import SignedIn
from app.accounts.sessions import Client
from app.batches.service import Chosen
from app.batches.service import Wanted as WantedBatch
from app.bootstrap.parts import Parts, assemble
from app.chats.descriptions import PictureDescription
from app.chats.model import ChatKind
from app.chats.words import Described
from app.dreams.recipes import Again as DreamAgain
from app.dreams.telling import Told
from app.generations.model import Generation, Status
from app.lineage.deletion import delete_forever
from app.making.chosen import Chosen as ChosenModel
from app.ornaments.asked import Asked, Role
from app.ornaments.batching import parameters_of_batch
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.regenerating import Again
from app.ornaments.service import GENERATION_KIND
from app.pictures.model import Picture
from app.projects.made_once import Call
from app.projects.words import Words
from app.providers.ports.model import Source
from app.providers.ports.vision import Description
from app.templates import service as templates
from tests.chats.stored import exchange_of
from tests.chats.stored import image_of as chat_image_of
from tests.faults.plant import small_photo
from tests.faults.provider import Gemini
from tests.given import settings_from
from tests.indexed import opened_indexed

PASSWORD = "a quiet sea at night"
_PRICE = {"unit": "calls", "amount": "0.04", "currency": "USD", "since": "2026-01-01"}
_PRICES = json.dumps([{"model": "gemini-3.1-flash-image", **_PRICE}])
_BARE = dict.fromkeys(("redis_url", "openai_api_key", "cloudinary_url"))


@dataclass(frozen=True, slots=True)
class Household:
    """One process, which works on what it is told to, and everything that it keeps."""

    parts: Parts
    database: AsyncDatabase[dict[str, Any]]
    folder: Path

    @property
    def erasures(self) -> Erasures:
        return self.parts.services.accounts.erasures

    async def person(self, name: str) -> SignedIn:
        """Somebody new."""
        return await self.parts.services.accounts.sign_up(f"{name}@example.com", PASSWORD, name, Client("::1", "Mine"))

    async def started(self, owner_id: PydanticObjectId, number: int = 0) -> Generation:
        """A generation of an uploaded photo that waits for its worker."""
        picture = await self.parts.services.pictures.accept(owner_id, small_photo(number))
        asked = Asked("Make it shine", {Role.ORNAMENT: 1}, "white")
        pictures = {Role.ORNAMENT: [picture]}
        make = self.parts.services.ornaments.make
        return await make(owner_id, OrnamentKind.WHITE_BACKGROUND, asked, pictures, None)

    async def made(self, generation: Generation) -> OrnamentImage:
        """What it makes, once this process has worked on it."""
        await self.parts.runner.run(generation.identity)
        image = await OrnamentImage.get(generation.result_id)
        assert image is not None
        return image

    async def another(self, image: OrnamentImage, wish: str) -> OrnamentImage:
        """A child of that one."""
        regenerate = self.parts.services.ornaments.regenerate
        return await self.made(await regenerate(image.owner_id, image.identity, wish, None))

    async def settled_in(self, owner_id: PydanticObjectId) -> None:
        """Use all there is to use, once."""
        root = await self.made(await self.started(owner_id))
        gold, matt = [await self.another(root, wish) for wish in ("Add gold accents", "Make it matt")]
        await self.another(gold, "Make it brighter")
        silver = await self.another(root, "Make it silver")
        await self.parts.services.ornaments.promote(owner_id, matt.identity)
        await self.parts.services.ornaments.vote(owner_id, matt.identity, silver.identity)
        await delete_forever([gold])
        await templates.create(owner_id, "Shiny", "Make it {how}")
        await self._batch(owner_id, [root.identity, matt.identity])
        await self.parts.services.exports.start(owner_id, root.identity, None)
        await self.work()
        await self._dream(owner_id)
        await self._project(owner_id)
        said = Description("A quiet sea.", Source.PROVIDER, "m")
        await PictureDescription.keep(owner_id, ChosenModel("p", "m"), "0" * 64, said)
        shown = await Picture.get(root.picture_id)
        assert shown is not None
        assert await self.parts.store.file(shown.key, 64)
        await self.started(owner_id, 1)

    async def work(self) -> None:
        """Work on all that waits."""
        waiting = await Generation.find({"status": Status.QUEUED}).to_list()
        for generation in waiting:
            await self.parts.runner.run(generation.identity)

    async def rounds(self, count: int = 1, *, erasures: Erasures | None = None) -> None:
        """So many rounds of all erasures, each long after the one before."""
        for _ in range(count):
            await self.much_later()
            await (erasures or self.erasures).go_on()

    async def much_later(self) -> None:
        """As if everybody had been quiet for an hour."""
        long_ago = {"$subtract": ["$$NOW", 3_600_000]}
        await self.database["erasures"].update_many({}, [{"$set": {"lookAt": long_ago}}])
        await self.database["pictures"].update_many({"state": "DELETING"}, [{"$set": {"touchedAt": long_ago}}])

    async def traces(self, *needles: object) -> dict[str, int]:
        """In how many documents of which collections, and in which paths on the disk, any of these occurs."""
        words = [str(one) for one in needles]
        found = dict[str, int]()
        for name in await self.database.list_collection_names():
            rows = [repr(row) async for row in self.database[name].find()]
            if count := sum(any(word in row for word in words) for row in rows):
                found[name] = count
        for path in await asyncio.to_thread(lambda: [str(one) for one in self.folder.rglob("*")]):
            if any(word in path for word in words):
                found[path] = 1
        return found

    async def rows_of(self, owner_id: PydanticObjectId) -> list[str]:
        """Every document that mentions them."""
        names = sorted(await self.database.list_collection_names())
        rows = [f"{name} {row}" for name in names async for row in self.database[name].find().sort("_id", 1)]
        return [row for row in rows if f"{owner_id}" in row]

    async def _dream(self, owner_id: PydanticObjectId) -> None:
        """A dream, and the version that it was before."""
        dreams = self.parts.services.dreams
        recorded = await dreams.record(owner_id, Told("I flew over a quiet sea."), None)
        await self.work()
        await dreams.regenerate(owner_id, recorded.dream.identity, DreamAgain(), None)
        await self.work()

    async def _project(self, owner_id: PydanticObjectId) -> None:
        """A project with a frame that shows an image of its chat, and an invitation."""
        services = self.parts.services
        project = await services.projects.create(Call(owner_id), Words("The whale"), ())
        frame = await services.entities.create(Call(owner_id), project, ChatKind.FRAME, Described("A door"))
        exchange = exchange_of(frame)
        await exchange.insert()
        await chat_image_of(exchange).insert()
        await services.members.invite(owner_id, project.identity, ProjectRole.VIEWER)

    async def _batch(self, owner_id: PydanticObjectId, ids: Sequence[PydanticObjectId]) -> None:
        async def choose() -> Chosen:
            return Chosen(ids)

        wanted = WantedBatch(GENERATION_KIND, parameters_of_batch(Again("Make it blue")), "blue")
        await self.parts.services.batches.start(owner_id, wanted, choose, None)
        await self.work()


@asynccontextmanager
async def household(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, folder: Path, gemini: Gemini
) -> AsyncGenerator[Household]:
    """Nobody is in it yet."""
    url = urlsplit(mongodb_url)._replace(path=f"/{database.name}").geturl()
    budgets = {"prices": _PRICES, "daily_budget": "1000", "daily_budget_per_user": "100"}
    provider = {name.lower(): value for name, value in gemini.settings.items()}
    settings = settings_from({**_BARE, "data_dir": folder, "mongodb_url": url, **provider, **budgets})
    parts = assemble(settings)
    async with opened_indexed(parts):
        yield Household(parts, database, folder)
    await parts.close()


def elsewhere(house: Household) -> Household:
    """Another process of the same installation: it has heard nothing of what happened in this one."""
    return replace(house, parts=assemble(house.parts.settings))
