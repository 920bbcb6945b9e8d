"""Whoever follows, whenever they come and however slow they are, sees every event once."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from beanie import PydanticObjectId

from app.database.clock import DatabaseClock
from app.database.document import utc_now
from app.generations.backlog import trim
from app.generations.events import EventType, GenerationEvent
from app.generations.followers import Follower
from app.generations.following import everything, keep_caught_up
from app.generations.inprocess import InProcessHub
from app.generations.model import Generation, Status
from app.generations.work import Work
from tests.generations.conftest import RECIPE, Engine, MakeEngine, stored, until

_STAGES, _FEW_STAGES = 80, 10  # the former are more than a follower's buffer holds
_MANY, _STORED = 2_050, 20  # more than a stream remembers for sure


async def _stages(work: Work, count: int = _STAGES) -> None:
    for number in range(count):
        await work.stage(f"stage {number}", number * 100 // count)


async def _few_stages(work: Work) -> None:
    await _stages(work, _FEW_STAGES)


async def _collect(engine: Engine, generation: Generation, after: int = 0) -> list[GenerationEvent]:
    async with asyncio.timeout(60):
        return [event async for event in engine.follow(generation, after)]


async def test_followers_who_come_at_any_time_see_every_event_once(make_engine: MakeEngine) -> None:
    engine = make_engine(_stages)
    generation = await engine.start()
    early = [asyncio.create_task(_collect(engine, generation)) for _ in range(3)]
    async with engine.working():
        await until(lambda: _has_come_to(generation, 20))
        late = [asyncio.create_task(_collect(engine, generation, after)) for after in (0, 7, 19)]
        seen = await asyncio.gather(*early, *late)
    everything = list(range(1, _STAGES + 4))
    expected = [everything] * 4 + [everything[7:], everything[19:]]
    assert [[event.sequence for event in events] for events in seen] == expected
    assert engine.hub.followers.count == 0


async def _has_come_to(generation: Generation, sequence: int) -> bool:
    return (await Generation.without_events([generation.identity]))[generation.identity].last_sequence >= sequence


async def test_slow_follower_is_caught_up_from_the_database(make_engine: MakeEngine) -> None:
    engine = make_engine(_stages)
    generation = await engine.start()
    follower = engine.follow(generation)
    first = await anext(follower)
    async with engine.working():
        await engine.ended(generation)
    rest = [event.sequence async for event in follower]
    assert [first.sequence, *rest] == list(range(1, _STAGES + 4))


async def test_lost_message_delays_and_never_hangs(make_engine: MakeEngine) -> None:
    engine = make_engine(_few_stages)

    silent = make_engine(_few_stages, worker="other process")
    assert silent.hub is not engine.hub  # what the other process says is never heard here
    generation = await engine.start()
    following = asyncio.create_task(_collect(engine, generation))
    rereading = asyncio.create_task(keep_caught_up(engine.hub.followers, engine.generations.clock, 0.1))
    await silent.runner.run(generation.identity)
    assert [event.sequence for event in await following] == list(range(1, _FEW_STAGES + 4))
    rereading.cancel()


async def test_follower_who_leaves_is_forgotten(make_engine: MakeEngine) -> None:
    engine = make_engine(_stages)
    follower = engine.follow(await engine.start())
    await anext(follower)
    assert engine.hub.followers.count == 1
    await follower.aclose()
    assert engine.hub.followers.count == 0


async def test_snapshots_come_first_then_the_events_of_all(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_few_stages), PydanticObjectId()
    waiting, other = await engine.start(owner), await engine.start(owner)
    await engine.start()
    async with aclosing(everything(engine.hub, engine.generations.clock, owner, None)) as events:
        snapshots = [await anext(events) for _ in range(2)]
        assert [
            (one.identity, event.type, event.sequence) for one, event in snapshots if isinstance(one, Generation)
        ] == [
            (waiting.identity, EventType.SNAPSHOT, 1),
            (other.identity, EventType.SNAPSHOT, 1),
        ]
        async with engine.working():
            later = await engine.start(owner)
            seen: dict[object, list[int]] = {}
            ended = 0
            async for of, event in events:
                seen.setdefault(of, []).append(event.sequence)
                ended += event.type.terminal
                if ended == 3:
                    break
    everything_else = list(range(2, _FEW_STAGES + 4))
    assert seen == {
        waiting.identity: everything_else,
        other.identity: everything_else,
        later.identity: [1, *everything_else],
    }
    assert engine.hub.followers.count == 0


async def test_what_changed_since_is_in_the_snapshots_too(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_few_stages), PydanticObjectId()
    async with engine.working():
        ended = await engine.ended(await engine.start(owner))
    async with aclosing(everything(engine.hub, engine.generations.clock, owner, ended.changed_at)) as events:
        of, event = await anext(events)
    assert isinstance(of, Generation)
    assert (of.status, event.sequence) == (ended.status, ended.last_sequence)
    open_one = await engine.start(owner)
    async with aclosing(
        everything(engine.hub, engine.generations.clock, owner, ended.changed_at + timedelta(minutes=1))
    ) as events:
        of, _ = await anext(events)
    assert isinstance(of, Generation)
    assert of.identity == open_one.identity


async def test_owners_follower_is_caught_up_with_what_was_never_heard(make_engine: MakeEngine) -> None:
    engine, owner = make_engine(_few_stages), PydanticObjectId()
    silent = make_engine(_few_stages, worker="other process")
    rereading = asyncio.create_task(keep_caught_up(engine.hub.followers, engine.generations.clock, 0.1))
    async with aclosing(everything(engine.hub, engine.generations.clock, owner, None)) as events:
        following = asyncio.create_task(_until_end(events))
        await until(lambda: _is_followed(engine))
        generation = await silent.start(owner)
        await silent.runner.run(generation.identity)
        assert await following == list(range(1, _FEW_STAGES + 4))
    rereading.cancel()


async def _until_end(events: AsyncGenerator[tuple[object, GenerationEvent]]) -> list[int]:
    sequences: list[int] = []
    async for _, event in events:
        sequences.append(event.sequence)
        if event.type.terminal:
            break
    return sequences


async def _is_followed(engine: Engine) -> bool:
    return engine.hub.followers.count == 1


async def test_progress_in_one_stage_is_told_twice_a_second_and_its_last_value_is_told(make_engine: MakeEngine) -> None:
    told = asyncio.Event()

    async def script(work: Work) -> None:
        for percent in range(51):
            await work.stage("drawing", percent)
        await told.wait()
        await work.stage("storing", 90)

    engine = make_engine(script)
    async with engine.working():
        generation = await engine.start()
        await until(lambda: _has_come_to_percent(generation, 50))
        told.set()
        ended = await engine.ended(generation)
    stages = [(event.stage, event.percent) for event in ended.events if event.type is EventType.STAGE]
    assert stages == [("drawing", 0), ("drawing", 50), ("storing", 90)]
    first, second = (event.at for event in ended.events if event.stage == "drawing")
    assert second - first >= timedelta(seconds=0.49)


async def _has_come_to_percent(generation: Generation, percent: int) -> bool:
    return (await stored(generation)).percent == percent


async def test_trimmed_generation_keeps_its_last_event_for_those_who_come_late(make_engine: MakeEngine) -> None:
    preview = PydanticObjectId()

    async def script(work: Work) -> None:
        await work.preview(preview)

    engine = make_engine(script)
    async with engine.working():
        ended = await engine.ended(await engine.start())
        running = await engine.start()
        assert ended.ended_at is not None
        let: list[PydanticObjectId] = []

        async def let_go(pictures: Sequence[PydanticObjectId]) -> None:
            let.extend(pictures)

        assert preview in ended.picture_ids
        assert await trim(ended.ended_at, let_go) == 0
        assert await trim(ended.ended_at + timedelta(milliseconds=1), let_go) == 1
        assert await trim(ended.ended_at + timedelta(milliseconds=1), let_go) == 0
        await engine.ended(running)
    assert let == [preview]
    late = await _collect(engine, ended)
    assert [(event.sequence, event.type) for event in late] == [(ended.last_sequence, EventType.SUCCEEDED)]
    assert preview not in (await stored(ended)).picture_ids


@dataclass(frozen=True, slots=True)
class _Overheard(InProcessHub):
    """Remembers who follows."""

    following: list[Follower] = field(default_factory=list[Follower])

    @asynccontextmanager
    async def follow(
        self, owner_id: PydanticObjectId, generation_id: PydanticObjectId | None
    ) -> AsyncGenerator[Follower]:
        with self.followers.joined(owner_id, generation_id) as follower:
            self.following.append(follower)
            yield follower


@dataclass(slots=True)
class _Later(DatabaseClock):
    """Goes on when the test says so."""

    later: timedelta = timedelta(0)

    def now(self) -> datetime:
        return utc_now() + self.later


@dataclass
class _Stream:
    """All that happens to an owner, as it is told."""

    owner_id: PydanticObjectId = field(default_factory=PydanticObjectId)
    hub: _Overheard = field(default_factory=_Overheard)
    clock: _Later = field(default_factory=_Later)
    told: list[object] = field(default_factory=list[object])

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        async def collect() -> None:
            async for of, _ in everything(self.hub, self.clock, self.owner_id, None):
                self.told.append(of)

        collecting = asyncio.create_task(collect())
        await until(self.waits)
        yield
        collecting.cancel()

    async def waits(self) -> bool:
        """Whether all was told, and the stream waits for more."""
        return bool(self.hub.following) and self.hub.followers.idle

    async def end(self, count: int) -> list[Generation]:
        """So many that ended at once, the first of them stored."""
        ended = list[Generation]()
        for number in range(count):
            one = Generation.queued(self.owner_id, "TEST", RECIPE, str(PydanticObjectId()), utc_now())
            one.status, one.settled = Status.SUCCEEDED, True
            one.events = [GenerationEvent(sequence=1, type=EventType.SUCCEEDED, at=utc_now())]
            if number < _STORED:
                await one.insert()
            ended.append(one)
            await self.hub.publish(self.owner_id, one.identity, one.events[0])
            await asyncio.sleep(0)
        await until(self.waits)
        return ended

    async def reconnect(self) -> None:
        """As after a connection to Redis that was lost: nobody knows what was missed."""
        self.hub.followers.miss_all()
        await until(self.waits)


async def test_ends_are_told_once_though_thousands_came_before_a_reconnect(make_engine: MakeEngine) -> None:
    make_engine(_stages)
    stream = _Stream()
    async with stream.open():
        ended = await stream.end(_MANY)
        await stream.reconnect()
    assert stream.told == [one.identity for one in ended]


async def test_ends_that_can_not_be_read_again_are_forgotten_and_come_no_more(make_engine: MakeEngine) -> None:
    make_engine(_stages)
    stream = _Stream()
    async with stream.open():
        ended = await stream.end(_MANY)
        (follower,) = stream.hub.following
        assert len(follower.seen) == _MANY  # they may be read again: nobody has looked whether something was missed
        stream.clock.later = timedelta(minutes=1)
        stream.hub.followers.found_level(stream.clock.now())
        ended += await stream.end(1)
        assert len(follower.seen) < _MANY
        await stream.reconnect()
    assert stream.told == [one.identity for one in ended]


async def test_who_lacks_nothing_is_level_after_a_look_at_the_database(make_engine: MakeEngine) -> None:
    make_engine(_stages)
    stream = _Stream()
    async with stream.open():
        await stream.end(3)
        (follower,) = stream.hub.following
        stream.clock.later = timedelta(minutes=1)
        before = follower.level_at
        assert before is not None
        looking = asyncio.create_task(keep_caught_up(stream.hub.followers, stream.clock, 0.01))
        await until(lambda: _is_after(follower, before + timedelta(seconds=50)))
        looking.cancel()
    assert len(stream.told) == 3


async def _is_after(follower: Follower, moment: datetime) -> bool:
    return follower.level_at is not None and follower.level_at > moment
