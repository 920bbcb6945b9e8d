"""People are invited to a project, come in, get another role, and go."""

from datetime import datetime
from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.enums import ProjectRole
from app.api.errors import UserError, errors_in
from app.api.ids import USER, document_id, global_id
from app.api.node import INPUT
from app.api.project_members import INVITATION_TYPE_NAME
from app.api.projects import TYPE_NAME, Project
from app.projects.members import Invited

_OWN = "The id of a `Project` of your own."
_ROLE = "VIEWER or EDITOR."


@strawberry.type(description="An invitation with its token, which is shown this once and kept nowhere.")
class NewInvitation:
    """What the owner hands on."""

    invitation_id: strawberry.ID = strawberry.field(description="The `id` of the `Invitation`, to revoke it by.")
    token: str = strawberry.field(description="What `acceptInvitation` takes, once. Whoever has it may come in.")
    url: str = strawberry.field(
        description="A link to this server's explorer with the token in `invitation`. A front end makes a link to a "
        "page of its own, which calls `acceptInvitation`."
    )
    role: ProjectRole = strawberry.field(description="What whoever accepts it may do.")
    expires_at: datetime = strawberry.field(description="When nobody can accept it any more.")


@strawberry.input(description="A project, and what somebody is to be in it.")
class InviteToProjectInput:
    """What `inviteToProject` takes."""

    project_id: strawberry.ID = strawberry.field(description=_OWN)
    role: ProjectRole = strawberry.field(description=_ROLE)


@strawberry.input(description="An invitation that somebody was given.")
class AcceptInvitationInput:
    """What `acceptInvitation` takes."""

    token: str = strawberry.field(description="The token of the invitation, as it was given.")


@strawberry.input(description="An invitation that nobody is to accept any more.")
class RevokeInvitationInput:
    """What `revokeInvitation` takes."""

    invitation_id: strawberry.ID = strawberry.field(description="The id of an `Invitation` to a project of your own.")


@strawberry.input(description="A project, and who is to be in it no more.")
class RemoveMemberInput:
    """What `removeMember` takes."""

    project_id: strawberry.ID = strawberry.field(description="The id of a `Project`.")
    user_id: strawberry.ID = strawberry.field(description="The `person.userId` of a member; your own to leave.")


@strawberry.input(description="A member of a project, and what they are to be in it.")
class ChangeRoleInput:
    """What `changeRole` takes."""

    project_id: strawberry.ID = strawberry.field(description=_OWN)
    user_id: strawberry.ID = strawberry.field(description="The `person.userId` of a member.")
    role: ProjectRole = strawberry.field(description=_ROLE)


@strawberry.type(description="The invitation, or why there is none.")
class InviteToProjectPayload:
    """What `inviteToProject` answers."""

    invitation: NewInvitation | None = strawberry.field(default=None, description="What to hand on.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why there is none.")


@strawberry.type(description="The project, and why you did not come in by this invitation.")
class AcceptInvitationPayload:
    """What `acceptInvitation` answers."""

    project: Project | None = strawberry.field(
        default=None,
        description="The project that you are in; also when you were before, beside an error that says so.",
    )
    errors: list[UserError] = strawberry.field(
        default_factory=list[UserError], description="Why you did not come in by this invitation."
    )


@strawberry.type
class _OfProject:
    """What other mutations of members answer."""

    project: Project | None = strawberry.field(default=None, description="The project as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type(description="The project without that invitation, or why nothing was changed.")
class RevokeInvitationPayload(_OfProject):
    """What `revokeInvitation` answers."""


@strawberry.type(description="The project without that member, or why nothing was changed.")
class RemoveMemberPayload:
    """What `removeMember` answers."""

    project: Project | None = strawberry.field(
        default=None, description="The project as it is now; null when you left it: you see it no more."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type(description="The project with its members, or why nothing was changed.")
class ChangeRolePayload(_OfProject):
    """What `changeRole` answers."""


@strawberry.type
class MemberMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(InviteToProjectPayload)
    async def invite_to_project(
        self, info: Info, input: Annotated[InviteToProjectInput, INPUT]
    ) -> InviteToProjectPayload | None:
        """Make a link by which one person can come into a project of your own, within 7 days; at most 50 are open."""
        who, project_id = viewer(info), document_id(input.project_id, TYPE_NAME, "input", "projectId")
        invited = await info.context.services.members.invite(who.user_id, project_id, input.role)
        return InviteToProjectPayload(invitation=_shown(info, invited))

    @strawberry.mutation
    @errors_in(AcceptInvitationPayload)
    async def accept_invitation(
        self, info: Info, input: Annotated[AcceptInvitationInput, INPUT]
    ) -> AcceptInvitationPayload | None:
        """Come into a project by an invitation, which is used up by that. A member with a lower role gets the higher.

        Your own project's, and that of one in which you are as much already, is not used up.
        """
        accepted = await info.context.services.members.accept(viewer(info).user_id, input.token)
        errors = [UserError.of(accepted.refusal)] if accepted.refusal else []
        return AcceptInvitationPayload(project=Project.of(accepted.project), errors=errors)

    @strawberry.mutation
    @errors_in(RevokeInvitationPayload)
    async def revoke_invitation(
        self, info: Info, input: Annotated[RevokeInvitationInput, INPUT]
    ) -> RevokeInvitationPayload | None:
        """Let nobody come in by an invitation any more."""
        path = ("input", "invitationId")
        who, invitation_id = viewer(info), document_id(input.invitation_id, INVITATION_TYPE_NAME, *path)
        project = await info.context.services.members.revoke(who.user_id, invitation_id)
        return RevokeInvitationPayload(project=Project.of(project))

    @strawberry.mutation
    @errors_in(RemoveMemberPayload)
    async def remove_member(self, info: Info, input: Annotated[RemoveMemberInput, INPUT]) -> RemoveMemberPayload | None:
        """Take somebody out of a project of your own, or leave another's. It holds at once; what they made stays."""
        who, project_id = viewer(info), document_id(input.project_id, TYPE_NAME, "input", "projectId")
        member_id = document_id(input.user_id, USER, "input", "userId")
        project = await info.context.services.members.remove(who.user_id, project_id, member_id)
        return RemoveMemberPayload(project=Project.of(project) if project else None)

    @strawberry.mutation
    @errors_in(ChangeRolePayload)
    async def change_role(self, info: Info, input: Annotated[ChangeRoleInput, INPUT]) -> ChangeRolePayload | None:
        """Let a member of a project of your own do more, or less; it holds at once."""
        who, project_id = viewer(info), document_id(input.project_id, TYPE_NAME, "input", "projectId")
        member_id = document_id(input.user_id, USER, "input", "userId")
        project = await info.context.services.members.change_role(who.user_id, project_id, member_id, input.role)
        return ChangeRolePayload(project=Project.of(project))


def _shown(info: Info, invited: Invited) -> NewInvitation:
    invitation = invited.invitation
    return NewInvitation(
        invitation_id=strawberry.ID(global_id(INVITATION_TYPE_NAME, invitation.identity)),
        token=invited.token,
        url=f"{info.context.base_url}/?invitation={invited.token}",
        role=invitation.role,
        expires_at=invitation.expires_at,
    )
