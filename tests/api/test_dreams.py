"""The dream journal at the schema: its list, its numbers, its trash, and what mutations refuse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.dreams.choosing import DreamModels
from app.dreams.deletion import delete_forever
from app.dreams.model import Aside, Dream
from app.dreams.versions import DreamVersion
from app.pictures.model import Picture
from app.providers.mock.text import MockTextModel
from tests.api.both import schema
from tests.api.moments import BEYOND
from tests.api.shop import Shop, opened_shop
from tests.database.index_rule import Watch
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of
from tests.ornaments.images import picture_of

_MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)
_RECORD = """mutation ($input: RecordDreamInput!) { recordDream(input: $input) {
  dream { id status title text mood lucid tags dreamedAt failure { code } canRegenerate canRegenerateReason
    generation { id status recipe { prompts parentId } } }
  errors { code path } } }"""
_LIST = """query ($first: Int, $after: String, $status: DreamStatus, $mood: String, $tag: String, $symbol: String,
    $search: String, $from: DateTime, $to: DateTime, $missingPicture: Boolean, $trashed: Boolean! = false) {
  viewer { dreams(first: $first, after: $after, status: $status, mood: $mood, tag: $tag, symbol: $symbol,
    search: $search, from: $from, to: $to, missingPicture: $missingPicture, trashed: $trashed) {
    totalCount nodes { title } pageInfo { hasNextPage endCursor } } } }"""
_UPDATE = """mutation ($input: UpdateDreamInput!) { updateDream(input: $input) {
  dream { title text mood lucid tags status } errors { code path } } }"""
_REGENERATE = """mutation ($input: RegenerateDreamInput!) { regenerateDream(input: $input) {
  dream { status interpretation { narrative } picture { id } canRegenerate
    versions { nodes { id interpretation { narrative } illustration { picture { id } } } } }
  generation { id status } errors { code path message } } }"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


@pytest.fixture
def watch(_watch: Watch) -> Watch:
    """What is asked of the database from now on."""
    _watch.clear()
    return _watch


async def _stored(shop: Shop, **given: Any) -> Dream:
    dream = dream_of(shop.owner_id, **given)
    await dream.insert()
    return dream


async def _titles(shop: Shop, **arguments: Any) -> list[str]:
    dreams = (await shop.run(_LIST, arguments))["viewer"]["dreams"]
    assert dreams["totalCount"] == len(dreams["nodes"])
    return [node["title"] for node in dreams["nodes"]]


async def test_dream_is_stored_at_once_with_all_that_was_told(shop: Shop) -> None:
    told = {"text": "  A whale\r\nsang. ", "title": "Whale", "mood": " Calm ", "lucid": False, "tags": ["Sea", "sea "]}
    payload = (await shop.run(_RECORD, {"input": told}))["recordDream"]
    dream = payload["dream"]
    assert payload["errors"] == []
    assert (dream["status"], dream["text"], dream["mood"], dream["lucid"], dream["tags"]) == (
        "PROCESSING",
        "A whale\nsang.",
        "calm",
        False,
        ["sea"],
    )
    assert (dream["canRegenerate"], dream["failure"]) == (False, None)
    assert dream["generation"]["status"] == "QUEUED"
    assert dream["generation"]["recipe"] == {"prompts": ["A whale\nsang."], "parentId": dream["id"]}


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ({"text": "  \n "}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"text": "a", "title": "x" * 201}, "title"),
        ({"text": "a", "mood": "x" * 51}, "mood"),
        ({"text": "a", "tags": ["x"] * 5 + [str(one) for one in range(20)]}, "tags"),
        ({"text": "a", "dreamedAt": "2026-11-23T07:00:00"}, "dreamedAt"),
        *(({"text": "a", "dreamedAt": moment}, "dreamedAt") for moment in BEYOND),
        ({"text": "a", "idempotencyKey": ""}, "idempotencyKey"),
    ],
)
async def test_words_that_cant_be_taken_are_refused_by_name(shop: Shop, told: dict[str, Any], path: str) -> None:
    payload = (await shop.run(_RECORD, {"input": told}))["recordDream"]
    assert (payload["dream"], payload["errors"]) == (None, [{"code": "BAD_USER_INPUT", "path": ["input", path]}])
    assert await Dream.count() == 0


