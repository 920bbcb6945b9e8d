"""Trees as clients ask for them, and the commands that the answers take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import bson
import pytest
from beanie import PydanticObjectId

from app.access import Gate
from app.accounts.service import Viewer
from app.accounts.sessions import Client
from app.api.context import Context
from app.api.ids import global_id
from app.api.schema import schema, show_result
from app.database.document import utc_now
from app.database.keyset import Stretch
from app.lineage.deletion import delete_forever
from app.lineage.version import Version
from app.lineage.wishes import COMBINED_MAX_CHARACTERS, combined
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture, PictureState
from tests.lineage.conftest import Commands, chat_image, ids, ornament, stored

_MAX_COMMANDS = 5
_REPLY_BYTES = 16 << 20
_OWNER = PydanticObjectId()
_TREE_OF = """query ($id: ID!, $first: Int, $after: String, $maxDepth: Int) { node(id: $id) { ... on %s {
  descendants(first: $first, after: $after, maxDepth: $maxDepth) {
    nodes { id parentId depth prompt trashedAt parent { id } picture { id thumbhash } }
    deleted { imageId parentId depth } pageInfo { hasNextPage endCursor } } } } }"""
_TREE = _TREE_OF % "OrnamentImage"


@dataclass(frozen=True)
class _Gated:
    """All that a query of images asks of the services."""

    gate: Gate = field(default_factory=Gate)


async def ask(query: str, owner_id: PydanticObjectId = _OWNER, **variables: Any) -> Any:
    """The data of an answer, or its errors' codes."""
    services: Any = _Gated()
    context = Context(
        services=services,
        request_id="r",
        base_url="http://regen.test",
        client=Client(None, None),
        show_result=show_result,
        viewer=Viewer(owner_id, PydanticObjectId(), utc_now() + timedelta(hours=1)),
    )
    result = await schema.execute(query, variables, context_value=context)
    if result.errors:
        return [(error.extensions or {}).get("code") for error in result.errors]
    return result.data


def _id(image: Version) -> str:
    return global_id(type(image).__name__, image.identity)


def _line(first: OrnamentImage, length: int) -> list[OrnamentImage]:
    made = [first]
    for _ in range(length):
        made.append(ornament(made[-1]))
    return made[1:]


async def _pictures(images: Sequence[Version]) -> None:
    now = utc_now()
    await Picture.insert_many(
        Picture(
            id=image.picture_id,
            owner_id=image.owner_id,
            sha256="s",
            media_type="image/png",
            width=1,
            height=1,
            byte_size=1,
            thumbhash="",
            store="disk",
            key=str(image.picture_id),
            content=str(image.picture_id),
            state=PictureState.HELD,
            created_at=now,
            touched_at=now,
        )
        for image in images
    )


@pytest.mark.long
@pytest.mark.parametrize("make", [ornament, chat_image])
async def test_tree_of_a_thousand_versions_comes_in_one_query_of_five_commands(
    commands: Commands, make: Callable[..., Version]
) -> None:
    root = make(owner_id=_OWNER)
    deep = [root]
    for _ in range(120):
        deep.append(make(deep[-1]))
    del deep[0]
    wide = [make(root) for _ in range(400)]
    bushy = [make(wide[number % 30]) for number in range(480)]
    everything = [*deep, *wide, *bushy]
    await stored([root, *everything])
    await _pictures(everything)
    commands.sent.clear()
    answer = await ask(_TREE_OF % type(root).__name__, id=_id(root), first=1000)
    assert len(commands.sent) <= _MAX_COMMANDS, commands.sent
    tree = answer["node"]["descendants"]
    assert [node["id"] for node in tree["nodes"]] == [_id(image) for image in everything]
    assert all(node["parent"]["id"] == node["parentId"] and node["picture"] for node in tree["nodes"])
    assert max(node["depth"] for node in tree["nodes"]) == 120
    assert (tree["deleted"], tree["pageInfo"]["hasNextPage"]) == ([], False)


