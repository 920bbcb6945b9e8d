"""Projects at the schema: who sees what of them, how they are changed, and what is refused by which name."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.access import Role
from app.api.ids import global_id
from app.chats.deletion import delete_forever
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.pictures.model import Picture
from app.projects.model import Project
from tests.api.shop import Shop, opened_shop
from tests.chats.stored import chat_of, exchange_of, image_of
from tests.database.index_rule import Watch
from tests.faults.plant import small_photo
from tests.ornaments.images import picture_of
from tests.projects.projects import member_of, project_of

_PROJECT = """id name contextText contextPictures { id } mainChat { id kind project { id } } viewerRole createdAt
  trashedAt owner { userId name } members { person { userId name } role } invitations { id role }
  frames { nodes { id title position } } contexts { nodes { id title } }"""
_CREATE = f"""mutation ($input: CreateProjectInput!) {{ createProject(input: $input) {{
  project {{ {_PROJECT} }} errors {{ code path message }} }} }}"""
_LIST = """query ($first: Int, $after: String, $role: ProjectRole, $inTrash: Boolean! = false) { viewer {
  projects(first: $first, after: $after, role: $role, inTrash: $inTrash) {
    nodes { name viewerRole } pageInfo { hasNextPage endCursor } } } }"""
_NODE = f"query ($id: ID!) {{ node(id: $id) {{ id ... on Project {{ {_PROJECT} }} }} }}"
_FRAMES = """query ($id: ID!, $after: String) { node(id: $id) { ... on Project { frames(first: 2, after: $after) {
  nodes { title position } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } } } } }"""
_TRASH = """mutation ($ids: [ID!]!) { moveToTrash(input: {ids: $ids}) {
  projects { id trashedAt } frames { id trashedAt } contexts { id trashedAt } errors { code path } } }"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


@pytest.fixture
def watch(_watch: Watch) -> Watch:
    """What is asked of the database."""
    return _watch


async def _project(shop: Shop, *people: tuple[Shop, Role], **given: Any) -> Project:
    project = project_of(shop.owner_id, *(member_of(one.owner_id, role) for one, role in people), **given)
    await project.insert()
    return project


async def _done(shop: Shop, operation: str, input: dict[str, Any], shown: str) -> dict[str, Any]:
    """The payload of a mutation that answers with one object and errors."""
    kind = f"{operation[0].upper()}{operation[1:]}Input!"
    text = f"mutation ($input: {kind}) {{ {operation}(input: $input) {{ {shown} errors {{ code path message }} }} }}"
    payload: dict[str, Any] = (await shop.run(text, {"input": input}))[operation]
    return payload


def _faults(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(one["code"], one["path"]) for one in payload["errors"]]


async def test_new_project_is_its_makers_with_a_chat_of_its_own(shop: Shop) -> None:
    picture = await shop.services.pictures.accept(shop.owner_id, small_photo())
    picture_id = global_id("Picture", picture.identity)
    told = {"name": " The  whale ", "contextText": "All at night.\r\n", "contextPictures": [{"id": picture_id}] * 2}
    payload = (await shop.run(_CREATE, {"input": told}))["createProject"]
    project = payload["project"]
    assert payload["errors"] == []
    assert (project["name"], project["contextText"]) == ("The whale", "All at night.")
    assert project["contextPictures"] == [{"id": picture_id}]
    assert project["mainChat"]["kind"] == "MAIN"
    assert project["mainChat"]["project"] == {"id": project["id"]}
    assert (project["viewerRole"], project["members"], project["invitations"]) == ("OWNER", [], [])
    assert project["owner"] == {"userId": global_id("User", shop.owner_id), "name": "Ada"}
    assert (await shop.run(_NODE, {"id": project["id"]}))["node"] == project
    main = (await shop.run("query ($id: ID!) { node(id: $id) { id } }", {"id": project["mainChat"]["id"]}))["node"]
    assert main == {"id": project["mainChat"]["id"]}


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ({"name": " \n"}, ["input", "name"]),
        ({"name": "x" * 201}, ["input", "name"]),
        ({"name": "a", "contextText": "x" * 8_001}, ["input", "contextText"]),
        ({"name": "a", "contextPictures": [{"id": "a"}] * 9}, ["input", "contextPictures"]),
        ({"name": "a", "contextPictures": [{"id": "a"}]}, ["input", "contextPictures", "0"]),
        ({"name": "a", "idempotencyKey": ""}, ["input", "idempotencyKey"]),
    ],
)
async def test_words_that_cant_be_taken_are_refused_by_name(shop: Shop, told: dict[str, Any], path: list[str]) -> None:
    payload = (await shop.run(_CREATE, {"input": told}))["createProject"]
    assert (payload["project"], _faults(payload)) == (None, [("BAD_USER_INPUT", path)])
    assert await Project.count() == 0


