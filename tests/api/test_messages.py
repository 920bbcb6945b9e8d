"""Messages at the schema: what is sent, what is shown, what is refused, and how little is read for it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.access import Role
from app.api.ids import global_id
from app.chats.exchange import Exchange
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.generations.model import Generation
from app.generations.runner import Runner
from app.generations.slots import ProviderLimits
from app.pictures.model import Picture
from app.projects.model import Project
from app.templates import service as templates
from tests.api.shop import Shop, opened_shop
from tests.chats.exchanges import exchanges_of
from tests.chats.rooms import chat_of, member_of, project_of
from tests.database.index_rule import Watch
from tests.ornaments.images import picture_of

_MESSAGE = """id role text prompt wish imageCount withContext allowPartial status failure { code } createdAt authorId
  contextImages { imageId picture { id } } images { index status failure { code } image { id prompt source } }
  analysis { text source model remembered picture { id } } generation { id status recipe { prompts parentId } }
  branchCount branchIndex branches { id }"""
_SEND = f"""mutation ($input: SendMessageInput!) {{ sendMessage(input: $input) {{
  userMessage {{ {_MESSAGE} }} assistantMessage {{ {_MESSAGE} }} generation {{ id status }}
  errors {{ code path message }} }} }}"""
_REGENERATE = """mutation ($input: RegenerateMessageInput!) { regenerateMessage(input: $input) {
  userMessage { id } assistantMessage { id wish branchCount branchIndex branches { id } }
  generation { status } errors { code path } } }"""
_EDIT = """mutation ($input: EditAndResendInput!) { editAndResend(input: $input) {
  userMessage { id text branchCount branchIndex branches { id } } assistantMessage { id imageCount }
  errors { code path } } }"""
_RETRY = """mutation ($input: RetryMessageImagesInput!) { retryMessageImages(input: $input) {
  message { id status } generation { id retryOf { id } } errors { code path } } }"""
_CHOOSE = """mutation ($id: ID!) { chooseBranch(input: {messageId: $id}) { message { id } errors { code path } } }"""
_LIST = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) { ... on Chat {
  messages(first: $first, after: $after, last: $last, before: $before) {
    nodes { id text role } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } } } }"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


@pytest.fixture
async def project(shop: Shop) -> Project:
    made = project_of(shop.owner_id, context_text="A film about the sea.")
    await made.insert()
    return made


@pytest.fixture
async def frame(project: Project) -> Chat:
    made = chat_of(project, ChatKind.FRAME)
    await made.insert()
    return made


@pytest.fixture
def watch(_watch: Watch) -> Watch:
    """What is asked of the database from now on."""
    _watch.clear()
    return _watch


async def _sent(shop: Shop, chat: Chat, prompt: str = "A whale", **more: Any) -> Any:
    given = {"chatId": global_id("Chat", chat.identity), "prompt": prompt, **more}
    return (await shop.run(_SEND, {"input": given}))["sendMessage"]


async def _work(shop: Shop) -> None:
    """Do all that waits."""
    closing = shop.services.generations.closing
    runner = Runner(closing.jobs, closing.queue, closing.hub, closing, worker="w", limits=ProviderLimits({}, 60))
    for generation in await Generation.find({"status": "QUEUED"}).to_list():
        await runner.run(generation.identity)


async def _listed(shop: Shop, chat: Chat, **arguments: Any) -> Any:
    given = {"id": global_id("Chat", chat.identity), **arguments}
    return (await shop.run(_LIST, given))["node"]["messages"]


async def test_message_is_answered_at_once_and_shows_its_images_when_they_are_made(shop: Shop, frame: Chat) -> None:
    picture = await shop.services.pictures.accept(shop.owner_id, _photo())
    picture_id = global_id("Picture", picture.identity)
    payload = await _sent(shop, frame, imageCount=2, contextImageIds=[picture_id], withContext=True)
    assert payload["errors"] == []
    asked, answer = payload["userMessage"], payload["assistantMessage"]
    assert (asked["role"], asked["text"], asked["prompt"], asked["status"]) == ("USER", "A whale", "A whale", "READY")
    assert (asked["images"], asked["generation"], asked["analysis"]) == ([], None, [])
    assert asked["authorId"] == global_id("User", shop.owner_id)
    assert (answer["role"], answer["text"], answer["prompt"], answer["status"]) == ("ASSISTANT", "", None, "PROCESSING")
    assert [(one["index"], one["status"], one["image"]) for one in answer["images"]] == [
        (0, "PENDING", None),
        (1, "PENDING", None),
    ]
    for message in (asked, answer):
        assert (message["imageCount"], message["withContext"]) == (2, True)
        assert message["contextImages"] == [{"imageId": picture_id, "picture": {"id": picture_id}}]
        assert (message["branchCount"], message["branchIndex"], message["branches"]) == (1, 0, [{"id": message["id"]}])
    assert payload["generation"]["status"] == "QUEUED"
    assert answer["generation"]["recipe"] == {"prompts": ["A whale"], "parentId": answer["id"]}
    await _work(shop)
    node = f"query ($id: ID!) {{ node(id: $id) {{ ... on ChatMessage {{ {_MESSAGE} }} }} }}"
    answer = (await shop.run(node, {"id": answer["id"]}))["node"]
    assert (answer["status"], answer["failure"]) == ("READY", None)
    assert answer["prompt"].startswith("A whale\n\n")
    assert answer["prompt"].endswith("A film about the sea.")
    (analysis,) = answer["analysis"]
    assert (analysis["source"], analysis["remembered"], analysis["picture"]) == ("LOCAL", False, {"id": picture_id})
    assert answer["text"] == f"1. {analysis['text']}\n\nHere are the 2 images."
    assert [(one["status"], one["image"]["prompt"], one["image"]["source"]) for one in answer["images"]] == [
        ("READY", "A whale", "MOCK")
    ] * 2
    result = """query ($id: ID!) { generation(id: $id) { result { ... on ChatMessage { id } } } }"""
    shown = await shop.run(result, {"id": answer["generation"]["id"]})
    assert shown["generation"]["result"] == {"id": answer["id"]}


def _photo() -> bytes:
    return (Path(__file__).parents[1] / "photos" / "car-1.jpg").read_bytes()


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"prompt": "  \n "}, "BAD_USER_INPUT", ["prompt"]),
        ({"prompt": "x" * 8_001}, "BAD_USER_INPUT", ["prompt"]),
        ({"prompt": None}, "BAD_USER_INPUT", ["prompt"]),
        ({"templateId": global_id("Template", PydanticObjectId())}, "BAD_USER_INPUT", ["prompt"]),
        ({"prompt": None, "templateId": global_id("Template", PydanticObjectId())}, "NOT_FOUND", ["templateId"]),
        ({"variables": [{"name": "a", "value": "b"}]}, "BAD_USER_INPUT", ["variables"]),
        ({"imageCount": 0}, "BAD_USER_INPUT", ["imageCount"]),
        ({"imageCount": 5}, "BAD_USER_INPUT", ["imageCount"]),
        ({"contextImageIds": ["x"]}, "BAD_USER_INPUT", ["contextImageIds", "0"]),
        (
            {"contextImageIds": [global_id("Picture", PydanticObjectId())]},
            "BAD_USER_INPUT",
            ["contextImageIds", "0"],
        ),
        ({"chatId": global_id("Chat", PydanticObjectId())}, "NOT_FOUND", ["chatId"]),
        ({"chatId": global_id("Dream", PydanticObjectId())}, "BAD_USER_INPUT", ["chatId"]),
        ({"idempotencyKey": ""}, "BAD_USER_INPUT", ["idempotencyKey"]),
    ],
)
async def test_what_cant_be_taken_is_refused_by_name_and_nothing_is_stored(
    shop: Shop, frame: Chat, more: dict[str, Any], code: str, path: list[str]
) -> None:
    payload = await _sent(shop, frame, **more)
    assert (payload["userMessage"], payload["assistantMessage"], payload["generation"]) == (None, None, None)
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [(code, ["input", *path])]
    assert (await Exchange.count(), await Generation.count()) == (0, 0)


async def test_context_is_refused_outside_of_a_frame(shop: Shop, project: Project) -> None:
    for kind in (ChatKind.MAIN, ChatKind.CONTEXT):
        chat = chat_of(project, kind)
        await chat.insert()
        payload = await _sent(shop, chat, withContext=True)
        assert [(one["code"], one["path"]) for one in payload["errors"]] == [
            ("BAD_USER_INPUT", ["input", "withContext"])
        ]


async def test_template_is_the_prompt_and_the_same_call_is_the_same_message_once_it_is_gone(
    shop: Shop, frame: Chat
) -> None:
    template = await templates.create(shop.owner_id, "Whale", "A {kind} whale")
    call: dict[str, Any] = {
        "prompt": None,
        "templateId": global_id("Template", template.identity),
        "variables": [{"name": "kind", "value": "blue"}],
        "idempotencyKey": "k",
    }
    first = await _sent(shop, frame, **call)
    assert (first["errors"], first["userMessage"]["text"]) == ([], "A blue whale")
    await templates.delete(shop.owner_id, template.identity)
    again = await _sent(shop, frame, **call)
    assert again == first
    refused = await _sent(shop, frame, idempotencyKey="k")
    assert [(one["code"], one["path"]) for one in refused["errors"]] == [("CONFLICT", ["input", "idempotencyKey"])]


async def test_branches_are_counted_and_one_of_them_is_shown(shop: Shop, frame: Chat) -> None:
    first = await _sent(shop, frame, "one")
    answer, asked = first["assistantMessage"]["id"], first["userMessage"]["id"]
    again = (await shop.run(_REGENERATE, {"input": {"messageId": answer, "wish": "darker"}}))["regenerateMessage"]
    assert (again["errors"], again["userMessage"]["id"], again["generation"]["status"]) == ([], asked, "QUEUED")
    second = again["assistantMessage"]
    assert (second["wish"], second["branchCount"], second["branchIndex"]) == ("darker", 2, 1)
    assert second["branches"] == [{"id": answer}, {"id": second["id"]}]
    edited = (await shop.run(_EDIT, {"input": {"messageId": asked, "prompt": "uno", "imageCount": 3}}))["editAndResend"]
    assert (edited["errors"], edited["assistantMessage"]["imageCount"]) == ([], 3)
    other = edited["userMessage"]
    assert (other["text"], other["branchCount"], other["branchIndex"]) == ("uno", 2, 1)
    assert other["branches"] == [{"id": asked}, {"id": other["id"]}]
    assert [one["id"] for one in (await _listed(shop, frame))["nodes"]] == [
        other["id"],
        edited["assistantMessage"]["id"],
    ]
    chosen = (await shop.run(_CHOOSE, {"id": answer}))["chooseBranch"]
    assert chosen == {"message": {"id": answer}, "errors": []}
    assert [one["id"] for one in (await _listed(shop, frame))["nodes"]] == [asked, answer]


async def test_failed_images_are_made_by_the_same_call_once(shop: Shop, frame: Chat) -> None:
    answer = (await _sent(shop, frame))["assistantMessage"]
    cancel = "mutation ($id: ID!) { cancelGeneration(input: {id: $id}) { errors { code } } }"
    await shop.run(cancel, {"id": answer["generation"]["id"]})
    given = {"messageId": answer["id"], "idempotencyKey": "k"}
    retried = (await shop.run(_RETRY, {"input": given}))["retryMessageImages"]
    assert (retried["errors"], retried["message"]["status"]) == ([], "PROCESSING")
    assert retried["generation"]["retryOf"] == {"id": answer["generation"]["id"]}
    assert (await shop.run(_RETRY, {"input": given}))["retryMessageImages"] == retried
    busy = (await shop.run(_RETRY, {"input": {"messageId": answer["id"]}}))["retryMessageImages"]
    assert busy["errors"] == [{"code": "CONFLICT", "path": ["input", "messageId"]}]


async def test_members_see_what_their_role_allows_and_strangers_nothing(
    shop: Shop, project: Project, frame: Chat
) -> None:
    editor, reader, stranger = await shop.joined(), await shop.joined(), await shop.joined()
    members = [member_of(editor.owner_id, Role.EDITOR), member_of(reader.owner_id, Role.VIEWER)]
    given = [one.model_dump(by_alias=True) for one in members]
    await Project.rows().update_one({"_id": project.identity}, {"$set": {"members": given}})
    answer = (await _sent(editor, frame))["assistantMessage"]
    assert answer["authorId"] == global_id("User", editor.owner_id)
    node = "query ($id: ID!) { node(id: $id) { id } }"
    for who in (shop, editor, reader):
        assert len((await _listed(who, frame))["nodes"]) == 2
        assert (await who.run(node, {"id": answer["id"]}))["node"] == {"id": answer["id"]}
    for what in (answer["id"], global_id("Chat", frame.identity)):
        assert (await stranger.run(node, {"id": what}))["node"] is None
    for who in (reader, stranger):
        for mutation, more in (
            (_SEND, {"chatId": global_id("Chat", frame.identity), "prompt": "a"}),
            (_REGENERATE, {"messageId": answer["id"]}),
            (_RETRY, {"messageId": answer["id"]}),
        ):
            (payload,) = (await who.run(mutation, {"input": more})).values()
            assert [one["code"] for one in payload["errors"]] == ["FORBIDDEN"]
        assert (await who.run(_CHOOSE, {"id": answer["id"]}))["chooseBranch"]["errors"][0]["code"] == "FORBIDDEN"
    await Project.rows().update_one({"_id": project.identity}, {"$set": {"members": []}})
    again = await _sent(editor, frame, idempotencyKey="k")
    assert [one["code"] for one in again["errors"]] == ["FORBIDDEN"]


async def test_pages_go_forward_and_backward_and_cursors_keep_their_place(shop: Shop, frame: Chat) -> None:
    await Exchange.insert_many(exchanges_of(frame, 6))
    texts = [one["text"] for one in (await _listed(shop, frame))["nodes"]]
    assert len(texts) == 12
    first = await _listed(shop, frame, first=5)
    assert ([one["text"] for one in first["nodes"]], first["totalCount"]) == (texts[:5], 12)
    assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
    rest = await _listed(shop, frame, first=100, after=first["pageInfo"]["endCursor"])
    assert ([one["text"] for one in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == (texts[5:], False)
    last = await _listed(shop, frame, last=5)
    assert [one["text"] for one in last["nodes"]] == texts[7:]
    before = await _listed(shop, frame, last=5, before=last["pageInfo"]["startCursor"])
    assert ([one["text"] for one in before["nodes"]], before["pageInfo"]["hasPreviousPage"]) == (texts[2:7], True)
    other = chat_of((await Project.by_ids([frame.project_id]))[frame.project_id], ChatKind.CONTEXT)
    await other.insert()
    for arguments, fault in (
        ({"first": 1, "last": 1}, "last"),
        ({"first": 101}, "first"),
        ({"after": "x"}, "after"),
    ):
        _, errors = await shop.answer(_LIST, {"id": global_id("Chat", frame.identity), **arguments})
        assert errors == [("BAD_USER_INPUT", fault)]
    given = {"id": global_id("Chat", other.identity), "after": first["pageInfo"]["endCursor"]}
    assert (await shop.answer(_LIST, given))[1] == [("BAD_USER_INPUT", "after")]


async def test_list_takes_as_many_reads_however_long_the_chat_and_however_many_messages(
    shop: Shop, frame: Chat, watch: Watch
) -> None:
    pictures = [picture_of(shop.owner_id) for _ in range(4)]
    await Picture.insert_many(pictures)
    await Exchange.insert_many(exchanges_of(frame, 200, [one.identity for one in pictures]))
    query = """query ($id: ID!, $last: Int) { node(id: $id) { ... on Chat { messages(last: $last) { totalCount nodes {
      text branchCount branchIndex branches { id } images { image { id } } contextImages { picture { id } }
      generation { id } } } } } }"""
    reads = dict[int, int]()
    for last in (2, 60):
        watch.asked.clear()
        found = (await shop.run(query, {"id": global_id("Chat", frame.identity), "last": last}))["node"]["messages"]
        assert (len(found["nodes"]), found["totalCount"]) == (last, 400)
        reads[last] = len(watch.asked)
    assert max(reads.values()) <= 12
    watch.asked.clear()
    plain = "query ($id: ID!) { node(id: $id) { ... on Chat { messages(last: 20) { nodes { text status } } } } }"
    await shop.run(plain, {"id": global_id("Chat", frame.identity)})
    assert [query.collection for query in watch.asked] == ["chats", "exchanges", "exchanges"]


async def test_message_of_a_chat_in_the_trash_can_be_read_and_nothing_sent(shop: Shop, frame: Chat) -> None:
    answer = (await _sent(shop, frame))["assistantMessage"]
    await Chat.rows().update_one({"_id": frame.identity}, {"$set": {"trashedAt": utc_now()}})
    assert len((await _listed(shop, frame))["nodes"]) == 2
    for mutation, given, path in (
        (_SEND, {"chatId": global_id("Chat", frame.identity), "prompt": "a"}, "chatId"),
        (_REGENERATE, {"messageId": answer["id"]}, "messageId"),
    ):
        (payload,) = (await shop.run(mutation, {"input": given})).values()
        assert [(one["code"], one["path"]) for one in payload["errors"]] == [("CONFLICT", ["input", path])]
