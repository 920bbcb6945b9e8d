"""The use cases of pictures: take one in, keep one that was made, read one back."""

import asyncio
import hashlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.access import owns, require_own
from app.errors import AppError, ErrorCode
from app.pictures.intake import AcceptedPicture, examine
from app.pictures.made import describe, describe_preview
from app.pictures.model import Picture
from app.pictures.pool import PicturePool
from app.pictures.received import describe_received
from app.pictures.store import PictureStore
from app.pictures.stores import Stores
from app.pictures.sweep import References, SweepReport, remove, sweep
from app.pictures.upload import Memory, Upload

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures, the store that new ones go to, and `others` that older ones may lie in; decoded in `pool`."""

    store: PictureStore
    others: Collection[PictureStore] = ()
    pool: PicturePool = field(default_factory=PicturePool, repr=False)
    _memory: Memory = field(default_factory=Memory, repr=False)

    async def accept(self, owner_id: PydanticObjectId, given: Upload | bytes) -> Picture:
        """Check, clean and keep an uploaded picture; nothing is decoded of one that came before and is still there.

        Raises:
            AppError: BAD_USER_INPUT, before anything is stored, when it is not a picture we take; UNAVAILABLE or
                TIMEOUT, retryable, when too many are being worked on, or the store can't keep it.
        """
        upload = given if isinstance(given, Upload) else await asyncio.to_thread(Upload.of, given)
        picture = await self._known(owner_id, upload.sha256)
        if picture is None:
            picture = await self._keep(owner_id, await self.pool.run(lambda: examine(upload.read())))
            self._memory.keep(owner_id, upload.sha256, picture.identity)
        return picture

    async def keep(self, owner_id: PydanticObjectId, data: bytes) -> Picture:
        """Keep a picture that a model made, its bytes untouched.

        Raises:
            AppError: NO_IMAGE_RETURNED when the bytes are no picture; UNAVAILABLE or TIMEOUT, retryable, when
                the store can't keep it.
        """
        return await self._keep(owner_id, await self.pool.work(partial(describe, data)))

    async def receive(self, owner_id: PydanticObjectId, data: bytes) -> Picture:
        """Keep a picture that another server kept, checked as an upload is, its bytes untouched.

        Raises:
            AppError: BAD_USER_INPUT, before anything is stored, when it is not a picture we keep; UNAVAILABLE or
                TIMEOUT, retryable, when the store can't keep it.
        """
        return await self._keep(owner_id, await self.pool.work(partial(describe_received, data)))

    async def keep_preview(self, owner_id: PydanticObjectId, data: bytes) -> Picture:
        """Keep a look at unfinished work, made smaller if it has more than 512 pixels a side or 100 KB.

        Raises:
            AppError: as `keep`.
        """
        return await self._keep(owner_id, await self.pool.work(partial(describe_preview, data)))

    async def owned(self, owner_id: PydanticObjectId, picture_id: PydanticObjectId) -> Picture:
        """A picture of that owner, safe from every sweep for a grace period: refer to it within that.

        Raises:
            AppError: NOT_FOUND, or FORBIDDEN when it is another's.
        """
        picture = await Picture.touch(picture_id, owner_id)
        if picture is not None:
            return picture
        found = require_own(owner_id, (await Picture.by_ids([picture_id])).get(picture_id), "This picture")
        return await self.owned(owner_id, found.identity)  # it has come meanwhile

    async def adopt(self, picture: Picture, owner_id: PydanticObjectId) -> Picture:
        """The same picture as that owner's: itself if it is, else a copy. Have it safe from sweeps before.

        Raises:
            AppError: as `read` and `keep`; UNAVAILABLE, retryable, when too many pictures are being worked on.
        """
        if owns(owner_id, picture):
            return picture
        data = await self.read(picture)
        return await self._keep(owner_id, await self.pool.run(partial(describe, data)))

    async def read(self, picture: Picture) -> bytes:
        """The stored bytes, wherever they lie by now.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when its store has lost them, or is not set up; PROVIDER_REJECTED_KEY;
                retryable UNAVAILABLE or TIMEOUT when the store can't tell now.
        """
        try:
            return await self._opened(picture)
        except AppError as error:
            now = await Picture.by_ids([picture.identity]) if error.code is ErrorCode.SOURCE_IMAGE_MISSING else {}
            moved = now.get(picture.identity)
            if moved is None or moved.key == picture.key:
                raise
        return await self._opened(moved)

    def url(self, picture: Picture, width: int | None) -> str:
        """Where a client fetches it, at about `width` pixels or as stored: a URL, or a path on this server.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when its store is not set up.
        """
        store = self.store if self.store.name == picture.store else self.stores.named(picture.store)
        return store.url(picture.key, width, picture.version)

    @property
    def stores(self) -> Stores:
        """All that are set up."""
        return Stores(self.store, self.others)

    async def sweep(self, referenced: References, grace_s: float, limit: int = 400) -> SweepReport:
        """Delete pictures that nothing refers to and nobody has touched for `grace_s` seconds.

        It looks at `limit` at most in each store, longest untouched first. Any number of processes may sweep at once.
        """
        return await sweep(self.stores, referenced, grace_s, limit)

    async def _known(self, owner_id: PydanticObjectId, sha256: str) -> Picture | None:
        """What the same bytes became before, touched, if its store still has it whole; else they come anew."""
        known = self._memory.get(owner_id, sha256)
        picture = known and await Picture.touch(known, owner_id)
        if not picture:
            return None
        try:
            data = await self._opened(picture)
        except AppError:
            return None
        digest = await self.pool.run(lambda: hashlib.sha256(data).hexdigest())
        return picture if digest == picture.sha256 else None

    async def _keep(self, owner_id: PydanticObjectId, accepted: AcceptedPicture) -> Picture:
        """The document first, then the bytes: a crash in between leaves what a sweep finds."""
        for _ in range(_TRIES):
            picture, is_new = await Picture.record(owner_id, accepted, self.store.name, _ENDINGS[accepted.media_type])
            version = await self._put(picture, accepted, is_new=is_new)
            if kept := await picture.kept(version):
                return kept
            await self.store.delete(picture.key)  # swept while it was stored, which took longer than the grace
        message = "The picture could not be stored in time. Try again."
        raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True)

    async def _put(self, picture: Picture, accepted: AcceptedPicture, *, is_new: bool) -> str | None:
        try:
            return await self.store.put(picture.key, accepted.data, accepted.media_type)
        except AppError as error:
            # Others may be keeping the same bytes: whoever has touched it since keeps it. After a TIMEOUT the bytes
            # may still arrive, so that the picture is left to a sweep.
            if is_new and error.code is not ErrorCode.TIMEOUT:
                with suppress(PyMongoError):
                    await remove(self.stores, picture)
            raise

    async def _opened(self, picture: Picture) -> bytes:
        return await self.stores.named(picture.store).open(picture.key, picture.version)
