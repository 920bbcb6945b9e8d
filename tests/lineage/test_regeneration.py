"""Regenerations of what goes to the trash, or goes for ever, before, while and after they run."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.costs.usage import Usage
from app.errors import AppError, ErrorCode
from app.generations.backlog import referring
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.service import Generations
from app.generations.slots import ProviderLimits
from app.lineage.clearing import clear
from app.lineage.deletion import delete_forever
from app.lineage.promotion import Promotion
from app.lineage.tombstone import Tombstone
from app.lineage.trash import Trash
from app.lineage.votes import Vote
from app.making.pictures import PictureMaker
from app.ornaments.asked import Asked, Role
from app.ornaments.jobs import OrnamentJob
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.service import GENERATION_KIND, Ornaments
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture
from app.providers.mock.image import MockImageModel
from app.providers.ports.image import ImageRequest, MadePicture, Preview
from app.providers.ports.model import Source, Stage
from tests.indexed import point_at

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_LONG_AGO_S = -3600.0


async def _nothing() -> None:
    """Happens meanwhile."""


@dataclass
class Interrupted:
    """A model in the middle of whose work something happens; each of its pictures is another."""

    meanwhile: Callable[[], Awaitable[None]] = _nothing
    model: str = "interrupted-1"
    name: str = "interrupted"
    source: Source = Source.MOCK
    painter: MockImageModel = field(default_factory=MockImageModel)

    def expected_usage(self, request: ImageRequest) -> Usage:
        return self.painter.expected_usage(request)

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        await self.meanwhile()
        async for update in self.painter.run(request):
            yield update


@dataclass
class Shop:
    """Ornaments, and a worker that is called by hand."""

    pictures: Pictures
    model: Interrupted
    ornaments: Ornaments
    runner: Runner

    async def first(self) -> OrnamentImage:
        photo = await self.pictures.accept(PydanticObjectId(), _CAR)
        asked = Asked("Make it shine", {Role.ORNAMENT: 1}, "white")
        kind, pictures = OrnamentKind.WHITE_BACKGROUND, {Role.ORNAMENT: [photo]}
        return await self.made(await self.ornaments.make(photo.owner_id, kind, asked, pictures, None))

    async def again(self, parent: OrnamentImage, wish: str) -> Generation:
        return await self.ornaments.regenerate(parent.owner_id, parent.identity, wish, None)

    async def made(self, started: Generation) -> OrnamentImage:
        await self.runner.run(started.identity)
        image = await OrnamentImage.get(started.result_id)
        assert image
        return image

    async def swept(self) -> set[PydanticObjectId]:
        """The pictures that are left when every grace period is over."""

        async def referenced(ids: Any) -> set[PydanticObjectId]:
            return await referring(ids) | await OrnamentImage.showing(ids)

        for _ in range(2):
            await clear({"ornament_images": Trash(OrnamentImage, delete_forever)}, _LONG_AGO_S)
        await self.pictures.sweep(referenced, _LONG_AGO_S)
        return {row["_id"] async for row in Picture.rows().find({}, {"_id": 1})}


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> Shop:
    documents = [Picture, Generation, Lane, Tombstone, Promotion, Vote, OrnamentImage]
    await point_at(database, documents)
    queue, hub, model = InProcessQueue(), InProcessHub(), Interrupted()
    pictures = Pictures(DiskStore(tmp_path, MediaLinks(b"k" * 32)))
    jobs = {GENERATION_KIND: OrnamentJob(PictureMaker(pictures, {model.name: model}))}
    closing = Closing(jobs, queue, hub, window=1)
    runner = Runner(jobs, queue, hub, closing, "w1", ProviderLimits({}, 30), RetryPolicy(attempts=1))
    return Shop(pictures, model, Ornaments(Generations(queue, hub, closing), model), runner)


async def test_image_in_the_trash_is_not_regenerated_until_it_is_restored(shop: Shop) -> None:
    root, trash = await shop.first(), Trash(OrnamentImage, delete_forever)
    await trash.put(root.owner_id, {0: root.identity})
    with pytest.raises(AppError, match="restore") as refused:
        await shop.again(root, "Add gold accents")
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "imageId"))
    await trash.restore(root.owner_id, {0: root.identity})
    assert (await shop.made(await shop.again(root, "Add gold accents"))).parent_id == root.identity


async def test_regeneration_whose_ancestors_go_while_it_runs_is_written_as_if_they_were_there(shop: Shop) -> None:
    root = await shop.first()
    parent = await shop.made(await shop.again(root, "Add gold accents"))
    started = await shop.again(parent, "Make it brighter")

    async def deleted() -> None:
        await delete_forever([root, parent])
        await shop.swept()

    shop.model.meanwhile = deleted
    child = await shop.made(started)
    assert child.lineage.ancestors == (root.identity, parent.identity)
    assert (child.original_prompt, child.sources) == (root.original_prompt, root.sources)
    assert child.combined_prompt == (
        "Remove the background and replace it with white. Make it shine. Add gold accents. Make it brighter"
    )
    assert set(await Tombstone.of([root.identity, parent.identity])) == {root.identity, parent.identity}
    assert await shop.swept() == {child.picture_id, root.sources[0].picture_id}


async def test_pictures_of_deleted_versions_are_swept_and_the_photo_with_the_last_of_them(shop: Shop) -> None:
    root = await shop.first()
    child = await shop.made(await shop.again(root, "Add gold accents"))
    photo = root.sources[0].picture_id
    assert await shop.swept() >= {photo, root.picture_id, child.picture_id}  # and previews
    await delete_forever([root])
    assert await shop.swept() == {photo, child.picture_id}
    await delete_forever([child])
    assert await shop.swept() == set()
    assert await Tombstone.count() == 0


async def test_generation_of_a_deleted_version_shows_no_result_and_makes_none_again(shop: Shop) -> None:
    root = await shop.first()
    (made,) = await Generation.find_all().to_list()
    await Generation.rows().update_one({"_id": made.identity}, {"$set": {"settled": False}})
    await delete_forever([root])
    await shop.runner.run(made.identity)
    assert await OrnamentImage.count() == 0
