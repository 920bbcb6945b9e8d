"""A video project: whose it is, who works on it, and what all of it is about."""

from collections.abc import Sequence
from typing import ClassVar

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel

from app.access import Role
from app.database.document import Instant, StoredValue
from app.lineage.discardable import Discardable


class Member(StoredValue):
    """Somebody who was invited, and came; never the owner."""

    user_id: PydanticObjectId
    role: Role
    joined_at: Instant


class Project(Discardable):
    """Everything in it is its owner's: chats, images, the work and its costs.

    `context_text` and `context_picture_ids` say what the whole video is about. `frame_order` are the ids of frames in
    the order of the film; one that is not among them comes after those that are. `revision` rises with each change.
    """

    name: str
    context_text: str = ""
    context_picture_ids: tuple[PydanticObjectId, ...] = ()
    members: tuple[Member, ...] = ()
    frame_order: tuple[PydanticObjectId, ...] = ()
    idempotency_key: str
    asked: str
    revision: int = 0
    created_at: Instant
    changed_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "projects"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("idempotencyKey", ASCENDING)], name="idempotency_key", unique=True),
            IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
            IndexModel([("members.userId", DESCENDING), ("_id", DESCENDING)], name="member_newest"),
            IndexModel([("contextPictureIds", ASCENDING)], name="pictures"),
        ]

    @property
    def project_id(self) -> PydanticObjectId:
        """Its own id: who may do what in it is asked of it as of all that is in it."""
        return self.identity

    @classmethod
    async def role_of(cls, user_id: PydanticObjectId, project_id: PydanticObjectId) -> Role | None:
        """The role of a member, one in the trash included; null for who is none, the owner too."""
        row = await cls.rows().find_one({"_id": project_id}, {"members": 1})
        members = [Member.model_validate(one) for one in row["members"]] if row else []
        return next((one.role for one in members if one.user_id == user_id), None)

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that a project is about."""
        wanted = set(picture_ids)
        rows = cls.rows().find({"contextPictureIds": {"$in": list(wanted)}}, {"contextPictureIds": 1})
        return {one async for row in rows for one in row["contextPictureIds"]} & wanted