async def test_same_call_answers_with_the_same_project_also_when_its_picture_is_gone(shop: Shop) -> None:
    picture = picture_of(shop.owner_id)
    await picture.insert()
    given = {"name": "a", "contextPictures": [{"id": global_id("Picture", picture.identity)}], "idempotencyKey": "k"}
    first, second = await asyncio.gather(*(shop.run(_CREATE, {"input": given}) for _ in range(2)))
    await Picture.rows().delete_one({"_id": picture.identity})
    third = await shop.run(_CREATE, {"input": given})
    ids = {one["createProject"]["project"]["id"] for one in (first, second, third)}
    assert len(ids) == await Project.count() == 1
    other = (await shop.run(_CREATE, {"input": {**given, "name": "b"}}))["createProject"]
    assert _faults(other) == [("CONFLICT", ["input", "idempotencyKey"])]


async def test_lists_show_own_and_shared_projects_newest_first(shop: Shop) -> None:
    friend = await shop.joined()
    for number in range(3):
        await _project(friend if number % 2 else shop, (shop if number % 2 else friend, Role.EDITOR), name=f"{number}")
    await _project(friend, name="not shared")
    await _project(shop, name="trashed", trashed_at=utc_now())
    await _project(friend, (shop, Role.EDITOR), name="trashed by its owner", trashed_at=utc_now())

    async def names(**arguments: Any) -> list[str]:
        return [one["name"] for one in (await shop.run(_LIST, arguments))["viewer"]["projects"]["nodes"]]

    assert await names() == ["2", "1", "0"]
    assert await names(role="OWNER") == ["2", "0"]
    assert await names(role="EDITOR") == ["1"]
    assert await names(role="VIEWER") == []
    assert await names(inTrash=True) == ["trashed"]
    page = (await shop.run(_LIST, {"first": 2}))["viewer"]["projects"]
    assert page["pageInfo"]["hasNextPage"]
    assert await names(first=2, after=page["pageInfo"]["endCursor"]) == ["0"]


async def test_project_and_what_is_in_it_is_seen_by_its_members_and_nobody_else(shop: Shop) -> None:
    viewer, stranger = await shop.joined(), await shop.joined()
    project = await _project(shop, (viewer, Role.VIEWER))
    frame, context = chat_of(project), chat_of(project, ChatKind.CONTEXT)
    await Chat.insert_many([frame, context])
    project_id = global_id("Project", project.identity)
    shown = (await viewer.run(_NODE, {"id": project_id}))["node"]
    assert (shown["viewerRole"], shown["invitations"]) == ("VIEWER", None)
    assert [one["person"]["name"] for one in shown["members"]] == ["Ada"]
    ids = [project_id, *(global_id(name, one.identity) for name, one in _views(project, frame, context))]
    for one in ids:
        assert (await viewer.run(_NODE, {"id": one}))["node"]["id"] == one
        assert (await stranger.run(_NODE, {"id": one}))["node"] is None
    await Project.into_trash([project.identity])
    for one in ids:
        assert (await viewer.run(_NODE, {"id": one}))["node"] is None
        assert (await shop.run(_NODE, {"id": one}))["node"]["id"] == one


