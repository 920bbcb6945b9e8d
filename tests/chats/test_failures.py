"""What fails says so and keeps its prompt; what was made is not paid for twice, and shown where that is allowed."""

import asyncio
from collections import Counter

import pytest
from beanie import PydanticObjectId

from app.chats import ends
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.parts import AnswerStatus, SlotStatus
from app.chats.recipes import GENERATION_KIND
from app.errors import AppError, ErrorCode
from app.generations.claims import claim
from app.generations.events import GenerationEvent
from app.generations.journal import Journal
from app.generations.model import Generation, Status
from app.generations.slots import ProviderLimits
from app.generations.work import Work
from app.lineage.deletion import delete_forever
from app.pictures.model import Picture
from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.simulator import Simulator
from tests.chats.conftest import PROMPT, Desk, MakeDesk

_READY, _FAILED = SlotStatus.READY, SlotStatus.FAILED


def _images(simulator: Simulator) -> int:
    """How many were asked for."""
    return sum(call.operation in {Operation.OPENAI_GENERATE, Operation.OPENAI_EDIT} for call in simulator.calls)


def _statuses(exchange: Exchange) -> list[SlotStatus]:
    return [slot.status for slot in exchange.slots]


async def test_failed_image_fails_the_whole_message_and_its_retry_makes_the_missing_one_alone(
    desk: Desk, simulator: Simulator
) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.FINE, Scenario.MODERATION)
    exchange = await desk.sent(image_count=3)
    assert exchange.failure is not None
    assert (exchange.status, exchange.failure.code) == (AnswerStatus.FAILED, ErrorCode.CONTENT_BLOCKED)
    assert (_statuses(exchange), exchange.full_prompt) == ([_FAILED] * 3, PROMPT)
    assert await ChatImage.count() == 0
    await desk.retry(exchange)
    await desk.work()
    after = await desk.now(exchange)
    assert (after.status, after.failure, _statuses(after)) == (AnswerStatus.READY, None, [_READY] * 3)
    assert (len(await desk.images(after)), _images(simulator)) == (3, 4)
    generation = await desk.generation_of(after)
    assert (generation.retry_of, len(generation.calls)) == (exchange.generation_id, 1)


async def test_partial_result_shows_what_was_made_and_each_failure(desk: Desk, simulator: Simulator) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.MODERATION, Scenario.UNAVAILABLE, Scenario.FINE)
    exchange = await desk.sent(image_count=4, allow_partial=True)
    assert exchange.status is AnswerStatus.PARTIAL
    assert Counter(_statuses(exchange)) == {_READY: 2, _FAILED: 2}
    codes = {slot.failure.code for slot in exchange.slots if slot.failure}
    assert codes == {ErrorCode.CONTENT_BLOCKED, ErrorCode.PROVIDER_UNAVAILABLE}
    shown = await desk.images(exchange)
    assert len(shown) == 2
    generation = await desk.retry(exchange)
    assert Counter(_statuses(await desk.now(exchange))) == {_READY: 2, SlotStatus.PENDING: 2}
    await desk.work()
    after = await desk.now(exchange)
    assert (after.status, _statuses(after), after.generation_id) == (
        AnswerStatus.READY,
        [_READY] * 4,
        generation.identity,
    )
    assert {one.identity for one in shown} < {one.identity for one in await desk.images(after)}
    assert _images(simulator) == 6


async def test_every_generation_that_failed_is_taken_over_from_however_many_tries_it_takes(
    desk: Desk, simulator: Simulator
) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.MODERATION, Scenario.MODERATION)
    exchange = await desk.sent(image_count=3)
    first = await desk.generation_of(exchange)
    second = await desk.retry(exchange)
    await desk.parts.services.generations.cancel(desk.owner_id, second.identity)  # before it has taken anything over
    assert (await desk.now(exchange)).status is AnswerStatus.CANCELLED
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.MODERATION)
    third = await desk.retry(await desk.now(exchange))
    await desk.work()
    assert ((await desk.now(exchange)).status, third.retry_of) == (AnswerStatus.FAILED, second.identity)
    retried = await desk.parts.services.generations.retry(desk.owner_id, first.identity, "k")
    assert (
        await desk.parts.services.generations.retry(desk.owner_id, first.identity, "k")
    ).identity == retried.identity
    await desk.work()
    assert (await desk.now(exchange)).status is AnswerStatus.READY
    assert _images(simulator) == 3 + 2 + 1


