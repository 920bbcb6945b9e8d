"""Who may do what with whose: the gate, without a database."""

from dataclasses import dataclass, field

import pytest
from beanie import PydanticObjectId

from app.access import Gate, Role, own, refusal, require_administrator, require_own
from app.errors import AppError, ErrorCode

_OWNER, _EDITOR, _VIEWER, _STRANGER = (PydanticObjectId() for _ in range(4))
_FILM, _OTHER_FILM = PydanticObjectId(), PydanticObjectId()


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of the owner's."""

    project_id: PydanticObjectId | None = None
    owner_id: PydanticObjectId = _OWNER


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whose issuer may have given no address."""

    email: str | None
    is_admin: bool = False


@dataclass(slots=True)
class Members:
    """Of one film; remembers what it was asked about."""

    asked: list[PydanticObjectId] = field(default_factory=list[PydanticObjectId])

    async def role_in(self, user_id: PydanticObjectId, project_id: PydanticObjectId) -> Role | None:
        self.asked.append(project_id)
        return {_EDITOR: Role.EDITOR, _VIEWER: Role.VIEWER}.get(user_id) if project_id == _FILM else None


async def test_role_is_the_owners_or_the_members_or_none() -> None:
    gate, thing = Gate(Members().role_in), Thing(_FILM)
    roles = [await gate.role(one, thing) for one in (_OWNER, _EDITOR, _VIEWER, _STRANGER)]
    assert roles == [Role.OWNER, Role.EDITOR, Role.VIEWER, None]


async def test_membership_of_one_project_opens_no_other_and_nothing_of_none() -> None:
    gate = Gate(Members().role_in)
    assert await gate.roles(_EDITOR, [Thing(_FILM), Thing(_OTHER_FILM), Thing()]) == [Role.EDITOR, None, None]


async def test_each_project_is_asked_about_once_and_ones_own_never() -> None:
    members = Members()
    gate, things = Gate(members.role_in), [Thing(_FILM), Thing(), Thing(_FILM), Thing(_OTHER_FILM)]
    await gate.roles(_OWNER, things)
    assert members.asked == []
    await gate.roles(_EDITOR, things)
    assert sorted(members.asked) == sorted([_FILM, _OTHER_FILM])


async def test_gate_without_members_lets_in_the_owner_alone() -> None:
    assert await Gate().sees(_OWNER, Thing(_FILM)) == Thing(_FILM)
    assert await Gate().sees(_EDITOR, Thing(_FILM)) is None
    nothing: Thing | None = None
    assert await Gate().sees(_OWNER, nothing) is None


@pytest.mark.parametrize("needed", list(Role))
async def test_role_allows_what_takes_it_or_less(needed: Role) -> None:
    gate, codes = Gate(Members().role_in), list[ErrorCode | None]()
    for user_id in (_VIEWER, _EDITOR, _OWNER):
        try:
            await gate.require(user_id, Thing(_FILM), needed, "This chat", "input", "chatId")
            codes.append(None)
        except AppError as error:
            codes.append(error.code)
    refused = list(Role).index(needed)
    assert codes == [ErrorCode.FORBIDDEN] * refused + [None] * (3 - refused)


async def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(AppError) as missing:
        await Gate().require(_OWNER, None, Role.VIEWER, "This chat", "input", "chatId")
    assert (missing.value.code, missing.value.path) == (ErrorCode.NOT_FOUND, ("input", "chatId"))


def test_what_is_of_no_project_is_its_owners_alone() -> None:
    assert own(_OWNER, Thing()) == require_own(_OWNER, Thing(), "This dream") == Thing()
    assert own(_STRANGER, Thing()) is own(_OWNER, None) is None
    with pytest.raises(AppError) as refused:
        require_own(_STRANGER, Thing(), "This dream", "input", "dreamId")
    assert (refused.value.message, refused.value.path) == (
        "This dream belongs to somebody else.",
        ("input", "dreamId"),
    )


def test_member_is_told_their_role_and_a_stranger_is_not() -> None:
    member, stranger = (refusal(role, Role.EDITOR, "This chat") for role in (Role.VIEWER, None))
    assert (member and member.message) == "Your role in this project is VIEWER; this needs EDITOR."
    assert (stranger and stranger.message) == "This chat belongs to somebody else."


@pytest.mark.parametrize(("email", "command"), [("ada@example.com", "grant ada@example.com"), (None, "grant EMAIL")])
def test_who_is_no_administrator_is_told_what_makes_one(email: str | None, command: str) -> None:
    with pytest.raises(AppError, match=f"`regen admin {command}`") as refused:
        require_administrator(Somebody(email))
    assert refused.value.code is ErrorCode.FORBIDDEN
    require_administrator(Somebody(email, is_admin=True))
