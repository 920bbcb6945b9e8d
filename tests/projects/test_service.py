"""Projects are made once, listed in order, and out of sight in the trash."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from beanie import PydanticObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access import Role
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.database.keyset import Stretch
from app.errors import AppError, ErrorCode
from app.pictures.model import Picture, PictureState
from app.projects import listing
from app.projects.made_once import Call
from app.projects.model import Project
from app.projects.service import Projects
from app.projects.words import Words
from tests.api.shop import Shop
from tests.ornaments.images import picture_of
from tests.projects.projects import member_of, project_of

_WORDS = Words("The whale", "All at night.")


class KilledError(BaseException):
    """Stands for the end of the process at that point."""


@pytest.fixture
def projects(shop: Shop) -> Projects:
    return shop.services.projects


async def test_same_call_at_once_makes_one_project_with_one_chat(shop: Shop, projects: Projects) -> None:
    call = Call(shop.owner_id, "a", "b")
    made = await asyncio.gather(*(projects.create(call, _WORDS, ()) for _ in range(6)))
    assert len({one.identity for one in made}) == await Project.count() == 1
    (chat,) = await Chat.find_all().to_list()
    assert (chat.identity, chat.kind, chat.branch_id) == (made[0].identity, ChatKind.MAIN, made[0].identity)
    known = await projects.known(call)
    assert known is not None
    assert known.identity == made[0].identity


async def test_key_that_was_used_with_other_words_is_refused(shop: Shop, projects: Projects) -> None:
    await projects.create(Call(shop.owner_id, "a", "b"), _WORDS, ())
    for tried in (
        projects.known(Call(shop.owner_id, "a", "c")),
        projects.create(Call(shop.owner_id, "a", "c"), _WORDS, ()),
    ):
        with pytest.raises(AppError) as refused:
            await tried
        assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "idempotencyKey"))
    assert await projects.known(Call(PydanticObjectId(), "a", "c")) is None, "a key is its user's own"
    assert await Project.count() == 1


async def test_calls_without_a_key_make_one_each(shop: Shop, projects: Projects) -> None:
    made = [await projects.create(Call(shop.owner_id), _WORDS, ()) for _ in range(2)]
    assert len({one.identity for one in made}) == 2


async def test_chat_that_a_crash_kept_from_being_made_is_made_by_the_next_call(shop: Shop, projects: Projects) -> None:
    async def die(_: Project) -> None:
        raise KilledError

    call = Call(shop.owner_id, "a")
    with pytest.raises(KilledError):
        await replace(projects, begin=die).create(call, _WORDS, ())
    assert await Chat.count() == 0
    known = await projects.known(call)
    assert known is not None
    assert await Chat.get(known.identity) is not None


async def test_what_is_in_the_trash_can_t_be_changed_and_its_members_don_t_see_it(
    shop: Shop, projects: Projects
) -> None:
    editor = PydanticObjectId()
    project = project_of(shop.owner_id, member_of(editor))
    await project.insert()
    trashed = await projects.discard(shop.owner_id, project.identity)
    assert trashed.trashed_at is not None
    assert (await projects.discard(shop.owner_id, project.identity)).trashed_at == trashed.trashed_at
    with pytest.raises(AppError) as refused:
        await projects.open_to(shop.owner_id, project.identity, Role.EDITOR, "input", "projectId")
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "projectId"))
    with pytest.raises(AppError) as hidden:
        await projects.open_to(editor, project.identity, Role.EDITOR)
    assert hidden.value.code is ErrorCode.FORBIDDEN
    gate = shop.services.gate
    assert (await gate.sees(editor, trashed), await gate.sees(shop.owner_id, trashed)) == (None, trashed)
    with pytest.raises(AppError, match="in the trash"):
        await projects.update(project, {"name": "Late"})
    await Project.out_of_trash([project.identity])
    assert (await projects.open_to(editor, project.identity, Role.EDITOR)).name == project.name


async def test_owner_alone_puts_it_into_the_trash(shop: Shop, projects: Projects) -> None:
    editor = PydanticObjectId()
    project = project_of(shop.owner_id, member_of(editor))
    await project.insert()
    for who in (editor, PydanticObjectId()):
        with pytest.raises(AppError) as refused:
            await projects.discard(who, project.identity)
        assert refused.value.code is ErrorCode.FORBIDDEN


async def test_pictures_that_are_replaced_are_let_go_and_the_others_held(shop: Shop, projects: Projects) -> None:
    kept, replaced, new = pictures = [picture_of(shop.owner_id) for _ in range(3)]
    await Picture.insert_many(pictures)
    project = project_of(shop.owner_id, context_picture_ids=(kept.identity, replaced.identity))
    await project.insert()
    told = {"contextPictureIds": [kept.identity, new.identity]}
    changed = await projects.update(project, told)
    assert changed.context_picture_ids == (kept.identity, new.identity)
    assert changed.revision == project.revision + 1
    states = {one.identity: one.state for one in await Picture.find_all().to_list()}
    assert [states[one.identity] for one in pictures] == [PictureState.HELD, PictureState.LOOSE, PictureState.HELD]
    assert await Project.showing([one.identity for one in pictures]) == {kept.identity, new.identity}


async def test_picture_that_somebody_else_put_there_meanwhile_is_let_go_too(shop: Shop, projects: Projects) -> None:
    first, second, third = pictures = [picture_of(shop.owner_id) for _ in range(3)]
    await Picture.insert_many(pictures)
    project = project_of(shop.owner_id, context_picture_ids=(first.identity,))
    await project.insert()
    for one in (second, third):
        await projects.update(project, {"contextPictureIds": [one.identity]})  # as it was read by both
    now = await Picture.by_ids([one.identity for one in pictures])
    assert [now[one.identity].state for one in pictures] == [
        PictureState.LOOSE,
        PictureState.LOOSE,
        PictureState.HELD,
    ]


async def test_many_who_change_other_things_at_once_overwrite_nothing(shop: Shop, projects: Projects) -> None:
    project = project_of(shop.owner_id)
    await project.insert()
    told: list[dict[str, Any]] = [
        {"name": "Other"},
        {"contextText": "At night."},
        {"contextPictureIds": [PydanticObjectId()]},
    ]
    await asyncio.gather(*(projects.update(project, one) for one in told))
    now = await Project.get(project.identity)
    assert now is not None
    assert (now.name, now.context_text, len(now.context_picture_ids)) == ("Other", "At night.", 1)
    assert now.revision == 3


@pytest.mark.usefixtures("shop")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from(["own", "VIEWER", "EDITOR", "none"]), st.booleans()), max_size=9),
    size=st.integers(1, 4),
    role=st.sampled_from([None, *Role]),
    trashed=st.booleans(),
)
async def test_pages_are_what_a_plain_list_says(
    rows: list[tuple[str, bool]], size: int, role: Role | None, *, trashed: bool
) -> None:
    me, other = PydanticObjectId(), PydanticObjectId()
    stored, expected = list[Project](), list[PydanticObjectId]()
    for what, in_trash in rows:
        role_here = {"own": Role.OWNER, "none": None}.get(what) if what in {"own", "none"} else Role(what)
        member = member_of(other) if what in {"own", "none"} else member_of(me, Role(what))
        at = utc_now() if in_trash else None
        stored.append(project_of(me if what == "own" else other, member, trashed_at=at))
        is_seen = role_here is not None and (role is None or role is role_here) and in_trash is trashed
        if is_seen and (role_here is Role.OWNER or not in_trash):
            expected.insert(0, stored[-1].identity)
    if stored:
        await Project.insert_many(stored)
    found, older_than = list[PydanticObjectId](), None
    while page := await listing.seen(me, Stretch(size, older_than=older_than), role, trashed=trashed):
        assert len(page) <= size
        found += [one.identity for one in page]
        older_than = page[-1].identity
    assert found == expected
