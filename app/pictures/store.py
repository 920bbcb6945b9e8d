"""What the pictures' room asks of a store, wherever the bytes lie."""

from typing import Protocol


class PictureStore(Protocol):
    """Keeps pictures under keys; write-once, so that `put` of a key that is there changes nothing.

    A key is `owner/sha256-id.ending`, all of it lower-case hexadecimal; older ones lack the id.
    """

    @property
    def name(self) -> str:
        """The store's name in documents: `disk`, `cloudinary`."""
        ...

    async def put(self, key: str, data: bytes, media_type: str) -> None:
        """Keep `data` under `key`, whole or not at all.

        Raises:
            AppError: retryable: UNAVAILABLE when it is certain that nothing was kept, nor will be; TIMEOUT when
                it is not.
        """
        ...

    async def open(self, key: str) -> bytes:
        """The bytes under `key`.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when there is nothing.
        """
        ...

    def url(self, key: str, width: int | None) -> str:
        """Where a client fetches it, at about `width` pixels or as stored: a URL, or a path on this server."""
        ...

    async def delete(self, key: str) -> None:
        """Forget `key` and all that was made of it; nothing happens when it is not there.

        Raises:
            AppError: UNAVAILABLE or TIMEOUT, retryable, when part of it may still be there.
        """
        ...

    async def tidy(self, older_than_s: float) -> None:
        """Forget what a crash has left half written, unless it is younger than that.

        Raises:
            AppError: UNAVAILABLE or TIMEOUT, retryable, when part of it may still be there.
        """
        ...
