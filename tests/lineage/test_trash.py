"""The trash of what is of a project: who may do what with it."""

from typing import Any

from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.access import Gate, Role
from app.database.document import utc_now
from app.errors import ErrorCode
from app.lineage.tombstone import Tombstone
from app.lineage.trash import Trash
from app.projects.model import Member, Project
from tests.indexed import point_at

_OWNER, _EDITOR, _VIEWER = (PydanticObjectId() for _ in range(3))


async def test_members_put_and_take_back_as_their_role_allows(database: AsyncDatabase[dict[str, Any]]) -> None:
    await point_at(database, [Project, Tombstone])
    now, members = utc_now(), ((_EDITOR, Role.EDITOR), (_VIEWER, Role.VIEWER))
    joined = tuple(Member(user_id=one, role=role, joined_at=now) for one, role in members)
    shared, private = (
        Project(
            owner_id=_OWNER,
            name="A film",
            members=those,
            idempotency_key=f"{PydanticObjectId()}",
            asked="",
            created_at=now,
            changed_at=now,
        )
        for those in (joined, ())
    )
    await Project.insert_many([shared, private])
    shared, private = [one async for one in Project.find_all().sort("_id")]
    trash = Trash(Project, _never, what="This project", roles=Gate(Project.role_of).roles)
    ids = {0: shared.identity, 1: private.identity}
    put = await trash.put(_EDITOR, ids, Role.EDITOR)
    assert [(one.identity, one.trashed_at is not None) for one in put.own.values()] == [(shared.identity, True)]
    assert [(one.code, one.path) for one in put.refused] == [(ErrorCode.FORBIDDEN, ("input", "ids", "1"))]
    for user_id in (_VIEWER, _EDITOR):
        refused = await trash.delete_forever(user_id, ids)
        assert (refused.own, len(refused.refused)) == ({}, 2)
    assert (await trash.restore(_VIEWER, ids, Role.EDITOR)).own == {}
    assert (await trash.restore(_EDITOR, ids, Role.EDITOR)).own == {}, "in the trash it is its owner's alone"
    assert list((await trash.restore(_OWNER, {0: shared.identity}, Role.EDITOR)).own) == [shared.identity]
    assert set((await trash.put(_OWNER, ids, Role.EDITOR)).own) == {*ids.values()}


async def _never(projects: object) -> None:
    raise AssertionError(projects)
