"""The pictures of an archive: under which names they lie in it, and what is said of them."""

import asyncio
import hashlib
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app.errors import AppError, ErrorCode
from app.pictures.library import Pictures
from app.pictures.model import Picture

ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}

type Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
type _Size = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Archived(BaseModel):
    """A value as archives tell it: its keys are camelCase, and there are no others."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class ArchivedPicture(Archived):
    """A picture of the archive, `file` being the name of its entry; sizes are in pixels and bytes."""

    sha256: Sha256
    file: str
    media_type: Literal["image/jpeg", "image/png", "image/webp"]
    width: _Size
    height: _Size
    byte_size: _Size

    @classmethod
    def of(cls, picture: Picture) -> "ArchivedPicture":
        """What is said of a stored one."""
        return cls(
            sha256=picture.sha256,
            file=file_of(picture.sha256, ENDINGS[picture.media_type]),
            media_type=picture.media_type,  # pyright: ignore[reportArgumentType] - one of those
            width=picture.width,
            height=picture.height,
            byte_size=picture.byte_size,
        )


def file_of(sha256: str, ending: str) -> str:
    """The name of a picture's entry."""
    return f"pictures/{sha256}.{ending}"


def sidecar_of(sha256: str) -> str:
    """The name of the entry that says how a picture was made."""
    return f"pictures/{sha256}.json"


async def original(pictures: Pictures, picture: Picture) -> bytes | None:
    """Its bytes as they were stored; null when they are lost, which must not cost the rest of an archive.

    Raises:
        AppError: SOURCE_IMAGE_MISSING when their store is not set up: then they are not lost. UNAVAILABLE, TIMEOUT.
    """
    try:
        data = await pictures.read(picture)
    except AppError as error:
        if error.code is ErrorCode.SOURCE_IMAGE_MISSING and picture.store in pictures.stores.names:
            return None
        raise
    is_whole = await asyncio.to_thread(_sha256, data) == picture.sha256
    return data if is_whole else None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
