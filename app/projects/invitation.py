"""An invitation to a project: a link that works once, for a week."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import ClassVar, Final, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel

from app.access import Role
from app.database.document import Instant, StoredDocument, utc_now
from app.projects.model import Project

GOOD_FOR: Final = timedelta(days=7)
OPEN_MAX: Final = 50
_SECRET_BYTES: Final = 32
_AT_ONCE: Final = 400


class Invitation(StoredDocument):
    """Its owner is the project's. The token is kept as SHA-256, hexadecimal: nobody can read a link here.

    `used_at` is when somebody took it, null while it is open. `used_by` is who that was, until they are a member; null
    before and after.
    """

    owner_id: PydanticObjectId
    project_id: PydanticObjectId
    role: Role
    token_hash: str = Field(repr=False)
    created_at: Instant
    expires_at: Instant
    used_at: Instant | None = None
    used_by: PydanticObjectId | None = None

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "invitations"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("tokenHash", ASCENDING)], name="token", unique=True),
            IndexModel([("projectId", ASCENDING), ("_id", ASCENDING)], name="project"),
            IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
            IndexModel([("usedBy", ASCENDING)], name="used_by"),
            IndexModel([("expiresAt", ASCENDING)], name="expires"),
        ]

    @classmethod
    def to(cls, project: Project, role: Role) -> tuple[Self, str]:
        """A new one, not stored yet, and its token."""
        token, now = token_urlsafe(_SECRET_BYTES), utc_now()
        made = cls(
            id=PydanticObjectId(),
            owner_id=project.owner_id,
            project_id=project.identity,
            role=role,
            token_hash=_hash(token),
            created_at=now,
            expires_at=now + GOOD_FOR,
        )
        return made, token

    @classmethod
    async def of_token(cls, token: str) -> Self | None:
        """The one of that token, whatever has become of it."""
        row = await cls.rows().find_one({"tokenHash": _hash(token)})
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def by_ids(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id."""
        found = [cls.model_validate(row) async for row in cls.rows().find({"_id": {"$in": list(ids)}})]
        return {one.identity: one for one in found}

    @classmethod
    async def open_of(cls, project_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, list[Self]]:
        """Those to each of `project_ids` (400 at most) that somebody can still accept, oldest first."""
        where = {"projectId": {"$in": list(project_ids)}, "usedAt": None, "expiresAt": {"$gt": utc_now()}}
        found = defaultdict[PydanticObjectId, list[Self]](list)
        async for row in cls.rows().find(where).batch_size(_AT_ONCE):
            found[row["projectId"]].append(cls.model_validate(row))
        return {project_id: sorted(some, key=lambda one: one.identity) for project_id, some in found.items()}

    def is_open(self, now: datetime) -> bool:
        """Whether somebody can still accept it."""
        return self.used_at is None and now < self.expires_at

    async def claim(self, user_id: PydanticObjectId) -> bool:
        """Take it for that user; false when somebody else has it, or when its time is over. Safe to repeat."""
        now = utc_now()
        free = {"_id": self.identity, "usedAt": None, "expiresAt": {"$gt": now}}
        if (await self.rows().update_one(free, {"$set": {"usedAt": now, "usedBy": user_id}})).modified_count:
            return True
        return await self.rows().find_one({"_id": self.identity, "usedBy": user_id}, {"_id": 1}) is not None

    async def give_back(self, user_id: PydanticObjectId) -> None:
        """Let it be open again: it was of no use to that user."""
        where = {"_id": self.identity, "usedBy": user_id}
        await self.rows().update_one(where, {"$set": {"usedAt": None, "usedBy": None}})

    async def is_done_for(self, user_id: PydanticObjectId) -> None:
        """That user, who took it, is a member: it needs to know no more than that it was used."""
        await self.rows().update_one({"_id": self.identity, "usedBy": user_id}, {"$set": {"usedBy": None}})

    async def revoke(self) -> bool:
        """Delete it, so that nobody can accept it any more; false when somebody has by now."""
        return (await self.rows().delete_one({"_id": self.identity, "usedAt": None})).deleted_count == 1

    @classmethod
    async def forget_user(cls, user_id: PydanticObjectId, project_id: PydanticObjectId | None = None) -> int:
        """Name them in none, or in none to that project: they can't go on with what they took. How many did."""
        where = {"usedBy": user_id} | ({} if project_id is None else {"projectId": project_id})
        return (await cls.rows().update_many(where, {"$set": {"usedBy": None}})).modified_count

    @classmethod
    async def remove(cls, invitation_id: PydanticObjectId) -> None:
        """Delete it: nobody can accept it any more."""
        await cls.rows().delete_one({"_id": invitation_id})

    @classmethod
    async def remove_of(cls, project_ids: Sequence[PydanticObjectId]) -> None:
        """Delete all to those projects (400 at most)."""
        await cls.rows().delete_many({"projectId": {"$in": list(project_ids)}})

    @classmethod
    async def remove_expired(cls, now: datetime) -> None:
        """Delete those whose time is over."""
        await cls.rows().delete_many({"expiresAt": {"$lt": now, "$ne": None}})


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


async def open_to(project_id: PydanticObjectId) -> list[Invitation]:
    """Those to one project that somebody can still accept, oldest first."""
    return (await Invitation.open_of([project_id])).get(project_id, [])
