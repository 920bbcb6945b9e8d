"""Who may do what with whose: the one place where that is decided.

What is of no project is its owner's alone. What is of a project is its owner's too, and its members may do with it what
their role allows.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode, not_found


class Role(StrEnum):
    """What somebody may do in a project: each may all that those before it may."""

    VIEWER = "VIEWER"
    """See everything, and follow it live."""
    EDITOR = "EDITOR"
    """Send messages, make frames and contexts, change and remove them."""
    OWNER = "OWNER"
    """Invite and remove members, delete the project. All that is made in it is the owner's, costs included."""

    def allows(self, needed: "Role") -> bool:
        """Whether it is that role, or a higher one."""
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER = tuple(Role)

type RoleIn = Callable[[PydanticObjectId, PydanticObjectId], Awaitable[Role | None]]
"""The role of a user (first) in a project (second), which is not the user's own; null for none."""
type MembersAmong = Callable[[frozenset[PydanticObjectId], PydanticObjectId], Awaitable[frozenset[PydanticObjectId]]]
"""Those of some users who have a role in a project, which is none of theirs."""


class Owned(Protocol):
    """What belongs to somebody."""

    @property
    def owner_id(self) -> PydanticObjectId:
        """Whose it is."""
        ...


class InProject(Owned, Protocol):
    """What may be of a project, whose owner then owns it."""

    @property
    def project_id(self) -> PydanticObjectId | None:
        """The project; null for what is of none."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where something belongs, which may be of a project."""

    owner_id: PydanticObjectId
    project_id: PydanticObjectId | None

    @classmethod
    def of(cls, thing: InProject) -> "Place":
        """That of a thing, without the thing."""
        return cls(thing.owner_id, thing.project_id)


def owns(user_id: PydanticObjectId, thing: Owned) -> bool:
    """Whether it is that user's own."""
    return thing.owner_id == user_id


def own[T: Owned](user_id: PydanticObjectId, thing: T | None) -> T | None:
    """It, if it is there and that user's own; null otherwise, so that nobody learns which of both."""
    return thing if thing is not None and owns(user_id, thing) else None


def is_oneself(user_id: PydanticObjectId, account_id: PydanticObjectId) -> bool:
    """Whether that account is that user's own."""
    return account_id == user_id


def require_own[T: Owned](user_id: PydanticObjectId, thing: T | None, what: str, *path: str) -> T:
    """It, if it is there and that user's own; `what` begins a sentence: `This dream`.

    Raises:
        AppError: NOT_FOUND, or FORBIDDEN when it is another's, with that path.
    """
    return _allowed(thing, Role.OWNER if thing is not None and owns(user_id, thing) else None, Role.OWNER, what, path)


def refusal(role: Role | None, needed: Role, what: str, *path: str) -> AppError | None:
    """Why somebody of that role (null: a stranger) may not do what takes the needed one; null when they may."""
    if role is not None and role.allows(needed):
        return None
    message = f"{what} belongs to somebody else."
    if role is not None:
        message = f"Your role in this project is {role}; this needs {needed}."
    return AppError(ErrorCode.FORBIDDEN, message, path=path or None)


async def own_roles(user_id: PydanticObjectId, things: Sequence[Owned]) -> list[Role | None]:
    """What that user is to each of what is of no project: its owner, or null."""
    return [Role.OWNER if owns(user_id, thing) else None for thing in things]


async def _nobody(_: PydanticObjectId, __: PydanticObjectId) -> None:
    """There are no members."""


async def _none(_: frozenset[PydanticObjectId], __: PydanticObjectId) -> frozenset[PydanticObjectId]:
    """There are no members."""
    return frozenset()


class Person(Protocol):
    """Somebody with an account."""

    @property
    def email(self) -> str | None:
        """Their address; null if an outside issuer gave none."""
        ...

    @property
    def is_admin(self) -> bool:
        """Whether the server's operator has made them an administrator."""
        ...


def require_administrator(person: Person) -> None:
    """Do nothing for an administrator.

    Raises:
        AppError: FORBIDDEN, with the command that makes one.
    """
    if not person.is_admin:
        message = (
            "This is for administrators, and your account is none. Whoever runs this server makes it one: "
            f"`regen admin grant {person.email or 'EMAIL'}`."
        )
        raise AppError(ErrorCode.FORBIDDEN, message)


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides about what may be of a project; `role_in` and `members_among` know the members."""

    role_in: RoleIn = _nobody
    members_among: MembersAmong = _none

    async def role(self, user_id: PydanticObjectId, thing: InProject) -> Role | None:
        """What that user is to it; null for a stranger. Asks the database only about what is somebody else's."""
        (role,) = await self.roles(user_id, [thing])
        return role

    async def roles(self, user_id: PydanticObjectId, things: Sequence[InProject]) -> list[Role | None]:
        """What that user is to each of them, in their order; each project is asked about once."""
        others = {thing.project_id for thing in things if not owns(user_id, thing)}
        known = {project_id: await self.role_in(user_id, project_id) if project_id else None for project_id in others}
        return [Role.OWNER if owns(user_id, thing) else known[thing.project_id] for thing in things]

    async def sees[T: InProject](self, user_id: PydanticObjectId, thing: T | None) -> T | None:
        """It, if it is there and that user may see it; null otherwise, so that nobody learns which of both."""
        return thing if thing is not None and await self.role(user_id, thing) is not None else None

    async def seeing(self, user_ids: frozenset[PydanticObjectId], thing: InProject) -> frozenset[PydanticObjectId]:
        """Those of some users who may see it; asks the database once about all of whom it is somebody else's."""
        own = frozenset(one for one in user_ids if owns(one, thing))
        others = user_ids - own
        if not others or thing.project_id is None:
            return own
        return own | await self.members_among(others, thing.project_id)

    async def require[T: InProject](
        self, user_id: PydanticObjectId, thing: T | None, needed: Role, what: str, *path: str
    ) -> T:
        """It, if it is there and that user has the needed role; `what` begins a sentence: `This chat`.

        Raises:
            AppError: NOT_FOUND, or FORBIDDEN, with that path.
        """
        role = None if thing is None else await self.role(user_id, thing)
        return _allowed(thing, role, needed, what, path)


def _allowed[T](thing: T | None, role: Role | None, needed: Role, what: str, path: tuple[str, ...]) -> T:
    if thing is None:
        raise not_found(what, *path)
    if refused := refusal(role, needed, what, *path):
        raise refused
    return thing
