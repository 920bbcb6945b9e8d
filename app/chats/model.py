"""A chat, and the frame or the context whose it is: one document, so that neither is ever there without the other."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel

from app.database.document import Instant
from app.lineage.discardable import Discardable


class ChatKind(StrEnum):
    """Whose chat it is."""

    MAIN = "MAIN"
    FRAME = "FRAME"
    CONTEXT = "CONTEXT"


class Chat(Discardable):
    """The chat of a project (whose id it has), of a frame or of a context.

    `title`, `text` and `picture_ids` are those of the frame or context: a frame has a title and at most one picture,
    the chosen one of its chat's images, a context all three. `branch_id` is the branch of its messages that is shown;
    its own id for the first one. `revision` rises with each change.
    """

    project_id: PydanticObjectId
    kind: ChatKind
    title: str = ""
    text: str = ""
    picture_ids: tuple[PydanticObjectId, ...] = ()
    chosen_image_id: PydanticObjectId | None = None
    branch_id: PydanticObjectId
    idempotency_key: str
    asked: str
    revision: int = 0
    created_at: Instant
    changed_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "chats"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("idempotencyKey", ASCENDING)], name="idempotency_key", unique=True),
            IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
            IndexModel([("projectId", ASCENDING), ("kind", ASCENDING), ("_id", ASCENDING)], name="project_kind"),
            IndexModel([("pictureIds", ASCENDING)], name="pictures"),
        ]

    @classmethod
    async def show_branch(cls, chat_id: PydanticObjectId, branch_id: PydanticObjectId) -> None:
        """Let that branch be the one that is shown; safe to repeat."""
        where = {"_id": chat_id, "branchId": {"$ne": branch_id}}
        change = {"$set": {"branchId": branch_id}, "$currentDate": {"changedAt": True}, "$inc": {"revision": 1}}
        await cls.rows().update_one(where, change)

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that a frame or a context shows."""
        wanted = set(picture_ids)
        rows = cls.rows().find({"pictureIds": {"$in": list(wanted)}}, {"pictureIds": 1})
        return {one async for row in rows for one in row["pictureIds"]} & wanted
