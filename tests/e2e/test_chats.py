"""The story of a film: two people, real process, real database, real sockets, real SDK, simulated OpenAI."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from app.simulator.scenario import Operation
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running

_TAKES_S = 1.5
_MESSAGE = """id role text prompt status wish branchCount branchIndex authorId failure { code }
  images { index status image { id picture { url width } } } analysis { text remembered }"""
_ANSWER = f"userMessage {{ {_MESSAGE} }} assistantMessage {{ {_MESSAGE} }} generation {{ id }} errors {{ code path }}"
_EVENTS = f"""subscription ($id: ID!, $since: DateTime) {{ chatEvents(chatId: $id, since: $since) {{
  type at chat {{ id }} userMessage {{ id prompt authorId }} assistantMessage {{ {_MESSAGE} }}
  event {{ generationId sequence type text preview {{ url width }} }} }} }}"""
_MESSAGES = """query ($id: ID!) { node(id: $id) { ... on Chat { messages(first: 50) { totalCount
  nodes { id role text } } } } }"""
_BRANCHES = """query ($id: ID!) { node(id: $id) { ... on ChatMessage { branches { id } branchIndex } } }"""
_PROJECT = """query ($id: ID!) { node(id: $id) { ... on Project { name contextText viewerRole
  contextPictures { url } members { role } mainChat { id }
  frames { nodes { id picture { url } chat { id } } } contexts { nodes { title text } } } } }"""
_IMAGE = """query ($id: ID!) { node(id: $id) { ... on ChatImage { combinedPrompt parent { id } picture { url } } } }"""
_NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"

type Json = Any
type Until = Callable[[Json], bool]


def _mutation(name: str, shown: str) -> str:
    """One with an input of its own type."""
    type_name = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation ($input: {type_name}!) {{ {name}(input: $input) {{ {shown} }} }}"


async def _did(client: Client, name: str, shown: str, **input: Json) -> Json:
    """The payload of a mutation that may be done."""
    payload = (await client.run(_mutation(name, shown), {"input": input}))[name]
    assert payload["errors"] == [], payload
    return payload


async def _node(client: Client, query: str, identity: str) -> Json:
    return (await client.run(query, {"id": identity}))["node"]


@dataclass
class Watcher:
    """Somebody who has a chat open; `told` is all that came, over however many connections."""

    client: Client
    chat_id: str
    told: list[Json] = field(default_factory=list[Json])
    connections: int = 0
    ended: bool = False
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)
    _cut: Callable[[], None] | None = None

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator["Watcher"]:
        """While entered, and caught up."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            await self.until(_is_level)
            yield self
            watching.cancel()

    async def until(self, is_it: Until) -> Json:
        """The first of all that was told that is it."""
        async with asyncio.timeout(60), self._came:
            await self._came.wait_for(lambda: any(is_it(one) for one in self.told))
        return next(one for one in self.told if is_it(one))

    async def end(self) -> None:
        """Return when the server has completed the stream."""
        async with asyncio.timeout(60), self._came:
            await self._came.wait_for(lambda: self.ended)

    def cut(self) -> None:
        """The connection is gone without a word."""
        assert self._cut is not None
        self._cut()

    async def _watch(self) -> None:
        while not self.ended:
            try:
                await self._connected()
            except ConnectionClosed:
                continue

    async def _connected(self) -> None:
        async with self.client.socket() as socket:
            self.connections += 1
            self._cut = socket.connection.transport.abort
            since = max((one["at"] for one in self.told), default=None)
            async for data in socket.subscribe(_EVENTS, {"id": self.chat_id, "since": since}):
                async with self._came:
                    self.told.append(data["chatEvents"] | {"connection": self.connections})
                    self._came.notify_all()
            async with self._came:
                self.ended = True
                self._came.notify_all()


def _is_level(one: Json) -> bool:
    return one["type"] == "SNAPSHOT" and one["assistantMessage"] is None and one["event"] is None


def _ends(message_id: str) -> Until:
    """Whether it is the end of the work on that answer."""

    def is_it(one: Json) -> bool:
        of_it = one["assistantMessage"] and one["assistantMessage"]["id"] == message_id
        return bool(of_it and one["type"] == "WORK" and one["event"]["type"] in {"SUCCEEDED", "FAILED", "CANCELLED"})

    return is_it