@pytest.mark.long
async def test_tree_of_long_wishes_takes_no_more_commands(commands: Commands) -> None:
    wishes = tuple(f"{number} " + "so much gold " * 150 for number in range(8))
    assert len(combined(*wishes)) in range(COMBINED_MAX_CHARACTERS - 1_000, COMBINED_MAX_CHARACTERS)
    root = ornament(owner_id=_OWNER)
    said: dict[str, Any] = {"prompt": wishes[-1], "new_prompt": wishes[-1], "original_prompt": wishes[0]}
    said |= {"prompts": wishes, "combined_prompt": combined(*wishes)}
    wide = [ornament(root).model_copy(update=said) for _ in range(150)]
    await stored([root, *wide])
    await _pictures(wide)
    commands.sent.clear()
    nodes = (await ask(_TREE, id=_id(root), first=1000))["node"]["descendants"]["nodes"]
    assert commands.sent == ["find"] * 3  # the image, the tree, its pictures
    assert [node["prompt"] for node in nodes] == [wishes[-1]] * 150
    largest = max(len(bson.encode(one.model_dump(by_alias=True))) for one in await root.descendants(Stretch(1_000)))
    assert 1_000 * largest < _REPLY_BYTES  # a larger page would come in several replies, with a command for each


async def test_whole_instructions_of_a_tree_come_where_they_are_asked_for(commands: Commands) -> None:
    root = ornament(owner_id=_OWNER)
    children = [ornament(root) for _ in range(3)]
    await stored([root, *children])
    commands.sent.clear()
    query = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage {
        tree(first: 2) { edges { node { ...Said } } }
        descendants { nodes { siblings { nodes { combinedPrompt } } } } } } }
      fragment Said on OrnamentImage { said: combinedPrompt }"""
    image = (await ask(query, id=_id(root)))["node"]
    assert [edge["node"]["said"] for edge in image["tree"]["edges"]] == ["first. again"] * 2
    siblings = [one for node in image["descendants"]["nodes"] for one in node["siblings"]["nodes"]]
    assert siblings == [{"combinedPrompt": "first. again"}] * 6


@pytest.mark.long
async def test_counts_of_many_versions_take_one_command_each_and_two_more_with_gaps(commands: Commands) -> None:
    root = ornament(owner_id=_OWNER)
    line = _line(root, 150)
    wide = [ornament(line[number % 100]) for number in range(349)]
    await stored([root, *line, *wide])
    query = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { tree(first: 1000) {
      nodes { id childCount descendantCount } deleted { imageId } } } } }"""
    commands.sent.clear()
    tree = (await ask(query, id=_id(line[7])))["node"]["tree"]
    assert commands.sent == ["find"] * 4
    assert (tree["nodes"][0], tree["deleted"]) == ({"id": _id(root), "childCount": 1, "descendantCount": 499}, [])
    await delete_forever([line[50]])
    commands.sent.clear()
    tree = (await ask(query, id=_id(line[7])))["node"]["tree"]
    assert commands.sent == ["find"] * 6
    counts = {node["id"]: (node["childCount"], node["descendantCount"]) for node in tree["nodes"]}
    assert len(counts) == 499
    assert counts[_id(root)] == (1, 498)
    assert [counts[_id(line[at])] for at in (-1, 148)] == [(0, 0), (1, 1)]
    assert counts[_id(line[49])][0] == 3  # its child of the line is gone, its others are not
    assert tree["deleted"] == [{"imageId": _id(line[50])}]


