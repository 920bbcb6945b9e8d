import asyncio
import io
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, override

import pytest
from beanie import PydanticObjectId
from PIL import Image
from pymongo.asynchronous.database import AsyncDatabase

from app.errors import AppError, ErrorCode
from app.ornaments.comparing import Comparisons
from app.ornaments.model import OrnamentImage
from app.pictures.difference import Difference
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.measuring import difference
from app.pictures.model import Picture, PictureState
from tests.indexed import point_at
from tests.ornaments.images import image_of

_OWNER = PydanticObjectId()


@dataclass(frozen=True, slots=True)
class _GatedPictures(Pictures):
    """Reads when the gate is open; knows how many read at once at most."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    reading: list[int] = field(default_factory=lambda: [0, 0])

    @override
    async def read(self, picture: Picture) -> bytes:
        self.reading[0] += 1
        self.reading[1] = max(self.reading)
        await self.gate.wait()
        self.reading[0] -= 1
        return await super(_GatedPictures, self).read(picture)


@pytest.fixture
async def pictures(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> _GatedPictures:
    await point_at(database, [Picture, OrnamentImage])
    return _GatedPictures(DiskStore(tmp_path, MediaLinks(b"k" * 32)))


def _png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(out, "PNG")
    return out.getvalue()


async def _image(pictures: Pictures, colour: str) -> OrnamentImage:
    picture = await pictures.accept(_OWNER, _png(colour))
    image = image_of(_OWNER, picture_id=picture.identity)
    await OrnamentImage.insert_many([image])
    return image


async def test_pair_is_measured_once_and_marked_over_the_newer_one(pictures: _GatedPictures) -> None:
    older, newer = await _image(pictures, "white"), await _image(pictures, "red")
    pictures.gate.set()
    for pair in ((older, newer), (newer, older)):
        comparison = await Comparisons(pictures).of(_OWNER, pair[0].identity, pair[1].identity)
        found, again = await asyncio.gather(comparison.difference(), comparison.difference())
        assert found is again
        assert found.marked is not None
        with Image.open(io.BytesIO(found.marked)) as shown:
            assert shown.convert("RGB").getpixel((30, 20)) == pytest.approx((255, 0, 0), abs=12)


async def test_marked_picture_is_one_that_nothing_refers_to_however_often_it_is_asked_for(
    pictures: _GatedPictures,
) -> None:
    one, other = await _image(pictures, "white"), await _image(pictures, "red")
    pictures.gate.set()
    made = [await (await Comparisons(pictures).of(_OWNER, one.identity, other.identity)).marked() for _ in range(2)]
    assert made[0] is not None
    assert made[1] is not None
    assert made[0].identity == made[1].identity
    assert made[1].state is PictureState.LOOSE
    assert made[1].touched_at > made[0].touched_at
    same = await Comparisons(pictures).of(_OWNER, one.identity, one.identity)
    assert await same.marked() is None


async def test_one_pair_is_decoded_at_a_time_and_few_may_wait(pictures: _GatedPictures) -> None:
    one, other = await _image(pictures, "white"), await _image(pictures, "red")
    comparisons = Comparisons(pictures)
    asking = [asyncio.create_task(comparisons.difference(one, other)) for _ in range(20)]
    for refused in islice(asyncio.as_completed(asking), 3):
        with pytest.raises(AppError) as refusal:
            await refused
        assert (refusal.value.code, refusal.value.retryable) == (ErrorCode.RATE_LIMITED, True)
    pictures.gate.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(outcome, Difference) for outcome in outcomes) == 17
    assert pictures.reading == [0, 1]
    assert (await comparisons.difference(one, other)).colour > 0


async def test_picture_that_is_gone_is_said_to_be_missing(pictures: _GatedPictures) -> None:
    one, other = await _image(pictures, "white"), image_of(_OWNER)
    pictures.gate.set()
    with pytest.raises(AppError) as refusal:
        await Comparisons(pictures).difference(one, other)
    assert refusal.value.code is ErrorCode.SOURCE_IMAGE_MISSING


async def test_same_picture_is_not_read_to_say_that_it_is_the_same(pictures: _GatedPictures) -> None:
    one, other = await _image(pictures, "white"), await _image(pictures, "white")
    comparison = await Comparisons(pictures).of(_OWNER, one.identity, other.identity)
    assert await comparison.difference() == difference(_png("white"), _png("white"))
    assert pictures.reading == [0, 0]


async def test_images_of_others_and_those_that_are_none_are_refused_with_their_argument(
    pictures: _GatedPictures,
) -> None:
    image = await _image(pictures, "white")
    comparisons = Comparisons(pictures)
    for owner_id, pair, code, path in (
        (_OWNER, (image.identity, PydanticObjectId()), ErrorCode.NOT_FOUND, ("b",)),
        (_OWNER, (PydanticObjectId(), image.identity), ErrorCode.NOT_FOUND, ("a",)),
        (PydanticObjectId(), (image.identity, image.identity), ErrorCode.FORBIDDEN, ("a",)),
    ):
        with pytest.raises(AppError) as refusal:
            await comparisons.of(owner_id, *pair)
        assert (refusal.value.code, refusal.value.path) == (code, path)
