"""Several calls of one generation are under way at once; each keeps its own entry of the ledger."""

import asyncio

import pytest

from app.errors import AppError, ErrorCode, FailedCall
from app.generations.claims import claim
from app.generations.journal import Journal
from app.generations.model import Generation, Status
from app.generations.slots import ProviderLimits
from app.generations.work import CalledModel, OpenCall, Work
from tests.generations.conftest import Engine, MakeEngine, stored

_MODEL = CalledModel("painter", "painter-1", billable=True)
_COUNT = 4


async def _nothing(_: object) -> None:
    return


async def _claimed(engine: Engine) -> Work:
    """The first attempt at a new generation, which the test itself goes on with."""
    generation = await claim((await engine.start()).identity, "w1", 30)
    assert generation is not None
    return Work(Journal.of(generation), _nothing, ProviderLimits({}, 30))


class Calling:
    """A call that was entered, and is left when the test says so."""

    def __init__(self, work: Work) -> None:
        self.opened = OpenCall()
        self._entered, self._leave = asyncio.Event(), asyncio.Event()
        self.failure: AppError | None = None
        self._task = asyncio.create_task(self._run(work))

    async def _run(self, work: Work) -> None:
        async with work.call(_MODEL) as self.opened:
            self._entered.set()
            await self._leave.wait()
            if self.failure:
                raise self.failure

    async def entered(self) -> "Calling":
        await self._entered.wait()
        return self

    async def leave(self, failure: AppError | None = None) -> None:
        self.failure = failure
        self._leave.set()
        await asyncio.wait([self._task])
        if failure:
            assert self._task.exception() is failure

    async def cancel(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def _ledger(work: Work) -> list[tuple[int, str | None]]:
    """Number and outcome of each entry, as the database has them after the next write."""
    await work.journal.write()
    return [(one.number, one.outcome) for one in (await stored(work.generation)).calls]


async def test_calls_that_end_in_another_order_close_each_its_own_entry(make_engine: MakeEngine) -> None:
    all_in, done = asyncio.Event(), [asyncio.Event() for _ in range(_COUNT + 1)]
    done[_COUNT].set()
    inside = 0

    async def one(work: Work, number: int) -> None:
        nonlocal inside
        async with work.call(_MODEL) as call:
            await work.stage("asking", 10)
            inside += 1
            if inside == _COUNT:
                all_in.set()
            await all_in.wait()
            await done[number + 1].wait()  # the last is the first to end
            call.provider_request_id = f"request-{number + 1}"
        done[number].set()

    async def script(work: Work) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(_COUNT):
                group.create_task(one(work, number))

    engine = make_engine(script)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert ended.status is Status.SUCCEEDED
    assert [(call.number, call.provider_request_id, call.outcome) for call in ended.calls] == [
        (number, f"request-{number}", "SUCCEEDED") for number in range(1, _COUNT + 1)
    ]


async def test_every_entry_is_written_before_its_call_is_made_though_all_say_the_same_stage(
    make_engine: MakeEngine,
) -> None:
    seen: list[bool] = []

    async def one(work: Work) -> None:
        async with work.call(_MODEL):
            number = work.generation.calls[-1].number
            await work.stage("asking", 10)
            seen.append(number in [call.number for call in (await stored(work.generation)).calls])

    async def script(work: Work) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(_COUNT):
                group.create_task(one(work))

    engine = make_engine(script)
    async with engine.working():
        await engine.ended(await engine.start())
    assert seen == [True] * _COUNT


async def test_stage_is_not_over_while_another_still_writes_the_entry(make_engine: MakeEngine) -> None:
    work = await _claimed(make_engine(_nothing))
    calls = [await Calling(work).entered() for _ in range(2)]

    async def told() -> bool:
        await work.stage("asking", 10)  # the first carries both entries, while the second comes
        return work.journal.pen.ledger.has_unwritten

    assert list(await asyncio.gather(told(), told())) == [False, False]
    for call in calls:
        await call.leave()


async def test_call_that_was_never_written_is_forgotten_alone(make_engine: MakeEngine) -> None:
    work = await _claimed(make_engine(_nothing))
    first = await Calling(work).entered()
    await work.stage("asking", 10)
    second, third = await Calling(work).entered(), await Calling(work).entered()
    await second.cancel()
    await third.leave()
    assert await _ledger(work) == [(1, None), (3, "SUCCEEDED")]
    await first.leave()
    fourth = await Calling(work).entered()
    await fourth.leave()
    assert await _ledger(work) == [(1, "SUCCEEDED"), (3, "SUCCEEDED"), (4, "SUCCEEDED")]


async def test_written_call_stays_when_it_is_cancelled_though_another_waits_to_be_written(
    make_engine: MakeEngine,
) -> None:
    work = await _claimed(make_engine(_nothing))
    first = await Calling(work).entered()
    await work.stage("asking", 10)
    second = await Calling(work).entered()
    await first.cancel()
    await second.leave()
    assert await _ledger(work) == [(1, "CANCELLED"), (2, "SUCCEEDED")]
    assert [one.maybe_billed for one in (await stored(work.generation)).calls] == [True, False]


async def test_number_of_a_forgotten_call_is_not_given_again(make_engine: MakeEngine) -> None:
    work = await _claimed(make_engine(_nothing))
    await (await Calling(work).entered()).cancel()
    await (await Calling(work).entered()).leave()
    assert await _ledger(work) == [(2, "SUCCEEDED")]


async def test_call_that_was_not_sent_has_no_entry(make_engine: MakeEngine) -> None:
    work = await _claimed(make_engine(_nothing))
    refusal = AppError(ErrorCode.PROVIDER_UNAVAILABLE, "Not asked.", call=FailedCall(sent=False))
    await (await Calling(work).entered()).leave(refusal)
    assert await _ledger(work) == []


async def test_entry_that_was_written_stays_though_its_call_was_not_sent_and_is_not_billed(
    make_engine: MakeEngine,
) -> None:
    work = await _claimed(make_engine(_nothing))
    calling = await Calling(work).entered()
    await work.stage("asking", 10)
    late = FailedCall(sent=False, maybe_billed=True)
    await calling.leave(AppError(ErrorCode.TIMEOUT, "Not asked.", call=late))
    assert await _ledger(work) == [(1, "FAILED")]
    (call,) = (await stored(work.generation)).calls
    assert (call.maybe_billed, call.cost) == (False, 0)


@pytest.mark.parametrize(
    ("error", "maybe_billed"),
    [
        (AppError(ErrorCode.TIMEOUT, "Late."), True),
        (AppError(ErrorCode.INVALID_ANSWER, "Cut.", call=FailedCall("r-1", maybe_billed=True)), True),
        (AppError(ErrorCode.CONTENT_BLOCKED, "No.", call=FailedCall("r-1")), False),
    ],
    ids=["too late", "cut off", "refused"],
)
async def test_entry_of_a_failed_call_says_what_is_known_of_it(
    make_engine: MakeEngine,
    error: AppError,
    maybe_billed: bool,  # noqa: FBT001 - pytest passes it
) -> None:
    work = await _claimed(make_engine(_nothing))
    await (await Calling(work).entered()).leave(error)
    await work.journal.write()
    (call,) = (await stored(work.generation)).calls
    assert (call.maybe_billed, call.cost) == (maybe_billed, None if maybe_billed else 0)
    assert call.provider_request_id == (error.call.request_id if error.call else None)


async def test_takeover_goes_on_with_the_next_number(make_engine: MakeEngine) -> None:
    engine = make_engine(_nothing)
    work = await _claimed(engine)
    for _ in range(2):
        await Calling(work).entered()
    await work.stage("asking", 10)
    past = {"$set": {"lease.until": {"$subtract": ["$$NOW", 1000]}}}
    await Generation.rows().update_one({"_id": work.generation.identity}, [past])
    taken = await claim(work.generation.identity, "heir", 30)
    assert taken is not None
    assert Journal.of(taken).next_call == 3
