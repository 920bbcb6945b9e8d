"""What is in an exported archive, and what becomes of an export that something comes in the way of."""

import asyncio
import io
import json
import struct
import tracemalloc
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.archives.model import Archive
from app.archives.service import KEPT_MAX
from app.archives.writing import Entry
from app.costs.days import BudgetDay
from app.errors import AppError, ErrorCode
from app.generations.attempts import Outcome
from app.generations.model import Generation, Status
from app.generations.runner import Runner
from app.lineage.deletion import delete_forever
from app.ornaments.exporting import EXPORT_KIND, ExportJob
from app.ornaments.model import OrnamentImage
from app.pictures.library import Pictures
from app.pictures.model import Picture
from tests.ornaments.workshop import Workshop, opened_workshop, picture, stored
from tests.pictures.conftest import GatedStore

_LARGE, _LARGE_BYTES = 10, 4_000_000


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with opened_workshop(database, mongodb_url, tmp_path) as opened:
        yield opened


def _read(archive: bytes) -> tuple[ZipFile, Any]:
    zipped = ZipFile(io.BytesIO(archive))
    return zipped, json.loads(zipped.read("lineage.json"))


async def test_archive_holds_every_picture_once_with_how_it_was_made(shop: Workshop) -> None:
    root, child, last = await shop.tree()
    twin = await shop.image("Make it shine more", picture("red"), root)  # the same bytes as the root's
    zipped, lineage = _read(await shop.archive_of(child))
    kept = {picture("red"): "png", picture("gold"): "png", picture("green", "WEBP"): "webp", picture("white"): "png"}
    files = {f"pictures/{sha256(data).hexdigest()}.{ending}": data for data, ending in kept.items()}
    sidecars = {f"{name.partition('.')[0]}.json" for name in files}
    assert sorted(zipped.namelist()) == sorted({"README.txt", "lineage.json", *files, *sidecars})
    assert {name: zipped.read(name) for name in files} == files
    assert {entry.compress_type for entry in zipped.infolist()} == {ZIP_STORED}
    assert [one["id"] for one in lineage["versions"]] == [str(one.identity) for one in (root, child, last, twin)]
    red = json.loads(zipped.read(f"pictures/{sha256(picture('red')).hexdigest()}.json"))
    assert [one["id"] for one in red["madeAs"]] == [str(root.identity), str(twin.identity)]
    assert [one["generation"]["model"] for one in red["madeAs"]] == ["acme-1", "acme-1"]
    white = json.loads(zipped.read(f"pictures/{sha256(picture('white')).hexdigest()}.json"))
    assert (white["madeAs"], white["sourceOf"]) == ([], {"rootId": str(root.identity), "roles": ["ORNAMENT"]})


def _jpeg_with_c2pa() -> bytes:
    """With an APP11 segment, as JUMBF boxes stand in JPEGs (ISO/IEC 19566-5, annex D)."""
    box = struct.pack(">HHI", 0x4A50, 1, 1) + struct.pack(">I4s", 16, b"jumb") + b"c2pa-sig"
    data = picture("navy", "JPEG")
    return data[:2] + b"\xff\xeb" + struct.pack(">H", len(box) + 2) + box + data[2:]


def _png_with_c2pa() -> bytes:
    """With a caBX chunk before the pixels (C2PA 2.2, A.3.3)."""
    data, body = picture("navy"), b"caBX" + b"jumbc2pa-sig"
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def _webp_with_c2pa() -> bytes:
    """With a C2PA chunk at the end (C2PA 2.2, A.3.7)."""
    data = picture("navy", "WEBP") + b"C2PA" + struct.pack("<I", 8) + b"c2pa-sig"
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


