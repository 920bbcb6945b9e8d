"""A tree leaves one Regen as an archive and comes into another."""

import asyncio
import hashlib
import io
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx2
import pytest

from app.archives.model import Archive
from app.ornaments.model import OrnamentImage
from tests.archives.regen import ARCHIVE, EXPORT, IMPORT, Regen, files_in, opened_regen, parsed, photo
from tests.e2e.client import Client

_TREE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage { id kind tree(first: 100) { nodes {
  id depth parentId rootId kind source prompt newPrompt originalPrompt combinedPrompt backgroundColor applied note
  name favourite tags trashedAt promoted score { wins losses } picture { url bytes type } uploadedPicture { url }
  generation { id } imported { createdAt provider model } createdAt } deleted { imageId depth } } } } }"""
_LABEL = """mutation ($rename: RenameImageInput!, $tag: TagImageInput!, $favourite: FavouriteImageInput!,
  $promote: PromoteImageInput!, $vote: VoteInput!, $trash: MoveToTrashInput!) {
  renameImage(input: $rename) { errors { code } } tagImage(input: $tag) { errors { code } }
  favouriteImage(input: $favourite) { errors { code } } promoteImage(input: $promote) { errors { code } }
  vote(input: $vote) { errors { code } } moveToTrash(input: $trash) { errors { code } } }"""
_NODE = "query ($id: ID!) { node(id: $id) { id } }"
_LATEST = "{ viewer { generations(first: 1) { nodes { id result { id } } } } }"


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


@pytest.mark.long
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


async def test_archive_is_fetched_by_a_signed_link_and_seen_by_nobody_else(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        image = await regen.made(await regen.ada.upload(photo()))
        archive, data = await regen.exported(image)
        http, url = regen.ada.http, str(archive["url"])
        path, _, query = url.partition("?")
        whole = await http.get(archive["url"])
        assert whole.headers["content-type"] == "application/zip"
        assert whole.headers["content-disposition"] == f'attachment; filename="{archive["fileName"]}"'
        part = await http.get(archive["url"], headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, data[10:20])
        known = await http.get(archive["url"], headers={"if-none-match": whole.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        head = await http.head(archive["url"])
        assert (head.headers["content-length"], head.content) == (str(len(data)), b"")
        digits = f"{path}?w=0&e={'9' * 5_000}&s="  # more than Python makes a number of
        for changed in (
            f"{path}x?{query}",
            f"{path}?{query}0",
            f"{path}?w=0&e=x&s=",
            f"{path[:-4]}-2.zip?{query}",
            digits,
        ):
            refused = await http.get(changed)
            assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
        links = regen.parts.services.archives.links
        old = replace(links, clock=lambda: time.time() - 3 * 3600).sign(urlsplit(path).path, None)
        assert (await http.get(old)).status_code == 410
        eve = Client(http, "")
        await eve.sign_up()
        assert (await eve.run(_NODE, {"id": archive["id"]}))["node"] is None
        (own,) = (await regen.ada.run(_LATEST))["viewer"]["generations"]["nodes"]
        assert own["result"]["id"] == archive["id"]
        assert (await eve.run(ARCHIVE, {"id": own["id"]}))["generation"] is None
        foreign = (await eve.run(EXPORT, {"input": {"imageId": image}}))["exportLineage"]
        assert [error["code"] for error in foreign["errors"]] == ["FORBIDDEN"]
        await regen.parts.services.archives.delete_all_of((await Archive.find_one() or _nothing()).owner_id)
        gone = await http.get(archive["url"])
        assert (gone.status_code, gone.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
        assert (await regen.ada.run(ARCHIVE, {"id": own["id"]}))["generation"]["result"] is None


async def test_same_call_is_answered_when_what_it_names_is_gone(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        image = await regen.made(await regen.ada.upload(photo()))
        archive, data = await regen.exported(image, idempotencyKey="a")
        first = await regen.imports(data, idempotencyKey="b")
        await regen.made(first)
        await OrnamentImage.find_all().delete()
        again, _ = await regen.exported(image, idempotencyKey="a")
        assert again["id"] == archive["id"]
        second = await regen.imports(data, idempotencyKey="b")
        assert second["generation"]["id"] == first["generation"]["id"]


async def test_upload_that_is_no_archive_says_what_is_wrong(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path, archive_max_mb=30) as regen:
        (error,) = (await regen.imports(photo()))["errors"]
        assert (error["code"], error["path"], error["retryable"]) == ("BAD_USER_INPUT", ["input", "archive"], False)
        larger = b"0" * 28_000_000  # than any picture may be
        (error,) = (await regen.imports(larger))["errors"]
        assert error["path"] == ["input", "archive"]
        answer = await regen.ada.post(IMPORT, {"input": {"archive": "no file"}})
        assert answer["data"]["importLineage"]["errors"][0]["path"] == ["input", "archive"]
        nobody = Client(regen.ada.http, "")
        variables = {"input": {"archive": None}}
        file = ("a.zip", larger, "application/zip")
        refused = await nobody.post_file(IMPORT, variables, "input.archive", file)
        assert "at most 20 MB" in refused["errors"][0]["message"]
        assert files_in(tmp_path) == []


_HEAD = (
    b'--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{"query": "mutation { importLineage }"}\r\n'
    b'--x\r\ncontent-disposition: form-data; name="0"; filename="a.zip"\r\n\r\n'
)


async def test_third_large_upload_of_a_person_is_told_to_wait(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        headers = {
            **regen.ada.headers,
            "content-type": "multipart/form-data; boundary=x",
            "graphql-require-preflight": "1",
        }
        large, goes_on = asyncio.Semaphore(0), asyncio.Event()

        async def body() -> AsyncGenerator[bytes]:
            yield _HEAD
            for _ in range(26):
                yield b"0" * 1_000_000
            large.release()
            await goes_on.wait()
            yield b"\r\n--x--\r\n"

        async def sent() -> httpx2.Response:
            return await regen.ada.http.post("/graphql", content=body(), headers=headers)

        async with asyncio.TaskGroup() as group:
            first = [group.create_task(sent()) for _ in range(2)]
            for _ in first:
                await large.acquire()
            refused = await sent()
            goes_on.set()
        (error,) = refused.json()["errors"]
        assert (refused.status_code, error["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert error["extensions"]["retryable"]
        assert {(await sent()).status_code, *(one.result().status_code for one in first)} == {200}


async def test_upload_that_does_not_fit_on_the_disk_may_come_again(
    mongodb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Any) -> None:
        raise OSError(28, "No space left on device")

    async with opened_regen(mongodb_url, tmp_path) as regen:
        variables, file = {"input": {"archive": None}}, ("a.zip", b"0" * 2_000_000, "application/zip")
        with monkeypatch.context() as patched:
            patched.setattr("tempfile.SpooledTemporaryFile.rollover", full)
            answer = await regen.ada.post_file(IMPORT, variables, "input.archive", file)
        (error,) = answer["errors"]
        assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UNAVAILABLE", True)


def _nothing() -> Archive:
    raise LookupError


def _told(archive: bytes) -> Any:
    """What an archive says of the making of each version, whatever the ids."""
    with ZipFile(io.BytesIO(archive)) as zipped:
        lineage = parsed(zipped.read("lineage.json"))
    return [(one["prompts"], one["generation"], one["createdAt"], one["picture"]) for one in lineage["versions"]]
