"""A disk store whose every step a test may hold up or break off, and pictures of any age."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture, PictureState
from app.pictures.store import PictureStore
from tests.indexed import point_at

type Gate = Callable[[str], Awaitable[None]]
"""Passed before and after each step, by name: `open?`, `put?`, `put!`, `delete?`, `delete!`, `tidy?`, `tidy!`."""


class KilledError(Exception):
    """Stands for the end of the process at that point."""


async def open_gate(_: str) -> None:
    """Let everything through."""


def killed_at(place: str) -> Gate:
    """End the process at that gate."""

    async def gate(here: str) -> None:
        if here == place:
            raise KilledError

    return gate


@dataclass
class GatedStore:
    """The disk store, with a gate before and after each of its steps; `title` makes another store of it."""

    disk: PictureStore
    gate: Gate = open_gate
    deleted: list[str] = field(default_factory=list[str])
    title: str | None = None

    @property
    def name(self) -> str:
        return self.title or self.disk.name

    async def put(self, key: str, data: bytes, media_type: str) -> str | None:
        await self.gate("put?")
        version = await self.disk.put(key, data, media_type)
        await self.gate("put!")
        return version

    async def open(self, key: str, version: str | None = None) -> bytes:
        await self.gate("open?")
        return await self.disk.open(key, version)

    def url(self, key: str, width: int | None, version: str | None = None) -> str:
        return self.disk.url(key, width, version)

    async def delete(self, key: str) -> None:
        await self.gate("delete?")
        await self.disk.delete(key)
        self.deleted.append(key)
        await self.gate("delete!")

    async def clear(self, owner_id: PydanticObjectId) -> None:
        await self.gate("clear?")
        await self.disk.clear(owner_id)

    async def tidy(self, older_than_s: float) -> None:
        await self.gate("tidy?")
        await self.disk.tidy(older_than_s)
        await self.gate("tidy!")


@pytest.fixture
async def disk(database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> DiskStore:
    """An empty store, and an empty collection to go with it."""
    await point_at(database, [Picture])
    return DiskStore(tmp_path, MediaLinks(b"k" * 32))


@pytest.fixture
def pictures(disk: DiskStore) -> Pictures:
    return Pictures(disk)


async def nothing(_: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Refers to no picture."""
    return set()


async def everything(ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Refers to every picture."""
    return set(ids)


async def age() -> None:
    """Have nobody touched any picture for years."""
    await Picture.rows().update_many({}, {"$set": {"touchedAt": datetime(2020, 1, 1, tzinfo=UTC)}})


async def age_places() -> None:
    """Have every picture left long ago what it has left, and nobody move it for years."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    async for row in Picture.rows().find({}):
        aged: dict[str, Any] = {"left": [{**place, "since": long_ago} for place in row.get("left", ())]}
        if row.get("moving"):
            aged["moving"] = {**row["moving"], "since": long_ago}
        await Picture.rows().update_one({"_id": row["_id"]}, {"$set": aged})


async def state_of(picture: Picture) -> PictureState | None:
    """Its state now, null when its document is gone."""
    row = await Picture.rows().find_one({"_id": picture.identity})
    return None if row is None else PictureState(row["state"])


def files(disk: DiskStore) -> set[str]:
    """Everything on the disk, as paths below the store's root."""
    return {path.relative_to(disk.root).as_posix() for path in disk.root.rglob("*") if path.is_file()}