async def test_kept_picture_that_is_gone_is_made_anew(desk: Desk, simulator: Simulator) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.MODERATION)
    exchange = await desk.sent(image_count=2)
    await Picture.find_all().delete()
    await desk.retry(exchange)
    await desk.work()
    after = await desk.now(exchange)
    assert (after.status, _images(simulator)) == (AnswerStatus.READY, 4)
    for image in await desk.images(after):
        assert await Picture.get(image.picture_id)


async def test_failed_look_at_a_reference_keeps_what_was_said_of_the_others(desk: Desk, simulator: Simulator) -> None:
    pictures = [("Picture", (await desk.picture(number)).identity) for number in range(3)]
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.REFUSAL, Scenario.FINE)
    exchange = await desk.sent(given=pictures)
    assert exchange.failure is not None
    assert (exchange.status, exchange.failure.code, exchange.prompt) == (
        AnswerStatus.FAILED,
        ErrorCode.CONTENT_BLOCKED,
        PROMPT,
    )
    await desk.retry(exchange)
    await desk.work()
    after = await desk.now(exchange)
    assert after.status is AnswerStatus.READY
    assert Counter(one.remembered for one in after.analyses) == {True: 2, False: 1}
    assert sum(call.operation is Operation.OPENAI_RESPONSE for call in simulator.calls) == 4


async def test_reference_that_is_gone_by_then_is_a_failure_that_says_so(desk: Desk) -> None:
    picture = await desk.picture()
    answering = await desk.send(given=[("Picture", picture.identity)])
    await Picture.find_all().delete()
    await desk.work()
    exchange = await desk.now(answering.exchange)
    assert exchange.failure is not None
    assert (exchange.status, exchange.failure.code) == (AnswerStatus.FAILED, ErrorCode.SOURCE_IMAGE_MISSING)


async def test_automatic_retry_asks_for_the_missing_image_alone(make_desk: MakeDesk, simulator: Simulator) -> None:
    desk = await make_desk(simulator, generation_attempts=3)
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.UNAVAILABLE)
    answering = await desk.send(image_count=2)
    async with desk.serving():
        await desk.ended(answering.exchange)
    exchange = await desk.now(answering.exchange)
    assert (exchange.status, _statuses(exchange), _images(simulator)) == (AnswerStatus.READY, [_READY] * 2, 3)


@pytest.mark.parametrize("allow_partial", [True, False])
async def test_cancelled_message_keeps_its_prompt_and_is_made_later(
    desk: Desk, simulator: Simulator, *, allow_partial: bool
) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.SLOW)
    answering = await desk.send(image_count=2, allow_partial=allow_partial)
    exchange = answering.exchange
    assert exchange.generation_id is not None
    async with desk.serving():
        await simulator.until(lambda seen: len(seen.answered) == 1)
        while "image:" not in str(list((await desk.generation_of(exchange)).steps)):  # noqa: ASYNC110 - only the database knows
            await asyncio.sleep(0.02)
        await desk.parts.services.generations.cancel(desk.owner_id, exchange.generation_id)
        await desk.ended(exchange)
    now = await desk.now(exchange)
    assert (now.status, now.failure, now.prompt, now.full_prompt) == (AnswerStatus.CANCELLED, None, PROMPT, PROMPT)
    assert Counter(_statuses(now)) == ({_READY: 1, _FAILED: 1} if allow_partial else {_FAILED: 2})
    assert [slot.failure for slot in now.slots] == [None, None]
    assert len(await desk.images(now)) == allow_partial
    again = await desk.again(now)
    await desk.retry(now)
    await desk.work()
    assert [(await desk.now(one)).status for one in (now, again)] == [AnswerStatus.READY] * 2
    assert _images(simulator) == 2 + 2 + 1


async def test_nothing_is_made_of_an_answer_that_lacks_nothing_or_is_being_made(bare_desk: Desk) -> None:
    exchange = (await bare_desk.send()).exchange
    with pytest.raises(AppError, match="being made already") as busy:
        await bare_desk.retry(exchange)
    await bare_desk.work()
    with pytest.raises(AppError, match="No image is missing") as whole:
        await bare_desk.retry(exchange)
    for refused in (busy.value, whole.value):
        assert (refused.code, refused.path) == (ErrorCode.CONFLICT, ("input", "messageId"))


async def test_same_key_makes_what_is_missing_once(make_desk: MakeDesk, simulator: Simulator) -> None:
    desk = await make_desk(simulator)
    simulator.then(Provider.OPENAI, Scenario.MODERATION, Scenario.MODERATION)
    exchange, other = await desk.sent(), await desk.sent()
    first, second = await asyncio.gather(desk.retry(exchange, "k"), desk.retry(exchange, "k"))
    await desk.work()
    assert first.identity == second.identity == (await desk.retry(exchange, "k")).identity
    with pytest.raises(AppError) as refused:
        await desk.retry(other, "k")
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "idempotencyKey"))