def _views(project: Project, frame: Chat, context: Chat) -> list[tuple[str, Project | Chat]]:
    return [("Chat", project), ("Frame", frame), ("Chat", frame), ("Context", context), ("Chat", context)]


async def test_chat_under_another_name_than_its_own_is_not_there(shop: Shop) -> None:
    project = await _project(shop)
    frame, context = chat_of(project), chat_of(project, ChatKind.CONTEXT)
    await Chat.insert_many([frame, context, chat_of(project, ChatKind.MAIN)])
    for name, one in (("Frame", context), ("Context", frame), ("Frame", project), ("Context", project)):
        wrong = global_id(name, one.identity)
        assert (await shop.run(_NODE, {"id": wrong}))["node"] is None
        payload = (await shop.run(_TRASH, {"ids": [wrong]}))["moveToTrash"]
        assert _faults(payload) == [("NOT_FOUND", ["input", "ids", "0"])]
        deleting = 'mutation { deleteForever(input: {ids: ["%s"]}) { deletedIds errors { code } } }' % wrong  # noqa: UP031 - braces
        assert (await shop.run(deleting))["deleteForever"] == {"deletedIds": [], "errors": [{"code": "NOT_FOUND"}]}
    assert await Chat.count() == 3


async def test_no_address_of_anybody_else_is_in_the_schema_of_projects(shop: Shop) -> None:
    member = await shop.joined()
    project = await _project(shop, (member, Role.VIEWER))
    shown = (await shop.run(_NODE, {"id": global_id("Project", project.identity)}))["node"]
    person = shown["members"][0]["person"]
    assert (await shop.run(_NODE, {"id": person["userId"]}))["node"] is None
    assert (await member.run(_NODE, {"id": person["userId"]}))["node"] == {"id": person["userId"]}
    assert "@" not in repr(shown)


async def test_editor_changes_what_is_said_and_their_pictures_become_the_owners(shop: Shop) -> None:
    editor = await shop.joined()
    kept = picture_of(shop.owner_id)
    await kept.insert()
    project = await _project(shop, (editor, Role.EDITOR), context_picture_ids=(kept.identity,))
    theirs = await shop.services.pictures.accept(editor.owner_id, small_photo())
    ids = [global_id("Picture", one.identity) for one in (kept, theirs)]
    told = {
        "projectId": global_id("Project", project.identity),
        "name": "The other whale",
        "contextText": None,
        "contextPictures": [{"id": one} for one in ids],
    }
    shown = "project { name contextText contextPictures { id } viewerRole }"
    payload = await _done(editor, "updateProject", told, shown)
    changed = payload["project"]
    assert payload["errors"] == []
    assert (changed["name"], changed["contextText"], changed["viewerRole"]) == ("The other whale", "", "EDITOR")
    stored = await Project.get(project.identity)
    assert stored is not None
    first, second = stored.context_picture_ids
    adopted = (await Picture.by_ids([second]))[second]
    assert (first, adopted.owner_id, adopted.sha256) == (kept.identity, shop.owner_id, theirs.sha256)
    assert [one["id"] for one in changed["contextPictures"]] == [ids[0], global_id("Picture", second)]


async def test_update_without_anything_to_change_and_by_a_viewer_is_refused(shop: Shop) -> None:
    viewer, stranger = await shop.joined(), await shop.joined()
    project = await _project(shop, (viewer, Role.VIEWER))
    named = {"projectId": global_id("Project", project.identity)}
    assert _faults(await _done(shop, "updateProject", named, "project { id }")) == [("BAD_USER_INPUT", ["input"])]
    for who in (viewer, stranger):
        payload = await _done(who, "updateProject", {**named, "name": "Mine"}, "project { id }")
        assert _faults(payload) == [("FORBIDDEN", ["input", "projectId"])]
    gone = {"projectId": global_id("Project", PydanticObjectId()), "name": "a"}
    assert _faults(await _done(shop, "updateProject", gone, "project { id }")) == [
        ("NOT_FOUND", ["input", "projectId"])
    ]


