"""How events reach who follows: the stored ones first, then live ones, without a hole and without a double.

A live event that is not the next one makes the follower read the database; so does a null, which stands for whatever
was missed.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.database.absence import Absence
from app.database.clock import DatabaseClock
from app.generations.events import EventType, GenerationEvent
from app.generations.followers import OVERLAP, Follower, Followers, Relay
from app.generations.model import Generation, Latest
from app.generations.ports import EventHub
from app.logs import logger

_log = logger(__name__)
_IN_ONE_QUERY = 400
_AWAY_S = 60


async def progress(
    hub: EventHub, owner_id: PydanticObjectId, generation_id: PydanticObjectId, after: int, relay: Relay | None = None
) -> AsyncGenerator[GenerationEvent]:
    """Its events after number `after`, the stored ones and then the live ones, until the terminal one.

    Those of a generation that ended a day ago are trimmed to the last one. What the relay hands on is left out.
    """
    async with hub.follow(owner_id, generation_id) as follower:
        follower.seen[generation_id], follower.relay = after, relay
        past, is_over = await Generation.past(generation_id, after)
        while past:  # which would be held as long as the stream lasts
            event = past.pop(0)
            follower.seen[generation_id] = event.sequence
            yield event
        if is_over:
            return
        async for news in follower.news():
            async for event in in_order(follower, generation_id, news.event if news else None):
                yield event
                if event.type.terminal:
                    return


async def everything(
    hub: EventHub,
    clock: DatabaseClock,
    owner_id: PydanticObjectId,
    since: datetime | None,
    relay: Relay | None = None,
) -> AsyncGenerator[tuple[Generation | PydanticObjectId, GenerationEvent]]:
    """A SNAPSHOT of each of the owner's generations that is open or changed since then, then the live events of all.

    A snapshot comes with its generation, an event with the generation's id. Both are in the order of their time, so
    that who is cut off goes on from the time of the last one. What the relay hands on is left out.
    """
    async with hub.follow(owner_id, None) as follower:
        follower.relay = relay
        await level(follower, clock)
        for generation in await standing(owner_id, since):
            follower.seen[generation.identity] = generation.last_sequence
            yield generation, snapshot(generation)
        async for news in follower.news():
            hints = [(news.generation_id, news.event)] if news else await _hints(follower, clock)
            for generation_id, hint in hints:
                async for event in in_order(follower, generation_id, hint):
                    yield generation_id, event
                    if event.type.terminal:
                        follower.is_over(generation_id, clock.now())


async def keep_caught_up(followers: Followers, clock: DatabaseClock, every_s: float = 4) -> None:
    """For ever: see in the database how far what is followed here has come, and tell those who were told less.

    A lost message delays an event, by `every_s` seconds and one read at most. `clock` is set on the way.
    """
    looked_at = clock.now()
    while True:
        await asyncio.sleep(every_s)
        before = looked_at
        try:
            await clock.set(Generation.rows().database)
            looked_at = clock.now()
            for one in await _latest(followers, before - OVERLAP):
                followers.compare(one.owner_id, one.generation_id, one.sequence)
            followers.found_level(looked_at)
        except PyMongoError as error:  # it may be away; a later round sees what this one did not
            _log.warning("followers_not_caught_up", reason=type(error).__name__)
            looked_at = before


async def _latest(followers: Followers, since: datetime) -> list[Latest]:
    """How far all that is followed here has come."""
    ones, owners = followers.generations, followers.whole_owners
    found = [one for some in _chunks(ones) for one in await Generation.latest(some)]
    return found + [one for some in _chunks(owners) for one in await Generation.latest_since(some, since)]


async def level(follower: Follower, clock: DatabaseClock) -> None:
    """Take all that has happened to the owner's generations until now for handed on: it is no news any more."""
    follower.level_at = level_at = clock.now()
    for latest in await Generation.latest_since([follower.owner_id], level_at - 2 * OVERLAP):
        follower.seen[latest.generation_id] = latest.sequence


async def missed(follower: Follower, clock: DatabaseClock) -> list[Latest]:
    """What has come further than the follower was told since it was level, in the order of the changes."""
    looked_at = clock.now()
    since = (follower.level_at or looked_at) - OVERLAP
    found = await Generation.latest_since([follower.owner_id], since)
    follower.level_at = looked_at  # whatever is missed from now on, these are handed on before
    return [one for one in found if one.sequence > follower.seen.get(one.generation_id, 0)]


async def _hints(follower: Follower, clock: DatabaseClock) -> list[tuple[PydanticObjectId, GenerationEvent | None]]:
    return [(one.generation_id, None) for one in await missed(follower, clock)]


async def in_order(
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
    """What is stored after the last event seen; a database that is away is waited for, as long as a stream may."""
    absence, events = Absence(_AWAY_S), None
    while events is None:
        try:
            events = await Generation.events_after(generation_id, follower.seen.get(generation_id, 0))
        except PyMongoError as error:
            await absence.bear(error)
    for event in events:
        follower.seen[generation_id] = event.sequence
        yield event


async def standing(owner_id: PydanticObjectId, since: datetime | None) -> list[Generation]:
    """What is open or changed since then, each once, in the order of their latest changes."""
    found = {one.identity: one for one in await Generation.open_of(owner_id)}
    if since is not None:
        async for one in Generation.changed_since(owner_id, since - OVERLAP):
            found[one.identity] = one
    return sorted(found.values(), key=lambda one: (one.changed_at, one.identity))


def snapshot(generation: Generation) -> GenerationEvent:
    """How it stands, under the number of its latest event."""
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


def _chunks(ids: tuple[PydanticObjectId, ...]) -> list[list[PydanticObjectId]]:
    return [list(ids[start : start + _IN_ONE_QUERY]) for start in range(0, len(ids), _IN_ONE_QUERY)]
