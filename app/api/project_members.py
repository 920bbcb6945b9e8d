"""Who works on a project, and who is invited to."""

from datetime import datetime
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.access import owns
from app.api.context import Info, viewer
from app.api.enums import ProjectRole
from app.api.ids import USER, global_id
from app.api.node import Node
from app.database.document import utc_now
from app.projects import invitation as stored_invitations
from app.projects import model as stored

INVITATION_TYPE_NAME = "Invitation"


@strawberry.type(description="Somebody, as others see them.")
class Person:
    """Shown by id alone: the rest of an account is nobody else's business."""

    user_id: strawberry.ID = strawberry.field(description="The `id` of their `User`, which only they can fetch.")
    identity: strawberry.Private[PydanticObjectId]

    @classmethod
    def of(cls, user_id: PydanticObjectId) -> Self:
        """The person of a user."""
        return cls(user_id=strawberry.ID(global_id(USER, user_id)), identity=user_id)

    @strawberry.field
    async def name(self, info: Info) -> str | None:
        """How they want to be called; null when the account is gone."""
        return await info.context.loaders.names.load(self.identity)


@strawberry.type(description="Somebody who works on a project of another's.")
class ProjectMember:
    """Shown from the project's document."""

    person: Person = strawberry.field(description="Who.")
    role: ProjectRole = strawberry.field(description="What they may do: VIEWER or EDITOR.")
    joined_at: datetime = strawberry.field(description="When they accepted the invitation.")

    @classmethod
    def of(cls, member: stored.Member) -> Self:
        """The member of a document."""
        return cls(person=Person.of(member.user_id), role=member.role, joined_at=member.joined_at)


@strawberry.type(description="A link to a project that nobody has used yet. Its token is shown once, when it is made.")
class Invitation(Node):
    """Shown from its document, to the owner of the project alone."""

    role: ProjectRole = strawberry.field(description="What whoever accepts it may do: VIEWER or EDITOR.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="When nobody can accept it any more.")

    @classmethod
    def of(cls, invitation: stored_invitations.Invitation) -> Self:
        """The invitation of a document."""
        return cls(
            id=strawberry.ID(global_id(INVITATION_TYPE_NAME, invitation.identity)),
            role=invitation.role,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )


@strawberry.type
class ProjectMembers:
    """Fields of a project."""

    document: strawberry.Private[stored.Project]

    @strawberry.field
    def owner(self) -> Person:
        """Whose it is, and all that is made in it, its costs too."""
        return Person.of(self.document.owner_id)

    @strawberry.field
    def members(self) -> list[ProjectMember]:
        """Who else works on it, in the order in which they came; at most 50."""
        return [ProjectMember.of(member) for member in self.document.members]

    @strawberry.field
    def viewer_role(self, info: Info) -> ProjectRole | None:
        """What you may do in it; null for who may see it no more."""
        return self.document.role_to(viewer(info).user_id)

    @strawberry.field
    async def invitations(self, info: Info) -> list[Invitation] | None:
        """The invitations that somebody can still accept, oldest first, at most 50; null for all but the owner."""
        if self.document.role_to(viewer(info).user_id) is not ProjectRole.OWNER:
            return None
        found = await info.context.loaders.invitations.load(self.document.identity)
        return [Invitation.of(one) for one in found or ()]


async def find_invitation(info: Info, identity: PydanticObjectId) -> Invitation | None:
    """An open invitation to a project of the viewer's own."""
    who = viewer(info)
    known = await info.context.loaders.invitations_by_id.load(identity)
    is_shown = known is not None and owns(who.user_id, known) and known.is_open(utc_now())
    return Invitation.of(known) if known and is_shown else None