async def test_context_is_made_changed_and_put_away_by_an_editor(shop: Shop) -> None:
    editor = await shop.joined()
    project = await _project(shop, (editor, Role.EDITOR))
    shown = "context { id title text pictures { id } trashedAt chat { id kind context { id } frame { id } } }"
    photo = await shop.services.pictures.accept(editor.owner_id, small_photo())
    told = {
        "projectId": global_id("Project", project.identity),
        "title": "Her",
        "text": "Tall.",
        "pictures": [{"id": global_id("Picture", photo.identity)}],
        "idempotencyKey": "k",
    }
    made = (await _done(editor, "createContext", told, shown))["context"]
    again = (await _done(editor, "createContext", told, shown))["context"]
    assert made == again
    assert (made["title"], made["text"], len(made["pictures"])) == ("Her", "Tall.", 1)
    assert made["chat"]["kind"] == "CONTEXT"
    assert (made["chat"]["context"], made["chat"]["frame"]) == ({"id": made["id"]}, None)
    picture_id = made["pictures"][0]["id"]
    changes = {"contextId": made["id"], "text": None, "pictures": [{"id": picture_id}]}
    changed = (await _done(editor, "updateContext", changes, shown))["context"]
    assert (changed["title"], changed["text"], changed["pictures"]) == ("Her", "", [{"id": picture_id}])
    assert (await _done(editor, "deleteContext", {"contextId": made["id"]}, shown))["context"]["trashedAt"]
    late = await _done(editor, "updateContext", {"contextId": made["id"], "title": "Him"}, shown)
    assert _faults(late) == [("CONFLICT", ["input", "contextId"])]
    listed = (await editor.run(_NODE, {"id": told["projectId"]}))["node"]["contexts"]["nodes"]
    assert listed == []


@pytest.mark.parametrize(
    ("operation", "told", "path"),
    [
        ("createContext", {"title": ""}, "title"),
        ("createContext", {"title": "x" * 201}, "title"),
        ("createContext", {"title": "a", "text": "x" * 4_001}, "text"),
        ("createContext", {"title": "a", "pictures": [{"id": "a"}] * 9}, "pictures"),
        ("createFrame", {"title": "x" * 201}, "title"),
    ],
)
async def test_words_of_frames_and_contexts_are_refused_by_name(
    shop: Shop, operation: str, told: dict[str, Any], path: str
) -> None:
    project = await _project(shop)
    named = {"projectId": global_id("Project", project.identity), **told}
    assert _faults(await _done(shop, operation, named, "__typename")) == [("BAD_USER_INPUT", ["input", path])]
    assert await Chat.count() == 0


async def test_frames_come_in_pages_of_their_own_order(shop: Shop) -> None:
    project = await _project(shop)
    frames = [chat_of(project, title=f"{number}") for number in range(5)]
    await Chat.insert_many(frames)
    named = {"projectId": global_id("Project", project.identity)}
    ids = [global_id("Frame", frames[number].identity) for number in (4, 2, 0, 1, 3)]
    payload = await _done(shop, "reorderFrames", {**named, "frameIds": ids}, "project { frames { nodes { id } } }")
    assert [one["id"] for one in payload["project"]["frames"]["nodes"]] == ids
    found, after = list[tuple[str, int]](), None
    for has_next in (True, True, False):
        data = await shop.run(_FRAMES, {"id": named["projectId"], "after": after})
        page = data["node"]["frames"]
        found += [(one["title"], one["position"]) for one in page["nodes"]]
        assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (has_next, after is not None)
        after = page["pageInfo"]["endCursor"]
    assert found == [("4", 0), ("2", 1), ("0", 2), ("1", 3), ("3", 4)]


async def test_cursor_at_a_frame_in_the_trash_is_good_and_at_a_deleted_one_says_so(shop: Shop) -> None:
    project = await _project(shop)
    frames = [chat_of(project, title=f"{number}") for number in range(4)]
    await Chat.insert_many(frames)
    project_id = global_id("Project", project.identity)
    cursor = (await shop.run(_FRAMES, {"id": project_id}))["node"]["frames"]["pageInfo"]["endCursor"]
    await Chat.into_trash([frames[1].identity])
    behind = (await shop.run(_FRAMES, {"id": project_id, "after": cursor}))["node"]["frames"]["nodes"]
    assert behind == [{"title": "2", "position": 1}, {"title": "3", "position": 2}]
    await delete_forever([frames[1]])
    _, errors = await shop.answer(_FRAMES, {"id": project_id, "after": cursor})
    assert errors == [("BAD_USER_INPUT", "after")]


