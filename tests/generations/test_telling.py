"""Progress and previews: how often they are told, and that the latest is not lost."""

import asyncio

from beanie import PydanticObjectId

from app.generations.events import EventType, GenerationEvent
from app.generations.work import Work
from tests.generations.conftest import MakeEngine, until

_FIRST, _SECOND = PydanticObjectId(), PydanticObjectId()


async def _events(make_engine: MakeEngine, script: "Script") -> list[GenerationEvent]:
    engine = make_engine(script)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    return [event for event in ended.events if event.type in {EventType.STAGE, EventType.PREVIEW}]


class Script:
    """Does what the test says, and goes on when it has been told."""

    async def __call__(self, work: Work) -> None:
        raise NotImplementedError


async def _told(work: Work, sequence: int) -> None:
    await until(lambda: _has_come_to(work, sequence))


async def _has_come_to(work: Work, sequence: int) -> bool:
    await asyncio.sleep(0)
    return work.generation.last_sequence >= sequence


class _FourAtOnce(Script):
    turns: tuple[bool, ...] = ()

    async def __call__(self, work: Work) -> None:
        self.turns = tuple(work.takes_preview() for _ in range(4))


async def test_of_four_that_ask_at_once_one_may_show_a_preview(make_engine: MakeEngine) -> None:
    script = _FourAtOnce()
    await _events(make_engine, script)
    assert script.turns == (True, False, False, False)


class _PreviewAfterStage(Script):
    async def __call__(self, work: Work) -> None:
        await work.stage("cutting out", 20)
        await work.preview(_FIRST)
        await work.stage("saving", 80)


async def test_preview_of_a_new_stage_is_shown_at_once(make_engine: MakeEngine) -> None:
    told = await _events(make_engine, _PreviewAfterStage())
    assert [(one.type, one.stage) for one in told] == [
        ("STAGE", "cutting out"),
        ("PREVIEW", "cutting out"),
        ("STAGE", "saving"),
    ]


class _TooSoon(Script):
    async def __call__(self, work: Work) -> None:
        await work.stage("painting", 10)
        await work.preview(_FIRST)
        await work.stage("painting", 40)
        await work.preview(PydanticObjectId())
        await work.preview(_SECOND)
        await work.stage("painting", 50)
        await _told(work, 5)


async def test_preview_that_comes_too_soon_is_shown_later_and_tells_the_progress(make_engine: MakeEngine) -> None:
    _, first, second = await _events(make_engine, _TooSoon())
    assert [(one.picture_id, one.percent) for one in (first, second)] == [(_FIRST, 10), (_SECOND, 50)]
    assert (second.at - first.at).total_seconds() >= 0.49


class _Over(Script):
    async def __call__(self, work: Work) -> None:
        await work.stage("painting", 10)
        for picture_id in (_FIRST, _SECOND):
            await work.preview(picture_id)
        await work.stage("storing", 90)
        await work.stage("storing", 95)
        await _told(work, 6)


async def test_preview_of_a_stage_that_is_over_is_shown_no_more(make_engine: MakeEngine) -> None:
    told = await _events(make_engine, _Over())
    assert [(one.stage, one.percent, one.picture_id) for one in told] == [
        ("painting", 10, None),
        ("painting", 10, _FIRST),
        ("storing", 90, None),
        ("storing", 95, None),
    ]
