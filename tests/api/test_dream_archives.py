"""All dreams of a person leave a Regen as an archive, for programs or for people."""

import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest

from app.api.ids import parse_global_id
from app.archives.model import Archive
from app.dreams.archive_format import ArchivedDream
from app.dreams.model import Dream
from app.pictures.model import Picture
from tests.archives.regen import ARCHIVE, Regen, opened_regen
from tests.e2e.client import Client

_RECORD = """mutation ($input: RecordDreamInput!) { recordDream(input: $input) {
  dream { id generation { id } } errors { code } } }"""
_REGENERATE = """mutation ($input: RegenerateDreamInput!) { regenerateDream(input: $input) {
  generation { id } errors { code } } }"""
_TRASH = "mutation ($input: MoveToTrashInput!) { moveToTrash(input: $input) { errors { code } } }"
_EXPORT = """mutation ($input: ExportDreamsInput!) { exportDreams(input: $input) {
  generation { id status cost { amount } recipe { provider } } errors { code message path } } }"""
_NODE = "query ($id: ID!) { node(id: $id) { id } }"
_DREAM = """query ($id: ID!) { node(id: $id) { ... on Dream { title text dreamedAt mood lucid tags status createdAt
  trashedAt interpretation { narrative meaning symbols { name meaning } emotions { name intensity } suggestedTitle
    source model note madeAt } illustration { source model note madeAt picture { url } }
  versions { nodes { interpretation { narrative } illustration { picture { url } } keptAt } } } } }"""


async def _recorded(regen: Regen, text: str, client: Client | None = None, **more: Any) -> str:
    """The id of a dream whose work has ended."""
    payload = (await (client or regen.ada).run(_RECORD, {"input": {"text": text, **more}}))["recordDream"]
    assert payload["errors"] == []
    await regen.ended(payload["dream"]["generation"]["id"])
    identity: str = payload["dream"]["id"]
    return identity


async def _regenerated(regen: Regen, dream_id: str, parts: list[str]) -> None:
    payload = (await regen.ada.run(_REGENERATE, {"input": {"dreamId": dream_id, "parts": parts}}))["regenerateDream"]
    assert payload["errors"] == []
    await regen.ended(payload["generation"]["id"])


async def _exported(regen: Regen, wanted: str) -> tuple[Any, ZipFile]:
    """The archive, and what is in it."""
    payload = (await regen.ada.run(_EXPORT, {"input": {"format": wanted}}))["exportDreams"]
    assert (payload["generation"]["cost"], payload["generation"]["recipe"]["provider"]) == ({"amount": "0"}, "local")
    await regen.made(payload)
    found = (await regen.ada.run(ARCHIVE, {"id": payload["generation"]["id"]}))["generation"]["result"]
    data = (await regen.ada.http.get(found["url"])).content
    assert (sha256(data).hexdigest(), len(data)) == (found["sha256"], found["bytes"])
    return found, ZipFile(io.BytesIO(data))


async def _bytes(regen: Regen, url: str) -> bytes:
    return (await regen.ada.http.get(url)).content


