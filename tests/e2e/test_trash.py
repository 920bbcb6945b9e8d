"""Trash and deletion, as a client meets them, against the real process."""

from typing import Any

from tests.e2e.client import Client

_MOVE = "mutation ($ids: [ID!]!) { moveToTrash(input: {ids: $ids}) { images { id trashedAt } errors { code } } }"
_RESTORE = "mutation ($ids: [ID!]!) { restore(input: {ids: $ids}) { images { id trashedAt } errors { code } } }"
_DELETE = "mutation ($ids: [ID!]!) { deleteForever(input: {ids: $ids}) { deletedIds errors { code } } }"
_GALLERY = "query ($trashed: Boolean!) { viewer { ornamentImages(trashed: $trashed) { nodes { id } } } }"
_IMAGE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { id trashedAt combinedPrompt depth parentId rootId
  parent { id } root { id } ancestors { id } childCount descendantCount uploadedPicture { id } picture { id }
  tree { nodes { id parentId trashedAt } deleted { imageId parentId depth } } } } }"""


async def _gallery(client: Client, *, trashed: bool) -> list[str]:
    found = (await client.run(_GALLERY, {"trashed": trashed}))["viewer"]["ornamentImages"]["nodes"]
    return [node["id"] for node in found]


async def _image(client: Client, image_id: str) -> Any:
    return (await client.run(_IMAGE, {"id": image_id}))["node"]


async def test_branch_lives_on_when_what_it_grew_from_is_thrown_away(ada: Client, car: bytes) -> None:
    root = await ada.finished(await ada.upload(car, prompt="Make it shine"))
    child = await ada.finished(await ada.regenerate(root, "Add gold accents"))

    moved = (await ada.run(_MOVE, {"ids": [root]}))["moveToTrash"]
    assert [image["id"] for image in moved["images"]] == [root]
    assert moved["images"][0]["trashedAt"]
    assert (await _gallery(ada, trashed=False), await _gallery(ada, trashed=True)) == ([child], [root])
    refused = (await ada.regenerate(root, "Make it blue"))["errors"]
    assert [error["code"] for error in refused] == ["CONFLICT"]
    assert "restore" in refused[0]["message"]
    marked = (await _image(ada, child))["tree"]["nodes"]
    assert [(node["id"], node["trashedAt"] is not None) for node in marked] == [(root, True), (child, False)]

    assert (await ada.run(_RESTORE, {"ids": [root]}))["restore"]["images"] == [{"id": root, "trashedAt": None}]
    assert (await ada.regenerate(root, "Make it blue"))["errors"] == []

    assert (await ada.run(_DELETE, {"ids": [root]}))["deleteForever"] == {"deletedIds": [root], "errors": []}
    assert await _image(ada, root) is None
    assert [error["code"] for error in (await ada.regenerate(root, "Make it red"))["errors"]] == ["NOT_FOUND"]
    grandchild = await ada.finished(await ada.regenerate(child, "Make it brighter"))
    shown = await _image(ada, grandchild)
    assert shown["combinedPrompt"] == (
        "Remove the background and replace it with white. Make it shine. Add gold accents. Make it brighter"
    )
    assert (shown["root"], shown["rootId"], shown["depth"]) == (None, root, 2)
    assert [one["id"] for one in shown["ancestors"]] == [child]
    assert shown["picture"]
    assert shown["uploadedPicture"]
    tree = shown["tree"]
    assert {(node["id"], node["parentId"]) for node in tree["nodes"]} >= {(child, root), (grandchild, child)}
    assert tree["deleted"] == [{"imageId": root, "parentId": None, "depth": 0}]
    above = await _image(ada, child)
    assert (above["parent"], above["parentId"]) == (None, root)
    assert (above["childCount"], above["descendantCount"]) == (1, 1)


async def test_nobody_throws_away_what_is_anothers(ada: Client, stranger: Client, car: bytes) -> None:
    image = await ada.finished(await ada.upload(car))
    await stranger.sign_up()
    for mutation, field in ((_MOVE, "moveToTrash"), (_RESTORE, "restore"), (_DELETE, "deleteForever")):
        payload = (await stranger.run(mutation, {"ids": [image]}))[field]
        assert [error["code"] for error in payload["errors"]] == ["FORBIDDEN"]
    assert (await _image(ada, image))["trashedAt"] is None
