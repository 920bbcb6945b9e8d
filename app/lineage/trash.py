"""The trash: what is in it is out of sight, can be taken back out, or be deleted for ever; trees keep it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from beanie import PydanticObjectId

from app.access import Owned, Role, own_roles, owns, refusal
from app.errors import AppError, ErrorCode, not_found
from app.lineage.discardable import Discardable
from app.lineage.tombstone import Tombstone

type RolesIn[D: Owned] = Callable[[PydanticObjectId, Sequence[D]], Awaitable[Sequence[Role | None]]]
"""What a user is to each of them, in their order; null where a stranger."""


async def _nothing_more(_: PydanticObjectId) -> None:
    """All was done by the deletion."""


def _any(_: object) -> bool:
    """Whatever it is."""
    return True


@dataclass(frozen=True, slots=True)
class Trash[D: Discardable]:
    """The trash of one product.

    `delete` deletes some (1 to 100) for ever and leaves tombstones; `finish` does what had to wait until nothing is
    being made of one that was deleted. `roles` knows who may do what with them: of what is of no project, its owner
    alone. What does not `fit` is not of this product, whatever its collection. The ids of a call (100 at most) are by
    their places in it, and what is refused says its place.
    """

    product: type[D]
    delete: Callable[[Sequence[D]], Awaitable[None]]
    finish: Callable[[PydanticObjectId], Awaitable[None]] = field(default=_nothing_more)
    what: str = "This image"
    path: tuple[str, ...] = ("input", "ids")
    roles: RolesIn[D] = own_roles
    fits: Callable[[D], bool] = _any

    async def put(
        self, user_id: PydanticObjectId, ids: Mapping[int, PydanticObjectId], needed: Role = Role.OWNER
    ) -> "Sorted[D]":
        """Put those into the trash that the user has the needed role for; what is in it stays as it is."""
        found = await self._sorted(user_id, ids, needed)
        await self.product.into_trash(list(found.own))
        return await self._again(found)

    async def restore(
        self, user_id: PydanticObjectId, ids: Mapping[int, PydanticObjectId], needed: Role = Role.OWNER
    ) -> "Sorted[D]":
        """Take those out of the trash that the user has the needed role for; what is not in it stays as it is."""
        found = await self._sorted(user_id, ids, needed)
        await self.product.out_of_trash(list(found.own))
        return await self._again(found)

    async def delete_forever(self, owner_id: PydanticObjectId, ids: Mapping[int, PydanticObjectId]) -> "Sorted[D]":
        """Delete the owner's, in the trash or not; what was deleted before is none of the refused."""
        found = await self._sorted(owner_id, ids, Role.OWNER)
        if found.own:
            await self.delete(list(found.own.values()))
        return found

    async def _sorted(
        self, user_id: PydanticObjectId, ids: Mapping[int, PydanticObjectId], needed: Role
    ) -> "Sorted[D]":
        """Those that the user may touch and those that they may not."""
        known_ones = await self.product.by_ids(list(set(ids.values())))
        stored = {identity: one for identity, one in known_ones.items() if self.fits(one)}
        roles = dict(zip(stored, await self.roles(user_id, list(stored.values())), strict=True))
        missing = [identity for identity in ids.values() if identity not in stored]
        buried = await Tombstone.of(missing) if missing else {}
        found = Sorted[D]()
        for place, identity in ids.items():
            known, path = stored.get(identity), (*self.path, str(place))
            if known is not None and (refused := refusal(roles[identity], needed, self.what, *path)):
                found.refused.append(refused)
            elif known is not None:
                found.own[identity] = known
            elif identity in buried and owns(user_id, buried[identity]):
                found.gone[identity] = path
            else:
                found.refused.append(not_found(self.what, *path))
        return found

    async def _again(self, found: "Sorted[D]") -> "Sorted[D]":
        """As they are now; who was deleted for ever meanwhile, or before, does not exist."""
        now = await self.product.by_ids(list(found.own)) if found.own else {}
        refused = [not_found(self.what, *path) for path in found.gone.values()]
        return Sorted(now, {}, [*found.refused, *refused])


@dataclass(frozen=True, slots=True)
class Sorted[D: Discardable]:
    """Those that may be touched, the owner's that were deleted for ever already, with their paths, and the refused."""

    own: dict[PydanticObjectId, D] = field(default_factory=dict[PydanticObjectId, D])
    gone: dict[PydanticObjectId, tuple[str, ...]] = field(default_factory=dict[PydanticObjectId, tuple[str, ...]])
    refused: list[AppError] = field(default_factory=list[AppError])


def in_trash(what: str, *path: str) -> AppError:
    """CONFLICT for work on something that is in the trash."""
    message = f"{what} is in the trash: take it out with `restore` before you go on with it."
    return AppError(ErrorCode.CONFLICT, message, path=path or None)
