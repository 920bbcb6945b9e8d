"""Who may see something no more is told no more of it: subscriptions that are open end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import USER, global_id
from tests.api.both import schema
from tests.api.shop import Shop, opened_shop
from tests.api.world import Persona, Plot, World

_CHAT = "subscription ($id: ID!) { chatEvents(chatId: $id) { type } }"
_GENERATION = "subscription ($id: ID!) { generationProgress(id: $id) { type } }"
_RUN = "subscription ($id: ID!) { diagnosticsUpdates(generationId: $id) { status } }"
_REMOVE = "mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { errors { code } } }"
_DELETE = "mutation ($input: DeleteProjectInput!) { deleteProject(input: $input) { errors { code } } }"
_RESTORE = "mutation ($input: RestoreInput!) { restore(input: $input) { errors { code } } }"
_RENAME = "mutation ($input: UpdateContextInput!) { updateContext(input: $input) { errors { code } } }"
_CANCEL = "mutation ($input: CancelGenerationInput!) { cancelGeneration(input: $input) { errors { code } } }"


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened_shop(database, mongodb_url, tmp_path) as shop:
        yield await World.around(shop)


async def _followed(shop: Shop, subscription: str, identity: str) -> AsyncGenerator[Any]:
    stream = await schema.subscribe(subscription, {"id": identity}, context_value=shop.context())
    return cast("AsyncGenerator[Any]", stream)


async def _next(stream: AsyncGenerator[Any]) -> Any:
    """The next thing that is told; null when it has ended."""
    async with asyncio.timeout(10):
        result = await anext(stream, None)
    if result is None:
        return None
    assert not result.errors
    (told,) = result.data.values()
    (shown,) = told.values()
    return shown


async def _done(shop: Shop, mutation: str, **given: Any) -> None:
    (payload,) = (await shop.run(mutation, {"input": given})).values()
    assert payload["errors"] == []


async def _renamed(plot: Plot) -> None:
    await _done(plot.shop, _RENAME, contextId=await plot.named("chatEvents.chatId", "Context"), title="The harbour")


async def _editor_removed(world: World, *, of_project: bool) -> None:
    plot, editor = world.plot(Persona.OWNER, of_project=of_project), world.people[Persona.EDITOR]
    user_id = global_id(USER, editor.owner_id)
    await _done(plot.shop, _REMOVE, projectId=await plot.named("", "Project"), userId=user_id)


async def test_chat_is_told_to_a_removed_member_no_more_and_to_others_still(world: World) -> None:
    plot = world.plot(Persona.OWNER)
    chat_id = await plot.named("chatEvents.chatId", "Chat")
    async with (
        aclosing(await _followed(world.people[Persona.EDITOR], _CHAT, chat_id)) as removed,
        aclosing(await _followed(world.people[Persona.VIEWER], _CHAT, chat_id)) as other,
    ):
        assert [await _next(one) for one in (removed, other) * 2] == ["SNAPSHOT"] * 4
        await _editor_removed(world, of_project=False)
        assert await _next(removed) is None
        await _renamed(plot)
        assert await _next(other) == "CHAT"


async def test_chat_of_a_project_in_the_trash_is_told_to_its_owner_alone(world: World) -> None:
    plot = world.plot(Persona.OWNER)
    chat_id = await plot.named("chatEvents.chatId", "Chat")
    async with (
        aclosing(await _followed(world.people[Persona.VIEWER], _CHAT, chat_id)) as member,
        aclosing(await _followed(plot.shop, _CHAT, chat_id)) as owner,
    ):
        assert [await _next(one) for one in (member, owner) * 2] == ["SNAPSHOT"] * 4
        project_id = await plot.named("", "Project")
        await _done(plot.shop, _DELETE, projectId=project_id)
        assert await _next(member) is None
        await _done(plot.shop, _RESTORE, ids=[project_id])
        await _renamed(plot)
        assert await _next(owner) == "CHAT"


async def test_work_is_told_to_a_removed_member_no_more_and_to_others_still(world: World) -> None:
    plot = world.plot(Persona.OWNER, of_project=True)
    generation_id = await plot.named("", "Generation")
    async with (
        aclosing(await _followed(world.people[Persona.EDITOR], _GENERATION, generation_id)) as removed,
        aclosing(await _followed(world.people[Persona.VIEWER], _GENERATION, generation_id)) as other,
    ):
        assert [await _next(removed), await _next(other)] == ["QUEUED", "QUEUED"]
        await _editor_removed(world, of_project=True)
        await _done(plot.shop, _CANCEL, id=generation_id)
        assert [await _next(removed), await _next(other)] == [None, "CANCELLED"]


@pytest.mark.parametrize("is_revoked", [True, False])
async def test_run_is_told_to_an_administrator_as_long_as_they_are_one(world: World, *, is_revoked: bool) -> None:
    plot = world.plot(Persona.OWNER)
    await world.set_administrators(are_all=True)
    run_id = await plot.named("diagnosticsUpdates.generationId", "Generation")
    async with aclosing(await _followed(plot.shop, _RUN, run_id)) as updates:
        assert await _next(updates) == "QUEUED"
        await world.set_administrators(are_all=not is_revoked)
        await _done(plot.shop, _CANCEL, id=run_id)
        if is_revoked:
            async with asyncio.timeout(10):
                (refused,) = (await anext(updates)).errors
            assert refused.extensions["code"] == "FORBIDDEN"
        else:
            assert await _next(updates) == "CANCELLED"