async def test_journal_is_newest_first_by_every_filter(shop: Shop) -> None:
    for number in range(4):
        await _stored(shop, number=number, at=_MONDAY, title=f"{number}")
    await _stored(shop, title="no picture", illustration=None, mood=None, text="An owl.", at=_MONDAY)
    await _stored(shop, title="trashed", trashed_at=_MONDAY, at=_MONDAY)
    assert await _titles(shop) == ["no picture", "3", "2", "1", "0"]
    assert await _titles(shop, status="READY_WITHOUT_PICTURE") == ["no picture"]
    assert await _titles(shop, missingPicture=True) == ["no picture"]
    assert await _titles(shop, missingPicture=False, mood="CALM") == ["3", "1"]
    assert await _titles(shop, tag="Sea") == ["no picture", "3", "0"]
    assert await _titles(shop, symbol="WHALE") == ["no picture", "3", "0"]
    assert await _titles(shop, search="owl") == ["no picture"]
    assert await _titles(shop, search="SANG 3") == ["3"]
    assert await _titles(shop, **{"from": "2026-11-21T00:00:00Z", "to": "2026-11-22T07:00:00Z"}) == ["2"]
    assert await _titles(shop, trashed=True) == ["trashed"]
    first = (await shop.run(_LIST, {"first": 2}))["viewer"]["dreams"]
    rest = (await shop.run(_LIST, {"after": first["pageInfo"]["endCursor"]}))["viewer"]["dreams"]
    assert [node["title"] for node in (*first["nodes"], *rest["nodes"])] == ["no picture", "3", "2", "1", "0"]


async def test_times_without_a_zone_or_the_wrong_way_round_are_refused(shop: Shop) -> None:
    for arguments, fault in (
        ({"from": "2026-11-21T00:00:00"}, "from"),
        *(({name: moment}, name) for name in ("from", "to") for moment in BEYOND),
        ({"from": "2026-11-21T00:00:00Z", "to": "2026-11-21T00:00:00Z"}, "to"),
    ):
        _, errors = await shop.answer(_LIST, arguments)
        assert errors == [("BAD_USER_INPUT", fault)]


async def test_numbers_are_of_the_period_and_of_what_is_not_in_the_trash(shop: Shop) -> None:
    for number in range(9):
        await _stored(shop, number=number, at=_MONDAY)
    await _stored(shop, trashed_at=_MONDAY, at=_MONDAY)
    query = """query ($from: DateTime) { viewer { dreamStats(from: $from) { dreams weeks { monday dreams }
      symbols { name dreams } emotions { name dreams intensity } } } }"""
    stats = (await shop.run(query, {"from": "2026-11-16T00:00:00Z"}))["viewer"]["dreamStats"]
    assert stats["dreams"] == 8
    assert stats["weeks"] == [{"monday": "2026-11-16", "dreams": 7}, {"monday": "2026-11-23", "dreams": 1}]
    assert {one["name"]: one["dreams"] for one in stats["symbols"]} == {"Whale": 4, "sea": 4, "tower": 4, "Door": 4}
    assert stats["emotions"] == [{"name": "Fear", "dreams": 8, "intensity": pytest.approx(0.40625)}]


