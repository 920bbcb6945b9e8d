"""What becomes of an export of dreams that something comes in the way of, and how much memory it takes."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncGenerator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from beanie import PydanticObjectId
from PIL import Image

from app.archives.model import Archive
from app.archives.service import KEPT_MAX
from app.archives.writing import Entry
from app.dreams.archive_format import ExportFormat
from app.dreams.exporting import EXPORT_KIND, DreamExportJob
from app.dreams.model import Aside, Dream, Making
from app.dreams.recipes import GENERATION_KIND, Again, recipe_of
from app.dreams.versions import DreamVersion
from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.pictures.library import Pictures
from app.pictures.model import Picture
from tests.dreams.conftest import Desk
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of
from tests.pictures.conftest import GatedStore

_LARGE, _LARGE_BYTES = 3, 2_000_000


def _data(colour: str, more: int = 0) -> bytes:
    """A small PNG; what follows a picture's end is kept, too."""
    buffer = BytesIO()
    Image.new("RGB", (8, 6), colour).save(buffer, "PNG")
    return buffer.getvalue() + bytes(more)


async def _kept(desk: Desk, data: bytes) -> Picture:
    return await desk.parts.services.pictures.keep(desk.owner_id, data)


async def _drawn(desk: Desk, data: bytes, number: int = 0, **given: Any) -> Dream:
    """A stored dream that shows that picture."""
    picture = await _kept(desk, data)
    dream = dream_of(desk.owner_id, number, illustration=illustration_of(picture.identity), **given)
    await dream.insert()
    return dream


async def _exports(desk: Desk, wanted: ExportFormat = ExportFormat.JSON, key: str | None = None) -> Generation:
    """An export that waits for a worker."""
    return await desk.parts.services.dream_exports.start(desk.owner_id, wanted, key)


async def _run(desk: Desk, started: Generation) -> Generation:
    """It after a worker has looked at it."""
    await desk.parts.runner.run(started.identity)
    ended = await Generation.get(started.identity)
    assert ended is not None
    return ended


async def _zip_of(desk: Desk, wanted: ExportFormat = ExportFormat.JSON) -> ZipFile:
    ended = await _run(desk, await _exports(desk, wanted))
    assert ended.status is Status.SUCCEEDED, ended.failure
    (archive,) = await Archive.of_generation(ended.identity)
    return ZipFile(desk.parts.services.archives.place(archive))


def _files(desk: Desk) -> list[Path]:
    """All files of archives, finished or not."""
    return [path for path in desk.parts.services.archives.files.root.rglob("*") if path.is_file()]


async def test_picture_that_several_dreams_show_is_there_once_and_its_sidecar_names_them_all(bare_desk: Desk) -> None:
    red = _data("red")
    first, second = await _drawn(bare_desk, red), await _drawn(bare_desk, red, 1)
    await DreamVersion.keep(second, Aside(illustration=first.illustration))
    other = await _kept(bare_desk, _data("gold"))
    await DreamVersion.keep(second, Aside(illustration=illustration_of(other.identity)))
    zipped = await _zip_of(bare_desk)
    pictures = [name for name in zipped.namelist() if name.endswith(".png")]
    assert [zipped.read(name) for name in pictures] == [red, _data("gold")]
    told = json.loads(zipped.read(f"{pictures[0].partition('.')[0]}.json"))
    assert [one["dreamId"] for one in told["madeFor"]] == [str(one.identity) for one in (first, second, second)]
    assert {one["generation"] for one in told["madeFor"]} == {None}


async def test_what_is_being_replaced_just_now_is_a_version(bare_desk: Desk) -> None:
    dream = dream_of(bare_desk.owner_id, illustration=None)
    models = bare_desk.dreams.models
    recipe = recipe_of(dream, frozenset(), Again(), models)
    dream.making = Making(generation_id=PydanticObjectId(), recipe=recipe, key=None)
    dream.aside = Aside(interpretation=interpretation_of(1))
    await dream.insert()
    (told,) = json.loads((await _zip_of(bare_desk)).read("dreams.json"))["dreams"]
    assert [one["id"] for one in told["versions"]] == [str(dream.aside.version_id)]
    await DreamVersion.of(dream, dream.aside, dream.changed_at).insert()
    (told,) = json.loads((await _zip_of(bare_desk)).read("dreams.json"))["dreams"]
    assert [one["id"] for one in told["versions"]] == [str(dream.aside.version_id)]


async def test_wish_as_long_as_may_be_does_not_keep_a_picture_from_being_told_of(bare_desk: Desk) -> None:
    dream = await bare_desk.recorded()
    made = await bare_desk.again(dream, Again(wish="\u00e9" * 2_000))
    await bare_desk.work()
    zipped = await _zip_of(bare_desk)
    (told,) = json.loads(zipped.read("dreams.json"))["dreams"]
    sidecar = json.loads(zipped.read(f"{told['illustration']['picture'].partition('.')[0]}.json"))
    generation = sidecar["madeFor"][-1]["generation"]
    assert (generation["id"], generation["parameters"]["wish"]) == (str(made.identity), "\u00e9" * 2_000)
    assert (made.kind, "asked" in generation["parameters"]) == (GENERATION_KIND, False)


