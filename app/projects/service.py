"""The use cases of projects: make one, say something else of it, put it into the trash."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beanie import PydanticObjectId

from app.access import Gate, Role
from app.database.document import utc_now
from app.errors import not_found
from app.generations.ports import EventHub
from app.lineage.trash import in_trash
from app.projects.changing import changed
from app.projects.hints import wake
from app.projects.made_once import Call
from app.projects.model import Project
from app.projects.words import Words

_WHAT = "This project"

type Begin = Callable[[Project], Awaitable[object]]
"""Makes what every project has from its beginning; safe to repeat and to race."""


@dataclass(frozen=True, slots=True)
class Projects:
    """Keeps projects; all that is changed in one is asked for here."""

    gate: Gate
    hub: EventHub
    begin: Begin

    async def known(self, call: Call) -> Project | None:
        """What the same call has made before, whatever has become since of what it names; null for a new one.

        Raises:
            AppError: CONFLICT when the key was used with another input.
        """
        project = await Project.of_call(call)
        if project is not None:
            await self.begin(project)  # which a crash may have kept from it
        return project

    async def create(self, call: Call, words: Words, picture_ids: Sequence[PydanticObjectId]) -> Project:
        """Make one, whose owner is the caller; their pictures, touched just now, say what it is about.

        Raises:
            AppError: CONFLICT when the key was used with another input.
        """
        now = utc_now()
        project = Project(
            id=PydanticObjectId(),
            owner_id=call.user_id,
            idempotency_key=call.stored_key,
            asked=call.asked or "",
            name=words.name,
            context_text=words.context_text,
            context_picture_ids=tuple(picture_ids),
            created_at=now,
            changed_at=now,
        )
        stored = await project.put_for(call)
        await self.begin(stored)
        return stored

    async def open_to(
        self, user_id: PydanticObjectId, project_id: PydanticObjectId, needed: Role, *path: str
    ) -> Project:
        """A project in which that user may do what takes the needed role, now.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for a stranger and for a lower role; CONFLICT when it is in the trash.
        """
        found = (await Project.by_ids([project_id])).get(project_id)
        project = await self.gate.require(user_id, found, needed, _WHAT, *path)
        if project.trashed_at is not None:
            raise in_trash(_WHAT, *path)
        return project

    async def update(self, project: Project, told: Mapping[str, Any]) -> Project:
        """Change what is said of it, by the document's keys; the pictures in it were touched just now.

        Raises:
            AppError: NOT_FOUND, or CONFLICT, when it is gone or in the trash since it was read.
        """
        now = await changed(project, told, _WHAT, "input", "projectId")
        await self.wake_followers(project)
        return now

    async def discard(self, user_id: PydanticObjectId, project_id: PydanticObjectId) -> Project:
        """Put it into the trash; one that is there stays as it is.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for all but the owner.
        """
        path = ("input", "projectId")
        found = (await Project.by_ids([project_id])).get(project_id)
        project = await self.gate.require(user_id, found, Role.OWNER, _WHAT, *path)
        await Project.into_trash([project_id])
        await self.wake_followers(project)
        now = (await Project.by_ids([project_id])).get(project_id)
        if now is None:
            raise not_found(_WHAT, *path)
        return now

    async def wake_followers(self, project: Project, *ids: PydanticObjectId) -> None:
        """Tell whoever has it, or those of its chats, open that something was changed."""
        await wake(self.hub, project.owner_id, [project.identity, *ids])
