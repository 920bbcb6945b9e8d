"""Who comes into a project, as what, and how they go again."""

import asyncio
from datetime import timedelta

import pytest
from beanie import PydanticObjectId

from app.access import Role
from app.errors import AppError, ErrorCode
from app.generations.followers import Follower
from app.projects.invitation import OPEN_MAX, Invitation
from app.projects.members import Accepted, Members
from app.projects.membership import MEMBERS_MAX, join
from app.projects.model import Project
from tests.api.shop import Shop
from tests.projects.projects import member_of, project_of


@pytest.fixture
def members(shop: Shop) -> Members:
    return shop.services.members


async def _stored(shop: Shop, *users: PydanticObjectId, role: Role = Role.EDITOR) -> Project:
    project = project_of(shop.owner_id, *(member_of(one, role) for one in users))
    await project.insert()
    return project


async def _now(project: Project) -> Project:
    found = await Project.get(project.identity)
    assert found is not None
    return found


async def _roles(project: Project) -> dict[PydanticObjectId, Role]:
    return {one.user_id: one.role for one in (await _now(project)).members}


async def test_link_lets_one_person_in_once(shop: Shop, members: Members) -> None:
    project, ada, bob = await _stored(shop), PydanticObjectId(), PydanticObjectId()
    invited = await members.invite(shop.owner_id, project.identity, Role.VIEWER)
    assert (await members.accept(ada, invited.token)).refusal is None
    assert await _roles(project) == {ada: Role.VIEWER}
    with pytest.raises(AppError, match="Somebody has used") as used:
        await members.accept(bob, invited.token)
    assert (used.value.code, used.value.path) == (ErrorCode.CONFLICT, ("input", "token"))
    assert await _roles(project) == {ada: Role.VIEWER}


async def test_of_two_people_with_the_same_link_at_once_one_comes_in(shop: Shop, members: Members) -> None:
    project, people = await _stored(shop), [PydanticObjectId() for _ in range(6)]
    token = (await members.invite(shop.owner_id, project.identity, Role.EDITOR)).token
    came = await asyncio.gather(*(members.accept(one, token) for one in people), return_exceptions=True)
    assert sum(isinstance(one, Accepted) for one in came) == 1
    assert {one.code for one in came if isinstance(one, AppError)} == {ErrorCode.CONFLICT}
    assert len(await _roles(project)) == 1


async def test_same_person_twice_at_once_is_one_member(shop: Shop, members: Members) -> None:
    project, ada = await _stored(shop), PydanticObjectId()
    token = (await members.invite(shop.owner_id, project.identity, Role.EDITOR)).token
    for accepted in await asyncio.gather(*(members.accept(ada, token) for _ in range(4))):
        assert accepted.project.identity == project.identity
    assert [one.user_id for one in (await _now(project)).members] == [ada]


async def test_token_is_kept_nowhere(shop: Shop, members: Members) -> None:
    project = await _stored(shop)
    invited = await members.invite(shop.owner_id, project.identity, Role.EDITOR)
    (row,) = [row async for row in Invitation.rows().find()]
    assert invited.token not in repr(row)
    assert row["tokenHash"] not in repr(invited.invitation)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
async def test_who_is_in_already_uses_nothing_up(shop: Shop, members: Members, role: Role) -> None:
    ada, bob = PydanticObjectId(), PydanticObjectId()
    project = await _stored(shop, ada)
    token = (await members.invite(shop.owner_id, project.identity, role)).token
    for who, words in ((shop.owner_id, "your own"), (ada, "already, as EDITOR")):
        accepted = await members.accept(who, token)
        assert accepted.project.identity == project.identity
        assert accepted.refusal is not None
        assert (accepted.refusal.code, words in accepted.refusal.message) == (ErrorCode.CONFLICT, True)
    assert await _roles(project) == {ada: Role.EDITOR}
    assert (await members.accept(bob, token)).refusal is None


async def test_higher_role_is_given_to_who_is_in_already(shop: Shop, members: Members) -> None:
    ada = PydanticObjectId()
    project = await _stored(shop, ada, role=Role.VIEWER)
    token = (await members.invite(shop.owner_id, project.identity, Role.EDITOR)).token
    assert (await members.accept(ada, token)).refusal is None
    assert await _roles(project) == {ada: Role.EDITOR}


async def test_who_was_made_an_editor_meanwhile_is_made_no_viewer_by_a_late_link(shop: Shop) -> None:
    ada = PydanticObjectId()
    project = await _stored(shop, ada)
    await join(project.identity, ada, Role.VIEWER)
    assert await _roles(project) == {ada: Role.EDITOR}


