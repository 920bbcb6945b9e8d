"""The connection: what the environment can't move, what cancelling ends, what the pool gets back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx2
import pytest

from app.errors import ErrorCode
from app.providers.openai.client import OpenAIClient
from app.providers.openai.image import OpenAIImageModel
from app.providers.ports.image import Preview
from tests.providers.openai.conftest import NewClient
from tests.providers.openai.standin import Answer, End, Standin, base64_of, error, event
from tests.providers.openai.wire import (
    CREATE,
    DREAM,
    PICTURE,
    PROMPT,
    TEXT,
    answered,
    completed,
    described,
    failure,
    made,
    painted,
    partial,
    response,
    run,
    said,
    written,
)

_WAIT_S = 10
_SILENT = Answer((partial(PICTURE, 0),), end=End.NEVER)
_ASKS: list[Callable[[OpenAIClient], Awaitable[object]]] = [run, written, described]


def _one_connection() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(limits=httpx2.Limits(max_connections=1))


async def _cancelled(asked: Awaitable[object], openai: Standin) -> None:
    task = asyncio.ensure_future(asked)
    assert await asyncio.to_thread(openai.hung.wait, _WAIT_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("ask", _ASKS)
@pytest.mark.parametrize("answer", [_SILENT, Answer(status=None, end=End.NEVER)], ids=["midway", "before the answer"])
async def test_cancelling_ends_the_request_and_gives_the_connection_back(
    client: NewClient, openai: Standin, ask: Callable[[OpenAIClient], Awaitable[object]], answer: Answer
) -> None:
    http = _one_connection()
    await _cancelled(ask(client(answer, http=http)), openai)
    assert await asyncio.to_thread(openai.disconnected.wait, _WAIT_S)
    assert (await made(client(painted(), http=http))).data == PICTURE


async def test_closing_the_iterator_ends_the_request_and_leaves_no_task(client: NewClient, openai: Standin) -> None:
    http, before, responses = _one_connection(), asyncio.all_tasks(), list[httpx2.Response]()

    async def keep(response: httpx2.Response) -> None:
        responses.append(response)

    http.event_hooks["response"].append(keep)
    updates = OpenAIImageModel(client(_SILENT, http=http), "gpt-image").run(replace(CREATE, previews=1))
    while not isinstance(await anext(updates), Preview):
        pass
    await updates.aclose()
    assert [response.is_closed for response in responses] == [True]
    if left := asyncio.all_tasks() - before:  # the HTTP library leaves its own generators to the loop to close
        await asyncio.wait(left, timeout=_WAIT_S)
    assert asyncio.all_tasks() == before
    assert await asyncio.to_thread(openai.disconnected.wait, _WAIT_S)
    assert (await made(client(painted(), http=http))).data == PICTURE


async def test_deadline_of_the_caller_ends_the_request(client: NewClient, openai: Standin) -> None:
    async def expire(deadline: asyncio.Timeout) -> None:
        assert await asyncio.to_thread(openai.hung.wait, _WAIT_S)
        deadline.reschedule(asyncio.get_running_loop().time())

    async def ask() -> None:
        async with asyncio.timeout(None) as deadline, asyncio.TaskGroup() as group:
            group.create_task(expire(deadline))
            await run(client(_SILENT))

    with pytest.raises(TimeoutError):
        await ask()
    assert await asyncio.to_thread(openai.disconnected.wait, _WAIT_S)


async def test_answers_of_all_kinds_leave_their_connection_for_the_next(client: NewClient, openai: Standin) -> None:
    http = httpx2.AsyncClient()
    await failure(client(error(401, "No."), http=http))
    await failure(client(error(503, "Full."), http=http))
    await failure(client(Answer((partial(PICTURE, 0),)), http=http))
    await made(client(painted(), http=http))
    await answered(client(Answer((response("completed", said(DREAM)),)), http=http))
    await described(client(Answer((response("completed", said("A ring.")), b"data: [DONE]\n\n")), http=http))
    await made(client(painted(), http=http))
    assert len({seen.port for seen in openai.seen}) == 1


async def test_broken_answers_give_their_place_in_the_pool_back(client: NewClient) -> None:
    http = _one_connection()
    await failure(client(Answer((b"data: ",), end=End.CUT), http=http))
    await failure(client(Answer((b"data: [\n\n", b"more")), http=http))
    await failure(client(_SILENT, http=http, deadline_s=0.2))
    assert (await made(client(painted(), http=http))).data == PICTURE


async def test_answer_that_is_complete_does_not_wait_for_the_end_of_the_stream(client: NewClient) -> None:
    endless = Answer((completed(),), end=End.NEVER)
    assert (await made(client(endless))).data == PICTURE


async def test_full_pool_is_a_timeout_that_sent_nothing(client: NewClient, openai: Standin) -> None:
    http = _one_connection()
    holder = asyncio.create_task(run(client(_SILENT, http=http)))
    assert await asyncio.to_thread(openai.hung.wait, _WAIT_S)
    failed = await failure(client(painted(), http=http, deadline_s=0.1))
    holder.cancel()
    await asyncio.wait([holder])
    assert failed.code == ErrorCode.TIMEOUT
    assert failed.call is not None
    assert not failed.call.sent
    assert len(openai.seen) == 1


async def test_connecting_is_given_up_before_the_deadline(client: NewClient) -> None:
    seen: list[dict[str, float]] = []

    async def look(request: httpx2.Request) -> None:
        seen.append(dict(request.extensions["timeout"]))

    for deadline_s in (60, 4):
        asked = client(painted(), deadline_s=deadline_s)
        asked.http.event_hooks["request"].append(look)
        await made(asked)
    assert [(timeout["connect"], timeout["read"]) for timeout in seen] == [(10, 60), (4, 4)]


async def test_environment_does_not_move_the_call(
    client: NewClient, openai: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "OPENAI_BASE_URL": "http://elsewhere.invalid",
        "OPENAI_API_KEY": "sk-of-another",
        "OPENAI_ORG_ID": "org-other",
        "OPENAI_PROJECT_ID": "proj-other",
        "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer sk-of-another\nX-Mine: 1",
    }.items():
        monkeypatch.setenv(name, value)
    await made(client(painted(), api_key="sk-mine"))
    headers = openai.seen[0].headers
    assert headers["authorization"] == "Bearer sk-mine"
    assert not {"openai-organization", "openai-project", "x-mine"} & headers.keys()


@pytest.mark.parametrize("variable", ["", "http://elsewhere.invalid"])
async def test_own_address_of_openai_is_not_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", variable)
    asked: list[str] = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(500)

    client = OpenAIClient("sk-mine", 10, http=httpx2.AsyncClient(transport=httpx2.MockTransport(refuse)))
    await failure(client)
    await client.close()
    assert asked == ["https://api.openai.com/v1/images/generations"]


async def test_closing_closes_the_pool_and_twice_does_no_harm(client: NewClient) -> None:
    asked = client(painted())
    await made(asked)
    await asked.close()
    await asked.close()
    assert asked.http.is_closed


async def test_key_is_not_in_the_representation(client: NewClient) -> None:
    assert "sk-secret" not in repr(OpenAIImageModel(client(painted(), api_key="sk-secret"), "gpt-image"))


async def test_logs_hold_no_key_prompt_or_picture(client: NewClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await made(client(painted(), api_key="sk-secret-1"))
        await failure(client(error(403, "sk-secret-2 is odd"), api_key="sk-secret-2"))
        await failure(client(Answer((event("error", message="sk-secret-3"),)), api_key="sk-secret-3"))
        await written(client(Answer((response("completed", said(DREAM)),))))
        await described(client(Answer((response("completed", said("A ring.")),))))
    for secret in ("sk-secret", PROMPT, TEXT.text, TEXT.instructions, base64_of(PICTURE)[:16], "freedom", "A ring"):
        assert secret not in caplog.text


async def test_many_large_pictures_at_once_all_arrive(client: NewClient) -> None:
    asked = client(Answer((completed(PICTURE * 1_000),)))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(made(asked)) for _ in range(10)]
    assert {task.result().data for task in tasks} == {PICTURE * 1_000}
