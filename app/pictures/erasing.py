"""The pictures of an owner are erased, in every store, whatever refers to them and whoever moves them meanwhile."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.logs import logger
from app.pictures.model import Picture
from app.pictures.stores import Stores

_log = logger(__name__)
_AT_ONCE: Final = 100
_REFUSALS: Final = 3  # a store that is away takes a deadline each


@dataclass(frozen=True, slots=True)
class PictureEraser:
    """Deletes bytes, smaller copies and documents. Implements `Eraser`.

    `late_s`: bytes that were on their way to a store may still arrive for so many seconds, even when whoever sent
    them is gone. So long the document of a picture that was touched just now stays, and its bytes are deleted again.
    """

    stores: Stores
    late_s: float

    @property
    def name(self) -> str:
        """`pictures`."""
        return "pictures"

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        """Seize each picture, which ends all use of it, then delete it wherever it lies.

        Raises:
            AppError: UNAVAILABLE while some have to stay for a while, or their store is away.
        """
        cut = await Picture.database_time() - timedelta(seconds=self.late_s)
        after, left, refusals = "", 0, 0
        while pictures := await Picture.of_owner(owner_id, after, _AT_ONCE):
            after, deleted = pictures[-1].key, 0
            for picture in pictures:
                try:
                    deleted += await self._delete(picture, cut)
                except AppError as error:
                    _log.warning("picture_not_deleted", key=picture.key, code=error.code)
                    refusals += error.code is not ErrorCode.SOURCE_IMAGE_MISSING  # that store is not set up
                    if refusals == _REFUSALS:
                        raise
            left += len(pictures) - deleted
            yield deleted
        if left:
            raise AppError(ErrorCode.UNAVAILABLE, f"To be looked at again: {left}.", retryable=True)
        for store in self.stores:
            await store.clear(owner_id)

    async def _delete(self, picture: Picture, cut: datetime) -> bool:
        """Whether nothing of it is left."""
        seized = await picture.seize()
        if seized is None:
            return True
        for store, key in seized.places:
            await self.stores.named(store).delete(key)
        if seized.touched_at >= cut:
            return False
        await seized.forget()
        return True
