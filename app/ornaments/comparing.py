"""Two images side by side: how far their pictures are apart, and where."""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from beanie import PydanticObjectId

from app.access import require_own
from app.errors import AppError, ErrorCode
from app.ornaments.model import OrnamentImage
from app.pictures.difference import NONE, Difference
from app.pictures.library import Pictures
from app.pictures.model import Picture

_WAITING_MAX = 16
_COME_BACK_S = 5.0


@dataclass(slots=True)
class _Desk:
    """One pair of pictures is decoded at a time in a process, and few more may wait."""

    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    present: int = 0


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Compares pairs of an owner's images."""

    pictures: Pictures
    _desk: _Desk = field(default_factory=_Desk, repr=False)

    async def of(self, owner_id: PydanticObjectId, a: PydanticObjectId, b: PydanticObjectId) -> "Comparison":
        """The pair; nothing is decoded yet.

        Raises:
            AppError: NOT_FOUND, or FORBIDDEN for another's image, with the path of the argument.
        """
        found = await OrnamentImage.by_ids([a, b])
        first, second = (
            require_own(owner_id, found.get(identity), "This image", argument)
            for argument, identity in (("a", a), ("b", b))
        )
        return Comparison(first, second, self)

    async def difference(self, older: OrnamentImage, newer: OrnamentImage) -> Difference:
        """What lies between their pictures, measured in a thread; nothing is read where they show the same one.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when a picture is gone; RATE_LIMITED or UNAVAILABLE, retryable, when
                too many wait already; those of the store.
        """
        ids = (older.picture_id, newer.picture_id)
        found = await Picture.by_ids(ids)
        if set(ids) - set(found):
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The picture of one of the images is gone.")
        before, after = (found[identity] for identity in ids)
        return NONE if before.sha256 == after.sha256 else await self._measured(before, after)

    async def _measured(self, before: Picture, after: Picture) -> Difference:
        if self._desk.present > _WAITING_MAX:
            message = "Too many pictures are being compared at the moment. Come back in a few seconds."
            raise AppError(ErrorCode.RATE_LIMITED, message, retryable=True, retry_after_s=_COME_BACK_S)
        self._desk.present += 1
        try:
            async with self._desk.turn:
                read, pool = self.pictures.read, self.pictures.pool
                return await pool.run(partial(_difference, await read(before), await read(after)))
        finally:
            self._desk.present -= 1


@dataclass(slots=True)
class Comparison:
    """A pair of images; it is measured once, when somebody asks."""

    a: OrnamentImage
    b: OrnamentImage
    _comparisons: Comparisons
    _measuring: asyncio.Lock = field(default_factory=asyncio.Lock)
    _difference: Difference | None = None

    async def difference(self) -> Difference:
        """What lies between the older of the two and the newer.

        Raises:
            AppError: as `Comparisons.difference`.
        """
        async with self._measuring:
            if self._difference is None:
                older, newer = sorted((self.a, self.b), key=lambda image: (image.created_at, image.identity))
                self._difference = await self._comparisons.difference(older, newer)
            return self._difference

    async def marked(self) -> Picture | None:
        """The newer picture with the changes marked, kept like any other; null when nothing has changed.

        Nothing refers to it: it goes a grace period after it was last asked for.

        Raises:
            AppError: as `difference`; those of the store.
        """
        marked = (await self.difference()).marked
        return await self._comparisons.pictures.keep(self.a.owner_id, marked) if marked else None


def _difference(older: bytes, newer: bytes) -> Difference:
    from app.pictures.measuring import difference  # noqa: PLC0415 - in a thread, and only when somebody compares

    return difference(older, newer)
