"""A store far away, with copies on this machine of what was stored or fetched."""

import asyncio
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.pictures.copies import Copies
from app.pictures.keys import sha256_in
from app.pictures.store import PictureStore


@dataclass(frozen=True, slots=True)
class Nearby:
    """The same store, asked only for what has no copy here; implements `PictureStore`."""

    store: PictureStore
    copies: Copies

    @property
    def name(self) -> str:
        """The store's own: documents don't know of the copies."""
        return self.store.name

    async def put(self, key: str, data: bytes, media_type: str) -> str | None:
        """Keep it there, then copy it."""
        version = await self.store.put(key, data, media_type)
        await asyncio.to_thread(self.copies.keep, sha256_in(key), data)
        return version

    async def open(self, key: str, version: str | None = None) -> bytes:
        """The copy, if it is whole; else the store's, copied."""
        sha256 = sha256_in(key)
        copy = await asyncio.to_thread(self.copies.get, sha256)
        if copy is not None:
            return copy
        data = await self.store.open(key, version)
        await asyncio.to_thread(self.copies.keep, sha256, data)
        return data

    def url(self, key: str, width: int | None, version: str | None = None) -> str:
        """The store's: clients fetch from there."""
        return self.store.url(key, width, version)

    async def delete(self, key: str) -> None:
        """Drop the copy first: no picture is deleted that can still be read here."""
        await asyncio.to_thread(self.copies.drop, sha256_in(key))
        await self.store.delete(key)

    async def tidy(self, older_than_s: float) -> None:
        """The copies too."""
        await asyncio.to_thread(self.copies.tidy)
        await self.store.tidy(older_than_s)

    async def clear(self, owner_id: PydanticObjectId) -> None:
        """The store's own: copies are named by their hashes."""
        await self.store.clear(owner_id)
