"""Users and their sessions, as stored, with every query that is made of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId, UpdateResponse
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument


class User(StoredDocument):
    """A person with an account.

    `email` is the address as typed; `email_key` is the form in which no two accounts may share it. Who comes from an
    outside issuer has an `issuer` and is its `subject`; such an account has no password, its `email` is what the issuer
    said, null if nothing, and its `email_key` is no address's but the subject's (`outside.arrivals.subject_key`).
    `is_admin`: they may do what is for administrators; only the command line makes one.
    """

    email: str | None = None
    email_key: str
    name: str
    password_hash: str | None = Field(default=None, repr=False)
    issuer: str | None = None
    subject: str | None = None
    created_at: Instant
    is_admin: bool = False

    class Settings:
        """Where they are kept."""

        name = "users"
        keep_nulls = False
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("emailKey", ASCENDING)], name="users_email_key", unique=True),
            IndexModel([("isAdmin", ASCENDING), ("_id", ASCENDING)], name="users_administrators"),
        ]

    async def insert_if_free(self) -> bool:
        """Store this new user; false if somebody has the key already, also when both came at once."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return False
        return True

    @classmethod
    async def with_email_key(cls, email_key: str) -> Self | None:
        """The user of an address, or of an issuer's subject."""
        return await cls.find_one({"emailKey": email_key})

    @classmethod
    async def names_of(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, str]:
        """How those of `ids` (400 at most) that exist want to be called: all that others may know of them."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, {"name": 1})
        return {row["_id"]: row["name"] async for row in rows}

    @classmethod
    async def administrators_among(cls, ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, bool]:
        """Those of `ids` (400 at most) that are."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, {"isAdmin": 1})
        return {row["_id"]: True async for row in rows if row.get("isAdmin")}

    @classmethod
    async def administrators(cls) -> list[Self]:
        """Those who are, who came first at the top."""
        rows = cls.rows().find({"isAdmin": True}).sort("_id", ASCENDING)
        return [cls.model_validate(row) async for row in rows]

    @classmethod
    async def set_administrator(cls, email_key: str, *, is_admin: bool) -> Self | None:
        """Make the user of an address an administrator or no longer one; as they were before, null for nobody."""
        change = {"$set": {"isAdmin": is_admin}}
        row = await cls.rows().find_one_and_update({"emailKey": email_key}, change)
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def remove(cls, user_id: PydanticObjectId) -> None:
        """Delete the document alone: what else there is of a user is for `erasing`."""
        await cls.rows().delete_one({"_id": user_id})

    @classmethod
    async def replace_password_hash(cls, user_id: PydanticObjectId, old: str | None, new: str) -> None:
        """Store a newer hash of the same password; nothing happens if the password was changed meanwhile."""
        await cls.find_one({"_id": user_id, "passwordHash": old}).update({"$set": {"passwordHash": new}})


class SessionEnd(StrEnum):
    """Why a session ended before its time."""

    LOGGED_OUT = "LOGGED_OUT"
    REUSED = "REUSED"
    """An old refresh token came back: two parties hold it, and one of them stole it."""


class Session(StoredDocument):
    """One log-in on one device: a family of refresh tokens, of which only the newest is good.

    Tokens are kept as SHA-256 of their secret, hexadecimal. `previous_token_hash` and `rotated_at` are null
    until the first refresh, `revoked_at` and `end` while the session lives.
    """

    user_id: PydanticObjectId
    token_hash: str = Field(repr=False)
    previous_token_hash: str | None = Field(default=None, repr=False)
    rotated_at: Instant | None = None
    created_at: Instant
    last_used_at: Instant
    expires_at: Instant
    revoked_at: Instant | None = None
    end: SessionEnd | None = None
    address: str | None = None
    user_agent: str | None = None

    class Settings:
        """Where they are kept."""

        name = "sessions"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("expiresAt", ASCENDING)], name="sessions_expires_at"),
            IndexModel([("userId", ASCENDING)], name="sessions_user"),
            IndexModel([("revokedAt", ASCENDING)], name="sessions_revoked_at"),
        ]

    def is_alive(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at

    async def rotate(self, new_hash: str, now: datetime, expires_at: datetime) -> Self | None:
        """Replace the token that was read by a new one; null if another refresh or a log-out came first."""
        was_read: dict[str, Any] = {"_id": self.identity, "tokenHash": self.token_hash, "revokedAt": None}
        changes = {
            "tokenHash": new_hash,
            "previousTokenHash": self.token_hash,
            "rotatedAt": now,
            "lastUsedAt": now,
            "expiresAt": expires_at,
        }
        rotated = (
            await type(self).find_one(was_read).update({"$set": changes}, response_type=UpdateResponse.NEW_DOCUMENT)
        )
        return rotated if isinstance(rotated, type(self)) else None

    @classmethod
    async def revoke(cls, session_id: PydanticObjectId, end: SessionEnd, now: datetime) -> None:
        """End a session for good; the first reason stays, and nothing happens if it doesn't exist."""
        living: dict[str, Any] = {"_id": session_id, "revokedAt": None}
        await cls.find_one(living).update({"$set": {"revokedAt": now, "end": end.value}})

    @classmethod
    async def revoked_since(cls, moment: datetime) -> Mapping[PydanticObjectId, datetime]:
        """Which sessions were ended since then, and when."""
        rows = cls.rows().find({"revokedAt": {"$gte": moment}}, {"revokedAt": 1})
        return {row["_id"]: row["revokedAt"].replace(tzinfo=UTC) async for row in rows}

    @classmethod
    async def delete_expired(cls, now: datetime) -> int:
        """Delete the sessions whose time is over; how many they were.

        Revoked ones stay until then, so that their tokens are refused with the reason.
        """
        result = await cls.find({"expiresAt": {"$lt": now, "$ne": None}}).delete()
        return 0 if result is None else result.deleted_count
