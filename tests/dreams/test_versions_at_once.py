"""Versions under regenerations, cancels, failures and restorations at once, in any order: nothing made is ever lost."""

import asyncio
import os
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from beanie import PydanticObjectId, init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter is untyped
from hypothesis import Phase, given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples
from pymongo import AsyncMongoClient

from app.database.keyset import Stretch
from app.dreams import ends
from app.dreams.choosing import DreamModels
from app.dreams.jobs import INTERPRETATION, PICTURE
from app.dreams.lexicon.model import LexiconModel
from app.dreams.model import Dream
from app.dreams.parts import BOTH, Interpretation, Part, Parts
from app.dreams.recipes import GENERATION_KIND, Again, parts_in
from app.dreams.service import Dreams
from app.dreams.starting import DreamStarter
from app.dreams.telling import Told
from app.dreams.versions import DreamVersion
from app.errors import AppError, ErrorCode
from app.generations.attempts import Failure
from app.generations.claims import claim
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.journal import Journal
from app.generations.lanes import Lane
from app.generations.model import OPEN, Generation, Status
from app.generations.service import Generations
from app.generations.work import Work
from app.providers.mock.image import MockImageModel
from app.providers.ports.model import Source

_DEEDS = ("both", "interpretation", "picture", "succeed", "fail", "cancel", "restore", "sweep")
_PARTS = {
    "both": BOTH,
    "interpretation": frozenset({Part.INTERPRETATION}),
    "picture": frozenset({Part.PICTURE}),
}
_FAILURE = Failure(code=ErrorCode.TIMEOUT, message="Too slow.", retryable=True)
_EXPECTED = {ErrorCode.CONFLICT, ErrorCode.BAD_USER_INPUT, ErrorCode.NOT_FOUND, ErrorCode.UNAVAILABLE}


@dataclass
class Handmade:
    """Implements `Job` for generations that the test ends itself."""

    async def run(self, work: Work) -> None:
        raise NotImplementedError

    async def complete(self, generation: Generation) -> None:
        await ends.end(generation)


@dataclass
class Life:
    """One dream, and all that was ever made of it: the generation, and which part."""

    owner_id: PydanticObjectId = field(default_factory=PydanticObjectId)
    made: set[tuple[PydanticObjectId, Part]] = field(default_factory=set[tuple[PydanticObjectId, Part]])

    def __post_init__(self) -> None:
        queue, hub = InProcessQueue(), InProcessHub()
        self.closing = Closing({GENERATION_KIND: Handmade()}, queue, hub, 4, losses={GENERATION_KIND: ends.end})
        self.generations = Generations(queue, hub, self.closing)
        text, image = LexiconModel(), MockImageModel()
        models = DreamModels(text, image, {text.name: text}, {image.name: image})
        self.dreams = Dreams(DreamStarter(self.generations), models)

    async def live(self, rounds: Sequence[Sequence[tuple[str, int]]]) -> None:
        self.dream = (await self.dreams.record(self.owner_id, Told("a whale"), None)).dream
        for deeds in rounds:
            outcomes = await asyncio.gather(*(self.do(*deed) for deed in deeds), return_exceptions=True)
            for outcome in outcomes:
                assert outcome is None or (isinstance(outcome, AppError) and outcome.code in _EXPECTED), outcome
            await self.check()

    async def do(self, deed: str, number: int) -> None:
        if deed in _PARTS:
            await self.dreams.regenerate(self.owner_id, self.dream.identity, Again(_PARTS[deed]), None)
        elif deed == "restore":
            if versions := await self.versions():
                version = versions[number % len(versions)]
                await self.dreams.restore_version(self.owner_id, version.identity)
        elif deed == "sweep":
            await Dream.rows().update_many({"due": {"$ne": None}}, {"$set": {"due": Dream.soon().replace(year=2000)}})
            await self.dreams.starter.finish_left_over()
        else:
            for one in await Generation.find_all().to_list():
                if one.status in OPEN:
                    await self.end(one.identity, deed, number)

    async def end(self, generation_id: PydanticObjectId, deed: str, number: int) -> None:
        """One way or another; a failed one has made its interpretation, if it was to make one, every other time."""
        if deed == "cancel":
            await self.generations.cancel(self.owner_id, generation_id)
            return
        claimed = await claim(generation_id, "w", 3600)
        if claimed is None:
            return
        journal, wanted = Journal.of(claimed), parts_in(claimed.recipe)
        if Part.INTERPRETATION in wanted and (deed == "succeed" or number % 2):
            journal.note_step(INTERPRETATION, _interpretation(journal), ())
            self.made.add((generation_id, Part.INTERPRETATION))
        if Part.PICTURE in wanted and deed == "succeed":
            picture = {"pictureId": PydanticObjectId(), "source": Source.MOCK, "model": "m", "note": None}
            journal.note_step(PICTURE, picture, ())
            self.made.add((generation_id, Part.PICTURE))
        status = Status.SUCCEEDED if deed == "succeed" else Status.FAILED
        event = await journal.end(status, None if deed == "succeed" else _FAILURE)
        await self.closing.close(claimed, status, event)

    async def versions(self) -> list[DreamVersion]:
        return (await DreamVersion.of_dreams([self.dream.identity], Stretch(1000))).get(self.dream.identity, [])

    async def check(self) -> None:
        dream = await Dream.get(self.dream.identity)
        assert dream is not None
        versions = [version.parts for version in await self.versions()]
        there = [dream.parts, *versions, *([dream.aside.parts] if dream.aside else [])]
        assert {one for parts in there for one in _made(parts)} == self.made
        assert len({parts.made_in for parts in versions}) == len(versions), "two versions are the same"
        open_ones = [one.identity for one in await Generation.find_all().to_list() if one.status in OPEN]
        assert open_ones == ([dream.making.generation_id] if dream.making else [])
        assert dream.status == (dream.parts.status if dream.making is None else "PROCESSING")
        assert dream.making is not None or dream.aside is None


def _made(parts: Parts) -> set[tuple[PydanticObjectId, Part]]:
    interpretation, picture = parts.made_in
    both = ((interpretation, Part.INTERPRETATION), (picture, Part.PICTURE))
    return {(made_in, part) for made_in, part in both if made_in is not None}


def _interpretation(journal: Journal) -> dict[str, Any]:
    return Interpretation(
        source=Source.MOCK,
        provider="p",
        model="m",
        note=None,
        generation_id=journal.generation.identity,
        made_at=journal.now(),
        narrative="n",
        meaning="m",
        symbols=(),
        emotions=(),
        suggested_title="t",
    ).model_dump(by_alias=True)


_ROUNDS = lists(lists(tuples(sampled_from(_DEEDS), integers(0, 9)), min_size=1, max_size=4), min_size=1, max_size=12)


def test_nothing_that_was_made_is_ever_lost_or_doubled(mongodb_url: str) -> None:
    async def live(rounds: Sequence[Sequence[tuple[str, int]]]) -> None:
        async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
            database = client[f"dreams_{uuid4().hex}"]
            await init_beanie(database=database, document_models=[Dream, DreamVersion, Generation, Lane])
            await Life().live(rounds)
            await client.drop_database(database.name)

    @given(_ROUNDS)
    @settings(max_examples=60 if os.environ.get("FULL") else 6, deadline=None, phases=[Phase.generate])
    def lives(rounds: Sequence[Sequence[tuple[str, int]]]) -> None:
        with asyncio.Runner() as runner:
            done: Coroutine[Any, Any, None] = live(rounds)
            runner.run(done)

    lives()
