"""Whoever follows, whenever they come and however slow they are, sees every event once."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta

from beanie import PydanticObjectId

from app.generations.backlog import trim
from app.generations.events import EventType, GenerationEvent
from app.generations.following import everything, keep_caught_up
from app.generations.model import Generation
from app.generations.work import Work
from tests.generations.conftest import Engine, MakeEngine, stored, until

_STAGES, _FEW_STAGES = 80, 10  # the former are more than a follower's buffer holds


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