async def test_what_was_told_is_changed_and_what_is_left_out_stays(shop: Shop) -> None:
    dream = await _stored(shop, title="Whale", mood="calm", tags=("sea",))
    dream_id = global_id("Dream", dream.identity)
    changed = {"dreamId": dream_id, "title": None, "tags": ["Deep"], "lucid": True}
    payload = (await shop.run(_UPDATE, {"input": changed}))["updateDream"]
    assert payload["errors"] == []
    assert payload["dream"] == {
        "title": None,
        "text": dream.text,
        "mood": "calm",
        "lucid": True,
        "tags": ["deep"],
        "status": "READY",
    }
    too_far = {"dreamId": dream_id, "dreamedAt": BEYOND[0]}
    for given, path in (
        ({"dreamId": dream_id}, None),
        ({"dreamId": dream_id, "text": " "}, "text"),
        (too_far, "dreamedAt"),
    ):
        refused = (await shop.run(_UPDATE, {"input": given}))["updateDream"]
        assert [error["code"] for error in refused["errors"]] == ["BAD_USER_INPUT"]
        assert path is None or refused["errors"][0]["path"] == ["input", path]


async def test_regeneration_clears_at_once_and_shows_what_it_cleared_as_a_version(shop: Shop) -> None:
    picture = picture_of(shop.owner_id)
    await picture.insert()
    dream = await _stored(shop, illustration=illustration_of(picture.identity))
    assert dream.interpretation is not None
    given = {"dreamId": global_id("Dream", dream.identity), "wish": "Darker"}
    payload = (await shop.run(_REGENERATE, {"input": given}))["regenerateDream"]
    assert payload["errors"] == []
    shown = payload["dream"]
    assert (shown["status"], shown["interpretation"], shown["picture"], shown["canRegenerate"]) == (
        "PROCESSING",
        None,
        None,
        False,
    )
    (version,) = shown["versions"]["nodes"]
    assert version["interpretation"]["narrative"] == dream.interpretation.narrative
    assert version["illustration"]["picture"]["id"] == global_id("Picture", picture.identity)
    again = (await shop.run(_REGENERATE, {"input": given}))["regenerateDream"]
    assert [(error["code"], error["path"]) for error in again["errors"]] == [("CONFLICT", ["input", "dreamId"])]


@pytest.mark.parametrize(
    ("more", "path"),
    [({"parts": []}, "parts"), ({"textModel": "gpt-9"}, "textModel"), ({"imageModel": "x"}, "imageModel")],
)
async def test_what_is_not_possible_is_refused_by_name(shop: Shop, more: dict[str, Any], path: str) -> None:
    dream = await _stored(shop)
    given = {"dreamId": global_id("Dream", dream.identity), **more}
    payload = (await shop.run(_REGENERATE, {"input": given}))["regenerateDream"]
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("BAD_USER_INPUT", ["input", path])]


async def test_another_persons_dream_is_not_there(shop: Shop) -> None:
    mine, other = await _stored(shop), await shop.joined()
    dream_id = global_id("Dream", mine.identity)
    assert (await other.run("query ($id: ID!) { node(id: $id) { id } }", {"id": dream_id}))["node"] is None
    assert await _titles(other) == []
    for mutation, given in (
        (_UPDATE, {"dreamId": dream_id, "title": "a"}),
        (_REGENERATE, {"dreamId": dream_id}),
    ):
        (payload,) = (await other.run(mutation, {"input": given})).values()
        assert [error["code"] for error in payload["errors"]] == ["FORBIDDEN"]