async def test_link_is_good_for_a_week(shop: Shop, members: Members) -> None:
    project, ada = await _stored(shop), PydanticObjectId()
    invited = await members.invite(shop.owner_id, project.identity, Role.EDITOR)
    assert invited.invitation.expires_at - invited.invitation.created_at == timedelta(days=7)
    over = {"$set": {"expiresAt": invited.invitation.created_at}}
    await Invitation.rows().update_one({"_id": invited.invitation.identity}, over)
    with pytest.raises(AppError, match="time of this invitation is over"):
        await members.accept(ada, invited.token)
    assert await _roles(project) == {}


async def test_expired_links_are_forgotten(shop: Shop, members: Members) -> None:
    project = await _stored(shop)
    old, good = [await members.invite(shop.owner_id, project.identity, Role.EDITOR) for _ in range(2)]
    over = {"$set": {"expiresAt": old.invitation.created_at - timedelta(seconds=1)}}
    await Invitation.rows().update_one({"_id": old.invitation.identity}, over)
    await Invitation.remove_expired(old.invitation.created_at)
    assert [one.identity for one in await Invitation.find_all().to_list()] == [good.invitation.identity]


async def test_revoked_link_lets_nobody_in_and_a_used_one_can_t_be_revoked(shop: Shop, members: Members) -> None:
    project, ada = await _stored(shop), PydanticObjectId()
    first, second = [await members.invite(shop.owner_id, project.identity, Role.EDITOR) for _ in range(2)]
    await members.revoke(shop.owner_id, first.invitation.identity)
    with pytest.raises(AppError) as gone:
        await members.accept(ada, first.token)
    assert gone.value.code is ErrorCode.NOT_FOUND
    await members.accept(ada, second.token)
    with pytest.raises(AppError) as used:
        await members.revoke(shop.owner_id, second.invitation.identity)
    assert (used.value.code, used.value.path) == (ErrorCode.CONFLICT, ("input", "invitationId"))


async def test_revoking_and_accepting_at_once_have_one_winner(shop: Shop, members: Members) -> None:
    project, ada = await _stored(shop), PydanticObjectId()
    invited = await members.invite(shop.owner_id, project.identity, Role.EDITOR)
    came, revoked = await asyncio.gather(
        members.accept(ada, invited.token),
        members.revoke(shop.owner_id, invited.invitation.identity),
        return_exceptions=True,
    )
    assert isinstance(came, AppError) is not isinstance(revoked, AppError)
    assert await _roles(project) == ({} if isinstance(came, AppError) else {ada: Role.EDITOR})


async def test_acceptance_that_a_crash_cut_off_is_finished_by_the_same_person_alone(
    shop: Shop, members: Members
) -> None:
    project, ada, bob = await _stored(shop), PydanticObjectId(), PydanticObjectId()
    invited = await members.invite(shop.owner_id, project.identity, Role.EDITOR)
    assert await invited.invitation.claim(ada)
    with pytest.raises(AppError, match="Somebody has used"):
        await members.accept(bob, invited.token)
    assert (await members.accept(ada, invited.token)).refusal is None
    assert await _roles(project) == {ada: Role.EDITOR}
    kept = await Invitation.get(invited.invitation.identity)
    assert kept is not None
    assert (kept.used_by, kept.used_at is None) == (None, False), "that it was used is known, and not by whom"


async def test_who_was_removed_does_not_come_back_by_what_they_had_claimed(shop: Shop, members: Members) -> None:
    project, ada = await _stored(shop), PydanticObjectId()
    invited = await members.invite(shop.owner_id, project.identity, Role.EDITOR)
    await invited.invitation.claim(ada)
    await join(project.identity, ada, Role.EDITOR)  # and its process is killed here
    await members.remove(shop.owner_id, project.identity, ada)
    with pytest.raises(AppError, match="Somebody has used"):
        await members.accept(ada, invited.token)
    assert await _roles(project) == {}


async def test_project_that_is_full_lets_nobody_in_and_the_link_stays_good(shop: Shop, members: Members) -> None:
    others = [PydanticObjectId() for _ in range(MEMBERS_MAX)]
    project, ada = await _stored(shop, *others), PydanticObjectId()
    token = (await members.invite(shop.owner_id, project.identity, Role.EDITOR)).token
    with pytest.raises(AppError, match="has 50 members") as full:
        await members.accept(ada, token)
    assert full.value.code is ErrorCode.CONFLICT
    await members.remove(shop.owner_id, project.identity, others[0])
    assert (await members.accept(ada, token)).refusal is None


