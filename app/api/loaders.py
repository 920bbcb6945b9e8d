"""Batched reads: what one level of a query needs is read in one command.

They batch and do not cache: a context can live as long as a WebSocket, and nothing read may grow stale in it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from beanie import PydanticObjectId
from strawberry.dataloader import DataLoader

from app.generations.backlog import waiting
from app.generations.model import Generation
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture

_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Loaders:
    """Documents by id; null for an id that names nothing.

    `queue_positions` are by the generation's id: how many have their turn before it, null when it waits no more.
    """

    pictures: DataLoader[PydanticObjectId, Picture | None]
    generations: DataLoader[PydanticObjectId, Generation | None]
    queue_positions: DataLoader[PydanticObjectId, int | None]
    ornament_images: DataLoader[PydanticObjectId, OrnamentImage | None]


def make_loaders() -> Loaders:
    """New loaders, for one context."""
    return Loaders(
        pictures=_by_id(Picture.by_ids),
        generations=_by_id(Generation.without_events),
        queue_positions=_by_id(_queue_positions),
        ornament_images=_by_id(OrnamentImage.by_ids),
    )


def _by_id[T](
    read: Callable[[Sequence[PydanticObjectId]], Awaitable[Mapping[PydanticObjectId, T]]],
) -> DataLoader[PydanticObjectId, T | None]:
    async def load(ids: list[PydanticObjectId]) -> list[T | None]:
        found = await read(list(dict.fromkeys(ids)))
        return [found.get(identity) for identity in ids]

    return DataLoader(load_fn=load, cache=False, max_batch_size=_AT_ONCE)


async def _queue_positions(_: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, int]:
    return positions_in_turn(await waiting())


def positions_in_turn(
    oldest_first: Iterable[tuple[PydanticObjectId, PydanticObjectId]],
) -> dict[PydanticObjectId, int]:
    """How many come before each generation when their owners take turns; of (generation, owner), oldest first.

    The oldest of every owner come first, then each one's second, and so on; in one turn the older one is first.
    """
    turns = Counter[PydanticObjectId]()
    places: list[tuple[int, int, PydanticObjectId]] = []
    for age, (generation_id, owner_id) in enumerate(oldest_first):
        places.append((turns[owner_id], age, generation_id))
        turns[owner_id] += 1
    return {generation_id: before for before, (_, _, generation_id) in enumerate(sorted(places))}
