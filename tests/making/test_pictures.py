import asyncio
import io
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from PIL import Image
from pymongo.asynchronous.database import AsyncDatabase

from app.costs.usage import Unit, Usage
from app.errors import AppError, ErrorCode, FailedCall
from app.generations.attempts import Outcome
from app.generations.closing import Closing
from app.generations.events import EventType, GenerationEvent
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.service import Generations
from app.generations.slots import ProviderLimits, ProviderSlots
from app.generations.work import Work
from app.making.pictures import PictureMaker
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture
from app.providers.ports.image import ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Source, Stage
from tests.indexed import point_at

_KIND = "PICTURES"
_PROMPTS = ("red", "green", "blue")
_SHOWN = 3


def png(colour: str) -> bytes:
    """A small picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Acme:
    """Makes a picture of each colour once all calls of a round are there; `fails` are the prompts it refuses once."""

    fails: dict[str, AppError] = field(default_factory=dict[str, AppError])
    together: int = 3
    preview: bytes = b"no picture at all"
    prompts: list[str] = field(default_factory=list[str])
    running: int = 0
    most_running: int = 0
    name: str = "acme"
    model: str = "acme-1"
    source: Source = Source.PROVIDER
    _met: asyncio.Event = field(default_factory=asyncio.Event)

    def expected_usage(self, request: ImageRequest) -> Usage:
        del request
        return {Unit.PICTURES: 1}

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        self.prompts.append(request.prompt)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            yield Stage("working", 20)
            if self.running == self.together:
                self._met.set()
            await self._met.wait()
            if failure := self.fails.pop(request.prompt, None):
                raise failure
            yield Stage("working", 80)
            if request.previews:
                yield Preview(self.preview, "image/png")
            yield MadePicture(
                png(request.prompt),
                "image/png",
                self.source,
                self.model,
                usage={Unit.PICTURES: 1},
                provider_request_id=f"request-{request.prompt}",
            )
        finally:
            self.running -= 1


@dataclass
class PicturesJob:
    """A picture of each prompt, side by side."""

    maker: PictureMaker
    made: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def run(self, work: Work) -> None:
        prompts = work.generation.recipe.prompts
        requests = {f"picture-{number}": partial(self._request, prompt) for number, prompt in enumerate(prompts)}
        self.made = await self.maker.make_all(work, requests)

    async def complete(self, generation: Generation) -> None:
        del generation

    @staticmethod
    async def _request(prompt: str) -> ImageRequest:
        return ImageRequest(ImageTask.CREATE, prompt, (), previews=1)


@pytest.fixture
async def pictures(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> Pictures:
    await point_at(database, [Picture, Generation, Lane, ProviderSlots])
    return Pictures(DiskStore(tmp_path, MediaLinks(b"k" * 32)))


async def ended(
    pictures: Pictures,
    acme: Acme,
    attempts: int = 3,
    prompts: tuple[str, ...] = _PROMPTS,
    hub: InProcessHub | None = None,
) -> tuple[Generation, PicturesJob]:
    """The generation of the prompts, run until it ends."""
    queue, hub = InProcessQueue(), hub or InProcessHub()
    job = PicturesJob(PictureMaker(pictures, {"acme": acme}))
    closing = Closing({_KIND: job}, queue, hub, window=1)
    recipe = Recipe(task=ImageTask.CREATE, prompts=prompts, pictures=(), provider="acme", model="acme-1")
    started = await Generations(queue, hub, closing).start(PydanticObjectId(), _KIND, recipe, None)
    retries = RetryPolicy(attempts=attempts, first_s=0.01, longest_s=0.01)
    runner = Runner({_KIND: job}, queue, hub, closing, "w1", ProviderLimits({"acme": 8}, 30), retries)
    while (found := await Generation.get(started.identity)) and not found.status.ended:
        await runner.run(started.identity)
    assert found is not None
    return found, job


async def test_pictures_are_made_side_by_side_and_each_is_a_kept_step(pictures: Pictures) -> None:
    acme = Acme()
    generation, job = await ended(pictures, acme)
    assert generation.status is Status.SUCCEEDED
    assert acme.most_running == 3
    assert sorted(generation.steps) == ["picture-0", "picture-1", "picture-2"]
    kept = [generation.steps[f"picture-{number}"]["pictureId"] for number in range(3)]
    assert [values["pictureId"] for values in job.made] == kept
    found = await Picture.by_ids(kept)
    assert [await pictures.read(found[identity]) for identity in kept] == [png(prompt) for prompt in _PROMPTS]
    assert [call.number for call in generation.calls] == [1, 2, 3]
    assert {call.outcome for call in generation.calls} == {Outcome.SUCCEEDED}
    assert {call.provider_request_id for call in generation.calls} == {f"request-{prompt}" for prompt in _PROMPTS}


async def test_one_that_fails_is_made_again_alone(pictures: Pictures) -> None:
    away = AppError(ErrorCode.PROVIDER_UNAVAILABLE, "It is away.", retryable=True, call=FailedCall("request-x"))
    acme = Acme({"green": away})
    generation, _ = await ended(pictures, acme)
    assert generation.status is Status.SUCCEEDED
    assert sorted(acme.prompts) == ["blue", "green", "green", "red"]
    assert [attempt.outcome for attempt in generation.attempts] == [Outcome.FAILED, Outcome.SUCCEEDED]
    assert [call.attempt for call in generation.calls].count(1) == 3
    failed = [call for call in generation.calls if call.outcome is Outcome.FAILED]
    assert [(call.code, call.provider_request_id) for call in failed] == [(ErrorCode.PROVIDER_UNAVAILABLE, "request-x")]


async def test_failure_that_stays_leaves_the_others_pictures_kept(pictures: Pictures) -> None:
    blocked = AppError(ErrorCode.CONTENT_BLOCKED, "It refuses.")
    generation, _ = await ended(pictures, Acme({"red": blocked}))
    assert generation.status is Status.FAILED
    assert generation.failure is not None
    assert generation.failure.code is ErrorCode.CONTENT_BLOCKED
    assert sorted(generation.steps) == ["picture-1", "picture-2"]


async def test_failure_for_good_is_not_hidden_by_one_that_may_pass(pictures: Pictures) -> None:
    away = AppError(ErrorCode.PROVIDER_UNAVAILABLE, "It is away.", retryable=True, call=FailedCall())
    acme = Acme({"red": away, "blue": AppError(ErrorCode.CONTENT_BLOCKED, "It refuses.", call=FailedCall())})
    generation, _ = await ended(pictures, acme)
    assert generation.failure is not None
    assert generation.failure.code is ErrorCode.CONTENT_BLOCKED
    assert len(acme.prompts) == 3


async def test_progress_of_all_never_goes_backwards(pictures: Pictures) -> None:
    generation, _ = await ended(pictures, Acme())
    told = [event.percent for event in generation.events if event.type is EventType.STAGE]
    assert told == sorted(told)
    assert {event.stage for event in generation.events if event.type is EventType.STAGE} == {"making 3 pictures"}


@dataclass(frozen=True)
class Audience(InProcessHub):
    """Those who follow, and the previews that they were told of."""

    shown: list[GenerationEvent] = field(default_factory=list[GenerationEvent])

    async def publish(
        self, owner_id: PydanticObjectId, generation_id: PydanticObjectId, event: GenerationEvent
    ) -> None:
        if event.type is EventType.PREVIEW:
            self.shown.append(event)
        await super().publish(owner_id, generation_id, event)


@dataclass
class Chatty(Acme):
    """Tells of a little progress, and shows what there is, many times a second until enough of it was shown."""

    audience: Audience = field(default_factory=Audience)

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        self.prompts.append(request.prompt)
        for number in count():
            yield Stage("working", min(number, 95))
            yield Preview(png(f"#0000{number % 256:02x}"), "image/png")
            if len(self.audience.shown) >= _SHOWN:
                break
            await asyncio.sleep(0.05)  # the pace of the stand-in, which nothing is waited for with
        yield MadePicture(png(request.prompt), "image/png", self.source, self.model)


async def test_progress_and_previews_of_four_calls_are_told_twice_a_second_together(pictures: Pictures) -> None:
    audience = Audience()
    prompts = ("red", "green", "blue", "white")
    generation, _ = await ended(pictures, Chatty(audience=audience), prompts=prompts, hub=audience)
    (begun, *told) = [one for one in generation.events if one.type in {EventType.STAGE, EventType.PREVIEW}]
    assert begun.type is EventType.STAGE
    assert {one.stage for one in told} == {begun.stage}
    gaps_s = [(after.at - before.at).total_seconds() for before, after in pairwise(told)]
    assert min(gaps_s) >= 0.49
    shown = [one for one in told if one.type is EventType.PREVIEW]
    assert len(shown) >= _SHOWN
    assert [one.percent for one in told] == sorted(one.percent for one in told)
    previews = await Picture.count() - 4
    took_s = (generation.events[-1].at - begun.at).total_seconds()
    assert len(shown) <= previews <= 1 + took_s / 0.5


@dataclass(frozen=True)
class Flaky(DiskStore):
    """A disk that refuses its first `refusals`."""

    refusals: list[AppError] = field(default_factory=list[AppError])

    async def put(self, key: str, data: bytes, media_type: str) -> None:
        if self.refusals:
            raise self.refusals.pop()
        await super().put(key, data, media_type)


async def test_store_that_is_away_for_a_moment_costs_no_second_call(pictures: Pictures, tmp_path: Path) -> None:
    del pictures  # it has made the collections
    away = [AppError(code, "It is away.", retryable=True) for code in (ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT)]
    store = Flaky(tmp_path, MediaLinks(b"k" * 32), refusals=away)
    acme = Acme()
    generation, _ = await ended(Pictures(store), acme, attempts=1)
    assert generation.status is Status.SUCCEEDED
    assert sorted(acme.prompts) == sorted(_PROMPTS)


async def test_preview_that_is_no_picture_is_left_out(pictures: Pictures) -> None:
    acme = Acme(preview=b"no picture at all")
    generation, _ = await ended(pictures, acme, attempts=1)
    assert generation.status is Status.SUCCEEDED
    assert EventType.PREVIEW not in {event.type for event in generation.events}


async def test_failure_without_a_word_about_its_call_may_be_billed(pictures: Pictures) -> None:
    generation, _ = await ended(pictures, Acme({"red": AppError(ErrorCode.NO_IMAGE_RETURNED, "None.")}), attempts=1)
    assert [call.maybe_billed for call in generation.calls if call.outcome is Outcome.FAILED] == [True]