async def test_frame_is_made_named_shown_and_put_away(shop: Shop) -> None:
    project = await _project(shop)
    shown = "frame { id title position imageId picture { id } trashedAt project { id } chat { id kind } }"
    named = {"projectId": global_id("Project", project.identity)}
    _, made = [(await _done(shop, "createFrame", named, shown))["frame"] for _ in range(2)]
    assert (made["title"], made["position"], made["picture"], made["imageId"]) == (None, 1, None, None)
    assert made["project"] == {"id": named["projectId"]}
    renamed = await _done(shop, "updateFrame", {"frameId": made["id"], "title": " A  door "}, shown)
    assert renamed["frame"]["title"] == "A door"
    _, chat = await Chat.find_all().sort("_id").to_list()
    picture = picture_of(shop.owner_id)
    exchange = exchange_of(chat)
    image = image_of(exchange, picture_id=picture.identity)
    for one in (picture, exchange, image):
        await one.insert()
    image_id = global_id("ChatImage", image.identity)
    chosen = (await _done(shop, "setFramePicture", {"frameId": made["id"], "imageId": image_id}, shown))["frame"]
    assert (chosen["imageId"], chosen["picture"]) == (image_id, {"id": global_id("Picture", picture.identity)})
    none = (await _done(shop, "setFramePicture", {"frameId": made["id"]}, shown))["frame"]
    assert (none["imageId"], none["picture"]) == (None, None)
    gone = (await _done(shop, "deleteFrame", {"frameId": made["id"]}, shown))["frame"]
    assert (gone["trashedAt"] is not None, gone["position"]) == (True, None)


async def test_project_goes_to_the_trash_comes_back_and_is_deleted_for_ever(shop: Shop) -> None:
    project = await _project(shop)
    frame, context = chat_of(project), chat_of(project, ChatKind.CONTEXT)
    await Chat.insert_many([frame, context])
    project_id = global_id("Project", project.identity)
    trashed = await _done(shop, "deleteProject", {"projectId": project_id}, "project { id trashedAt }")
    assert trashed["project"]["trashedAt"]
    changes: dict[str, dict[str, Any]] = {
        "createFrame": {},
        "updateProject": {"name": "a"},
        "reorderFrames": {"frameIds": []},
        "inviteToProject": {"role": "VIEWER"},
    }
    for operation, more in changes.items():
        told = {"projectId": project_id, **more}
        assert _faults(await _done(shop, operation, told, "__typename")) == [("CONFLICT", ["input", "projectId"])]
    text = "mutation ($ids: [ID!]!) { restore(input: {ids: $ids}) { projects { id trashedAt } errors { code } } }"
    restored = (await shop.run(text, {"ids": [project_id]}))["restore"]
    assert restored == {"projects": [{"id": project_id, "trashedAt": None}], "errors": []}
    ids = [project_id, global_id("Frame", frame.identity), global_id("Context", context.identity)]
    moved = (await shop.run(_TRASH, {"ids": ids}))["moveToTrash"]
    assert [bool(moved[one][0]["trashedAt"]) for one in ("projects", "frames", "contexts")] == [True] * 3
    text = "mutation ($ids: [ID!]!) { deleteForever(input: {ids: $ids}) { deletedIds errors { code } } }"
    for _ in range(2):
        assert (await shop.run(text, {"ids": ids}))["deleteForever"] == {"deletedIds": ids, "errors": []}
    assert await Project.count() == await Chat.count() == 0


