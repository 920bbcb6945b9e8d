"""Batched reads: what one level of a query needs is read in one command.

They batch and do not cache: a context can live as long as a WebSocket, and nothing read may grow stale in it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from beanie import PydanticObjectId
from strawberry.dataloader import DataLoader

from app.generations.model import Generation
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture

_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Loaders:
    """Documents by id; null for an id that names nothing."""

    pictures: DataLoader[PydanticObjectId, Picture | None]
    generations: DataLoader[PydanticObjectId, Generation | None]
    ornament_images: DataLoader[PydanticObjectId, OrnamentImage | None]


def make_loaders() -> Loaders:
    """New loaders, for one context."""
    return Loaders(
        pictures=_by_id(Picture.by_ids),
        generations=_by_id(Generation.without_events),
        ornament_images=_by_id(OrnamentImage.by_ids),
    )


def _by_id[T](
    read: Callable[[Sequence[PydanticObjectId]], Awaitable[Mapping[PydanticObjectId, T]]],
) -> DataLoader[PydanticObjectId, T | None]:
    async def load(ids: list[PydanticObjectId]) -> list[T | None]:
        found = await read(list(dict.fromkeys(ids)))
        return [found.get(identity) for identity in ids]

    return DataLoader(load_fn=load, cache=False, max_batch_size=_AT_ONCE)
