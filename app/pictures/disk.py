"""Pictures in a folder of this machine, served by the app under signed links."""

import asyncio
import errno
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from beanie import PydanticObjectId
from PIL import UnidentifiedImageError

from app.errors import AppError, ErrorCode
from app.pictures.keys import checked
from app.pictures.links import MediaLinks
from app.pictures.pool import PicturePool
from app.pictures.rendition import rendition

MEDIA_PATH = "/media/"


@dataclass(frozen=True, slots=True)
class DiskStore:
    """Keeps each picture as one file below `root/pictures`, its smaller widths below `root/renditions`.

    A file is written in `root/unfinished` and moved when it is whole: what a crash leaves lies in one small folder.
    """

    root: Path
    links: MediaLinks
    pool: PicturePool = field(default_factory=PicturePool, repr=False)
    _being_made: WeakValueDictionary[Path, asyncio.Lock] = field(
        default_factory=WeakValueDictionary[Path, asyncio.Lock], repr=False
    )

    @property
    def name(self) -> str:
        """`disk`."""
        return "disk"

    async def put(self, key: str, data: bytes, media_type: str) -> None:  # noqa: ARG002 - the ending tells the type
        """Write to a temporary name, flush to the disk, rename; a file needs no version.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk is full or can't be written.
        """
        try:
            await asyncio.to_thread(_write_once, self._file(key), data, self._unfinished)
        except OSError as error:
            raise _unwritable() from error

    async def open(self, key: str, version: str | None = None) -> bytes:  # noqa: ARG002 - a file has none
        """The file's bytes."""
        try:
            return await asyncio.to_thread(self._file(key).read_bytes)
        except FileNotFoundError as error:
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The stored picture is gone; upload it again.") from error
        except OSError as error:
            raise _unreadable() from error

    def url(self, key: str, width: int | None, version: str | None = None) -> str:  # noqa: ARG002 - the same
        """A signed path on this server."""
        return self.links.sign(MEDIA_PATH + checked(key), width)

    async def delete(self, key: str) -> None:
        """Remove the file and its renditions.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk refuses.
        """
        try:
            await asyncio.to_thread(self._remove, key)
        except OSError as error:
            raise _undeletable() from error

    async def tidy(self, older_than_s: float) -> None:
        """Remove files that were begun at least so long ago and never finished.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk refuses.
        """
        try:
            await asyncio.to_thread(_remove_begun_before, self._unfinished, time.time() - older_than_s)
        except OSError as error:
            raise _undeletable() from error

    async def clear(self, owner_id: PydanticObjectId) -> None:
        """Remove the owner's folders, unless something is in them.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk refuses.
        """
        try:
            await asyncio.to_thread(_remove_empty, self.root, str(owner_id))
        except OSError as error:
            raise _undeletable() from error

    async def file(self, key: str, width: int) -> Path | None:
        """The file to serve at `width` pixels (0: as stored), made now if need be; null when there is none.

        Each is made once however many ask for it.

        Raises:
            AppError: UNAVAILABLE, retryable, when the disk is full or can't be written, or too many pictures are being
                worked on; SOURCE_IMAGE_MISSING when
                the stored file is no picture any more.
        """
        original = self._file(key)
        smaller = self.root / "renditions" / str(width) / f"{key}.webp" if width else original
        if await asyncio.to_thread(smaller.exists):
            return smaller
        if not await asyncio.to_thread(original.exists):
            return None
        async with self._being_made.setdefault(smaller, asyncio.Lock()):
            try:
                there = await self.pool.run(partial(_render, original, smaller, width, self._unfinished))
            except UnidentifiedImageError as error:
                raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "The stored picture is damaged.") from error
            except OSError as error:
                raise _unwritable() from error
        return smaller if there else None

    @property
    def _unfinished(self) -> Path:
        return self.root / "unfinished"

    def _file(self, key: str) -> Path:
        return self.root / "pictures" / checked(key)

    def _remove(self, key: str) -> None:
        self._file(key).unlink(missing_ok=True)
        for made in (self.root / "renditions").glob(f"*/{key}.webp"):
            made.unlink(missing_ok=True)


def _unwritable() -> AppError:
    message = "The picture could not be stored: the server's disk is full or not writable. Try again later."
    return AppError(ErrorCode.UNAVAILABLE, message, retryable=True)


def _unreadable() -> AppError:
    message = "The picture can't be read: the server's disk fails. Try again later."
    return AppError(ErrorCode.UNAVAILABLE, message, retryable=True)


def _undeletable() -> AppError:
    message = "The picture could not be deleted: the server's disk is not writable. Try again later."
    return AppError(ErrorCode.UNAVAILABLE, message, retryable=True)


def _render(original: Path, smaller: Path, width: int, unfinished: Path) -> bool:
    """Make the smaller one; false when the original is deleted meanwhile, and then nothing of it stays."""
    if not smaller.exists():  # another may have asked for it first
        try:
            data = original.read_bytes()
        except FileNotFoundError:
            return False
        _write_once(smaller, rendition(data, width), unfinished)
    if original.exists():
        return True
    smaller.unlink(missing_ok=True)  # the deletion may have looked for smaller ones before this one was there
    return False


def _write_once(place: Path, data: bytes, unfinished: Path) -> None:
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=unfinished, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(place)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink(missing_ok=True)
        raise


def _remove_begun_before(folder: Path, moment: float) -> None:
    for part in folder.glob("*.part"):
        with suppress(FileNotFoundError):  # it was finished meanwhile, or another process tidies too
            if part.stat().st_mtime <= moment:
                part.unlink()


def _remove_empty(root: Path, name: str) -> None:
    """Remove the folders of that name; who writes into one meanwhile fails, and is told to try again."""
    for folder in (root / "pictures" / name, *(root / "renditions").glob(f"*/{name}")):
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
