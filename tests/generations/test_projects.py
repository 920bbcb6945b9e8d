"""A generation of a project is its owner's; its members see it, cancel it and start it again as their role allows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from beanie import PydanticObjectId

from app.access import Gate, Role
from app.errors import AppError, ErrorCode
from app.generations.following import everything
from app.generations.model import Generation, Status
from app.generations.service import Promised
from app.generations.work import Work
from tests.generations.conftest import RECIPE, Engine, MakeEngine

_OWNER, _EDITOR, _VIEWER, _STRANGER, _PROJECT = (PydanticObjectId() for _ in range(5))
_ROLES = {_EDITOR: Role.EDITOR, _VIEWER: Role.VIEWER}

type Steer = Callable[[PydanticObjectId, PydanticObjectId], Awaitable[Generation]]


async def _nothing(_: Work) -> None:
    return


async def _role_in(user_id: PydanticObjectId, project_id: PydanticObjectId) -> Role | None:
    return _ROLES.get(user_id) if project_id == _PROJECT else None


@dataclass(frozen=True, slots=True)
class Studio:
    """An engine whose gate knows the members of one project."""

    engine: Engine

    async def waiting(self, project_id: PydanticObjectId | None = _PROJECT) -> Generation:
        """The owner's, for that project."""
        promised = Promised(project_id=project_id)
        return await self.engine.generations.start(_OWNER, "TEST", RECIPE, None, promised=promised)

    async def cancelled(self) -> Generation:
        """One that can be started again."""
        generation = await self.waiting()
        return await self.engine.generations.cancel(_OWNER, generation.identity)


@pytest.fixture
def studio(make_engine: MakeEngine) -> Studio:
    engine = make_engine(_nothing)
    engine.generations = replace(engine.generations, gate=Gate(_role_in))
    return Studio(engine)


async def _refused(steer: Steer, user_id: PydanticObjectId, generation: Generation) -> tuple[ErrorCode, str]:
    with pytest.raises(AppError) as refused:
        await steer(user_id, generation.identity)
    assert refused.value.path == ("input", "id")
    return refused.value.code, refused.value.message


async def test_members_see_what_works_for_their_project_and_strangers_do_not(studio: Studio) -> None:
    shared, private = await studio.waiting(), await studio.waiting(None)
    see = studio.engine.generations.of
    for user_id, sees in ((_OWNER, True), (_EDITOR, True), (_VIEWER, True), (_STRANGER, False)):
        assert (await see(user_id, shared.identity) is not None) is sees
        assert (await see(user_id, private.identity) is not None) is (user_id == _OWNER)


async def test_editor_cancels_and_the_owners_followers_hear_of_it(studio: Studio) -> None:
    generation, generations = await studio.waiting(), studio.engine.generations
    told = everything(generations.hub, generations.clock, _OWNER, None)
    await anext(told)  # how it stands
    assert (await generations.cancel(_EDITOR, generation.identity)).status is Status.CANCELLED
    _, event = await anext(told)
    assert event.type == "CANCELLED"
    await told.aclose()


async def test_viewer_is_told_their_role_and_a_stranger_nothing(studio: Studio) -> None:
    generation = await studio.cancelled()
    for steer in (studio.engine.generations.cancel, _retry(studio)):
        assert await _refused(steer, _VIEWER, generation) == (
            ErrorCode.FORBIDDEN,
            "Your role in this project is VIEWER; this needs EDITOR.",
        )
        assert await _refused(steer, _STRANGER, generation) == (
            ErrorCode.FORBIDDEN,
            "This generation belongs to somebody else.",
        )


def _retry(studio: Studio, key: str | None = None) -> Steer:
    async def retry(user_id: PydanticObjectId, generation_id: PydanticObjectId) -> Generation:
        return await studio.engine.generations.retry(user_id, generation_id, key, asked="RetryGenerationInput:1")

    return retry


async def test_editors_retry_is_the_owners_and_the_projects(studio: Studio) -> None:
    generation = await studio.cancelled()
    again = await _retry(studio)(_EDITOR, generation.identity)
    assert (again.owner_id, again.project_id, again.retry_of) == (_OWNER, _PROJECT, generation.identity)


async def test_keys_of_the_owner_and_of_an_editor_are_not_each_others(studio: Studio) -> None:
    generation, retry = await studio.cancelled(), _retry(studio, "1")
    first, again = [await retry(_EDITOR, generation.identity) for _ in range(2)]
    owners = await retry(_OWNER, generation.identity)
    assert first.identity == again.identity != owners.identity
