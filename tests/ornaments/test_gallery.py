from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from app.database.document import utc_now
from app.database.keyset import Stretch
from app.errors import AppError
from app.labels import as_tag, as_words, plain
from app.ornaments import gallery
from app.ornaments.gallery import Wanted
from app.ornaments.model import OrnamentImage
from tests.indexed import point_at
from tests.ornaments.images import image_of, stored_images

_OWNER = PydanticObjectId()


@pytest.fixture
async def images(database: AsyncDatabase[dict[str, Any]]) -> list[OrnamentImage]:
    """Six, oldest first; every other one is a favourite."""
    await point_at(database, [OrnamentImage])
    made = [image_of(_OWNER, favourite=number % 2 == 0) for number in range(6)]
    await OrnamentImage.insert_many(made)
    await stored_images(PydanticObjectId(), 2)
    return made


async def _ids(wanted: Wanted, stretch: Stretch, skip: int = 0) -> list[PydanticObjectId]:
    return [image.identity for image in await gallery.images(_OWNER, wanted, stretch, skip)]


async def test_stretch_is_read_from_either_end(images: list[OrnamentImage]) -> None:
    ids = [image.identity for image in images]
    assert await _ids(Wanted(), Stretch(2)) == [ids[5], ids[4]]
    assert await _ids(Wanted(), Stretch(2, descending=False)) == ids[:2]
    assert await _ids(Wanted(), Stretch(9, newer_than=ids[1], older_than=ids[4])) == [ids[3], ids[2]]
    assert await _ids(Wanted(), Stretch(2), skip=5) == [ids[0]]


async def test_filter_is_counted_as_it_is_read(images: list[OrnamentImage]) -> None:
    for wanted, number in ((Wanted(), 6), (Wanted(favourite=True), 3), (Wanted(trashed=True), 0), (Wanted(tag="x"), 0)):
        assert await gallery.count(_OWNER, wanted) == len(await _ids(wanted, Stretch(9))) == number
    assert await gallery.count(PydanticObjectId(), Wanted()) == 0
    assert len(images) == 6


async def test_image_whose_id_is_of_another_clock_is_found_by_its_time(images: list[OrnamentImage]) -> None:
    moment = utc_now() - timedelta(hours=20)
    await OrnamentImage.rows().update_one({"_id": images[0].identity}, {"$set": {"createdAt": moment}})
    around = Wanted(created_after=moment - timedelta(seconds=1), created_before=moment + timedelta(seconds=1))
    assert await _ids(around, Stretch(9)) == [images[0].identity]
    assert await _ids(replace(around, created_before=moment), Stretch(9)) == []


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_moment_is_a_bound_of_ids(moment: datetime) -> None:
    for wanted in (Wanted(created_after=moment), Wanted(created_before=moment)):
        part = gallery.in_time(wanted, Stretch(1))
        assert (part.newer_than is None) is (wanted.created_after is None)
        assert (part.older_than is None) is (wanted.created_before is None)


@given(st.text())
def test_plain_text_has_no_control_characters_and_no_gaps(text: str) -> None:
    read = plain(text)
    assert read == plain(read) == read.strip()
    assert not any(one < " " or one == "\x7f" for one in read)
    assert "  " not in read


def test_joined_emoji_stay_what_they_are() -> None:
    assert plain("\U0001f469\u200d\U0001f52c") == "\U0001f469\u200d\U0001f52c"


def test_tag_is_trimmed_and_in_lower_case() -> None:
    assert as_tag("  Rose   GOLD ") == "rose gold"
    for text in ("", " \t", "x" * 51):
        with pytest.raises(AppError):
            as_tag(text, "tag")


def test_search_is_each_word_once() -> None:
    assert as_words(" Gold  ring gold ") == ("gold", "ring")
    assert as_words("") == ()
    for text in ("x" * 201, " ".join("abcdefghijk")):
        with pytest.raises(AppError):
            as_words(text, "search")