@pytest.mark.parametrize(
    "signed", [_jpeg_with_c2pa(), _png_with_c2pa(), _webp_with_c2pa()], ids=["jpeg", "png", "webp"]
)
async def test_signed_provenance_goes_out_and_comes_in_byte_for_byte(shop: Workshop, signed: bytes) -> None:
    image = await shop.image("Make it shine", signed)
    archive = await shop.archive_of(image)
    zipped, lineage = _read(archive)
    digest = sha256(signed).hexdigest()
    assert lineage["versions"][0]["picture"] == digest
    (name,) = [one["file"] for one in lineage["pictures"] if one["sha256"] == digest]
    assert zipped.read(name) == signed
    other = shop(PydanticObjectId())
    assert (await other.run(await other.imports(archive))).status is Status.SUCCEEDED
    (imported,) = await other.images()
    kept = (await Picture.by_ids([imported.picture_id]))[imported.picture_id]
    assert kept.owner_id == other.owner_id
    assert await shop.parts.services.pictures.read(kept) == signed


async def test_same_tree_is_the_same_archive(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    assert await shop.archive_of(root) == await shop.archive_of(root)


async def test_trash_and_gaps_are_told(shop: Workshop) -> None:
    root, child, last = await shop.tree()
    await OrnamentImage.into_trash([last.identity])
    await delete_forever([root, child])
    _, lineage = _read(await shop.archive_of(last))
    assert lineage["rootId"] == str(root.identity)
    assert [(one["id"], one["depth"]) for one in lineage["deleted"]] == [
        (str(root.identity), 0),
        (str(child.identity), 1),
    ]
    (told,) = lineage["versions"]
    assert (told["id"], bool(told["trashedAt"])) == (str(last.identity), True)


async def test_picture_that_is_lost_costs_no_more_than_itself(shop: Workshop) -> None:
    root, child, _ = await shop.tree()
    gone = (await Picture.by_ids([child.picture_id]))[child.picture_id]
    await shop.parts.store.delete(gone.key)
    archive = await shop.archive_of(root)
    _, lineage = _read(archive)
    assert [one["picture"] is None for one in lineage["versions"]] == [False, True, False]
    other = shop(PydanticObjectId())
    assert (await other.run(await other.imports(archive))).status is Status.SUCCEEDED
    top, last = await other.images()
    assert last.lineage.ancestors[0] == top.identity
    assert last.lineage.depth == 2


async def test_export_costs_nothing_and_no_budget_stops_it(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path
) -> None:
    price = {"model": "acme-1", "unit": "calls", "amount": "1", "currency": "USD", "since": "2020-01-01"}
    budget = {"prices": json.dumps([price]), "daily_budget": 0, "daily_budget_per_user": 0}
    async with opened_workshop(database, mongodb_url, tmp_path, **budget) as shop:
        root, *_ = await shop.tree()
        ended = await shop.run(await shop.exports(root))
        assert (ended.status, ended.calls, ended.recipe.provider) == (Status.SUCCEEDED, [], "local")
        assert await BudgetDay.count() == 0


async def test_export_tells_where_it_stands(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    ended = await shop.run(await shop.exports(root))
    stages = [(event.stage, event.percent) for event in ended.events if event.stage]
    assert [stage for stage, _ in stages] == ["reading the tree", "writing the pictures", "writing the tree"]
    assert [percent for _, percent in stages] == sorted(percent for _, percent in stages)


async def test_another_owners_tree_is_not_exported(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    with pytest.raises(AppError) as refused:
        await shop(PydanticObjectId()).exports(root)
    assert refused.value.code is ErrorCode.FORBIDDEN


async def test_full_disk_fails_the_export_and_leaves_nothing(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    root, *_ = await shop.tree()
    started = await shop.exports(root)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        ended = await shop.run(started)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert (shop.files, await Archive.count()) == ([], 0)
    again = await shop.parts.services.generations.retry(shop.owner_id, ended.identity, None)
    assert (await shop.run(again)).status is Status.SUCCEEDED


async def test_export_after_a_crash_leaves_one_archive(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    started = await shop.exports(root)
    archives = shop.parts.services.archives
    lost = await archives.make(started, "lineage-1.zip", _one_entry(), started.created_at)
    assert archives.place(lost).exists()  # then the worker was killed, and nobody knows of it
    ended = await shop.run(started)
    (kept,) = await Archive.of_generation(started.identity)
    assert (ended.status, ended.steps["archive"]["archiveId"]) == (Status.SUCCEEDED, kept.identity)
    assert shop.files == [f"files/{shop.owner_id}-{kept.identity}.zip"]


async def _one_entry() -> AsyncGenerator[Entry]:
    yield Entry("README.txt", b"a")


async def _held(shop: Workshop, root: OrnamentImage) -> tuple[Generation, Runner, asyncio.Event]:
    """An export, a worker that will wait at its first picture, and what is set once it does."""
    waiting = asyncio.Event()

    async def gate(place: str) -> None:
        if place == "open?":
            waiting.set()
            await asyncio.Event().wait()

    pictures = Pictures(GatedStore(shop.parts.store, gate))
    job = ExportJob(shop.parts.services.archives, pictures)
    return await shop.exports(root), replace(shop.parts.runner, jobs={EXPORT_KIND: job}), waiting


async def test_cancelled_export_leaves_nothing(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    started, runner, waiting = await _held(shop, root)
    heeding = asyncio.create_task(runner.heed_cancels())
    running = asyncio.create_task(runner.run(started.identity))
    await waiting.wait()
    assert len(shop.files) == 1
    await shop.parts.services.generations.cancel(shop.owner_id, started.identity)
    await running
    heeding.cancel()
    assert (await stored(started)).status is Status.CANCELLED
    assert (shop.files, await Archive.count()) == ([], 0)


async def test_export_whose_worker_stops_goes_on_at_another(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    started, runner, waiting = await _held(shop, root)
    running = asyncio.create_task(runner.run(started.identity))
    await waiting.wait()
    running.cancel()
    await asyncio.wait([running])
    assert (shop.files, await Archive.count()) == ([], 0)
    ended = await shop.run(started)
    assert [attempt.outcome for attempt in ended.attempts] == [Outcome.GIVEN_BACK, Outcome.SUCCEEDED]
    assert len(shop.files) == 1


async def test_one_owner_has_a_number_of_archives_at_most(shop: Workshop) -> None:
    root, *_ = await shop.tree()
    known = await shop.exports(root, "a")
    for _ in range(KEPT_MAX):
        await shop.parts.services.archives.receive(shop.owner_id, PydanticObjectId(), io.BytesIO(b"a"), root.created_at)
    with pytest.raises(AppError) as refused:
        await shop.exports(root)
    assert refused.value.code is ErrorCode.QUOTA_EXCEEDED
    assert (await shop.exports(root, "a")).identity == known.identity
    assert await shop.parts.services.archives.delete_all_of(shop.owner_id) == KEPT_MAX
    assert shop.files == []
    assert (await shop.run(await shop.exports(root))).status is Status.SUCCEEDED


async def test_large_tree_goes_out_and_comes_in_through_little_memory(shop: Workshop) -> None:
    root: OrnamentImage | None = None
    for number in range(_LARGE):
        data = picture("red") + bytes([number]) * _LARGE_BYTES  # what follows a picture's end is kept, too
        root = root or await shop.image("Make it shine", data)
        await shop.image(f"Wish {number}", data, root)
    assert root is not None
    started = await shop.exports(root)
    tracemalloc.start()
    try:
        ended = await shop.run(started)
        _, peak_out = tracemalloc.get_traced_memory()
        (archive,) = await Archive.of_generation(ended.identity)
        other = shop(PydanticObjectId())
        tracemalloc.reset_peak()
        with shop.parts.services.archives.place(archive).open("rb") as file:
            started = await shop.parts.services.imports.start(other.owner_id, file, None)
        imported = await shop.run(started)
        _, peak_in = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (ended.status, imported.status) == (Status.SUCCEEDED, Status.SUCCEEDED)
    assert archive.byte_size > _LARGE * _LARGE_BYTES
    assert max(peak_out, peak_in) < _LARGE * _LARGE_BYTES / 2
