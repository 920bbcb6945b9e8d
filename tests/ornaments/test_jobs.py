import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.costs.usage import Usage
from app.errors import ErrorCode
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.service import Generations
from app.generations.slots import ProviderLimits
from app.lineage.tombstone import Tombstone
from app.making.pictures import PictureMaker
from app.ornaments.asked import Asked, Role
from app.ornaments.jobs import OrnamentJob
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.service import GENERATION_KIND, Ornaments
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture
from app.providers.breaker import Breaker
from app.providers.guard import Guard
from app.providers.guarded import GuardedImageModel
from app.providers.ports.image import ImageRequest, MadePicture
from app.providers.ports.model import Source, Stage
from tests.indexed import point_at

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()


@dataclass
class SlowModel:
    """Works for some seconds."""

    work_s: float = 0
    model: str = "slow-1"
    name: str = "slow"
    source: Source = Source.MOCK
    requests: list[ImageRequest] = field(default_factory=list[ImageRequest])

    def expected_usage(self, request: ImageRequest) -> Usage:
        del request
        return {}

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | MadePicture]:
        self.requests.append(request)
        yield Stage("working", 50)
        await asyncio.sleep(self.work_s)
        yield MadePicture(_CAR, "image/jpeg", Source.MOCK, request.model or self.model)


@pytest.fixture
async def pictures(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> Pictures:
    await point_at(database, [Picture, Generation, Lane, Tombstone, OrnamentImage])
    return Pictures(DiskStore(tmp_path, MediaLinks(b"k" * 32)))


async def _made(pictures: Pictures, asked: SlowModel, working: SlowModel, deadline_s: float = 5) -> Generation:
    """A generation that was asked of one model while another is set up to work."""
    queue, hub = InProcessQueue(), InProcessHub()
    picture = await pictures.accept(PydanticObjectId(), _CAR)
    guarded = GuardedImageModel(working, Guard(Breaker("Slow"), deadline_s))
    jobs = {GENERATION_KIND: OrnamentJob(PictureMaker(pictures, {working.name: guarded}))}
    closing = Closing(jobs, queue, hub, window=1)
    ornaments = Ornaments(Generations(queue, hub, closing), asked)
    wanted = Asked("Make it shine", {Role.ORNAMENT: 1}, "white")
    started = await ornaments.make(
        picture.owner_id, OrnamentKind.WHITE_BACKGROUND, wanted, {Role.ORNAMENT: [picture]}, None
    )
    runner = Runner(jobs, queue, hub, closing, "w1", ProviderLimits({}, 30), RetryPolicy(attempts=1))
    await runner.run(started.identity)
    ended = await Generation.get(started.identity)
    assert ended is not None
    return ended


async def test_model_that_takes_too_long_is_a_retryable_timeout(pictures: Pictures) -> None:
    model = SlowModel(work_s=60)
    ended = await _made(pictures, model, model, deadline_s=0.1)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.retryable) == (ErrorCode.TIMEOUT, True)


async def test_model_of_the_recipe_is_asked_even_when_another_is_set_up_now(pictures: Pictures) -> None:
    working = SlowModel(model="slow-2")
    ended = await _made(pictures, SlowModel(model="slow-1"), working)
    assert [request.model for request in working.requests] == ["slow-1"]
    assert ended.recipe.model == "slow-1"


async def test_provider_that_is_gone_is_said_to_be_so_and_not_replaced(pictures: Pictures) -> None:
    ended = await _made(pictures, SlowModel(), SlowModel(name="another"))
    assert ended.failure is not None
    assert ended.failure.code is ErrorCode.PROVIDER_NOT_CONFIGURED
    assert await OrnamentImage.count() == 0


async def test_image_is_written_from_what_is_kept_however_often(pictures: Pictures) -> None:
    model = SlowModel()
    ended = await _made(pictures, model, model)
    job = OrnamentJob(PictureMaker(pictures, {}))
    before = await OrnamentImage.get(ended.result_id)
    await asyncio.gather(*(job.complete(ended) for _ in range(3)))
    assert await OrnamentImage.count() == 1
    assert await OrnamentImage.get(ended.result_id) == before
    await OrnamentImage.rows().delete_one({"_id": ended.result_id})
    await job.complete(ended)
    assert await OrnamentImage.get(ended.result_id) == before
