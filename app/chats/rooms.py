"""A chat and its project, while something may be said in it."""

from typing import NamedTuple

from app.chats.model import Chat
from app.errors import not_found
from app.lineage.trash import in_trash
from app.projects.model import Project


class Room(NamedTuple):
    """Where messages are sent."""

    chat: Chat
    project: Project

    def context_text(self, *, with_context: bool) -> str | None:
        """What the project is about, as it is now; null where it is not wanted, and where there is none."""
        return (self.project.context_text or None) if with_context else None


async def room_of(chat: Chat | None, *path: str) -> Room:
    """The room of a chat.

    Raises:
        AppError: NOT_FOUND when it is gone, CONFLICT when it or its project is in the trash; with that path.
    """
    project = (await Project.by_ids([chat.project_id])).get(chat.project_id) if chat else None
    if chat is None or project is None:
        raise not_found("This chat", *path)
    if project.trashed_at is not None:
        raise in_trash("This project", *path)
    if chat.trashed_at is not None:
        raise in_trash("What this chat belongs to", *path)
    return Room(chat, project)