async def test_last_place_is_given_once(shop: Shop, members: Members) -> None:
    project = await _stored(shop, *(PydanticObjectId() for _ in range(MEMBERS_MAX - 1)))
    tokens = [(await members.invite(shop.owner_id, project.identity, Role.EDITOR)).token for _ in range(4)]
    came = await asyncio.gather(*(members.accept(PydanticObjectId(), one) for one in tokens), return_exceptions=True)
    assert sum(isinstance(one, Accepted) for one in came) == 1
    assert len(await _roles(project)) == MEMBERS_MAX


async def test_so_many_links_are_open_at_most(shop: Shop, members: Members) -> None:
    project = await _stored(shop)
    await Invitation.insert_many([Invitation.to(project, Role.VIEWER)[0] for _ in range(OPEN_MAX)])
    with pytest.raises(AppError, match="50 open invitations") as refused:
        await members.invite(shop.owner_id, project.identity, Role.VIEWER)
    assert refused.value.code is ErrorCode.CONFLICT


async def test_link_to_a_project_in_the_trash_is_good_again_when_that_comes_back(shop: Shop, members: Members) -> None:
    project, ada = await _stored(shop), PydanticObjectId()
    token = (await members.invite(shop.owner_id, project.identity, Role.EDITOR)).token
    await shop.services.projects.discard(shop.owner_id, project.identity)
    with pytest.raises(AppError) as refused:
        await members.accept(ada, token)
    assert refused.value.code is ErrorCode.NOT_FOUND
    await Project.out_of_trash([project.identity])
    assert (await members.accept(ada, token)).refusal is None


async def test_owner_alone_invites_revokes_removes_others_and_changes_roles(shop: Shop, members: Members) -> None:
    editor, viewer, stranger = (PydanticObjectId() for _ in range(3))
    project = project_of(shop.owner_id, member_of(editor), member_of(viewer, Role.VIEWER))
    await project.insert()
    invited = await members.invite(shop.owner_id, project.identity, Role.EDITOR)
    for who in (editor, viewer, stranger):
        for tried in (
            members.invite(who, project.identity, Role.VIEWER),
            members.revoke(who, invited.invitation.identity),
            members.remove(who, project.identity, editor if who == viewer else viewer),
            members.change_role(who, project.identity, viewer, Role.EDITOR),
        ):
            with pytest.raises(AppError) as refused:
                await tried
            assert refused.value.code is ErrorCode.FORBIDDEN
    changed = await members.change_role(shop.owner_id, project.identity, viewer, Role.EDITOR)
    assert {one.user_id: one.role for one in changed.members} == dict.fromkeys((editor, viewer), Role.EDITOR)


async def test_member_leaves_and_the_owner_can_t(shop: Shop, members: Members) -> None:
    ada = PydanticObjectId()
    project = await _stored(shop, ada, role=Role.VIEWER)
    assert await members.remove(ada, project.identity, ada) is None
    assert await _roles(project) == {}
    with pytest.raises(AppError, match="stays its owner") as refused:
        await members.remove(shop.owner_id, project.identity, shop.owner_id)
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "userId"))


async def test_nobody_is_made_an_owner(shop: Shop, members: Members) -> None:
    ada = PydanticObjectId()
    project = await _stored(shop, ada)
    for tried in (
        members.invite(shop.owner_id, project.identity, Role.OWNER),
        members.change_role(shop.owner_id, project.identity, ada, Role.OWNER),
    ):
        with pytest.raises(AppError) as refused:
            await tried
        assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "role"))


async def test_removal_holds_at_once_and_followers_are_told(shop: Shop, members: Members) -> None:
    ada = PydanticObjectId()
    project = await _stored(shop, ada)
    projects = shop.services.projects
    assert await projects.open_to(ada, project.identity, Role.EDITOR)
    async with projects.hub.follow(shop.owner_id, None) as follower:
        await members.remove(shop.owner_id, project.identity, ada)
        assert await _told(follower) == project.identity
    with pytest.raises(AppError) as refused:
        await projects.open_to(ada, project.identity, Role.VIEWER)
    assert refused.value.code is ErrorCode.FORBIDDEN
    assert await shop.services.gate.sees(ada, project) is None


async def _told(follower: Follower) -> PydanticObjectId:
    async with asyncio.timeout(10):
        async for news in follower.news():
            assert news is not None
            return news.generation_id
    raise AssertionError