@pytest.mark.parametrize("wanted", ExportFormat)
async def test_many_dreams_come_in_order_and_progress_is_told(bare_desk: Desk, wanted: ExportFormat) -> None:
    dreams = [dream_of(bare_desk.owner_id, number, illustration=None) for number in range(123)]
    await Dream.insert_many(dreams)
    await dream_of(PydanticObjectId(), text="A secret of somebody else.").insert()
    ended = await _run(bare_desk, await _exports(bare_desk, wanted))
    percents = [event.percent for event in ended.events if event.stage]
    assert (percents, len(percents) <= 45) == (sorted(percents), True)
    (archive,) = await Archive.of_generation(ended.identity)
    zipped = ZipFile(bare_desk.parts.services.archives.place(archive))
    ids = [str(one.identity) for one in dreams]
    if wanted is ExportFormat.JSON:
        assert [one["id"] for one in json.loads(zipped.read("dreams.json"))["dreams"]] == ids
    else:
        assert [name[-27:-3] for name in zipped.namelist()[1:-1]] == ids
        assert len(zipped.read("index.md").decode().splitlines()) == 2 + len(ids)


async def test_store_that_is_not_set_up_fails_the_export_as_its_pictures_are_not_lost(bare_desk: Desk) -> None:
    dream = await _drawn(bare_desk, _data("red"))
    assert dream.illustration is not None
    where = {"_id": dream.illustration.picture_id}
    await Picture.rows().update_one(where, {"$set": {"store": "cloudinary"}})
    ended = await _run(bare_desk, await _exports(bare_desk))
    assert ended.failure is not None
    assert ended.failure.code is ErrorCode.SOURCE_IMAGE_MISSING
    assert (_files(bare_desk), await Archive.count()) == ([], 0)


async def test_picture_whose_bytes_were_changed_counts_as_lost(bare_desk: Desk) -> None:
    dream = await _drawn(bare_desk, _data("red"))
    assert dream.illustration is not None
    picture = await Picture.get(dream.illustration.picture_id)
    assert picture is not None
    (bare_desk.parts.store.root / "pictures" / picture.key).write_bytes(_data("gold"))
    zipped = await _zip_of(bare_desk)
    assert zipped.namelist() == ["README.txt", "dreams.json"]


async def test_full_disk_fails_the_export_and_the_retry_makes_it(
    bare_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    await _drawn(bare_desk, _data("red"))
    started = await _exports(bare_desk, ExportFormat.MARKDOWN)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        ended = await _run(bare_desk, started)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert (_files(bare_desk), await Archive.count()) == ([], 0)
    again = await bare_desk.parts.services.generations.retry(bare_desk.owner_id, ended.identity, None)
    assert again.recipe == started.recipe
    assert (await _run(bare_desk, again)).status is Status.SUCCEEDED


async def test_export_after_a_crash_leaves_one_archive(bare_desk: Desk) -> None:
    async def entries() -> AsyncGenerator[Entry]:
        yield Entry("README.txt", b"a")

    started = await _exports(bare_desk)
    await bare_desk.parts.services.archives.make(started, "dreams-1.zip", entries(), started.created_at)
    ended = await _run(bare_desk, started)  # the worker was killed before, and nobody knows of the first
    (kept,) = await Archive.of_generation(started.identity)
    assert ended.steps["archive"]["archiveId"] == kept.identity
    assert len(_files(bare_desk)) == 1


async def test_cancelled_export_leaves_nothing(bare_desk: Desk) -> None:
    waiting = asyncio.Event()

    async def gate(place: str) -> None:
        if place == "open?":
            waiting.set()
            await asyncio.Event().wait()

    await _drawn(bare_desk, _data("red"))
    pictures = Pictures(GatedStore(bare_desk.parts.store, gate))
    job = DreamExportJob(bare_desk.parts.services.archives, pictures)
    started, runner = await _exports(bare_desk), replace(bare_desk.parts.runner, jobs={EXPORT_KIND: job})
    heeding = asyncio.create_task(runner.heed_cancels())
    running = asyncio.create_task(runner.run(started.identity))
    await waiting.wait()
    assert len(_files(bare_desk)) == 2  # the archive, and the text that grows beside it
    await bare_desk.parts.services.generations.cancel(bare_desk.owner_id, started.identity)
    await running
    heeding.cancel()
    ended = await Generation.get(started.identity)
    assert ended is not None
    assert ended.status is Status.CANCELLED
    assert (_files(bare_desk), await Archive.count()) == ([], 0)


async def test_one_owner_has_a_number_of_archives_at_most(bare_desk: Desk) -> None:
    known = await _exports(bare_desk, key="a")
    archives = bare_desk.parts.services.archives
    for _ in range(KEPT_MAX):
        await archives.receive(bare_desk.owner_id, PydanticObjectId(), BytesIO(b"a"), known.created_at)
    with pytest.raises(AppError) as refused:
        await _exports(bare_desk)
    assert refused.value.code is ErrorCode.QUOTA_EXCEEDED
    assert (await _exports(bare_desk, key="a")).identity == known.identity


@pytest.mark.long
async def test_large_journal_goes_out_through_little_memory(bare_desk: Desk) -> None:
    for number in range(_LARGE):
        await _drawn(bare_desk, _data("red", _LARGE_BYTES + number), number)
    words = "I fell into the sea. " * 950
    for _ in range(5):
        await Dream.insert_many([dream_of(bare_desk.owner_id, text=words, illustration=None) for _ in range(100)])
    started = await _exports(bare_desk)
    tracemalloc.start()
    try:
        ended = await _run(bare_desk, started)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ended.status is Status.SUCCEEDED
    (archive,) = await Archive.of_generation(ended.identity)
    assert archive.byte_size > _LARGE * _LARGE_BYTES + 500 * len(words)
    assert peak < archive.byte_size / 2, peak
