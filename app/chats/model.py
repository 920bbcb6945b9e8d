"""A chat, and the frame or the context whose it is: one document, so that neither is ever there without the other."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar, Self, override

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel

from app.database.keyset import Stretch
from app.projects.made_once import MadeOnce
from app.projects.model import Project

_AT_ONCE = 1_000


class ChatKind(StrEnum):
    """Whose chat it is."""

    MAIN = "MAIN"
    FRAME = "FRAME"
    CONTEXT = "CONTEXT"


class Chat(MadeOnce):
    """The chat of a project (whose id it has), of a frame or of a context.

    `title`, `text` and `picture_ids` are those of the frame or context: a frame has a title and at most one picture,
    the chosen one of its chat's images, a context all three. `branch_id` is the branch of its messages that is shown;
    its own id for the first one.
    """

    shown_in: ClassVar[str] = "pictureIds"

    project_id: PydanticObjectId
    kind: ChatKind
    title: str = ""
    text: str = ""
    picture_ids: tuple[PydanticObjectId, ...] = ()
    chosen_image_id: PydanticObjectId | None = None
    branch_id: PydanticObjectId

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "chats"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("idempotencyKey", ASCENDING)], name="idempotency_key", unique=True),
            IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
            IndexModel([("projectId", ASCENDING), ("kind", ASCENDING), ("_id", ASCENDING)], name="project_kind"),
            IndexModel([("pictureIds", ASCENDING)], name="pictures"),
        ]

    @property
    @override
    def shown_ids(self) -> tuple[PydanticObjectId, ...]:
        return self.picture_ids

    @classmethod
    async def main_of(cls, project: Project) -> Self:
        """The main chat of a project, which is made now if it is not there; safe to repeat and to race."""
        identity = project.identity
        if found := (await cls.by_ids([identity])).get(identity):
            return found
        main = cls(
            id=identity,
            owner_id=project.owner_id,
            project_id=identity,
            kind=ChatKind.MAIN,
            branch_id=identity,
            idempotency_key=f"main:{identity}",
            asked="",
            created_at=project.created_at,
            changed_at=project.created_at,
        )
        await main.put()
        return main

    @classmethod
    async def number_of(cls, project_id: PydanticObjectId, kind: ChatKind) -> int:
        """How many of that kind a project has, those in the trash included."""
        return await cls.rows().count_documents({"projectId": project_id, "kind": kind})

    @classmethod
    async def frames_of(cls, project_ids: Sequence[PydanticObjectId]) -> list[Self]:
        """All frames of those projects (400 at most), those in the trash included, oldest first; in one command."""
        where = {"projectId": {"$in": list(project_ids)}, "kind": ChatKind.FRAME}
        found = await cls._read(cls.rows().find(where).batch_size(_AT_ONCE))
        return sorted(found, key=lambda frame: frame.identity)

    @classmethod
    async def contexts_of(
        cls, project_ids: Sequence[PydanticObjectId], stretch: Stretch
    ) -> dict[PydanticObjectId, list[Self]]:
        """That stretch of the contexts of each project (400 at most), none in the trash; in one command."""
        where: dict[str, Any] = {"projectId": {"$in": list(project_ids)}, "kind": ChatKind.CONTEXT, "trashedAt": None}
        where |= stretch.bounds
        if len(project_ids) == 1:  # the database stops at the limit and looks no further
            where["projectId"] = project_ids[0]
            rows = cls.rows().find(where).sort("_id", stretch.direction).limit(stretch.limit)
            return {project_ids[0]: await cls._read(rows.batch_size(stretch.limit))}
        steps = [
            {"$match": where},
            {"$sort": {"projectId": stretch.direction, "kind": stretch.direction, "_id": stretch.direction}},
            {"$group": {"_id": "$projectId", "contexts": {"$firstN": {"input": "$$ROOT", "n": stretch.limit}}}},
        ]
        groups = await cls.rows().aggregate(steps, batchSize=_AT_ONCE)
        return {group["_id"]: [cls.model_validate(row) for row in group["contexts"]] async for group in groups}

    @classmethod
    async def some_of(cls, project_ids: Sequence[PydanticObjectId], limit: int) -> list[Self]:
        """So many chats of any kind of those projects (400 at most), those in the trash included."""
        rows = cls.rows().find({"projectId": {"$in": list(project_ids)}})
        return await cls._read(rows.limit(limit).batch_size(limit))

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

    @classmethod
    async def showing_in(
        cls, project_id: PydanticObjectId, picture_ids: Sequence[PydanticObjectId]
    ) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that a frame or a context of that project shows."""
        wanted = set(picture_ids)
        rows = cls.rows().find({"pictureIds": {"$in": list(wanted)}}, {"pictureIds": 1, "projectId": 1})
        shown = {one async for row in rows if row["projectId"] == project_id for one in row["pictureIds"]}
        return shown & wanted