class KilledError(Exception):
    """Here the process ends."""


async def _killed_with_two_of_four(desk: Desk, exchange: Exchange) -> None:
    """A worker that dies as soon as two of the images are kept."""
    assert exchange.generation_id is not None
    claimed = await claim(exchange.generation_id, "w", 60)
    assert claimed is not None

    async def publish(event: GenerationEvent) -> None:
        del event

    work = Work(Journal.of(claimed), publish, ProviderLimits({}, 30))
    running = asyncio.create_task(desk.chats.starter.generations.closing.jobs[GENERATION_KIND].run(work))
    while len((await desk.generation_of(exchange)).steps) < 2:  # noqa: ASYNC110 - only the database knows
        await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.wait([running])
    await Generation.rows().update_one({"_id": exchange.generation_id}, {"$set": {"lease": None}})


@pytest.mark.parametrize("allow_partial", [True, False])
async def test_worker_that_dies_after_two_of_four_leaves_the_other_two_to_the_next(
    desk: Desk, simulator: Simulator, *, allow_partial: bool
) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.FINE, Scenario.SLOW, Scenario.SLOW)
    exchange = (await desk.send(image_count=4, allow_partial=allow_partial)).exchange
    await _killed_with_two_of_four(desk, exchange)
    now = await desk.now(exchange)
    assert now.status is AnswerStatus.PROCESSING
    assert len(await desk.images(now)) <= (2 if allow_partial else 0)
    await desk.work()
    after = await desk.now(exchange)
    assert (after.status, _statuses(after)) == (AnswerStatus.READY, [_READY] * 4)
    assert (len(await desk.images(after)), await ChatImage.count(), _images(simulator)) == (4, 4, 6)
    assert (await desk.generation_of(after)).attempt == 2


async def _unwritten(exchange: Exchange, generation: Generation) -> None:
    """As if the process had died after the end of the work, before its answer said so."""
    making = exchange.making.model_dump(by_alias=True) if exchange.making else None
    slots = exchange.model_dump(by_alias=True)["slots"]
    await Exchange.rows().update_one(
        {"_id": exchange.identity}, {"$set": {"making": making, "slots": slots, "status": "PROCESSING"}}
    )
    await Generation.rows().update_one({"_id": generation.identity}, {"$set": {"settled": False}})


async def test_process_that_dies_between_the_images_and_the_message_is_made_good(desk: Desk) -> None:
    exchange = (await desk.send(image_count=2)).exchange
    await desk.work()
    ended = await desk.now(exchange)
    generation = await desk.generation_of(exchange)
    await ChatImage.rows().delete_one({"_id": ended.slots[1].image_id})  # it died after the first one was written
    await _unwritten(exchange, generation)
    await desk.chats.starter.generations.closing.complete_left_over(generation.identity)
    after = await desk.now(exchange)
    assert (after.status, _statuses(after), len(await desk.images(after))) == (AnswerStatus.READY, [_READY] * 2, 2)
    await ends.end(generation)
    assert (await desk.now(exchange)).revision == after.revision, "an end is written once"


async def test_image_deleted_for_ever_before_its_message_is_written_holds_up_neither_it_nor_the_others(
    desk: Desk,
) -> None:
    exchange = (await desk.send(image_count=2, allow_partial=True)).exchange
    await desk.work()
    generation = await desk.generation_of(exchange)
    deleted, other = await desk.images(exchange)
    await _unwritten(exchange, generation)
    await delete_forever([deleted])
    await desk.chats.starter.generations.closing.complete_left_over(generation.identity)
    after = await desk.now(exchange)
    assert (after.status, after.making, await desk.images(after)) == (AnswerStatus.READY, None, [other])


async def test_generation_whose_message_waits_for_other_work_changes_nothing(desk: Desk, simulator: Simulator) -> None:
    exchange = (await desk.send()).exchange
    await Exchange.rows().update_one({"_id": exchange.identity}, {"$set": {"making.generationId": PydanticObjectId()}})
    await desk.work()
    (generation,) = await desk.generations()
    assert generation.failure is not None
    assert (generation.status, generation.failure.code, simulator.came) == (Status.FAILED, ErrorCode.CONFLICT, 0)
    assert (await desk.now(exchange)).status is AnswerStatus.PROCESSING
