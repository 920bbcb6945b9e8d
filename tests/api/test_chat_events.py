"""`chatEvents` at the schema: who may follow a chat, and what each message shows."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from strawberry.types.execution import PreExecutionError

from app.api.ids import global_id
from app.chats.sending import Caller, Draft
from app.database.document import utc_now
from tests.api.both import schema
from tests.api.shop import Shop
from tests.chats.studio import PROMPT, Studio, opened_studio

_EVENTS = """subscription ($id: ID!, $since: DateTime) { chatEvents(chatId: $id, since: $since) {
  type at chat { id } userMessage { id prompt } assistantMessage { id status images { image { id } } }
  event { generationId sequence type status generation { status } } } }"""


@pytest.fixture
async def studio(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with opened_studio(database, mongodb_url, tmp_path) as opened:
        yield opened


async def _followed(studio: Studio, who: Shop, since: str | None = None) -> AsyncGenerator[Any]:
    variables = {"id": global_id("Chat", studio.chat.identity), "since": since}
    results = await schema.subscribe(_EVENTS, variables, context_value=who.context())
    assert not isinstance(results, PreExecutionError)
    return cast("AsyncGenerator[Any]", results)


async def _next(results: AsyncGenerator[Any]) -> Any:
    result = await anext(results)
    assert not result.errors, result.errors
    return result.data["chatEvents"]


@pytest.mark.parametrize("role", ["owner", "editor", "viewer"])
async def test_members_follow_a_chat_and_what_was_missed_is_read(studio: Studio, role: str) -> None:
    async with aclosing(await _followed(studio, getattr(studio, role))) as results:
        level = await _next(results)
        assert (level["type"], level["userMessage"], level["assistantMessage"], level["event"]) == (
            "SNAPSHOT",
            *[None] * 3,
        )
        chats = studio.parts.services.chats
        sent = await chats.send(Caller(studio.editor.owner_id), studio.chat.identity, Draft(PROMPT))
        generation_id = sent.exchange.generation_id
        assert generation_id is not None
        studio.parts.hub.followers.miss_all()
        work, told = await _next(results), await _next(results)  # in the order of their moments
        assert (work["type"], told["type"], told["userMessage"]["prompt"]) == ("WORK", "MESSAGE", PROMPT)
        assert work["assistantMessage"]["status"] == "PROCESSING"
        assert work["event"] == {
            "generationId": global_id("Generation", generation_id),
            "sequence": 1,
            "type": "QUEUED",
            "status": "QUEUED",
            "generation": {"status": "QUEUED"},
        }
        await studio.parts.runner.run(generation_id)
        studio.parts.hub.followers.miss_all()
        while (last := await _next(results))["type"] != "WORK" or last["event"]["type"] != "SUCCEEDED":
            pass
        assert last["event"]["status"] == "SUCCEEDED"
        assert last["assistantMessage"]["images"][0]["image"]["id"]


async def test_snapshot_of_work_says_how_it_stands(studio: Studio) -> None:
    image = await studio.image()
    started = await studio.again(image)
    await studio.made(started)
    async with aclosing(await _followed(studio, studio.viewer, utc_now().isoformat())) as results:
        shown = await _next(results)
    assert (shown["type"], shown["assistantMessage"]) == ("SNAPSHOT", None)
    assert shown["event"]["generationId"] == global_id("Generation", started.identity)
    assert shown["event"]["status"] == "SUCCEEDED"


async def test_strangers_and_wrong_moments_are_refused(studio: Studio) -> None:
    to_come = (utc_now() + timedelta(hours=1)).isoformat()
    for who, since, code, path in (
        (studio.stranger, None, "NOT_FOUND", "chatId"),
        (studio.owner, to_come, "BAD_USER_INPUT", "since"),
    ):
        async with aclosing(await _followed(studio, who, since)) as results:
            (error,) = (await anext(results)).errors
        assert (error.extensions["code"], error.extensions["argument"]) == (code, path)
    assert studio.parts.hub.followers.count == 0


async def test_trash_of_an_image_is_told_with_its_message(studio: Studio) -> None:
    sent = await studio.parts.services.chats.send(Caller(studio.editor.owner_id), studio.chat.identity, Draft(PROMPT))
    assert sent.exchange.generation_id is not None
    await studio.parts.runner.run(sent.exchange.generation_id)
    image_id = global_id("ChatImage", sent.exchange.slots[0].image_id)
    async with aclosing(await _followed(studio, studio.viewer)) as results:
        assert (await _next(results))["type"] == "SNAPSHOT"
        for name, type_name in (("moveToTrash", "MoveToTrashInput"), ("deleteForever", "DeleteForeverInput")):
            operation = f"mutation ($input: {type_name}!) {{ {name}(input: $input) {{ errors {{ code }} }} }}"
            await studio.owner.run(operation, {"input": {"ids": [image_id]}})
            told = await _next(results)
            shown = None if name == "deleteForever" else {"id": image_id}
            assert (told["type"], told["assistantMessage"]["images"]) == ("MESSAGE", [{"image": shown}])
