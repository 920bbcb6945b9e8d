"""How events reach who follows: the stored ones first, then live ones, without a hole and without a double.

A live event that is not the next one makes the follower read the database; so does a null, which stands for whatever
was missed.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.database.document import utc_now
from app.generations.events import EventType, GenerationEvent
from app.generations.followers import Follower, Followers
from app.generations.model import Generation
from app.generations.ports import EventHub
from app.logs import logger

_log = logger(__name__)
_IN_ONE_QUERY = 400
_OVERLAP = timedelta(seconds=10)
"""Clocks differ, and a write takes a moment to be seen: what is read again is dropped by its number."""
_REMEMBERED = 2_000


async def progress(
    hub: EventHub, owner_id: PydanticObjectId, generation_id: PydanticObjectId, after: int
) -> AsyncGenerator[GenerationEvent]:
    """Its events after number `after`, the stored ones and then the live ones, until the terminal one.

    Those of a generation that ended a day ago are trimmed to the last one.
    """
    async with hub.follow(owner_id, generation_id) as follower:
        follower.seen[generation_id] = after
        past, is_over = await Generation.past(generation_id, after)
        for event in past:
            follower.seen[generation_id] = event.sequence
            yield event
        if is_over:
            return
        async for news in follower.news():
            async for event in _next(follower, generation_id, news.event if news else None):
                yield event
                if event.type.terminal:
                    return


async def everything(
    hub: EventHub, owner_id: PydanticObjectId, since: datetime | None
) -> AsyncGenerator[tuple[Generation | PydanticObjectId, GenerationEvent]]:
    """A SNAPSHOT of each of the owner's generations that is open or changed since then, then the live events of all.

    A snapshot comes with its generation, an event with the generation's id.
    """
    async with hub.follow(owner_id, None) as follower:
        looked_at = utc_now()
        for generation in await _standing(owner_id, since):
            follower.seen[generation.identity] = generation.last_sequence
            yield generation, _snapshot(generation)
        async for news in follower.news():
            if news is not None:
                async for event in _next(follower, news.generation_id, news.event):
                    yield news.generation_id, event
                continue
            before, looked_at = looked_at, utc_now()
            for latest in await Generation.latest_since([owner_id], before - _OVERLAP):
                if latest.sequence > follower.seen.get(latest.generation_id, 0):
                    async for event in _caught_up(follower, latest.generation_id):
                        yield latest.generation_id, event
            _forget(follower)


async def keep_caught_up(followers: Followers, every_s: float = 4) -> None:
    """For ever: see in the database how far what is followed here has come, and tell those who were told less.

    A lost message delays an event, by `every_s` seconds at most.
    """
    looked_at = utc_now()
    while True:
        await asyncio.sleep(every_s)
        before, looked_at = looked_at, utc_now()
        try:
            ones, owners = followers.generations, followers.whole_owners
            found = [one for some in _chunks(ones) for one in await Generation.latest(some)]
            found += [one for some in _chunks(owners) for one in await Generation.latest_since(some, before - _OVERLAP)]
        except PyMongoError as error:  # it may be away; the next round sees what this one did not
            _log.warning("followers_not_caught_up", reason=type(error).__name__)
            looked_at = before
            continue
        for one in found:
            followers.compare(one.owner_id, one.generation_id, one.sequence)


async def _next(
    follower: Follower, generation_id: PydanticObjectId, event: GenerationEvent | None
) -> AsyncGenerator[GenerationEvent]:
    """The event if it is the next one, nothing if it was seen, else all that is stored after the last one seen."""
    seen = follower.seen.get(generation_id, 0)
    if event is None or event.sequence > seen + 1:
        async for stored in _caught_up(follower, generation_id):
            yield stored
    elif event.sequence == seen + 1:
        follower.seen[generation_id] = event.sequence
        yield event


async def _caught_up(follower: Follower, generation_id: PydanticObjectId) -> AsyncGenerator[GenerationEvent]:
    for event in await Generation.events_after(generation_id, follower.seen.get(generation_id, 0)):
        follower.seen[generation_id] = event.sequence
        yield event


async def _standing(owner_id: PydanticObjectId, since: datetime | None) -> list[Generation]:
    """What is open or changed since then, each once, oldest first."""
    found = {one.identity: one for one in await Generation.open_of(owner_id)}
    if since is not None:
        async for one in Generation.changed_since(owner_id, since - _OVERLAP):
            found[one.identity] = one
    return [found[identity] for identity in sorted(found)]


def _snapshot(generation: Generation) -> GenerationEvent:
    return GenerationEvent(
        sequence=generation.last_sequence,
        type=EventType.SNAPSHOT,
        at=generation.changed_at,
        attempt=generation.attempt,
        stage=generation.stage,
        percent=generation.percent,
        message=generation.failure.message if generation.failure else None,
        retry_at=generation.not_before,
    )


def _forget(follower: Follower) -> None:
    """Bound what a stream that is open for days remembers: who comes first goes first."""
    for generation_id in list(follower.seen)[:-_REMEMBERED]:
        del follower.seen[generation_id]


def _chunks(ids: tuple[PydanticObjectId, ...]) -> list[list[PydanticObjectId]]:
    return [list(ids[start : start + _IN_ONE_QUERY]) for start in range(0, len(ids), _IN_ONE_QUERY)]