@pytest.mark.long
async def test_json_holds_all_that_the_schema_tells_of_ones_own_dreams(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        told: dict[str, Any] = {"title": "The whale", "mood": "wild", "lucid": True, "tags": ["sea", "night"]}
        first = await _recorded(regen, "A whale sang.\nI fell.", dreamedAt="2020-02-29T07:30:00+02:00", **told)
        await _regenerated(regen, first, ["PICTURE"])
        second = await _recorded(regen, "A tower fell into the sea.")
        await regen.ada.run(_TRASH, {"input": {"ids": [second]}})
        eve = Client(regen.ada.http, "")
        await eve.sign_up()
        await _recorded(regen, "A secret of somebody else.", eve)

        archive, zipped = await _exported(regen, "JSON")
        _, again = await _exported(regen, "JSON")
        assert {name: zipped.read(name) for name in zipped.namelist()} == {
            name: again.read(name) for name in again.namelist()
        }
        assert archive["fileName"].endswith("-json.zip")
        assert (await eve.run(_NODE, {"id": archive["id"]}))["node"] is None

        said = json.loads(zipped.read("dreams.json"))
        assert (said["format"], said["version"]) == ("regen.dreams", 1)
        assert [f"{one['id']}" for one in said["dreams"]] == [str(parse_global_id(one)[1]) for one in (first, second)]
        files = set[str]()
        for one, dream_id in zip(said["dreams"], (first, second), strict=True):
            node = (await regen.ada.run(_DREAM, {"id": dream_id}))["node"]
            pictures = [one["illustration"]["picture"]]
            assert zipped.read(pictures[0]) == await _bytes(regen, node["illustration"].pop("picture")["url"])
            for version, shown in zip(one["versions"], node.pop("versions")["nodes"], strict=True):
                assert (version["interpretation"], shown["interpretation"]) == (None, None)
                pictures.append(version["illustration"]["picture"])
                assert zipped.read(pictures[-1]) == await _bytes(regen, shown["illustration"]["picture"]["url"])
            hidden = {name: one[name] for name in ("id", "versions", "failure", "generationId", "changedAt")}
            made = {name: one[name] | node[name] for name in ("interpretation", "illustration")}
            assert ArchivedDream.model_validate(one) == ArchivedDream.model_validate(node | hidden | made)
            files.update(pictures)
        assert bool(said["dreams"][0]["versions"])
        assert [bool(one["trashedAt"]) for one in said["dreams"]] == [False, True]
        sidecars = {f"{name.partition('.')[0]}.json" for name in files}
        assert set(zipped.namelist()) == {"README.txt", "dreams.json", *files, *sidecars}
        assert len(zipped.namelist()) == len(set(zipped.namelist()))
        assert {entry.compress_type for entry in zipped.infolist()} == {ZIP_STORED}
        assert b"A secret" not in b"".join(zipped.read(name) for name in zipped.namelist())


async def test_sidecar_tells_how_a_picture_was_made(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        dream_id = await _recorded(regen, "A whale sang.")
        _, zipped = await _exported(regen, "JSON")
        (dream,) = json.loads(zipped.read("dreams.json"))["dreams"]
        picture = dream["illustration"]["picture"]
        told = json.loads(zipped.read(f"{picture.partition('.')[0]}.json"))
        assert (told["format"], told["picture"]["file"]) == ("regen.picture", picture)
        assert told["picture"]["sha256"] == sha256(zipped.read(picture)).hexdigest()
        (use,) = told["madeFor"]
        assert use["dreamId"] == str(parse_global_id(dream_id)[1])
        assert use["generation"]["id"] == dream["illustration"]["generationId"]
        assert use["generation"]["prompts"] == ["A whale sang."]
        assert use["generation"]["parameters"]["imageModel"] == dream["illustration"]["model"]
        assert [call["provider"] for call in use["generation"]["calls"]] == ["local", "mock"]


@pytest.mark.long
async def test_markdown_has_a_page_a_dream_and_no_name_of_anybodys_words(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        hostile = "../../etc/passwd\n# Not a heading\n<script>alert(1)</script>\n[x](javascript:alert(1))"
        later = await _recorded(regen, hostile, title="../../<b>x</b>", dreamedAt="2021-01-02T03:04:05Z")
        earlier = await _recorded(regen, "A whale sang.", dreamedAt="2020-02-29T07:30:00+02:00")
        await _regenerated(regen, earlier, ["INTERPRETATION", "PICTURE"])
        await regen.ada.run(_TRASH, {"input": {"ids": [earlier]}})
        archive, zipped = await _exported(regen, "MARKDOWN")
        assert archive["fileName"].endswith("-markdown.zip")
        pages = sorted(name for name in zipped.namelist() if name.endswith(".md") and name != "index.md")
        assert pages == [
            f"dreams/2020-02-29-05-30-{parse_global_id(earlier)[1]}.md",
            f"dreams/2021-01-02-03-04-{parse_global_id(later)[1]}.md",
        ]
        index = zipped.read("index.md").decode().splitlines()
        assert [page in line for page, line in zip(pages, index[2:], strict=True)] == [True, True]
        assert index[2].endswith("(in the trash)")
        assert "<b>" not in index[3].replace("\\<", "")
        whale, other = (zipped.read(name).decode() for name in pages)
        assert "- In the trash since: " in whale
        assert "## Before " in whale
        assert "> \\# Not a heading  \n> \\<script\\>alert(1)\\</script\\>  \n" in other
        pictures = [name for name in zipped.namelist() if name.startswith("pictures/") and not name.endswith(".json")]
        assert pictures
        for picture in pictures:
            assert f"![The picture](../{picture})" in whale + other
            assert sha256(zipped.read(picture)).hexdigest() in picture
        assert "dreams.json" not in zipped.namelist()
        assert b"index.md" in zipped.read("README.txt")


async def test_lost_picture_is_said_and_costs_nothing_else(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        lost, kept = [await _recorded(regen, text) for text in ("A whale sang.", "A tower fell.")]
        document = await Dream.get(parse_global_id(lost)[1])
        assert document is not None
        assert document.illustration is not None
        picture = await Picture.get(document.illustration.picture_id)
        assert picture is not None
        (regen.parts.store.root / "pictures" / picture.key).unlink()
        _, zipped = await _exported(regen, "JSON")
        first, second = json.loads(zipped.read("dreams.json"))["dreams"]
        assert first["illustration"]["picture"] is None
        assert first["interpretation"] is not None
        assert zipped.read(second["illustration"]["picture"])
        _, zipped = await _exported(regen, "MARKDOWN")
        pages = {name: zipped.read(name).decode() for name in zipped.namelist() if name.startswith("dreams/")}
        assert {name[-27:-3]: "was lost" in text for name, text in pages.items()} == {
            str(parse_global_id(lost)[1]): True,
            str(parse_global_id(kept)[1]): False,
        }


async def test_same_key_is_the_same_export_and_another_format_a_conflict(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        call = {"format": "JSON", "idempotencyKey": "a"}
        first = (await regen.ada.run(_EXPORT, {"input": call}))["exportDreams"]
        await regen.made(first)
        again = (await regen.ada.run(_EXPORT, {"input": call}))["exportDreams"]
        assert again["generation"]["id"] == first["generation"]["id"]
        other = (await regen.ada.run(_EXPORT, {"input": {**call, "format": "MARKDOWN"}}))["exportDreams"]
        assert (other["generation"], [one["code"] for one in other["errors"]]) == (None, ["CONFLICT"])
        empty = (await regen.ada.run(_EXPORT, {"input": {**call, "idempotencyKey": ""}}))["exportDreams"]
        assert [one["path"] for one in empty["errors"]] == [["input", "idempotencyKey"]]
        assert await Archive.count() == 1


async def test_journal_without_dreams_is_an_archive_without_any(mongodb_url: str, tmp_path: Path) -> None:
    async with opened_regen(mongodb_url, tmp_path) as regen:
        _, zipped = await _exported(regen, "JSON")
        assert json.loads(zipped.read("dreams.json")) == {"format": "regen.dreams", "version": 1, "dreams": []}
        _, zipped = await _exported(regen, "MARKDOWN")
        assert zipped.namelist() == ["README.txt", "index.md"]
