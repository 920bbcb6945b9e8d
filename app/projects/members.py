"""The use cases of a project's members: invite somebody, come in, go, be given another role."""

from dataclasses import dataclass
from typing import NamedTuple

from beanie import PydanticObjectId

from app.access import Role, is_oneself
from app.database.document import utc_now
from app.errors import AppError, ErrorCode, bad_input, not_found
from app.projects.invitation import OPEN_MAX, Invitation, open_to
from app.projects.membership import MEMBERS_MAX, Joined, dismiss, join, set_role
from app.projects.model import Project
from app.projects.service import Projects

_PROJECT, _TOKEN, _USER = ("input", "projectId"), ("input", "token"), ("input", "userId")


class Invited(NamedTuple):
    """An invitation, and its token, which nobody can read again."""

    invitation: Invitation
    token: str


class Accepted(NamedTuple):
    """The project that an invitation is to, and why it was not taken: who asked is in it already. Null when it was."""

    project: Project
    refusal: AppError | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """Lets people into projects, and out of them."""

    projects: Projects

    async def invite(self, user_id: PydanticObjectId, project_id: PydanticObjectId, role: Role) -> Invited:
        """Make a link for one person to come in by.

        Raises:
            AppError: BAD_USER_INPUT for an owner's role; NOT_FOUND; FORBIDDEN for all but the owner; CONFLICT when
                it is in the trash, or has as many open invitations as it may have.
        """
        _check_role(role)
        project = await self.projects.open_to(user_id, project_id, Role.OWNER, *_PROJECT)
        if len(await open_to(project_id)) >= OPEN_MAX:
            message = f"There are {OPEN_MAX} open invitations to this project: revoke one, or wait until one is used."
            raise AppError(ErrorCode.CONFLICT, message, path=_PROJECT)
        invitation, token = Invitation.to(project, role)
        await invitation.insert()
        if not await Project.by_ids([project_id]):  # it was deleted for ever meanwhile, with all its invitations
            await Invitation.remove(invitation.identity)
            raise not_found("This project", *_PROJECT)
        return Invited(invitation, token)

    async def accept(self, user_id: PydanticObjectId, token: str) -> Accepted:
        """Make somebody a member by the token of an invitation; safe to repeat after a crash.

        Who is in it already with as much of a role uses nothing up.

        Raises:
            AppError: NOT_FOUND; CONFLICT when somebody else has used it, when its time is over, or when the project
                has as many members as it may have.
        """
        invitation = await Invitation.of_token(token)
        project = await _invites_to(invitation)
        if invitation is None or project is None:
            raise not_found("This invitation", *_TOKEN)
        if refusal := _already(project, user_id, invitation):
            await invitation.is_done_for(user_id)  # which a crash may have kept from being written
            return Accepted(project, refusal)
        if not await invitation.claim(user_id):
            now = await _invites_to(invitation) or project
            if refusal := _already(now, user_id, invitation):  # the same call came twice at once
                return Accepted(now, refusal)
            raise _too_late(invitation)
        joined = await join(project.identity, user_id, invitation.role)
        if joined is not Joined.IN:
            await invitation.give_back(user_id)
            raise _full() if joined is Joined.FULL else not_found("This invitation", *_TOKEN)
        await invitation.is_done_for(user_id)
        await self.projects.wake_followers(project)
        return Accepted((await Project.by_ids([project.identity])).get(project.identity, project))

    async def revoke(self, user_id: PydanticObjectId, invitation_id: PydanticObjectId) -> Project:
        """Let nobody come in by an invitation any more; the project.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for all but the owner; CONFLICT when it is in the trash, or was used.
        """
        path = ("input", "invitationId")
        invitation = (await Invitation.by_ids([invitation_id])).get(invitation_id)
        if invitation is None:
            raise not_found("This invitation", *path)
        project = await self.projects.open_to(user_id, invitation.project_id, Role.OWNER, *path)
        if not await invitation.revoke():
            raise AppError(ErrorCode.CONFLICT, "Somebody has used this invitation: remove them instead.", path=path)
        return project

    async def remove(
        self, user_id: PydanticObjectId, project_id: PydanticObjectId, member_id: PydanticObjectId
    ) -> Project | None:
        """Let a member be none any more: the owner any of them, a member themself; null for who has left.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN; CONFLICT when it is in the trash; BAD_USER_INPUT for the owner themself.
        """
        is_leaving = is_oneself(user_id, member_id)
        project = await self.projects.open_to(user_id, project_id, Role.VIEWER if is_leaving else Role.OWNER, *_PROJECT)
        _check_no_owner(project, member_id)
        await Invitation.forget_user(member_id, project_id)
        left = await dismiss(project_id, member_id)
        if left is None:
            raise not_found("This member", *_USER)
        await self.projects.wake_followers(project)
        return None if is_leaving else left

    async def change_role(
        self, user_id: PydanticObjectId, project_id: PydanticObjectId, member_id: PydanticObjectId, role: Role
    ) -> Project:
        """Give a member another role.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for all but the owner; CONFLICT when it is in the trash; BAD_USER_INPUT for
                the owner themself, and for an owner's role.
        """
        _check_role(role)
        project = await self.projects.open_to(user_id, project_id, Role.OWNER, *_PROJECT)
        _check_no_owner(project, member_id)
        changed = await set_role(project_id, member_id, role)
        if changed is None:
            raise not_found("This member", *_USER)
        await self.projects.wake_followers(project)
        return changed


async def _invites_to(invitation: Invitation | None) -> Project | None:
    """The project that somebody may come into by it; null for one that is gone or in the trash."""
    if invitation is None:
        return None
    project = (await Project.by_ids([invitation.project_id])).get(invitation.project_id)
    return None if project is None or project.trashed_at is not None else project


def _check_role(role: Role) -> None:
    if role is Role.OWNER:
        raise bad_input("A project has one owner: invite a VIEWER or an EDITOR.", "input", "role")


def _check_no_owner(project: Project, member_id: PydanticObjectId) -> None:
    if project.role_to(member_id) is Role.OWNER:
        raise bad_input("This is the owner of the project, who stays its owner.", *_USER)


def _already(project: Project, user_id: PydanticObjectId, invitation: Invitation) -> AppError | None:
    """Why they need no invitation; null when they do."""
    role = project.role_to(user_id)
    if role is None or not role.allows(invitation.role):
        return None
    is_owner = role is Role.OWNER
    who = "This project is your own" if is_owner else f"You are a member of this project already, as {role}"
    return AppError(ErrorCode.CONFLICT, f"{who}: no invitation is used up by this.", path=_TOKEN)


def _too_late(invitation: Invitation) -> AppError:
    over = invitation.used_at is None and not invitation.is_open(utc_now())
    what = "The time of this invitation is over" if over else "Somebody has used this invitation"
    return AppError(ErrorCode.CONFLICT, f"{what}: ask for a new one.", path=_TOKEN)


def _full() -> AppError:
    message = f"This project has {MEMBERS_MAX} members, which is as many as it may have; the invitation stays good."
    return AppError(ErrorCode.CONFLICT, message, path=_TOKEN)
