import asyncio
import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from beanie import PydanticObjectId
from PIL import Image

from app.errors import AppError, ErrorCode
from app.pictures.library import Pictures
from app.pictures.made import describe, describe_preview
from app.pictures.model import Picture

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()


async def test_same_bytes_of_an_owner_are_one_picture_even_at_once(pictures: Pictures) -> None:
    owner = PydanticObjectId()
    accepted = await asyncio.gather(*(pictures.accept(owner, _CAR) for _ in range(5)))
    assert len({picture.identity for picture in accepted}) == 1
    assert await Picture.count() == 1
    other = await pictures.accept(PydanticObjectId(), _CAR)
    assert other.identity != accepted[0].identity


async def test_refused_upload_leaves_no_file_and_no_document(pictures: Pictures, tmp_path: Path) -> None:
    with pytest.raises(AppError):
        await pictures.accept(PydanticObjectId(), _CAR[:5_000])
    assert await Picture.count() == 0
    assert list(tmp_path.rglob("*")) == []  # noqa: ASYNC240 - nothing else runs


async def test_made_picture_keeps_its_bytes(pictures: Pictures) -> None:
    picture = await pictures.keep(PydanticObjectId(), _CAR)
    assert await pictures.read(picture) == _CAR
    assert (picture.width, picture.height, picture.byte_size) == (480, 360, len(_CAR))


async def test_picture_of_a_store_that_is_not_set_up_is_said_to_be_so(pictures: Pictures) -> None:
    picture = await pictures.keep(PydanticObjectId(), _CAR)
    elsewhere = picture.model_copy(update={"store": "cloudinary"})
    with pytest.raises(AppError, match="cloudinary") as error:
        await pictures.read(elsewhere)
    assert error.value.code is ErrorCode.SOURCE_IMAGE_MISSING


async def test_only_the_owner_may_use_a_picture(pictures: Pictures) -> None:
    owner = PydanticObjectId()
    picture = await pictures.keep(owner, _CAR)
    assert (await pictures.owned(owner, picture.identity)).identity == picture.identity
    with pytest.raises(AppError) as forbidden:
        await pictures.owned(PydanticObjectId(), picture.identity)
    with pytest.raises(AppError) as missing:
        await pictures.owned(owner, PydanticObjectId())
    assert [error.value.code for error in (forbidden, missing)] == [ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND]


def _bomb() -> bytes:
    """A small PNG that declares 400 megapixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize("data", [b"", b"no picture", _CAR[:2_000], _bomb()])
def test_answer_of_a_model_that_is_no_picture_is_a_failure(data: bytes) -> None:
    with pytest.raises(AppError) as error:
        describe(data)
    assert (error.value.code, error.value.retryable) == (ErrorCode.NO_IMAGE_RETURNED, True)


def test_made_picture_is_described_at_its_full_size() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2_000, 1_000), "red").save(buffer, "JPEG")
    described = describe(buffer.getvalue())
    assert (described.width, described.height, described.media_type) == (2_000, 1_000, "image/jpeg")


def _noise(width: int, height: int, kind: str) -> bytes:
    """A picture that no format makes small."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (width, height), hashlib.shake_128(b"noise").digest(width * height * 3)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(512, 512), (513, 20), (20, 4_000), (1_200, 900)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_preview_is_at_most_512_pixels_and_100_kb(size: tuple[int, int], kind: str) -> None:
    data = _noise(*size, kind)
    preview = describe_preview(data)
    assert max(preview.width, preview.height) <= 512
    assert len(preview.data) <= 100_000
    assert preview.width / preview.height == pytest.approx(size[0] / size[1], rel=0.5)
    with Image.open(io.BytesIO(preview.data)) as image:
        assert image.size == (preview.width, preview.height)


async def test_small_preview_keeps_its_bytes(pictures: Pictures) -> None:
    picture = await pictures.keep_preview(PydanticObjectId(), _CAR)
    assert await pictures.read(picture) == _CAR


async def test_large_preview_is_kept_smaller(pictures: Pictures) -> None:
    picture = await pictures.keep_preview(PydanticObjectId(), _noise(1_200, 900, "JPEG"))
    assert (picture.media_type, max(picture.width, picture.height)) == ("image/webp", 512)
    assert len(await pictures.read(picture)) == picture.byte_size


async def test_same_bytes_in_another_store_are_another_picture(pictures: Pictures) -> None:
    owner = PydanticObjectId()
    here = await pictures.keep(owner, _CAR)
    there, is_new = await Picture.record(owner, describe(_CAR), "cloudinary", "jpg")
    assert is_new
    assert there.identity != here.identity
