"""Whose account is erased is a member of nobody's project any more; their own projects go as they are."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from beanie import PydanticObjectId

from app.projects.invitation import Invitation
from app.projects.membership import dismiss, of_member

_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class MembershipEraser:
    """Takes somebody out of others' projects, and out of the invitations that they were about to accept.

    Implements `Eraser`.
    """

    @property
    def name(self) -> str:
        """`memberships`."""
        return "memberships"

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        """One project after another."""
        while project_ids := await of_member(owner_id, _AT_ONCE):
            for project_id in project_ids:
                await dismiss(project_id, owner_id)
            yield len(project_ids)
        if count := await Invitation.forget_user(owner_id):
            yield count
