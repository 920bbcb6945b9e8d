"""What the pictures' room asks of a store, wherever the bytes lie."""

from typing import Protocol

from beanie import PydanticObjectId


class PictureStore(Protocol):
    """Keeps pictures under keys (see `keys`); write-once, so that `put` of a key that is there changes nothing.

    A key that is none raises ValueError, before anything is asked of anybody. `version` is what `put` returned for
    the key; a store that returns null needs none, and the others find a picture without it too.
    """

    @property
    def name(self) -> str:
        """The store's name in documents: `disk`, `cloudinary:CLOUD`."""
        ...

    async def put(self, key: str, data: bytes, media_type: str) -> str | None:
        """Keep `data` under `key`, whole or not at all; what links to it need besides its key.

        Raises:
            AppError: TIMEOUT, retryable, when the bytes may have been kept, or may still be; all else means that they
                are not, nor will be: retryable UNAVAILABLE; PROVIDER_REJECTED_KEY; BAD_USER_INPUT when the store
                takes no such picture.
        """
        ...

    async def open(self, key: str, version: str | None = None) -> bytes:
        """The bytes under `key`.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when there is nothing, or something else; PROVIDER_REJECTED_KEY; retryable
                UNAVAILABLE or TIMEOUT when nobody can tell now.
        """
        ...

    def url(self, key: str, width: int | None, version: str | None = None) -> str:
        """Where a client fetches it, at about `width` pixels or as stored: a URL, or a path on this server."""
        ...

    async def delete(self, key: str) -> None:
        """Forget `key` and all that was made of it; nothing happens when it is not there.

        Raises:
            AppError: UNAVAILABLE or TIMEOUT, retryable, or PROVIDER_REJECTED_KEY, when part of it may still be there.
        """
        ...

    async def tidy(self, older_than_s: float) -> None:
        """Forget what a crash has left half written, unless it is younger than that.

        Raises:
            AppError: UNAVAILABLE or TIMEOUT, retryable, when part of it may still be there.
        """
        ...

    async def clear(self, owner_id: PydanticObjectId) -> None:
        """Forget that there ever were pictures of that owner, once all of them are deleted: a folder of that name.

        Raises:
            AppError: UNAVAILABLE or TIMEOUT, retryable, when that may still be there.
        """
        ...
