"""What images of every product show of their trees, and the batched reads behind it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId
from strawberry.dataloader import DataLoader

from app.api.connections import DEFAULT_PAGE, LARGEST_TREE_PAGE
from app.api.ids import global_id
from app.database.keyset import Stretch
from app.errors import bad_input
from app.lineage.counts import Spot, child_counts, descendant_counts
from app.lineage.discardable import chunks
from app.lineage.tombstone import Tombstone
from app.lineage.version import Version

_PARENTS_AT_ONCE = 400
_COUNTED_AT_ONCE = 2_000

type Parents = tuple[PydanticObjectId, Stretch]

TreeFirst = Annotated[
    int | None,
    strawberry.argument(description=f"How many, 1 to {LARGEST_TREE_PAGE:,}; {DEFAULT_PAGE} unless it is said."),
]
MaxDepth = Annotated[
    int | None, strawberry.argument(description="How many levels below this image, from 1; unset: all of them.")
]


@strawberry.type(description="A version that was deleted for ever while others descend from it: ids are left of it.")
class DeletedVersion:
    """Shown from its tombstone."""

    image_id: strawberry.ID = strawberry.field(description="The `id` that it had; versions made from it still name it.")
    parent_id: strawberry.ID | None = strawberry.field(
        description="The `id` of what it was made from, which may be deleted as well; null for a root."
    )
    depth: int = strawberry.field(description="0 for a root, 1 for its children.")

    @classmethod
    def of(cls, tombstone: Tombstone, type_name: str) -> Self:
        """What a tombstone tells; `type_name` is what the version was in the schema."""
        parent_id = tombstone.parent_id
        return cls(
            image_id=strawberry.ID(global_id(type_name, tombstone.identity)),
            parent_id=strawberry.ID(global_id(type_name, parent_id)) if parent_id else None,
            depth=tombstone.lineage.depth,
        )


@dataclass(frozen=True, slots=True)
class TreeLoaders[V: Version]:
    """Of one product: the children of a version, a stretch of them, and how many there are below a version."""

    children: DataLoader[Parents, list[V]]
    child_counts: DataLoader[Spot, int]
    descendant_counts: DataLoader[Spot, int]


def tree_loaders[V: Version](product: type[V]) -> TreeLoaders[V]:
    """New loaders, for one context."""

    async def children(wanted: list[Parents]) -> list[list[V]]:
        parents = defaultdict[Stretch, dict[PydanticObjectId, None]](dict)
        for parent_id, stretch in wanted:
            parents[stretch][parent_id] = None
        found = {stretch: await product.children(list(ids), stretch) for stretch, ids in parents.items()}
        return [found[stretch].get(parent_id, []) for parent_id, stretch in wanted]

    async def number_of_children(spots: list[Spot]) -> list[int]:
        found = await child_counts(product, list(dict.fromkeys(spots)))
        return [found[spot] for spot in spots]

    async def number_of_descendants(spots: list[Spot]) -> list[int]:
        found = await descendant_counts(product, list(dict.fromkeys(spots)))
        return [found[spot] for spot in spots]

    return TreeLoaders(
        children=DataLoader(load_fn=children, cache=False, max_batch_size=_PARENTS_AT_ONCE),
        child_counts=DataLoader(load_fn=number_of_children, cache=False, max_batch_size=_COUNTED_AT_ONCE),
        descendant_counts=DataLoader(load_fn=number_of_descendants, cache=False, max_batch_size=_COUNTED_AT_ONCE),
    )


def spot_of(version: Version) -> Spot:
    """Where it is counted from."""
    return Spot(version.lineage.root_id, version.identity)


def check_depth(max_depth: int | None) -> int | None:
    """The argument as it was given.

    Raises:
        AppError: BAD_USER_INPUT when it is less than 1.
    """
    if max_depth is not None and max_depth < 1:
        raise bad_input(f"`maxDepth` is from 1, not {max_depth}.", "maxDepth")
    return max_depth


def missing_above(
    shown: Sequence[Version], known: Mapping[PydanticObjectId, Version | None], depth: int
) -> set[PydanticObjectId]:
    """Those above the shown ones, from that depth on, that are not known to be there."""
    return {one for version in shown for one in version.lineage.ancestors[depth:] if known.get(one) is None}


async def deleted_versions(ids: Iterable[PydanticObjectId], type_name: str) -> list[DeletedVersion]:
    """Those of them that were deleted for ever, the upper ones first."""
    found = [one for some in chunks(ids) for one in (await Tombstone.of(some)).values()]
    found.sort(key=lambda one: (one.lineage.depth, one.identity))
    return [DeletedVersion.of(one, type_name) for one in found]
