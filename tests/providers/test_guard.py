import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from app.costs.usage import Usage
from app.errors import AppError, ErrorCode
from app.providers.breaker import Breaker
from app.providers.guard import Guard
from app.providers.guarded import GuardedImageModel, GuardedVisionModel
from app.providers.ports.image import ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Source, Stage
from app.providers.ports.vision import Description, VisionRequest

_REQUEST = ImageRequest(ImageTask.CREATE, "a tree", ())


@dataclass
class Acme:
    """Waits for its turn, then works, both in seconds; `running` counts the calls that have not ended."""

    turn_s: float = 0
    work_s: float = 0
    failure: AppError | None = None
    name: str = "acme"
    model: str = "acme-1"
    source: Source = Source.MOCK
    running: int = 0
    turns: asyncio.Event = field(default_factory=asyncio.Event)

    def expected_usage(self, request: ImageRequest | VisionRequest) -> Usage:
        del request
        return {}

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        self.running += 1
        try:
            await asyncio.sleep(self.turn_s)
            yield Stage("working", 10)
            yield Preview(b"early", "image/png")
            await asyncio.sleep(self.work_s)
            if self.failure:
                raise self.failure
            yield MadePicture(request.prompt.encode(), "image/png", self.source, self.model)
        finally:
            self.running -= 1

    async def describe(self, request: VisionRequest) -> Description:
        self.running += 1
        try:
            await asyncio.sleep(self.work_s)
            return Description(request.instructions, self.source, self.model)
        finally:
            self.running -= 1


def guarded(acme: Acme, deadline_s: float = 5, failures: int = 1) -> tuple[GuardedImageModel, Breaker]:
    """The model behind a guard, and its breaker."""
    breaker = Breaker("Acme", failures)
    return GuardedImageModel(acme, Guard(breaker, deadline_s)), breaker


async def updates(model: GuardedImageModel) -> list[object]:
    """All updates of a call."""
    return [update async for update in model.run(_REQUEST)]


async def failed(model: GuardedImageModel) -> AppError:
    """The failure of a call."""
    with pytest.raises(AppError) as caught:
        await updates(model)
    return caught.value


async def test_updates_pass_unchanged_up_to_the_picture() -> None:
    model, _ = guarded(Acme())
    stage, preview, made = await updates(model)
    assert (stage, preview) == (Stage("working", 10), Preview(b"early", "image/png"))
    assert isinstance(made, MadePicture)
    assert made.data == b"a tree"


async def test_deadline_is_a_timeout_that_may_be_billed_and_the_breaker_counts_it() -> None:
    acme = Acme(work_s=60)
    model, breaker = guarded(acme, deadline_s=0.05)
    failure = await failed(model)
    assert (failure.code, failure.retryable) == (ErrorCode.TIMEOUT, True)
    assert failure.call is not None
    assert failure.call.maybe_billed
    assert breaker.is_open
    assert acme.running == 0


async def test_deadline_does_not_run_while_the_work_has_not_begun() -> None:
    model, breaker = guarded(Acme(turn_s=0.3), deadline_s=0.2)
    assert isinstance((await updates(model))[-1], MadePicture)
    assert not breaker.is_open


async def test_deadline_never_strikes_whoever_reads() -> None:
    model, _ = guarded(Acme(), deadline_s=0.05)
    seen: list[object] = []
    async with aclosing(model.run(_REQUEST)) as running:
        async for update in running:
            seen.append(update)
            await asyncio.sleep(0.06)  # its own work, which a deadline around it all would cancel
            if len(seen) == 2:  # the preview: the picture is there already
                break
    assert len(seen) == 2


async def test_deadline_does_not_run_while_the_reader_notes_that_the_work_begins() -> None:
    model, breaker = guarded(Acme(), deadline_s=0.2)
    async with aclosing(model.run(_REQUEST)) as running:
        await anext(running)
        await asyncio.sleep(0.3)
        seen = [update async for update in running]
    assert isinstance(seen[-1], MadePicture)
    assert not breaker.is_open


async def test_reader_that_leaves_ends_the_call_and_opens_nothing() -> None:
    acme = Acme(work_s=60)
    model, breaker = guarded(acme)
    async with aclosing(model.run(_REQUEST)) as running:
        await anext(running)
    assert acme.running == 0
    assert not breaker.is_open


async def test_cancelled_call_ends_and_opens_nothing() -> None:
    acme = Acme(work_s=60)
    model, breaker = guarded(acme)
    task = asyncio.create_task(updates(model))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert acme.running == 0
    assert not breaker.is_open


async def test_open_breaker_lets_nothing_begin() -> None:
    acme = Acme(failure=AppError(ErrorCode.PROVIDER_UNAVAILABLE, "It is down.", retryable=True))
    model, _ = guarded(acme)
    assert (await failed(model)).message == "It is down."
    acme.failure = None
    failure = await failed(model)
    assert failure.call is not None
    assert not failure.call.sent


async def test_reader_that_stops_at_the_picture_has_closed_the_breaker() -> None:
    acme = Acme()
    model, breaker = guarded(acme, failures=2)
    acme.failure = AppError(ErrorCode.TIMEOUT, "It took too long.", retryable=True)
    await failed(model)
    acme.failure = None
    async with aclosing(model.run(_REQUEST)) as running:
        async for update in running:
            if isinstance(update, MadePicture):
                break
    acme.failure = AppError(ErrorCode.TIMEOUT, "It took too long.", retryable=True)
    await failed(model)
    assert not breaker.is_open


async def test_description_has_the_same_guard() -> None:
    acme = Acme(work_s=60)
    breaker = Breaker("Acme", failures=1)
    model = GuardedVisionModel(acme, Guard(breaker, 0.05))
    request = VisionRequest("what is it?", ())
    with pytest.raises(AppError) as caught:
        await model.describe(request)
    assert caught.value.code is ErrorCode.TIMEOUT
    assert acme.running == 0
    with pytest.raises(AppError) as caught:
        await model.describe(request)
    assert caught.value.code is ErrorCode.PROVIDER_UNAVAILABLE


async def test_time_that_the_reader_takes_is_not_the_calls() -> None:
    model, breaker = guarded(Acme(work_s=0.05), deadline_s=0.3)
    seen: list[object] = []
    async for update in model.run(_REQUEST):
        seen.append(update)
        await asyncio.sleep(0.2)  # a store that is slow with previews
    assert isinstance(seen[-1], MadePicture)
    assert not breaker.is_open