def _is_there(message_id: str) -> Until:
    """Whether it shows that answer finished."""

    def is_it(one: Json) -> bool:
        message = one["assistantMessage"]
        return bool(message and message["id"] == message_id and message["status"] == "READY")

    return is_it


@dataclass
class Film:
    """A project with one frame, its owner and its editor."""

    owner: Client
    editor: Client
    editor_id: str
    project_id: str
    frame_id: str
    chat_id: str

    async def send(self, by: Client, prompt: str, **input: Json) -> Json:
        """The payload of `sendMessage`."""
        return await _did(by, "sendMessage", _ANSWER, chatId=self.chat_id, prompt=prompt, **input)

    async def invited(self, role: str) -> str:
        """The token of an invitation."""
        shown = "invitation { token url role } errors { code }"
        invited = await _did(self.owner, "inviteToProject", shown, projectId=self.project_id, role=role)
        token: str = invited["invitation"]["token"]
        assert token in invited["invitation"]["url"]
        return token

    async def accepted(self, by: Client, role: str) -> Json:
        """The project as whoever has come in by a new link sees it."""
        shown = "project { viewerRole } errors { code }"
        return (await _did(by, "acceptInvitation", shown, token=await self.invited(role)))["project"]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulated_providers(takes_s=_TAKES_S) as running_simulator:
        yield running_simulator


