"""The projects that somebody sees, in pages: named queries of one user's own and of those shared with them."""

from typing import Any

from beanie import PydanticObjectId
from pymongo import DESCENDING

from app.access import Role
from app.database.keyset import Stretch
from app.projects.model import Project


async def own(owner_id: PydanticObjectId, stretch: Stretch, *, trashed: bool) -> list[Project]:
    """Those of an owner in the trash, or else all others, in the order of the stretch."""
    where = {"ownerId": owner_id, "trashedAt": {"$ne": None} if trashed else None}
    return await _found(where, stretch)


async def shared(user_id: PydanticObjectId, stretch: Stretch, role: Role | None) -> list[Project]:
    """Those of others that somebody is a member of, of that role alone unless it is null; none in the trash."""
    where: dict[str, Any] = {"members.userId": user_id, "trashedAt": None}
    if role is not None:
        where["members"] = {"$elemMatch": {"userId": user_id, "role": role}}
    return await _found(where, stretch)


async def seen(user_id: PydanticObjectId, stretch: Stretch, role: Role | None, *, trashed: bool) -> list[Project]:
    """Both, or those of one role, in the order of the stretch: at most two reads. The trash shows one's own alone."""
    found = list[Project]()
    if role in {None, Role.OWNER}:
        found += await own(user_id, stretch, trashed=trashed)
    if role is not Role.OWNER and not trashed:
        found += await shared(user_id, stretch, role)
    newest_first = stretch.direction == DESCENDING
    return sorted(found, key=lambda project: project.identity, reverse=newest_first)[: stretch.limit]


async def _found(where: dict[str, Any], stretch: Stretch) -> list[Project]:
    rows = Project.rows().find(where | stretch.bounds).sort("_id", stretch.direction)
    return [Project.model_validate(row) async for row in rows.limit(stretch.limit).batch_size(stretch.limit)]
