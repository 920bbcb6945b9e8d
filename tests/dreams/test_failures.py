"""Each failure is stored on the dream with its code, leaves what was made standing, and is cleared by a success."""

import asyncio

import pytest

from app.dreams.deletion import delete_forever
from app.dreams.model import Dream
from app.dreams.parts import DreamStatus, Part
from app.dreams.recipes import Again
from app.dreams.versions import DreamVersion
from app.errors import ErrorCode
from app.generations.attempts import Outcome
from app.generations.model import Status
from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.simulator import Simulator
from tests.dreams.conftest import Desk, MakeDesk
from tests.sampled import sampled

_ONCE = 1
_TEXTS = (
    (Scenario.REJECTED_KEY, ErrorCode.PROVIDER_REJECTED_KEY, False, "OPENAI_API_KEY", _ONCE),
    (Scenario.EMPTY_QUOTA, ErrorCode.QUOTA_EXCEEDED, False, "You exceeded your current quota", _ONCE),
    (Scenario.RATE_LIMITED, ErrorCode.RATE_LIMITED, True, "Rate limit reached", _ONCE),
    (Scenario.FAILING, ErrorCode.PROVIDER_UNAVAILABLE, True, "The server had an error", _ONCE),
    (Scenario.CUT_STREAM, ErrorCode.PROVIDER_UNAVAILABLE, True, "broke off", _ONCE),
    (Scenario.SILENT_CLOSE, ErrorCode.PROVIDER_UNAVAILABLE, True, "Try again", _ONCE),
    (Scenario.MODEL_GONE, ErrorCode.PROVIDER_NOT_CONFIGURED, False, "OPENAI_TEXT_MODEL", _ONCE),
    (Scenario.REFUSAL, ErrorCode.CONTENT_BLOCKED, False, "I can't help with that", _ONCE),
    (Scenario.MODERATION, ErrorCode.CONTENT_BLOCKED, False, "withholds", _ONCE),
    (Scenario.TRUNCATED, ErrorCode.INVALID_ANSWER, False, "was cut off", 2),
    (Scenario.WRONG_SHAPE, ErrorCode.INVALID_ANSWER, False, "another shape", 2),
    (Scenario.ECHO, ErrorCode.INVALID_ANSWER, False, "repeats what it was told", 2),
)
_OF_EACH_KIND = [
    one for one in _TEXTS if one[0] in {Scenario.REJECTED_KEY, Scenario.CUT_STREAM, Scenario.REFUSAL, Scenario.ECHO}
]
"""Set up wrongly, away, refused, and answered twice in vain."""


@pytest.mark.parametrize(
    ("scenario", "code", "retryable", "words", "calls"),
    sampled(_TEXTS, *_OF_EACH_KIND),
    ids=[str(one[0]) for one in _TEXTS],
)
async def test_failed_interpretation_is_stored_and_cleared_by_the_next_success(
    desk: Desk, simulator: Simulator, scenario: Scenario, code: ErrorCode, *, retryable: bool, words: str, calls: int
) -> None:
    simulator.always(Provider.OPENAI, scenario)
    dream = await desk.recorded()
    assert dream.failure is not None
    assert (dream.status, dream.failure.code, dream.failure.retryable) == (DreamStatus.FAILED, code, retryable)
    assert words in dream.failure.message
    generation = await desk.generation_of(dream)
    assert (generation.status, generation.failure) == (Status.FAILED, dream.failure)
    assert [(call.outcome, call.code) for call in generation.calls] == [(Outcome.FAILED, code)] * calls
    assert simulator.came == calls
    await desk.again(dream, Again(text_model="lexicon-1", image_model="placeholder-1"))
    await desk.work()
    dream = await desk.now(dream)
    assert (dream.status, dream.failure) == (DreamStatus.READY, None)


@pytest.mark.parametrize(
    "scenario", sampled([Scenario.TRUNCATED, Scenario.WRONG_SHAPE, Scenario.ECHO], Scenario.WRONG_SHAPE)
)
async def test_answer_that_does_not_fit_is_asked_for_once_more_with_what_was_wrong(
    desk: Desk, simulator: Simulator, scenario: Scenario
) -> None:
    simulator.then(Provider.OPENAI, scenario)
    dream = await desk.recorded()
    assert dream.status is DreamStatus.READY
    first, second, _ = simulator.calls
    assert (first.prompt, first.operation) == (second.prompt, second.operation)
    assert second.instructions.startswith(first.instructions)
    assert "could not be used" in second.instructions.removeprefix(first.instructions)
    calls = (await desk.generation_of(dream)).calls
    assert [call.outcome for call in calls] == [Outcome.FAILED, Outcome.SUCCEEDED, Outcome.SUCCEEDED]


