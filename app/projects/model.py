"""A video project: whose it is, who works on it, and what all of it is about."""

from collections.abc import Sequence
from typing import Any, ClassVar, override

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel

from app.access import Role, owns
from app.database.document import Instant, StoredValue
from app.projects.made_once import MadeOnce


class Member(StoredValue):
    """Somebody who was invited, and came; never the owner."""

    user_id: PydanticObjectId
    role: Role
    joined_at: Instant


class Project(MadeOnce):
    """Everything in it is its owner's: chats, images, the work and its costs.

    `context_text` and `context_picture_ids` say what the whole video is about. `frame_order` are the ids of frames in
    the order of the film; one that is not among them comes after those that are.
    """

    shown_in: ClassVar[str] = "contextPictureIds"

    name: str
    context_text: str = ""
    context_picture_ids: tuple[PydanticObjectId, ...] = ()
    members: tuple[Member, ...] = ()
    frame_order: tuple[PydanticObjectId, ...] = ()

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

    @property
    @override
    def shown_ids(self) -> tuple[PydanticObjectId, ...]:
        return self.context_picture_ids

    def role_to(self, user_id: PydanticObjectId) -> Role | None:
        """What that user is to it; null for a stranger, and for a member while it is in the trash."""
        if owns(user_id, self):
            return Role.OWNER
        return None if self.trashed_at is not None else _role_among(self.members, user_id)

    @classmethod
    async def role_of(cls, user_id: PydanticObjectId, project_id: PydanticObjectId) -> Role | None:
        """The role of a member; null for who is none, the owner too, and for all while it is in the trash."""
        return _role_among(await cls._members_of(project_id), user_id)

    @classmethod
    async def members_among(
        cls, user_ids: frozenset[PydanticObjectId], project_id: PydanticObjectId
    ) -> frozenset[PydanticObjectId]:
        """Those of some users who are members; none of them while it is in the trash."""
        return user_ids & {one.user_id for one in await cls._members_of(project_id)}

    @classmethod
    async def _members_of(cls, project_id: PydanticObjectId) -> list[Member]:
        row = await cls.rows().find_one({"_id": project_id}, {"members": 1, "trashedAt": 1})
        if row is None or row["trashedAt"] is not None:
            return []
        return [Member.model_validate(one) for one in row["members"]]

    @classmethod
    async def add_frame(cls, project_id: PydanticObjectId, frame_id: PydanticObjectId) -> None:
        """Let a frame be the last one of the film; safe to repeat."""
        await cls.rows().update_one({"_id": project_id}, {"$addToSet": {"frameOrder": frame_id}})

    @classmethod
    async def drop_frames(cls, project_id: PydanticObjectId, frame_ids: Sequence[PydanticObjectId]) -> None:
        """Forget the places of frames that are deleted for ever."""
        await cls.rows().update_one({"_id": project_id}, {"$pull": {"frameOrder": {"$in": list(frame_ids)}}})

    @classmethod
    async def line_up(cls, project_id: PydanticObjectId, frame_ids: Sequence[PydanticObjectId]) -> bool:
        """Put these frames first, in that order, the others behind them; false when it is gone, or in the trash.

        One write, so that a frame that comes at the same time keeps its place behind them.
        """
        given = list(frame_ids)
        is_other = {"$eq": [{"$in": ["$$one", given]}, False]}
        others = {"$filter": {"input": "$frameOrder", "as": "one", "cond": is_other}}
        changes: dict[str, Any] = {
            "frameOrder": {"$concatArrays": [given, others]},
            "revision": {"$add": ["$revision", 1]},
            "changedAt": "$$NOW",
        }
        result = await cls.rows().update_one({"_id": project_id, "trashedAt": None}, [{"$set": changes}])
        return result.matched_count == 1

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that a project is about."""
        wanted = set(picture_ids)
        rows = cls.rows().find({"contextPictureIds": {"$in": list(wanted)}}, {"contextPictureIds": 1})
        return {one async for row in rows for one in row["contextPictureIds"]} & wanted


def _role_among(members: Sequence[Member], user_id: PydanticObjectId) -> Role | None:
    return next((one.role for one in members if one.user_id == user_id), None)
