"""A dream is stored at once, whatever becomes of the rest, and its generation is started exactly once."""

import asyncio
from dataclasses import dataclass, fields
from typing import Any, override

import pytest

from app.dreams.model import Dream, Making
from app.dreams.parts import DreamStatus
from app.dreams.recipes import GENERATION_KIND
from app.dreams.service import Dreams
from app.dreams.starting import DreamStarter
from app.dreams.telling import Told
from app.errors import AppError, ErrorCode
from app.generations.claims import claim
from app.generations.events import EventType, GenerationEvent
from app.generations.journal import Journal
from app.generations.model import Generation, Status
from app.generations.service import Generations, Promised
from app.generations.slots import ProviderLimits
from app.generations.work import Work
from app.providers.ports.model import Source
from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.simulator import Simulator
from tests.dreams.conftest import DREAM, Desk, MakeDesk


async def test_dream_is_interpreted_and_then_illustrated(desk: Desk, simulator: Simulator) -> None:
    recorded = await desk.record(title="The whale", mood="calm", tags=("sea",))
    assert (recorded.dream.status, recorded.refusal) == (DreamStatus.PROCESSING, None)
    await desk.work()
    dream = await desk.now(recorded.dream)
    assert (dream.status, dream.failure, dream.making, dream.aside, dream.due) == (
        DreamStatus.READY,
        None,
        None,
        None,
        None,
    )
    assert dream.interpretation is not None
    assert dream.illustration is not None
    assert dream.interpretation.symbols
    assert all(0 <= emotion.intensity <= 1 for emotion in dream.interpretation.emotions)
    assert [call.operation for call in simulator.calls] == [Operation.OPENAI_RESPONSE, Operation.OPENAI_GENERATE]
    assert dream.interpretation.narrative.rstrip(".") in simulator.calls[1].prompt
    generation = await desk.generation_of(dream)
    assert (generation.status, sorted(generation.steps)) == (Status.SUCCEEDED, ["interpretation", "picture"])
    assert [call.model for call in generation.calls] == ["gpt-6-luna", "gpt-image-2.6-flare"]


async def test_text_is_told_while_it_is_written_and_whole_at_the_end(desk: Desk) -> None:
    dream = await desk.recorded()
    told = [event.text for event in (await desk.generation_of(dream)).events if event.type is EventType.TEXT]
    assert dream.interpretation is not None
    assert told[-1] == dream.interpretation.narrative
    assert all(dream.interpretation.narrative.startswith(text or "-") for text in told)


async def test_interpretation_is_seen_before_the_picture_and_asked_for_once(desk: Desk, simulator: Simulator) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.SLOW)
    recorded = await desk.record()
    working = asyncio.create_task(desk.work())
    await simulator.until(lambda seen: seen.came == 2)
    dream = await desk.now(recorded.dream)
    assert (dream.status, dream.illustration) == (DreamStatus.PROCESSING, None)
    assert dream.interpretation is not None
    working.cancel()  # its worker is told to stop, and gives it back
    await asyncio.wait([working])
    await desk.work()
    dream = await desk.now(dream)
    assert dream.status is DreamStatus.READY
    asked = [call.operation for call in simulator.calls]
    assert asked == [Operation.OPENAI_RESPONSE, Operation.OPENAI_GENERATE, Operation.OPENAI_GENERATE]


async def test_same_key_is_the_same_dream_and_another_text_a_conflict(desk: Desk) -> None:
    first, second = await asyncio.gather(desk.record(key="k"), desk.record(key="k"))
    assert first.dream.identity == second.dream.identity
    await desk.work()
    third = await desk.record(key="k")
    assert third.dream.status is DreamStatus.READY
    assert len(await desk.generations()) == 1
    with pytest.raises(AppError) as refused:
        await desk.record("Another dream.", key="k")
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "idempotencyKey"))


async def test_dream_is_kept_when_too_many_wait_and_started_by_the_same_call_later(make_desk: MakeDesk) -> None:
    desk = await make_desk(user_running_limit=1, user_queued_limit=1)
    for _ in range(2):
        assert (await desk.record()).refusal is None
    recorded = await desk.record("One too many.", key="k")
    assert recorded.refusal is not None
    assert (recorded.refusal.code, recorded.refusal.retryable) == (ErrorCode.RATE_LIMITED, True)
    dream = await desk.now(recorded.dream)
    assert dream.failure is not None
    assert (dream.status, dream.failure.code, dream.failure.retryable) == (
        DreamStatus.FAILED,
        ErrorCode.RATE_LIMITED,
        True,
    )
    assert (dream.generation_id, dream.making) == (None, None)
    await desk.work()
    again = await desk.record("One too many.", key="k")
    assert (again.dream.identity, again.refusal) == (dream.identity, None)
    await desk.work()
    dream = await desk.now(dream)
    assert (dream.status, dream.failure) == (DreamStatus.READY, None)


