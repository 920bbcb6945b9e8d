"""The use cases that frames and contexts have in common: make one, say something else of it, put it into the trash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beanie import PydanticObjectId

from app.access import Role
from app.chats.model import Chat, ChatKind
from app.chats.words import Described
from app.database.document import utc_now
from app.errors import AppError, ErrorCode, not_found
from app.lineage.trash import in_trash
from app.projects.changing import changed
from app.projects.hints import wake
from app.projects.made_once import Call
from app.projects.model import Project
from app.projects.service import Projects

OF_A_KIND_MAX = 500
_WHAT: Mapping[ChatKind, str] = {
    ChatKind.MAIN: "This chat",
    ChatKind.FRAME: "This frame",
    ChatKind.CONTEXT: "This context",
}


@dataclass(frozen=True, slots=True)
class Entities:
    """Keeps the frames and contexts of projects, each with its chat."""

    projects: Projects

    async def known(self, call: Call) -> Chat | None:
        """What the same call has made before and the caller still sees; null for a new call.

        Raises:
            AppError: CONFLICT when the key was used with another input.
        """
        chat = await self.projects.gate.sees(call.user_id, await Chat.of_call(call))
        if chat is not None and chat.kind is ChatKind.FRAME:
            await Project.add_frame(chat.project_id, chat.identity)  # which a crash may have kept from its place
        return chat

    async def create(
        self,
        call: Call,
        project: Project,
        kind: ChatKind,
        described: Described,
        picture_ids: Sequence[PydanticObjectId] = (),
    ) -> Chat:
        """Make one in a project that the caller may change; its pictures, touched just now, are the owner's.

        Raises:
            AppError: CONFLICT when there are as many as there may be, or when the key was used with another input.
        """
        if await Chat.number_of(project.identity, kind) >= OF_A_KIND_MAX:
            message = f"A project has at most {OF_A_KIND_MAX} {kind.lower()}s, those in the trash included."
            raise AppError(ErrorCode.CONFLICT, message, path=("input", "projectId"))
        identity, now = PydanticObjectId(), utc_now()
        chat = Chat(
            id=identity,
            owner_id=project.owner_id,
            project_id=project.identity,
            kind=kind,
            title=described.title,
            text=described.text,
            picture_ids=tuple(picture_ids),
            branch_id=identity,
            idempotency_key=call.stored_key,
            asked=call.asked or "",
            created_at=now,
            changed_at=now,
        )
        stored = await chat.put_for(call)
        if kind is ChatKind.FRAME:
            await Project.add_frame(project.identity, stored.identity)
        await self.projects.wake_followers(project)
        return stored

    async def open_to(self, user_id: PydanticObjectId, chat_id: PydanticObjectId, kind: ChatKind, *path: str) -> Chat:
        """One of that kind that an editor may change, now.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for a stranger and for a viewer; CONFLICT when it, or its project, is in the
                trash.
        """
        chat = await self._required(user_id, chat_id, kind, *path)
        await self.projects.open_to(user_id, chat.project_id, Role.EDITOR, *path)
        if chat.trashed_at is not None:
            raise in_trash(_WHAT[kind], *path)
        return chat

    async def update(self, chat: Chat, told: Mapping[str, Any], *path: str) -> Chat:
        """Change what is said of it, by the document's keys; the pictures in it were touched just now.

        Raises:
            AppError: NOT_FOUND, or CONFLICT, when it is gone or in the trash since it was read.
        """
        now = await changed(chat, told, _WHAT[chat.kind], *path)
        await self.wake_followers([now])
        return now

    async def discard(self, user_id: PydanticObjectId, chat_id: PydanticObjectId, kind: ChatKind, *path: str) -> Chat:
        """Put one into the trash; one that is there stays as it is.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for a stranger and for a viewer; CONFLICT when its project is in the trash.
        """
        chat = await self._required(user_id, chat_id, kind, *path)
        await self.projects.open_to(user_id, chat.project_id, Role.EDITOR, *path)
        await Chat.into_trash([chat_id])
        await self.wake_followers([chat])
        now = (await Chat.by_ids([chat_id])).get(chat_id)
        if now is None:
            raise not_found(_WHAT[kind], *path)
        return now

    async def wake_followers(self, chats: Sequence[Chat]) -> None:
        """Tell whoever has them, or their projects, open that they were changed or are gone."""
        for chat in chats:
            await wake(self.projects.hub, chat.owner_id, dict.fromkeys((chat.project_id, chat.identity)))

    async def _required(self, user_id: PydanticObjectId, chat_id: PydanticObjectId, kind: ChatKind, *path: str) -> Chat:
        found = (await Chat.by_ids([chat_id])).get(chat_id)
        chat = found if found is not None and found.kind is kind else None
        return await self.projects.gate.require(user_id, chat, Role.EDITOR, _WHAT[kind], *path)
