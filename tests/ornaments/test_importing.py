"""What an import makes of an archive, what it refuses, and what it leaves when something breaks."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED
from zlib import crc32

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from structlog.testing import capture_logs

from app.archives.model import Archive
from app.archives.sweep import sweep
from app.errors import AppError, ErrorCode
from app.generations.attempts import Outcome
from app.generations.model import Generation, Status
from app.lineage.deletion import delete_forever
from app.lineage.promotion import Promotion, promote
from app.lineage.tombstone import Tombstone
from app.lineage.votes import Vote, vote
from app.ornaments.import_job import ImportJob
from app.ornaments.importing import IMPORT_KIND
from app.ornaments.model import OrnamentImage
from app.pictures.library import Pictures
from app.pictures.model import Picture, PictureState
from tests.ornaments.sent import changed, sent, without
from tests.ornaments.workshop import Workshop, opened_workshop, picture, stored
from tests.pictures.conftest import GatedStore, age


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with opened_workshop(database, mongodb_url, tmp_path) as opened:
        yield opened


async def test_refused_archive_leaves_nothing(shop: Workshop) -> None:
    with pytest.raises(AppError) as refused:
        await shop.imports(changed(sent(), lambda lineage: lineage.__setitem__("rootId", "f" * 24)))
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "archive"))
    assert (await Archive.number_of(shop.owner_id), shop.files) == (0, [])
    assert await Generation.find({"ownerId": shop.owner_id}).count() == 0


async def test_archive_that_another_tool_has_packed_anew_is_read(shop: Workshop) -> None:
    ended = await shop.run(await shop.imports(changed(sent(), method=ZIP_DEFLATED)))
    assert (ended.status, len(await shop.images())) == (Status.SUCCEEDED, 3)


def _bomb() -> bytes:
    """A PNG of 60,000 x 60,000 pixels, as far as its header goes."""
    header = b"IHDR" + (60_000).to_bytes(4) * 2 + bytes((8, 2, 0, 0, 0))
    return picture("gold")[:12] + header + crc32(header).to_bytes(4) + picture("gold")[33:]


async def test_picture_of_another_hash_fails_the_import_and_leaves_nothing(shop: Workshop) -> None:
    name = f"pictures/{sha256(picture('gold')).hexdigest()}.png"
    ended = await shop.run(await shop.imports(changed(sent(), files={name: picture("blue")})))
    assert (ended.status, ended.settled) == (Status.FAILED, True)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.retryable) == (ErrorCode.BAD_USER_INPUT, False)
    assert ended.failure.message == f"{name}: its bytes don't have the hash that its name says."
    assert (await shop.images(), await Archive.number_of(shop.owner_id), shop.files) == ([], 0, [])
    await age()
    await shop.parts.services.pictures.sweep(OrnamentImage.showing, 600)
    assert await Picture.count() == 0


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"<script>alert(1)</script>", "text"), (_bomb(), "60,000"), (picture("navy", "WEBP"), "it is image/webp")],
    ids=["script", "bomb", "other type"],
)
async def test_picture_of_the_right_hash_is_checked_like_an_upload(shop: Workshop, data: bytes, why: str) -> None:
    """The hash says that nobody changed it since, not that it is a picture."""
    new, old = sha256(data).hexdigest(), sha256(picture("gold")).hexdigest()

    def renamed(lineage: Any) -> None:
        text = json.dumps(lineage).replace(old, new)
        lineage.clear()
        lineage.update(json.loads(text))

    archive = without(changed(sent(), renamed, {f"pictures/{new}.png": data}), f"pictures/{old}.png")
    ended = await shop.run(await shop.imports(archive))
    assert ended.failure is not None
    assert ended.failure.code is ErrorCode.BAD_USER_INPUT
    assert ended.failure.message.startswith(f"pictures/{new}.png: ")
    assert why in ended.failure.message
    assert await shop.images() == []


async def test_nothing_of_an_archive_refers_to_what_another_has(shop: Workshop) -> None:
    root, child, last = await shop.tree()
    archive = await shop.archive_of(root)
    other = shop(PydanticObjectId())
    assert (await other.run(await other.imports(archive))).status is Status.SUCCEEDED
    images = await other.images()
    new = {image.identity for image in images}
    assert not new & {root.identity, child.identity, last.identity}
    for image in images:
        assert (image.owner_id, image.lineage.root_id in new, set(image.lineage.ancestors) <= new) == (
            other.owner_id,
            True,
            True,
        )
    shown = await Picture.by_ids([one for image in images for one in image.picture_ids])
    assert {one.owner_id for one in shown.values()} == {other.owner_id}
    assert await shop.images() == [root, child, last]


async def test_what_was_said_of_versions_comes_in_too(shop: Workshop) -> None:
    root = await shop.image("Make it shine", picture("red"), name="A", tags=("gold",), favourite=True)
    one, two = [await shop.image(wish, picture(wish), root) for wish in ("gold", "green")]
    await promote(two, "This image")
    await vote(two, one, "This image")
    await OrnamentImage.into_trash([one.identity])
    other = shop(PydanticObjectId())
    ended = await other.run(await other.imports(await shop.archive_of(root)))
    first, gold, green = await other.images()
    assert (first.name, first.tags, first.favourite) == ("A", ("gold",), True)
    assert (gold.trashed_at is None, green.trashed_at) == (False, None)
    assert (await Promotion.of_roots([first.identity]))[first.identity].version_id == green.identity
    (cast,) = await Vote.of_tree(first.identity)
    assert (cast.winner_id, cast.loser_id, cast.owner_id) == (green.identity, gold.identity, other.owner_id)
    assert first.imported is not None
    assert first.imported.provenance is not None
    assert (first.imported.original_id, first.imported.created_at) == (root.identity, root.created_at)
    assert (first.imported.provenance.model, first.generation_id, first.created_at) == (
        "acme-1",
        None,
        ended.created_at,
    )


async def test_same_key_imports_once_and_none_each_time(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    archive = await shop.archive_of(root)
    other = shop(PydanticObjectId())
    first, second = [await other.imports(archive, "a") for _ in range(2)]
    assert first.identity == second.identity
    await other.run(first)
    third = await other.imports(archive, "a")  # also when it has ended, and its archive is gone
    assert third.identity == first.identity
    assert len(await other.images()) == 3
    with pytest.raises(AppError) as refused:
        await other.imports(changed(archive), "a")
    assert refused.value.code is ErrorCode.CONFLICT
    assert await Archive.number_of(other.owner_id) == 0
    for _ in range(2):
        await other.run(await other.imports(archive))
    assert len(await other.images()) == 9


async def test_same_key_at_once_is_one_import(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    archive = await shop.archive_of(root)
    other = shop(PydanticObjectId())
    came = await asyncio.gather(*(other.imports(archive, "a") for _ in range(3)), return_exceptions=True)
    refused = [one for one in came if isinstance(one, AppError)]
    assert {(one.code, one.retryable) for one in refused} <= {(ErrorCode.UNAVAILABLE, True)}
    (identity,) = {one.identity for one in came if isinstance(one, Generation)}
    again = await other.imports(archive, "a")
    assert again.identity == identity
    assert (await other.run(again)).status is Status.SUCCEEDED
    assert len(await other.images()) == 3
    assert await Archive.number_of(other.owner_id) == 0


async def test_call_whose_process_was_killed_may_come_again_with_its_key(shop: Workshop) -> None:
    archives, now = shop.parts.services.archives, shop.parts.services.generations.clock.now
    first = await shop.imports(sent_in := sent(), "a")
    (left,) = await Archive.of_owner(shop.owner_id)
    await Generation.remove([first.identity])  # it never came so far
    await Archive.rows().update_one({"_id": left.identity}, {"$set": {"generationId": None}})
    with pytest.raises(AppError, match="being received") as refused:
        await shop.imports(sent_in, "a")
    assert refused.value.retryable
    assert archives.place(left).exists()
    long_ago = now() - timedelta(minutes=11)
    await Archive.rows().update_one({"_id": left.identity}, {"$set": {"createdAt": long_ago}})
    assert (await shop.run(await shop.imports(sent_in, "a"))).status is Status.SUCCEEDED


async def test_two_retries_of_an_import_are_not_one_tree_that_both_have_made(shop: Workshop) -> None:
    generations = shop.parts.services.generations
    started = await shop.imports(sent())
    await generations.cancel(shop.owner_id, started.identity)
    one, two = [await generations.retry(shop.owner_id, started.identity, None) for _ in range(2)]
    runner, waiting = _gated(shop, "put!")
    running = asyncio.create_task(runner.run(one.identity))
    await waiting.wait()
    ended = await shop.run(two)
    assert ended.failure is not None
    assert (ended.status, ended.failure.code) == (Status.FAILED, ErrorCode.CONFLICT)
    running.cancel()
    await asyncio.wait([running])
    assert (await shop.run(one)).status is Status.SUCCEEDED
    assert len(await shop.images()) == 3


async def test_import_whose_archive_is_lost_after_its_success_holds_nothing(shop: Workshop) -> None:
    started = await shop.imports(sent())
    assert (await _unwritten(shop, started)).picture_ids != []
    await shop.parts.services.archives.delete_all_of(shop.owner_id)
    with capture_logs() as logs:
        ended = await shop.run(started)
    assert (ended.settled, ended.picture_ids, await shop.images()) == (True, [], [])
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["archive_lost"]


def _gated(shop: Workshop, places: str) -> tuple[Any, asyncio.Event]:
    """A worker that waits at the second picture that it stores, and what is set once it does."""
    waiting, passed = asyncio.Event(), list[str]()

    async def gate(place: str) -> None:
        if place == places:
            passed.append(place)
            if len(passed) == 2:
                waiting.set()
                await asyncio.Event().wait()

    services = shop.parts.services
    job = ImportJob(services.archives, Pictures(GatedStore(shop.parts.store, gate)), services.imports.caps)
    return replace(shop.parts.runner, jobs={IMPORT_KIND: job}), waiting


async def test_import_whose_worker_stops_is_ended_by_another(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    other = shop(PydanticObjectId())
    started = await other.imports(await shop.archive_of(root))
    runner, waiting = _gated(shop, "put!")
    running = asyncio.create_task(runner.run(started.identity))
    await waiting.wait()
    running.cancel()
    await asyncio.wait([running])
    assert await other.images() == []
    ended = await other.run(started)
    assert [attempt.outcome for attempt in ended.attempts] == [Outcome.GIVEN_BACK, Outcome.SUCCEEDED]
    assert len(await other.images()) == 3
    assert await Archive.number_of(other.owner_id) == 0


async def test_cancelled_import_has_written_nothing(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    other = shop(PydanticObjectId())
    started = await other.imports(await shop.archive_of(root))
    runner, waiting = _gated(shop, "put?")
    heeding = asyncio.create_task(runner.heed_cancels())
    running = asyncio.create_task(runner.run(started.identity))
    await waiting.wait()
    await shop.parts.services.generations.cancel(other.owner_id, started.identity)
    await running
    heeding.cancel()
    ended = await stored(started)
    assert (ended.status, ended.picture_ids, await other.images()) == (Status.CANCELLED, [], [])
    (left,) = await Archive.of_owner(other.owner_id)  # for a retry, as long as the hour lasts
    await left.keep_until(left.created_at)
    await sweep(shop.parts.services.archives)
    assert await Archive.number_of(other.owner_id) == 0


async def _unwritten(shop: Workshop, started: Generation) -> Generation:
    """The import after its worker was killed between its success and its versions."""
    services = shop.parts.services

    class Killed(ImportJob):
        async def write(self, generation: Generation) -> None:
            del generation
            raise RuntimeError

    job = Killed(services.archives, services.pictures, services.imports.caps)
    closing = replace(shop.parts.runner.closing, jobs={IMPORT_KIND: job})
    await replace(shop.parts.runner, closing=closing).run(started.identity)
    return await stored(started)


async def test_crash_before_the_versions_are_written_is_mended(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    other = shop(PydanticObjectId())
    started = await other.imports(await shop.archive_of(root))
    services = shop.parts.services
    left = await _unwritten(shop, started)
    assert (left.status, left.settled, await other.images()) == (Status.SUCCEEDED, False, [])
    (archive,) = await Archive.of_owner(other.owner_id)
    await archive.keep_until(archive.created_at)
    await sweep(services.archives)  # it is kept for as long as it is needed
    await other.run(started)  # a ring for it, as the sweep of the engine does
    assert (await stored(started)).settled
    assert len(await other.images()) == 3
    await services.import_job.write(left)  # and once more
    assert len(await other.images()) == 3
    assert await Archive.number_of(other.owner_id) == 0


def _less() -> bytes:
    """An archive with one version less."""

    def change(lineage: Any) -> None:
        lineage["versions"].pop()
        lineage["pictures"].pop(2)

    archive = sent()
    green = f"pictures/{sha256(picture('green')).hexdigest()}.png"
    return without(changed(archive, change), green)


@pytest.mark.parametrize("damaged", [b"no zip", _less()], ids=["damaged", "another tree"])
async def test_import_that_can_never_be_written_ends(shop: Workshop, damaged: bytes) -> None:
    started = await shop.imports(sent())
    assert (await _unwritten(shop, started)).picture_ids != []
    (archive,) = await Archive.of_owner(shop.owner_id)
    shop.parts.services.archives.place(archive).write_bytes(damaged)
    ended = await shop.run(started)
    assert (ended.settled, ended.picture_ids, await shop.images()) == (True, [], [])
    assert (await Archive.number_of(shop.owner_id), shop.files) == (0, [])


async def test_pictures_that_were_swept_meanwhile_are_kept_again(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    other = shop(PydanticObjectId())
    started = await other.imports(await shop.archive_of(root))
    services, puts = shop.parts.services, list[str]()

    async def gate(place: str) -> None:
        if place == "put!":
            puts.append(place)
        if place == "put?" and len(puts) == 2:
            puts.append("swept")
            await Picture.rows().update_many({"ownerId": other.owner_id}, {"$set": {"state": PictureState.DELETING}})
            await Picture.rows().update_many({"ownerId": other.owner_id}, {"$unset": {"content": ""}})

    job = ImportJob(services.archives, Pictures(GatedStore(shop.parts.store, gate)), services.imports.caps)
    await replace(shop.parts.runner, jobs={IMPORT_KIND: job}).run(started.identity)
    images = await other.images()
    wanted = {one for image in images for one in image.picture_ids}
    assert (len(images), set(await Picture.by_ids(list(wanted)))) == (3, wanted)


async def test_imported_tree_is_deleted_with_its_pictures(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    other = shop(PydanticObjectId())
    ended = await other.run(await other.imports(await shop.archive_of(root)))
    assert ended.picture_ids == []
    images = await other.images()
    kept = [one for image in images for one in image.picture_ids]
    assert await OrnamentImage.showing(kept) == set(kept)
    await delete_forever(images)
    await age()
    await shop.parts.services.pictures.sweep(OrnamentImage.showing, 600)
    assert await Picture.by_ids(kept) == {}
    assert await Tombstone.find({"ownerId": other.owner_id}).count() == 3


async def test_imported_image_is_regenerated_like_any(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    other = shop(PydanticObjectId())
    await other.run(await other.imports(await shop.archive_of(root)))
    *_, last = await other.images()
    made = await shop.parts.services.ornaments.regenerate(other.owner_id, last.identity, "Make it warmer", None)
    assert made.recipe.prompts == (*last.prompts, "Make it warmer")
    assert (await other.run(made)).status is Status.SUCCEEDED


async def test_full_disk_refuses_an_archive_and_leaves_nothing(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    root, *_ = await shop.tree()
    archive = await shop.archive_of(root)
    other = shop(PydanticObjectId())
    before = shop.files
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(AppError) as refused:
        await other.imports(archive)
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert (shop.files, await Archive.number_of(other.owner_id)) == (before, 0)


async def test_import_whose_archive_is_gone_says_so(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    other = shop(PydanticObjectId())
    started = await other.imports(await shop.archive_of(root))
    assert await shop.parts.services.archives.delete_all_of(other.owner_id) == 1
    ended = await other.run(started)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.retryable) == (ErrorCode.NOT_FOUND, False)
