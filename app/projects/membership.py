"""The writes about a project's members: each is one update under a condition, whoever else writes."""

from enum import Enum, auto
from typing import Any

from beanie import PydanticObjectId
from pymongo import ReturnDocument

from app.access import Role
from app.database.document import utc_now
from app.projects.model import Member, Project

MEMBERS_MAX = 50
_CHANGED = {"$currentDate": {"changedAt": True}, "$inc": {"revision": 1}}


class Joined(Enum):
    """What came of somebody who wanted to join."""

    IN = auto()
    FULL = auto()
    GONE = auto()
    """The project is, or it is in the trash."""


async def join(project_id: PydanticObjectId, user_id: PydanticObjectId, role: Role) -> Joined:
    """Make somebody a member; who is one already with a lower role gets that one instead. Safe to repeat."""
    lower = {"$elemMatch": {"userId": user_id, "role": {"$in": [one for one in Role if not one.allows(role)]}}}
    if await _change({**_living(project_id), "members": lower}, {"$set": {"members.$.role": role}, **_CHANGED}):
        return Joined.IN
    member = Member(user_id=user_id, role=role, joined_at=utc_now())
    room = {"members.userId": {"$ne": user_id}, f"members.{MEMBERS_MAX - 1}": {"$exists": False}}
    push = {"$push": {"members": member.model_dump(by_alias=True)}, **_CHANGED}
    if await _change({**_living(project_id), **room}, push):
        return Joined.IN
    found = (await Project.by_ids([project_id])).get(project_id)
    if found is None or found.trashed_at is not None:
        return Joined.GONE
    return Joined.FULL if found.role_to(user_id) is None else Joined.IN  # with that role, or a higher one


async def set_role(project_id: PydanticObjectId, user_id: PydanticObjectId, role: Role) -> Project | None:
    """Give a member a role; null when they are none, or when it is in the trash."""
    where = {**_living(project_id), "members.userId": user_id}
    return await _change(where, {"$set": {"members.$.role": role}, **_CHANGED})


async def dismiss(project_id: PydanticObjectId, user_id: PydanticObjectId) -> Project | None:
    """Let a member be none any more; null when they were none."""
    where = {"_id": project_id, "members.userId": user_id}
    return await _change(where, {"$pull": {"members": {"userId": user_id}}, **_CHANGED})


async def of_member(user_id: PydanticObjectId, limit: int) -> list[PydanticObjectId]:
    """Projects (so many at most) of others that somebody is a member of, in the trash or not."""
    rows = Project.rows().find({"members.userId": user_id}, {"_id": 1}).limit(limit)
    return [row["_id"] async for row in rows]


def _living(project_id: PydanticObjectId) -> dict[str, Any]:
    return {"_id": project_id, "trashedAt": None}


async def _change(where: dict[str, Any], update: dict[str, Any]) -> Project | None:
    row = await Project.rows().find_one_and_update(where, update, return_document=ReturnDocument.AFTER)
    return None if row is None else Project.model_validate(row)