async def test_dream_is_kept_when_a_budget_is_used_up(make_desk: MakeDesk, simulator: Simulator) -> None:
    prices = '[{"model": "gpt-6-luna", "unit": "calls", "amount": "1", "currency": "USD", "since": "2026-01-01"}]'
    desk = await make_desk(simulator, prices=prices, daily_budget_per_user="0")
    first = await desk.recorded()  # its call is what the budget does not bear
    second = await desk.record()
    assert second.refusal is not None
    assert second.refusal.code is ErrorCode.QUOTA_EXCEEDED
    for dream in (first, await desk.now(second.dream)):
        assert dream.failure is not None
        assert (dream.status, dream.failure.code, dream.text) == (DreamStatus.FAILED, ErrorCode.QUOTA_EXCEEDED, DREAM)
    assert (simulator.came, len(await desk.generations())) == (0, 1)


class KilledError(Exception):
    """Here the process ends."""


@dataclass(frozen=True, slots=True)
class KilledBefore(DreamStarter):
    """Dies when the dream is stored and its generation is not."""

    async def start(self, dream: Dream, making: Making) -> Generation:
        del dream, making
        raise KilledError


@dataclass(frozen=True, slots=True)
class KilledAfter(DreamStarter):
    """Dies when the generation is there and the dream does not know."""

    async def start(self, dream: Dream, making: Making) -> Generation:
        key = f"dream:{making.generation_id}"
        await self.generations.start(
            dream.owner_id, GENERATION_KIND, making.recipe, key, promised=Promised(making.generation_id)
        )
        raise KilledError


@pytest.mark.parametrize("death", [KilledBefore, KilledAfter])
async def test_dream_whose_start_a_crash_cut_off_has_one_generation_in_the_end(
    desk: Desk, death: type[DreamStarter]
) -> None:
    told = Told(DREAM)
    with pytest.raises(KilledError):
        await Dreams(death(desk.dreams.starter.generations), desk.dreams.models).record(desk.owner_id, told, "k")
    dream = await Dream.find_one()
    assert dream is not None
    assert dream.status is DreamStatus.PROCESSING
    again, _ = await asyncio.gather(desk.record(key="k"), desk.sweep())
    assert (again.dream.identity, again.refusal) == (dream.identity, None)
    assert [one.identity for one in await desk.generations()] == [dream.generation_id]
    await desk.work()
    assert (await desk.now(dream)).status is DreamStatus.READY


class RefusedAsAnotherStarts(Generations):
    """Refuses what another process has started just now."""

    @override
    async def start(self, *given: Any, **more: Any) -> Generation:
        await Generations.start(self, *given, **more)
        raise AppError(ErrorCode.RATE_LIMITED, "Too many wait.", retryable=True)


async def test_work_that_another_has_started_is_not_given_up(desk: Desk) -> None:
    generations = desk.dreams.starter.generations
    parts = {one.name: getattr(generations, one.name) for one in fields(generations)}
    recorded = await Dreams(DreamStarter(RefusedAsAnotherStarts(**parts)), desk.dreams.models).record(
        desk.owner_id, Told(DREAM), None
    )
    assert recorded.refusal is None
    assert recorded.dream.making is not None
    assert recorded.dream.making.started
    await desk.work()
    assert (await desk.now(recorded.dream)).status is DreamStatus.READY


async def test_worker_that_dies_with_the_whole_narrative_told_has_kept_the_interpretation(
    desk: Desk, simulator: Simulator
) -> None:
    dream = (await desk.record()).dream
    assert dream.generation_id is not None
    claimed = await claim(dream.generation_id, "w", 60)
    assert claimed is not None

    async def publish(event: GenerationEvent) -> None:
        if event.type is EventType.TEXT and claimed.calls[0].outcome is not None:  # the last one: the call has ended
            raise KilledError

    work = Work(Journal.of(claimed), publish, ProviderLimits({}, 30))
    with pytest.raises(KilledError):
        await desk.dreams.starter.generations.closing.jobs[GENERATION_KIND].run(work)
    stored = await desk.generation_of(dream)
    assert list(stored.steps) == ["interpretation"]
    assert stored.events[-1].text == stored.steps["interpretation"]["narrative"]
    await Generation.rows().update_one({"_id": dream.generation_id}, {"$set": {"lease": None}})
    await desk.work()
    assert (await desk.now(dream)).status is DreamStatus.READY
    assert [call.operation for call in simulator.calls] == [Operation.OPENAI_RESPONSE, Operation.OPENAI_GENERATE]


async def test_without_a_key_all_of_it_is_there_and_labelled(bare_desk: Desk) -> None:
    dream = await bare_desk.recorded()
    assert dream.interpretation is not None
    assert dream.illustration is not None
    assert dream.status is DreamStatus.READY
    assert (dream.interpretation.source, dream.interpretation.model) == (Source.LOCAL, "lexicon-1")
    assert "no AI model" in (dream.interpretation.note or "")
    assert {symbol.name for symbol in dream.interpretation.symbols} >= {"falling", "tower", "sea", "whale"}
    assert dream.interpretation.emotions[0].name == "fear"
    assert dream.illustration.source is Source.MOCK
    assert dream.illustration.note
