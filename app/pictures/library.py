"""The use cases of pictures: take one in, keep one that was made, read one back."""

import asyncio
from dataclasses import dataclass, field

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode, not_found
from app.pictures.intake import AcceptedPicture, examine
from app.pictures.made import describe
from app.pictures.model import Picture
from app.pictures.store import PictureStore

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_DECODED_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures and the store that new ones go to; at most two are decoded at once, in threads."""

    store: PictureStore
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_DECODED_AT_ONCE), repr=False)

    async def accept(self, owner_id: PydanticObjectId, data: bytes) -> Picture:
        """Check, clean and keep an uploaded picture.

        Raises:
            AppError: BAD_USER_INPUT, before anything is stored, when it is not a picture we take.
        """
        async with self._slots:
            accepted = await asyncio.to_thread(examine, data)
        return await self._keep(owner_id, accepted)

    async def keep(self, owner_id: PydanticObjectId, data: bytes) -> Picture:
        """Keep a picture that a model made, its bytes untouched.

        Raises:
            AppError: NO_IMAGE_RETURNED when the bytes are no picture.
        """
        async with self._slots:
            described = await asyncio.to_thread(describe, data)
        return await self._keep(owner_id, described)

    async def owned(self, owner_id: PydanticObjectId, picture_id: PydanticObjectId) -> Picture:
        """A picture of that owner.

        Raises:
            AppError: NOT_FOUND, or FORBIDDEN when it is another's.
        """
        picture = await Picture.get(picture_id)
        if picture is None:
            raise not_found("This picture")
        if picture.owner_id != owner_id:
            raise AppError(ErrorCode.FORBIDDEN, "This picture belongs to somebody else.")
        return picture

    async def read(self, picture: Picture) -> bytes:
        """The stored bytes.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when the store has lost them, or is not the one in use.
        """
        if picture.store != self.store.name:
            raise AppError(
                ErrorCode.SOURCE_IMAGE_MISSING, f"The picture lies in the store “{picture.store}”, which is not set up."
            )
        return await self.store.open(picture.key)

    async def _keep(self, owner_id: PydanticObjectId, accepted: AcceptedPicture) -> Picture:
        key = f"{owner_id}/{accepted.sha256}.{_ENDINGS[accepted.media_type]}"
        await self.store.put(key, accepted.data, accepted.media_type)
        return await Picture.record(owner_id, accepted, self.store.name, key)
