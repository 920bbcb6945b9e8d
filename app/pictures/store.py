"""What the pictures' room asks of a store, wherever the bytes lie."""

from typing import Protocol


class PictureStore(Protocol):
    """Keeps pictures under keys; write-once, so that `put` of a key that is there changes nothing.

    A key is `owner/sha256.ending`, all of it lower-case hexadecimal.
    """

    @property
    def name(self) -> str:
        """The store's name in documents: `disk`, `cloudinary`."""
        ...

    async def put(self, key: str, data: bytes, media_type: str) -> None:
        """Keep `data` under `key`, whole or not at all."""
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
        """Forget `key` and all that was made of it; nothing happens when it is not there."""
        ...