@pytest.fixture(scope="module")
def filming(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {**database_setting(), **simulator.settings, "GENERATION_ATTEMPTS": "1"}
    with running(tmp_path_factory.mktemp("data"), settings) as server:
        yield server


@pytest.fixture
async def film(filming: Server, client_of: MakeClient, simulator: Simulator, car: bytes) -> Film:
    simulator.reset()
    owner, editor = client_of(filming), client_of(filming)
    await owner.sign_up()
    editor_id: str = (await editor.sign_up())["id"]
    told = {"name": "The sea", "contextText": "A film about a storm.", "contextPictures": [{"upload": None}]}
    made = await owner.post_file(
        _mutation("createProject", "project { id } errors { code }"),
        {"input": told},
        "input.contextPictures.0.upload",
        ("car.jpg", car, "image/jpeg"),
    )
    project_id: str = made["data"]["createProject"]["project"]["id"]
    frame = (
        await _did(owner, "createFrame", "frame { id chat { id } } errors { code }", projectId=project_id, title="One")
    )["frame"]
    return Film(owner, editor, editor_id, project_id, frame["id"], frame["chat"]["id"])


async def _uploaded(client: Client, photo: bytes) -> str:
    payload = await client.post_file(
        _mutation("uploadPicture", "picture { id } errors { code }"),
        {"input": {"picture": {"upload": None}}},
        "input.picture.upload",
        ("car.jpg", photo, "image/jpeg"),
    )
    identity: str = payload["data"]["uploadPicture"]["picture"]["id"]
    return identity


async def _fetched(client: Client, url: str) -> bool:
    return (await client.http.get(url)).status_code == 200


async def test_two_people_see_each_others_message_live_with_text_previews_and_end(
    film: Film, simulator: Simulator, car: bytes
) -> None:
    await _did(
        film.owner,
        "createContext",
        "context { id } errors { code }",
        projectId=film.project_id,
        title="Ada",
        text="Tall",
    )
    assert (await film.accepted(film.editor, "EDITOR"))["viewerRole"] == "EDITOR"
    async with (
        Watcher(film.owner, film.chat_id).watching() as owner,
        Watcher(film.editor, film.chat_id).watching() as editor,
    ):
        reference = await _uploaded(film.editor, car)
        sent = await film.send(film.editor, "A lighthouse", imageCount=2, contextImageIds=[reference], withContext=True)
        answer_id = sent["assistantMessage"]["id"]
        assert sent["assistantMessage"]["status"] == "PROCESSING"
        for watcher in (owner, editor):
            message = (await watcher.until(_ends(answer_id)))["assistantMessage"]
            assert (message["status"], [image["status"] for image in message["images"]]) == ("READY", ["READY"] * 2)
            assert all(
                [await _fetched(watcher.client, image["image"]["picture"]["url"]) for image in message["images"]]
            )
            events = [one["event"] for one in watcher.told if one["type"] == "WORK"]
            assert [one["sequence"] for one in events] == list(range(1, len(events) + 1))
            assert {"TEXT", "PREVIEW"} <= {one["type"] for one in events}
            assert watcher.told[1]["type"] == "MESSAGE"
            assert watcher.told[1]["userMessage"]["authorId"] == film.editor_id
    assert message["analysis"][0]["text"] in message["prompt"]
    assert "A film about a storm." in message["prompt"]

    again = await film.send(film.owner, "The same at night", contextImageIds=[reference_of(message)])
    async with Watcher(film.owner, film.chat_id).watching() as owner:
        await owner.until(_is_there(again["assistantMessage"]["id"]))
    looks = [call for call in simulator.calls if call.operation is Operation.OPENAI_RESPONSE]
    assert len(looks) == 2  # the photo, and the image of the chat: each once
    third = await film.send(film.owner, "And by day", contextImageIds=[reference_of(message)])
    async with Watcher(film.owner, film.chat_id).watching() as owner:
        shown = await owner.until(_is_there(third["assistantMessage"]["id"]))
    assert [one["remembered"] for one in shown["assistantMessage"]["analysis"]] == [True]
    assert len([call for call in simulator.calls if call.operation is Operation.OPENAI_RESPONSE]) == len(looks)


def reference_of(message: Json) -> str:
    """The first image of an answer, to guide others."""
    identity: str = message["images"][0]["image"]["id"]
    return identity


async def test_answers_are_made_anew_edited_chosen_and_used_elsewhere(film: Film) -> None:
    await film.accepted(film.editor, "EDITOR")
    async with Watcher(film.owner, film.chat_id).watching() as watcher:
        sent = await film.send(film.owner, "A lighthouse")
        first_id, question_id = sent["assistantMessage"]["id"], sent["userMessage"]["id"]
        image_id = reference_of((await watcher.until(_ends(first_id)))["assistantMessage"])

        again = await _did(film.editor, "regenerateMessage", _ANSWER, messageId=first_id, wish="In blue")
        second_id = again["assistantMessage"]["id"]
        await watcher.until(_ends(second_id))
        beside = await _node(film.editor, _BRANCHES, second_id)
        assert ([one["id"] for one in beside["branches"]], beside["branchIndex"]) == ([first_id, second_id], 1)

        edited = await _did(film.editor, "editAndResend", _ANSWER, messageId=question_id, prompt="A harbour")
        await watcher.until(_ends(edited["assistantMessage"]["id"]))
        shown = await _node(film.owner, _MESSAGES, film.chat_id)
        assert [one["id"] for one in shown["messages"]["nodes"]] == [
            edited["userMessage"]["id"],
            edited["assistantMessage"]["id"],
        ]
        changes = sum(one["type"] == "CHAT" for one in watcher.told)
        await _did(film.editor, "chooseBranch", "message { id } errors { code }", messageId=first_id)
        await watcher.until(lambda _: sum(one["type"] == "CHAT" for one in watcher.told) > changes)
        shown = await _node(film.owner, _MESSAGES, film.chat_id)
        assert [one["id"] for one in shown["messages"]["nodes"]] == [question_id, first_id]

        shown = "frame { imageId picture { url } } errors { code }"
        frame = (await _did(film.editor, "setFramePicture", shown, frameId=film.frame_id, imageId=image_id))["frame"]
        assert frame["imageId"] == image_id
        assert await _fetched(film.owner, frame["picture"]["url"])

        version = await _made_alone(watcher, film, image_id)
        assert (version["parent"]["id"], version["combinedPrompt"]) == (image_id, "A lighthouse. In gold")
    shown = "generation { id } errors { code }"
    ornament = await _did(film.editor, "useAsOrnament", shown, imageId=image_id, prompt="Make it shine")
    assert (await film.editor.finished(ornament)).startswith(_PREFIX_OF_ORNAMENTS)


_PREFIX_OF_ORNAMENTS = "T3JuYW1lbnRJbWFnZ"


async def _made_alone(watcher: Watcher, film: Film, image_id: str) -> Json:
    """The version that a further wish makes of an image, of which the chat's followers are told."""
    started = await film.editor.regenerate(image_id, "In gold")
    generation_id = started["generation"]["id"]

    def is_end(one: Json) -> bool:
        event = one["event"]
        return bool(event and event["generationId"] == generation_id and event["type"] == "SUCCEEDED")

    assert (await watcher.until(is_end))["assistantMessage"] is None
    query = "query ($id: ID!) { node(id: $id) { ... on Generation { result { ... on ChatImage { id } } } } }"
    version_id = (await _node(film.owner, query, generation_id))["result"]["id"]
    return await _node(film.owner, _IMAGE, version_id)


async def test_viewer_only_looks_on_and_a_member_who_is_removed_hears_no_more(film: Film) -> None:
    await film.accepted(film.editor, "VIEWER")
    refused = await film.editor.run(
        _mutation("sendMessage", _ANSWER), {"input": {"chatId": film.chat_id, "prompt": "A lighthouse"}}
    )
    assert refused["sendMessage"]["errors"] == [{"code": "FORBIDDEN", "path": ["input", "chatId"]}]
    async with Watcher(film.editor, film.chat_id).watching() as watcher:
        shown = "project { members { role } } errors { code }"
        left = await _did(film.owner, "removeMember", shown, projectId=film.project_id, userId=film.editor_id)
        assert left["project"]["members"] == []
        await watcher.end()
    assert await _node(film.editor, _PROJECT, film.project_id) is None
    closed = await film.editor.post(_EVENTS, {"id": film.chat_id})
    assert closed.get("data") is None


async def test_project_is_deleted_for_ever_with_all_that_is_in_it(film: Film) -> None:
    await film.accepted(film.editor, "EDITOR")
    async with (
        Watcher(film.editor, film.chat_id).watching() as editor,
        Watcher(film.owner, film.chat_id).watching() as owner,
    ):
        sent = await film.send(film.editor, "A lighthouse")
        message = (await owner.until(_ends(sent["assistantMessage"]["id"])))["assistantMessage"]
        unfinished = await film.send(film.editor, "A wave", imageCount=4)
        trashed = await _did(film.owner, "moveToTrash", "projects { id } errors { code }", ids=[film.project_id])
        assert trashed["projects"] == [{"id": film.project_id}]
        gone = await _did(film.owner, "deleteForever", "deletedIds errors { code }", ids=[film.project_id])
        assert gone["deletedIds"] == [film.project_id]
        await owner.end()
        await editor.end()
    ids = [film.project_id, film.frame_id, film.chat_id, message["id"], reference_of(message)]
    ids += [unfinished["assistantMessage"]["id"], unfinished["userMessage"]["id"]]
    for client in (film.owner, film.editor):
        assert (await client.run(_NODES, {"ids": ids}))["nodes"] == [None] * len(ids)


async def test_two_who_are_cut_off_again_and_again_see_the_same_chat(film: Film) -> None:
    await film.accepted(film.editor, "EDITOR")
    async with (
        Watcher(film.owner, film.chat_id).watching() as owner,
        Watcher(film.editor, film.chat_id).watching() as editor,
    ):
        sent = list[Json]()
        for number, (watcher, client) in enumerate([(owner, film.editor), (editor, film.owner)] * 2):
            sent.append(await film.send(client, f"Wave {number}"))
            await watcher.until(_is_about(sent[-1]["assistantMessage"]["id"]))
            watcher.cut()
        for watcher in (owner, editor):
            for one in sent:
                await watcher.until(_is_there(one["assistantMessage"]["id"]))
            assert watcher.connections >= 3
            assert _sequences_rise(watcher.told)
    for client in (film.owner, film.editor):
        messages = (await _node(client, _MESSAGES, film.chat_id))["messages"]
        assert messages["totalCount"] == 2 * len(sent)
        assert [one["text"] for one in messages["nodes"] if one["role"] == "USER"] == [f"Wave {n}" for n in range(4)]


def _is_about(message_id: str) -> Until:
    """Whether it shows that answer, however it stands."""
    return lambda one: bool(one["assistantMessage"] and one["assistantMessage"]["id"] == message_id)


def _sequences_rise(told: list[Json]) -> bool:
    """Whether no event of any generation is missing: what a snapshot stands for was told by it."""
    seen = dict[str, int]()
    for one in told:
        event = one["event"]
        if event is None:
            continue
        before = seen.get(event["generationId"], 0)
        if one["type"] == "WORK" and event["sequence"] not in {before, before + 1}:
            return False
        seen[event["generationId"]] = max(before, event["sequence"])
    return True