async def test_member_moves_nothing_of_the_owners_to_the_trash_by_its_id(shop: Shop) -> None:
    editor = await shop.joined()
    project = await _project(shop, (editor, Role.EDITOR))
    frame = chat_of(project)
    await frame.insert()
    ids = [global_id("Project", project.identity), global_id("Frame", frame.identity)]
    payload = (await editor.run(_TRASH, {"ids": ids}))["moveToTrash"]
    assert {code for code, _ in _faults(payload)} == {"FORBIDDEN"}
    assert await Project.find({"trashedAt": None}).count() == 1


async def test_invitation_is_handed_on_once_and_brings_somebody_in(shop: Shop) -> None:
    friend = await shop.joined()
    project = await _project(shop)
    project_id = global_id("Project", project.identity)
    invite = {"projectId": project_id, "role": "EDITOR"}
    shown = "invitation { invitationId token url role expiresAt }"
    invited = (await _done(shop, "inviteToProject", invite, shown))["invitation"]
    assert invited["url"] == f"http://regen.test/?invitation={invited['token']}"
    listed = (await shop.run(_NODE, {"id": project_id}))["node"]["invitations"]
    assert listed == [{"id": invited["invitationId"], "role": "EDITOR"}]
    assert (await shop.run(_NODE, {"id": invited["invitationId"]}))["node"] == {"id": invited["invitationId"]}
    assert (await friend.run(_NODE, {"id": invited["invitationId"]}))["node"] is None
    token, shown = {"token": invited["token"]}, "project { id viewerRole members { person { userId } role } }"
    mine = await _done(shop, "acceptInvitation", token, shown)
    assert (mine["project"]["id"], _faults(mine)) == (project_id, [("CONFLICT", ["input", "token"])])
    came = await _done(friend, "acceptInvitation", token, shown)
    friend_id = global_id("User", friend.owner_id)
    assert (came["errors"], came["project"]["viewerRole"]) == ([], "EDITOR")
    assert came["project"]["members"] == [{"person": {"userId": friend_id}, "role": "EDITOR"}]
    assert (await shop.run(_NODE, {"id": project_id}))["node"]["invitations"] == []
    member = {"projectId": project_id, "userId": friend_id}
    viewer = await _done(shop, "changeRole", {**member, "role": "VIEWER"}, "project { members { role } }")
    assert viewer["project"]["members"] == [{"role": "VIEWER"}]
    assert (await _done(friend, "removeMember", member, "project { id }")) == {"project": None, "errors": []}
    assert (await friend.run(_NODE, {"id": project_id}))["node"] is None
    unknown = await _done(friend, "acceptInvitation", {"token": "a"}, "project { id }")
    assert _faults(unknown) == [("NOT_FOUND", ["input", "token"])]


async def test_revoked_invitation_is_gone_from_the_list(shop: Shop) -> None:
    project_id = global_id("Project", (await _project(shop)).identity)
    invite = {"projectId": project_id, "role": "VIEWER"}
    made = (await _done(shop, "inviteToProject", invite, "invitation { invitationId }"))["invitation"]
    revoked = await _done(shop, "revokeInvitation", made, "project { invitations { id } }")
    assert revoked == {"project": {"invitations": []}, "errors": []}


async def test_many_projects_with_all_in_them_are_read_in_few_commands(shop: Shop, watch: Watch) -> None:
    texts = list[int]()
    for count in (1, 12):
        for _ in range(count):
            project = await _project(shop, context_picture_ids=(PydanticObjectId(),))
            kinds = (ChatKind.FRAME, ChatKind.FRAME, ChatKind.CONTEXT, ChatKind.MAIN)
            await Chat.insert_many([chat_of(project, kind) for kind in kinds])
        watch.clear()
        nodes = (await shop.run(f"{{ viewer {{ projects(first: 20) {{ nodes {{ {_PROJECT} }} }} }} }}"))["viewer"]
        assert {len(one["frames"]["nodes"]) for one in nodes["projects"]["nodes"]} == {2}
        assert {len(one["contexts"]["nodes"]) for one in nodes["projects"]["nodes"]} == {1}
        texts.append(len(watch.asked))
    assert texts[0] == texts[1]
    assert texts[1] <= 12