@pytest.mark.parametrize(
    "scenario",
    sampled(
        [Scenario.MODERATION, Scenario.FAILING, Scenario.WRONG_SHAPE, Scenario.RATE_LIMITED],
        Scenario.MODERATION,
        Scenario.FAILING,
    ),
)
async def test_failed_picture_leaves_the_interpretation_standing(
    desk: Desk, simulator: Simulator, scenario: Scenario
) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, scenario)
    dream = await desk.recorded()
    assert dream.status is DreamStatus.READY_WITHOUT_PICTURE
    assert dream.interpretation is not None
    assert dream.failure is not None
    assert dream.failure == (await desk.generation_of(dream)).failure
    await desk.again(dream, Again(frozenset({Part.PICTURE})))
    await desk.work()
    after = await desk.now(dream)
    assert (after.status, after.failure, after.interpretation) == (DreamStatus.READY, None, dream.interpretation)


async def test_automatic_retry_asks_for_the_interpretation_once(make_desk: MakeDesk, simulator: Simulator) -> None:
    desk = await make_desk(simulator, generation_attempts=3)
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.UNAVAILABLE)
    recorded = await desk.record()
    async with desk.serving():
        await desk.ended(recorded.dream)
    asked = [call.operation for call in simulator.calls]
    assert asked == [Operation.OPENAI_RESPONSE, Operation.OPENAI_GENERATE, Operation.OPENAI_GENERATE]
    assert (await desk.now(recorded.dream)).status is DreamStatus.READY


async def test_call_is_ended_at_its_deadline(make_desk: MakeDesk, simulator: Simulator) -> None:
    desk = await make_desk(simulator, provider_timeout_s=0.5)
    simulator.always(Provider.OPENAI, Scenario.SLOW)
    dream = await desk.recorded()
    assert dream.failure is not None
    assert (dream.failure.code, dream.failure.retryable) == (ErrorCode.TIMEOUT, True)
    assert "within 0.5 seconds" in dream.failure.message


async def test_provider_that_cant_be_reached_is_a_failure_that_may_pass(
    make_desk: MakeDesk, simulator: Simulator
) -> None:
    desk = await make_desk(simulator, openai_base_url="http://127.0.0.1:9/v1", generation_time_limit_s=0.1)
    dream = await desk.recorded()
    assert dream.failure is not None
    assert (dream.failure.code, dream.failure.retryable) == (ErrorCode.PROVIDER_UNAVAILABLE, True)
    assert "can't be reached" in dream.failure.message


async def test_key_that_is_gone_since_names_its_setting(make_desk: MakeDesk, simulator: Simulator) -> None:
    keyed, bare = await make_desk(simulator), await make_desk()
    recorded = await keyed.record()
    await bare.work()
    dream = await bare.now(recorded.dream)
    assert dream.failure is not None
    assert dream.failure.code is ErrorCode.PROVIDER_NOT_CONFIGURED
    assert "Set OPENAI_API_KEY" in dream.failure.message


async def test_nothing_is_drawn_of_a_dream_that_is_deleted_while_it_is_interpreted(
    desk: Desk, simulator: Simulator
) -> None:
    simulator.hold(after=6)
    dream = (await desk.record()).dream
    working = asyncio.create_task(desk.work())
    await simulator.until(lambda seen: seen.came == 1)
    await delete_forever([dream])
    simulator.release()
    await working
    (generation,) = await desk.generations()
    assert generation.failure is not None
    assert generation.failure.code is ErrorCode.NOT_FOUND
    assert [call.operation for call in simulator.calls] == [Operation.OPENAI_RESPONSE]
    assert (await Dream.count(), await DreamVersion.count()) == (0, 0)


async def test_dream_that_is_gone_is_nothing_to_work_on(desk: Desk) -> None:
    recorded = await desk.record()
    await recorded.dream.delete()
    await desk.work()
    (generation,) = await desk.generations()
    assert generation.failure is not None
    assert (generation.failure.code, generation.picture_ids) == (ErrorCode.NOT_FOUND, [])