async def test_stranger_gets_nothing_of_a_dream_by_any_operation(shop: Shop) -> None:
    dream, other = await _stored(shop, text="x" * 20_000), await shop.joined()
    await DreamVersion.keep(dream, Aside(interpretation=interpretation_of()))
    (version,) = await DreamVersion.find_all().to_list()
    dream_id, version_id = global_id("Dream", dream.identity), global_id("DreamVersion", version.identity)

    updates = "subscription ($id: ID!) { dreamUpdates(dreamId: $id) { dream { text } } }"
    followed: Any = await schema.subscribe(updates, {"id": dream_id}, context_value=other.context())
    (told,) = [one async for one in followed]
    assert told.data is None
    assert [(one.extensions["code"], one.extensions["argument"]) for one in told.errors] == [("NOT_FOUND", "dreamId")]

    node = await other.run("query ($id: ID!) { node(id: $id) { id } }", {"id": version_id})
    assert node == {"node": None}
    assert (await shop.run("query ($id: ID!) { node(id: $id) { id } }", {"id": version_id}))["node"]["id"] == version_id
    for mutation, path in (
        ("restoreVersion(input: {versionId: $id}) { dream { text }", ["input", "versionId"]),
        ("moveToTrash(input: {ids: [$id]}) { dreams { text }", ["input", "ids", "0"]),
        ("restore(input: {ids: [$id]}) { dreams { text }", ["input", "ids", "0"]),
    ):
        given = version_id if "versionId" in path else dream_id
        (payload,) = (
            await other.run(f"mutation ($id: ID!) {{ {mutation} errors {{ code path }} }} }}", {"id": given})
        ).values()
        assert payload["errors"] == [{"code": "FORBIDDEN", "path": path}]
        shown = payload.get("dream") or payload.get("dreams")
        assert not shown
    after = await Dream.get(dream.identity)
    assert after is not None
    assert (after.revision, after.trashed_at) == (dream.revision, None)


async def test_item_of_a_strangers_dream_says_so_and_tells_nothing_of_it(shop: Shop) -> None:
    dream, other = await _stored(shop, text="x" * 20_000), await shop.joined()
    mine = await _stored(other)
    batch = """mutation ($ids: [ID!]) { regenerateDreams(input: {ids: $ids}) {
      batch { items { nodes { generation { id } failure { code message } } } } errors { code } } }"""
    ids = [global_id("Dream", one.identity) for one in (dream, mine)]
    payload = (await other.run(batch, {"ids": ids}))["regenerateDreams"]
    assert payload["errors"] == []
    foreign, own = payload["batch"]["items"]["nodes"]
    assert foreign == {
        "generation": None,
        "failure": {"code": "FORBIDDEN", "message": "This dream belongs to somebody else."},
    }
    assert own["generation"]
    assert (await Dream.by_ids([dream.identity]))[dream.identity].making is None


async def test_same_call_for_many_dreams_is_the_same_batch_whatever_has_become_of_them(shop: Shop) -> None:
    dream = await _stored(shop, illustration=None)
    call = """mutation ($input: RegenerateDreamsInput!) { regenerateDreams(input: $input) {
      batch { id } errors { code path } } }"""
    by_filter = {"filter": "MISSING_PICTURE", "idempotencyKey": "f"}
    by_ids = {"ids": [global_id("Dream", dream.identity)], "textModel": "lexicon-1", "idempotencyKey": "i"}
    first = {key: await shop.run(call, {"input": given}) for key, given in (("f", by_filter), ("i", by_ids))}
    assert all(one["regenerateDreams"]["errors"] == [] for one in first.values())
    assert await shop.run(call, {"input": by_filter}) == first["f"], "nothing is like that any more"
    await delete_forever([dream])
    assert await shop.run(call, {"input": by_ids | {"parts": None}}) == first["i"]
    dreams, writer = shop.services.dreams, MockTextModel()
    models = DreamModels(writer, dreams.models.image, {writer.name: writer}, dreams.models.images)
    later = replace(shop, services=replace(shop.services, dreams=replace(dreams, models=models)))
    assert await later.run(call, {"input": by_ids}) == first["i"], "its model is not set up any more"
    for other in (by_ids | {"wish": "Darker"}, by_filter | {"filter": "FAILED"}, by_filter | {"idempotencyKey": "i"}):
        refused = (await shop.run(call, {"input": other}))["regenerateDreams"]
        assert refused == {"batch": None, "errors": [{"code": "CONFLICT", "path": ["input", "idempotencyKey"]}]}


