"""What people make under an idempotency key of theirs: the same call makes it once."""

from abc import abstractmethod
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple, Self
from uuid import uuid4

from beanie import PydanticObjectId
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant
from app.errors import AppError, ErrorCode
from app.lineage.discardable import Discardable


class Call(NamedTuple):
    """Who makes something; `key` is their idempotency key, and `asked` the call's input in one text, null without."""

    user_id: PydanticObjectId
    key: str | None = None
    asked: str | None = None

    @property
    def stored_key(self) -> str:
        """The key as it is kept; another one each time for a call without. It names nobody: who calls may be erased."""
        return sha256(f"{self.user_id}:{self.key or uuid4().hex}".encode()).hexdigest()


class MadeOnce(Discardable):
    """`idempotency_key` is a hash of the caller and their key; `asked` is what two calls with it must have in common.

    `revision` rises with each change. `shown_in` is the key under which it keeps the pictures that it shows.
    """

    shown_in: ClassVar[str]

    idempotency_key: str
    asked: str
    revision: int = 0
    created_at: Instant
    changed_at: Instant

    @property
    @abstractmethod
    def shown_ids(self) -> tuple[PydanticObjectId, ...]:
        """The pictures that it shows."""

    @classmethod
    async def of_call(cls, call: Call) -> Self | None:
        """What the same call has made before; null for a new call, and for one without a key.

        Raises:
            AppError: CONFLICT when the key was used with another input.
        """
        row = await cls.rows().find_one({"idempotencyKey": call.stored_key}) if call.key else None
        if row is None:
            return None
        known: Self = cls.model_validate(row)
        if known.asked != (call.asked or ""):
            message = "This idempotencyKey was used before with another input; use a new key for something new."
            raise AppError(ErrorCode.CONFLICT, message, path=("input", "idempotencyKey"))
        return known

    async def put(self) -> bool:
        """Store it; false when it, or one of the same key, is there already."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return False
        return True

    async def put_for(self, call: Call) -> Self:
        """Store it, unless the same call has made one at the same time: that one then.

        Raises:
            AppError: CONFLICT when the key was used with another input; UNAVAILABLE when the other one is gone again.
        """
        if await self.put():
            return self
        if known := await self.of_call(call):
            return known
        message = "The same call was made at the same time, and what it made is gone by now. Try again."
        raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True)

    async def say(self, told: Mapping[str, Any]) -> Self | None:
        """Change it, by the document's keys; null when it is gone, in the trash, or was changed since it was read."""
        update = {"$set": dict(told), "$currentDate": {"changedAt": True}, "$inc": {"revision": 1}}
        where = {"_id": self.identity, "revision": self.revision, "trashedAt": None}
        row = await self.rows().find_one_and_update(where, update, return_document=ReturnDocument.AFTER)
        return None if row is None else self.model_validate(row)