async def test_children_of_a_page_of_images_come_with_one_command(commands: Commands) -> None:
    root = ornament(owner_id=_OWNER)
    wide = [ornament(root) for _ in range(30)]
    below = [ornament(parent) for parent in wide for _ in range(2)]
    await stored([root, *wide, *below])
    commands.sent.clear()
    query = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { children(first: 30) { nodes { id
      children(first: 1) { nodes { id parent { id } } pageInfo { hasNextPage } }
      siblings(first: 2) { nodes { id } } childCount } } } } }"""
    children = (await ask(query, id=_id(root)))["node"]["children"]["nodes"]
    assert sorted(commands.sent) == ["aggregate", "aggregate", "find", "find", "find"]
    assert [child["id"] for child in children] == [_id(image) for image in wide]
    for child, first in zip(children, below[::2], strict=True):
        assert child["children"]["nodes"] == [{"id": _id(first), "parent": {"id": child["id"]}}]
        assert (child["children"]["pageInfo"]["hasNextPage"], child["childCount"]) == (True, 2)
        assert len(child["siblings"]["nodes"]) == 2
        assert child["id"] not in {node["id"] for node in child["siblings"]["nodes"]}


async def test_siblings_are_the_others_of_the_same_parent_in_pages(commands: Commands) -> None:
    root = ornament(owner_id=_OWNER)
    wide = [ornament(root) for _ in range(7)]
    await stored([root, *wide])
    commands.sent.clear()
    query = """query ($id: ID!, $after: String) { node(id: $id) { ... on OrnamentImage {
      siblings(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } } }"""
    seen, after, more = list[str](), None, True
    while more:
        page = (await ask(query, id=_id(wide[2]), after=after))["node"]["siblings"]
        seen += [node["id"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == [_id(image) for image in wide if image is not wide[2]]
    assert (await ask(query, id=_id(root)))["node"]["siblings"]["nodes"] == []


async def test_ancestors_come_root_first_without_those_deleted_for_ever(commands: Commands) -> None:
    root = ornament(owner_id=_OWNER)
    line = _line(root, 5)
    await stored([root, *line])
    await delete_forever([line[1]])
    commands.sent.clear()
    query = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { parent { id } parentId root { id } rootId
      ancestors { id depth parent { id } parentId } } } }"""
    found = (await ask(query, id=_id(line[4])))["node"]
    assert [one["depth"] for one in found["ancestors"]] == [0, 1, 3, 4]
    assert [one["id"] for one in found["ancestors"]] == [_id(one) for one in (root, line[0], line[2], line[3])]
    assert found["ancestors"][2]["parent"] is None
    assert found["ancestors"][2]["parentId"] == _id(line[1])
    assert (found["rootId"], found["root"]["id"]) == (_id(root), _id(root))


async def test_tree_without_its_root_is_still_found_and_drawn(commands: Commands) -> None:
    root = ornament(owner_id=_OWNER)
    left, right = _line(root, 3), _line(root, 3)
    await stored([root, *left, *right])
    await delete_forever([root, left[1]])
    commands.sent.clear()
    query = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { rootId root { id } parent { id } parentId
      tree(first: 100) { nodes { id parentId } deleted { imageId parentId depth } } } } }"""
    found = (await ask(query, id=_id(right[0])))["node"]
    assert (found["root"], found["rootId"], found["parent"], found["parentId"]) == (None, _id(root), None, _id(root))
    assert [node["id"] for node in found["tree"]["nodes"]] == [_id(one) for one in (left[0], left[2], *right)]
    assert found["tree"]["deleted"] == [
        {"imageId": _id(root), "parentId": None, "depth": 0},
        {"imageId": _id(left[1]), "parentId": _id(left[0]), "depth": 2},
    ]
    drawn = {node["id"] for node in found["tree"]["nodes"]} | {one["imageId"] for one in found["tree"]["deleted"]}
    assert {node["parentId"] for node in found["tree"]["nodes"]} <= drawn
    assert (await ask("query ($id: ID!) { node(id: $id) { id } }", id=_id(root)))["node"] is None


async def test_descendants_end_at_the_depth_and_the_page_that_was_asked_for(commands: Commands) -> None:
    root = ornament(owner_id=_OWNER)
    line = _line(root, 6)
    await stored([root, *line])
    commands.sent.clear()
    page = (await ask(_TREE, id=_id(line[0]), first=2, maxDepth=3))["node"]["descendants"]
    assert [node["id"] for node in page["nodes"]] == [_id(image) for image in line[1:3]]
    rest = await ask(_TREE, id=_id(line[0]), first=2, maxDepth=3, after=page["pageInfo"]["endCursor"])
    assert [node["id"] for node in rest["node"]["descendants"]["nodes"]] == [_id(line[3])]
    assert rest["node"]["descendants"]["pageInfo"]["hasNextPage"] is False


@pytest.mark.usefixtures("commands")
async def test_wrong_sizes_are_refused() -> None:
    (root,) = await stored([ornament(owner_id=_OWNER)])
    assert await ask(_TREE, id=_id(root), maxDepth=0) == ["BAD_USER_INPUT"]
    assert await ask(_TREE, id=_id(root), first=1001) == ["BAD_USER_INPUT"]
    nested = "{ nodes { descendants(first: 1000) { nodes { id ancestors { id } } } } }"
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on OrnamentImage {{ children {nested} }} }} }}"
    assert await ask(query, id=_id(root)) == ["QUERY_TOO_COMPLEX"]


_MOVE = """mutation ($input: MoveToTrashInput!) { moveToTrash(input: $input) { images { id trashedAt }
  errors { code path } } }"""
_RESTORE = """mutation ($input: RestoreInput!) { restore(input: $input) { images { id trashedAt }
  errors { code path } } }"""
_DELETE = """mutation ($input: DeleteForeverInput!) { deleteForever(input: $input) { deletedIds
  errors { code path } } }"""


@pytest.mark.usefixtures("commands")
async def test_trash_takes_what_it_can_and_says_what_it_can_not() -> None:
    root, foreign = ornament(owner_id=_OWNER), ornament()
    (child,) = _line(root, 1)
    await stored([root, child, foreign])
    given = [_id(child), _id(foreign), "nonsense", global_id("Picture", root.identity), _id(child), _id(root)]
    moved = (await ask(_MOVE, input={"ids": given}))["moveToTrash"]
    assert [image["id"] for image in moved["images"]] == [_id(child), _id(root)]
    assert all(image["trashedAt"] for image in moved["images"])
    assert [(error["code"], error["path"]) for error in moved["errors"]] == [
        ("BAD_USER_INPUT", ["input", "ids", "2"]),
        ("BAD_USER_INPUT", ["input", "ids", "3"]),
        ("FORBIDDEN", ["input", "ids", "1"]),
    ]
    back = (await ask(_RESTORE, input={"ids": [_id(root)]}))["restore"]
    assert back == {"images": [{"id": _id(root), "trashedAt": None}], "errors": []}
    tree = (await ask(_TREE, id=_id(root)))["node"]["descendants"]["nodes"]
    assert [(node["id"], node["trashedAt"] is not None) for node in tree] == [(_id(child), True)]
    for _ in range(2):
        gone = (await ask(_DELETE, input={"ids": [_id(child)]}))["deleteForever"]
        assert gone == {"deletedIds": [_id(child)], "errors": []}
    assert (await ask(_TREE, id=_id(root)))["node"]["descendants"] == {
        "nodes": [],
        "deleted": [],
        "pageInfo": {"hasNextPage": False, "endCursor": None},
    }
    late = (await ask(_RESTORE, input={"ids": [_id(child)]}))["restore"]
    assert [error["code"] for error in late["errors"]] == ["NOT_FOUND"]


@pytest.mark.usefixtures("commands")
async def test_trash_takes_a_hundred_at_once_and_no_more() -> None:
    many = await stored([ornament(owner_id=_OWNER) for _ in range(100)])
    given = [_id(image) for image in many]
    assert len((await ask(_MOVE, input={"ids": given}))["moveToTrash"]["images"]) == 100
    assert len((await ask(_DELETE, input={"ids": given}))["deleteForever"]["deletedIds"]) == 100
    assert await OrnamentImage.by_ids(ids(many)) == {}
    for wrong in ([], [*given, given[0]]):
        refused = (await ask(_MOVE, input={"ids": wrong}))["moveToTrash"]["errors"]
        assert [(error["code"], error["path"]) for error in refused] == [("BAD_USER_INPUT", ["input", "ids"])]
