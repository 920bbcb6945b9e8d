"""Backups: everything comes back, and a damaged or hostile file brings nothing back."""
# ruff: noqa: ASYNC240 - small files; nothing else runs in the loop of a test

import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from bson import Int64, ObjectId
from pymongo.errors import InvalidOperation

from app.database.backup import backup, restore
from app.database.connection import RawDatabase, connect
from app.database.errors import DatabaseError

type NewDatabase = Callable[[], Awaitable[RawDatabase]]


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    for name, content in {"a/b/c.png": b"\x89PNG" * 400_000, "empty": b"", "ü mlaut.jpg": b"\xff\xd8"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
async def archive(database: RawDatabase, media: Path, tmp_path: Path) -> Path:
    """A backup of 401 things, one user and three files."""
    await database["things"].insert_many([{"number": Int64(number), "text": "é\n\u2028"} for number in range(401)])
    await database["users"].insert_one({"_id": ObjectId(), "name": None})
    path = tmp_path / "regen.zip"
    report = await backup(database, media, path)
    assert report.documents == {"things": 401, "users": 1}
    assert report.media == 3
    return path


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _rewritten(archive: Path, changes: dict[str, bytes | None], *, forged: bool = False) -> Path:
    """A copy of the archive with members replaced (None: left out), in the manifest too if it is a forgery."""
    with ZipFile(archive) as source:
        members = {name: source.read(name) for name in source.namelist()} | changes
    if forged:
        manifest = json.loads(members["manifest.json"] or b"")
        for name, content in changes.items():
            entry = {"size": len(content or b""), "sha256": hashlib.sha256(content or b"").hexdigest()}
            manifest["members"][name] = entry | ({"documents": 1} if name.endswith(".jsonl") else {})
        members["manifest.json"] = json.dumps(manifest).encode()
    path = archive.with_name("rewritten.zip")
    with ZipFile(path, "w") as target:
        for name, content in members.items():
            if content is not None:
                target.writestr(name, content)
    return path


async def _brings_nothing(path: Path, target: RawDatabase, folder: Path, match: str) -> None:
    with pytest.raises(DatabaseError, match=match):
        await restore(path, target, folder)
    assert not list(folder.glob("*"))
    assert not [name for name in await target.list_collection_names() if await target[name].find_one()]


async def test_restored_is_equal(
    archive: Path, database: RawDatabase, media: Path, another_server: RawDatabase, tmp_path: Path
) -> None:
    report = await restore(archive, another_server, tmp_path / "restored")
    assert report.documents == {"things": 401, "users": 1}
    assert _files(tmp_path / "restored") == _files(media)
    assert sorted(path.name for path in (tmp_path / "restored").iterdir()) == ["a", "empty", "ü mlaut.jpg"]
    for name in ("things", "users"):
        there = await another_server[name].find().sort("_id", 1).to_list()
        assert there == await database[name].find().sort("_id", 1).to_list()


async def test_empty_installation_has_a_backup_too(new_database: NewDatabase, tmp_path: Path) -> None:
    report = await backup(await new_database(), tmp_path / "no media", tmp_path / "empty.zip")
    assert (report.documents, report.media) == ({}, 0)
    assert await restore(tmp_path / "empty.zip", await new_database(), tmp_path / "restored") == report


async def test_backup_is_readable_by_its_owner_only(archive: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600


async def test_backup_does_not_overwrite_a_file(archive: Path, database: RawDatabase, media: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(DatabaseError, match="exists already"):
        await backup(database, media, archive)
    assert archive.read_bytes() == before


async def test_backup_goes_neither_into_the_media_nor_into_a_missing_folder(
    database: RawDatabase, media: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseError, match="lies in the media folder"):
        await backup(database, media, media / "regen.zip")
    with pytest.raises(DatabaseError, match="The backup fails at"):
        await backup(database, media, tmp_path / "missing" / "regen.zip")


async def test_failed_backup_leaves_no_file(mongodb_url: str, media: Path, tmp_path: Path) -> None:
    connection = await connect(mongodb_url)
    await connection.close()
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidOperation):
        await backup(connection.database, media, tmp_path / "out" / "regen.zip")
    assert not list((tmp_path / "out").glob("*"))


async def test_restore_refuses_a_target_that_is_not_empty(
    archive: Path, database: RawDatabase, media: Path, new_database: NewDatabase, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseError, match=r"isn't empty \(it has things, users\)"):
        await restore(archive, database, tmp_path / "restored")
    with pytest.raises(DatabaseError, match=r"media folder .* isn't empty"):
        await restore(archive, await new_database(), media)


async def test_missing_and_foreign_files_are_called_so(new_database: NewDatabase, tmp_path: Path) -> None:
    target, folder = await new_database(), tmp_path / "restored"
    await _brings_nothing(tmp_path / "none.zip", target, folder, "There is no file")
    (tmp_path / "letter.zip").write_text("Dear Ann")
    await _brings_nothing(tmp_path / "letter.zip", target, folder, "no backup of Regen")
    with ZipFile(tmp_path / "photos.zip", "w") as photos:
        photos.writestr("photo.jpg", b"")
    await _brings_nothing(tmp_path / "photos.zip", target, folder, "no valid manifest")


async def test_every_damage_is_noticed_before_anything_is_written(
    archive: Path, new_database: NewDatabase, tmp_path: Path
) -> None:
    target, folder = await new_database(), tmp_path / "restored"
    damages: list[tuple[dict[str, bytes | None], str]] = [
        ({"media/empty": b"not any more"}, "media/empty isn't what its manifest says"),
        ({"collections/users.jsonl": b'{"_id": 1}\n'}, "users.jsonl isn't what"),
        ({"media/empty": None}, "aren't those of its manifest"),
        ({"media/extra": b""}, "aren't those of its manifest"),
        ({"manifest.json": b"{}"}, "no valid manifest"),
        ({"manifest.json": b'{"format": 2, "created_at": "", "members": {}}'}, "from a newer Regen"),
    ]
    for changes, match in damages:
        await _brings_nothing(_rewritten(archive, changes), target, folder, match)


async def test_cut_or_flipped_bytes_are_noticed(archive: Path, new_database: NewDatabase, tmp_path: Path) -> None:
    target, folder, whole = await new_database(), tmp_path / "restored", archive.read_bytes()
    for position in (40, len(whole) // 2):
        archive.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        await _brings_nothing(archive, target, folder, "damaged")
    archive.write_bytes(whole[: len(whole) // 2])
    await _brings_nothing(archive, target, folder, "damaged")


@pytest.mark.parametrize("name", ["../evil", "media/../../evil", "/etc/evil", "media//evil", "other/evil", "media"])
async def test_unsafe_path_is_refused(name: str, archive: Path, new_database: NewDatabase, tmp_path: Path) -> None:
    forged = _rewritten(archive, {name: b"evil"}, forged=True)
    await _brings_nothing(forged, await new_database(), tmp_path / "restored", "is unsafe")


@pytest.mark.long
async def test_restore_that_fails_midway_takes_back_what_it_wrote(
    archive: Path, new_database: NewDatabase, tmp_path: Path
) -> None:
    forged = _rewritten(archive, {"collections/zebras.jsonl": b"no JSON\n"}, forged=True)
    await _brings_nothing(forged, await new_database(), tmp_path / "restored", "collections/zebras.jsonl")
