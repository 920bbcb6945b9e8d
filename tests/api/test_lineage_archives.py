"""A tree leaves one Regen as an archive and comes into another."""

import hashlib
import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.archives.regen import Regen, files_in, opened_regen, parsed, photo

_TREE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { id kind tree(first: 100) { nodes {
  id depth parentId rootId kind source prompt newPrompt originalPrompt combinedPrompt backgroundColor applied note
  name favourite tags trashedAt promoted score { wins losses } picture { url bytes type } uploadedPicture { url }
  generation { id } imported { createdAt provider model } createdAt } deleted { imageId depth } } } } }"""
_LABEL = """mutation ($rename: RenameImageInput!, $tag: TagImageInput!, $favourite: FavouriteImageInput!,
  $promote: PromoteImageInput!, $vote: VoteInput!, $trash: MoveToTrashInput!) {
  renameImage(input: $rename) { errors { code } } tagImage(input: $tag) { errors { code } }
  favouriteImage(input: $favourite) { errors { code } } promoteImage(input: $promote) { errors { code } }
  vote(input: $vote) { errors { code } } moveToTrash(input: $trash) { errors { code } } }"""
_DELETE = "mutation ($input: DeleteForeverInput!) { deleteForever(input: $input) { deletedIds errors { code } } }"


async def _grown(regen: Regen) -> list[str]:
    """A root, two children and a grandchild, with all that an owner may say of them; their ids in that order."""
    root = await regen.made(await regen.ada.upload(photo(), prompt="Make it shine"))
    first = await regen.made(await regen.ada.regenerate(root, "Add gold accents"))
    second = await regen.made(await regen.ada.regenerate(root, "Make it brighter"))
    last = await regen.made(await regen.ada.regenerate(first, "Make it warmer"))
    said = await regen.ada.run(
        _LABEL,
        {
            "rename": {"imageId": first, "name": "The gold one"},
            "tag": {"imageId": first, "tags": ["gold", "shop"]},
            "favourite": {"imageId": last},
            "promote": {"imageId": last},
            "vote": {"winnerId": second, "loserId": first},
            "trash": {"ids": [second]},
        },
    )
    assert all(payload["errors"] == [] for payload in said.values())
    return [root, first, second, last]


async def _tree(regen: Regen, image_id: str) -> Any:
    """What a tree shows, with the hashes of its pictures in place of their links, and numbers in place of ids."""
    tree = (await regen.ada.run(_TREE, {"id": image_id}))["node"]["tree"]
    ids = [node["id"] for node in tree["nodes"]]
    shown = list[Any]()
    for node in tree["nodes"]:
        for name in ("picture", "uploadedPicture"):
            data = (await regen.ada.http.get(node[name]["url"])).content
            node[name] = {**node[name], "url": hashlib.sha256(data).hexdigest()}
        node |= {"trashedAt": bool(node["trashedAt"]), "id": ids.index(node["id"])}
        for name in ("parentId", "rootId"):
            node[name] = ids.index(node[name]) if node[name] in ids else node[name] and "gone"
        shown.append(
            {name: value for name, value in node.items() if name not in {"generation", "imported", "createdAt"}}
        )
    return shown


async def test_tree_comes_into_another_server_as_it_was(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path / "a") as regen:
        *_, last = await _grown(regen)
        before = await _tree(regen, last)
        times = [node["createdAt"] for node in (await regen.ada.run(_TREE, {"id": last}))["node"]["tree"]["nodes"]]
        archive, data = await regen.exported(last)
        again, same = await regen.exported(last)
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (archive["sha256"], archive["bytes"])
    assert again["id"] != archive["id"]
    assert same == data
    async with opened_regen(mongodb_url, tmp_path / "b") as regen:
        root = await regen.made(await regen.imports(data))
        assert await _tree(regen, root) == before
        nodes = (await regen.ada.run(_TREE, {"id": root}))["node"]["tree"]["nodes"]
        assert [node["imported"]["createdAt"] for node in nodes] == times
        assert {node["imported"]["provider"] for node in nodes} == {"local"}
        assert {node["generation"] for node in nodes} == {None}
        assert files_in(tmp_path / "b") == []
        _, exported_again = await regen.exported(root)
        second = await regen.made(await regen.imports(data))
        assert second != root
        assert len((await regen.ada.run(_TREE, {"id": second}))["node"]["tree"]["nodes"]) == 4
    assert _told(exported_again) == _told(data)


def _told(archive: bytes) -> Any:
    """What an archive says of the making of each version, whatever the ids."""
    with ZipFile(io.BytesIO(archive)) as zipped:
        lineage = parsed(zipped.read("lineage.json"))
    return [(one["prompts"], one["generation"], one["createdAt"], one["picture"]) for one in lineage["versions"]]