async def test_dreams_go_to_the_same_trash_and_take_their_versions_with_them(shop: Shop) -> None:
    picture = picture_of(shop.owner_id)
    await picture.insert()
    dream, other = await _stored(shop, title="a"), await shop.joined()
    await DreamVersion.keep(dream, Aside(illustration=illustration_of(picture.identity)))
    ids = [global_id("Dream", dream.identity)]
    move = "mutation ($ids: [ID!]!) { moveToTrash(input: {ids: $ids}) { dreams { id trashedAt } errors { code } } }"
    restore = "mutation ($ids: [ID!]!) { restore(input: {ids: $ids}) { dreams { trashedAt } errors { code } } }"
    delete = "mutation ($ids: [ID!]!) { deleteForever(input: {ids: $ids}) { deletedIds errors { code path } } }"
    moved = (await shop.run(move, {"ids": ids}))["moveToTrash"]
    assert (moved["dreams"][0]["trashedAt"] is not None, moved["errors"]) == (True, [])
    assert await _titles(shop) == []
    assert (await shop.run(restore, {"ids": ids}))["restore"] == {"dreams": [{"trashedAt": None}], "errors": []}
    assert await _titles(shop) == ["a"]
    refused = (await other.run(delete, {"ids": ids}))["deleteForever"]
    assert refused == {"deletedIds": [], "errors": [{"code": "FORBIDDEN", "path": ["input", "ids", "0"]}]}
    for _ in range(2):  # what was deleted before is deleted
        assert (await shop.run(delete, {"ids": ids}))["deleteForever"] == {"deletedIds": ids, "errors": []}
    assert (await Dream.count(), await DreamVersion.count()) == (0, 0)
    assert await Picture.by_ids([picture.identity]), "left to the sweep of pictures"


async def test_trash_and_its_end_are_told_to_who_follows(shop: Shop) -> None:
    dream = await _stored(shop)
    dream_id = global_id("Dream", dream.identity)
    updates = "subscription ($id: ID!) { dreamUpdates(dreamId: $id) { dream { trashedAt } } }"
    followed: Any = await schema.subscribe(updates, {"id": dream_id}, context_value=shop.context())
    async with aclosing(followed) as told, asyncio.timeout(60):
        assert (await anext(told)).data["dreamUpdates"]["dream"]["trashedAt"] is None
        for mutation, is_in_trash in (("moveToTrash", True), ("restore", False), ("deleteForever", None)):
            news = asyncio.ensure_future(anext(told, None))
            await asyncio.sleep(0)
            await shop.run(
                f"mutation ($ids: [ID!]!) {{ {mutation}(input: {{ids: $ids}}) {{ errors {{ code }} }} }}",
                {"ids": [dream_id]},
            )
            now = await news
            assert (now and now.data["dreamUpdates"]["dream"]["trashedAt"] is not None) == is_in_trash


async def test_list_takes_as_many_reads_however_many_dreams_and_the_numbers_one(shop: Shop, watch: Watch) -> None:
    pictures = [picture_of(shop.owner_id) for _ in range(20)]
    await Picture.insert_many(pictures)
    dreams = [dream_of(shop.owner_id, at, illustration=illustration_of(p.identity)) for at, p in enumerate(pictures)]
    await Dream.insert_many(dreams)
    for dream in dreams:
        await DreamVersion.keep(dream, Aside(interpretation=interpretation_of()))
    query = """query ($first: Int) { viewer { dreams(first: $first) { nodes { id picture { id } generation { id }
      versions { nodes { id } } } } } }"""
    reads = dict[int, int]()
    for first in (2, 20):
        watch.asked.clear()
        listed = (await shop.run(query, {"first": first}))["viewer"]["dreams"]["nodes"]
        reads[first] = len(watch.asked)
        assert len(listed) == first
        assert all(node["picture"] and len(node["versions"]["nodes"]) == 1 for node in listed)
    assert reads[2] == reads[20] <= 5
    watch.asked.clear()
    await shop.run("{ viewer { dreamStats { dreams weeks { dreams } symbols { name } emotions { name } } } }")
    assert [query.collection for query in watch.asked] == ["dreams"]
