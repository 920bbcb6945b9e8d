from app.errors import AppError, ErrorCode
from app.generations.model import Status
from app.generations.work import Work
from tests.generations.conftest import MakeEngine


async def test_generation_runs_to_its_end_with_numbered_events(make_engine: MakeEngine) -> None:
    async def script(work: Work) -> None:
        await work.stage("drawing", 40)
        await work.stage("storing", 90)

    engine = make_engine(script)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert (ended.status, ended.settled, ended.percent, ended.lease) == (Status.SUCCEEDED, True, 100, None)
    assert [event.sequence for event in ended.events] == [1, 2, 3, 4, 5]
    assert [event.type for event in ended.events] == ["QUEUED", "STARTED", "STAGE", "STAGE", "SUCCEEDED"]
    assert [(attempt.number, attempt.worker, attempt.outcome) for attempt in ended.attempts] == [(1, "w1", "SUCCEEDED")]
    assert engine.job.completed == [ended.result_id]


async def test_expected_failure_becomes_data(make_engine: MakeEngine) -> None:
    async def script(_: Work) -> None:
        raise AppError(ErrorCode.CONTENT_BLOCKED, "Not this.")

    engine = make_engine(script)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert ended.failure is not None
    assert (ended.status, ended.failure.code, ended.failure.message) == (
        Status.FAILED,
        ErrorCode.CONTENT_BLOCKED,
        "Not this.",
    )
    assert ended.settled
    assert engine.job.completed == []


async def test_crash_of_a_job_is_masked_and_the_next_one_runs(make_engine: MakeEngine) -> None:
    crashes = iter([True, False])

    async def script(_: Work) -> None:
        if next(crashes):
            message = "secret detail"
            raise RuntimeError(message)

    engine = make_engine(script)
    async with engine.working(slots=1):
        first = await engine.ended(await engine.start())
        second = await engine.ended(await engine.start())
    assert first.failure is not None
    assert first.failure.code is ErrorCode.INTERNAL
    assert "secret" not in first.model_dump_json()
    assert second.status is Status.SUCCEEDED
