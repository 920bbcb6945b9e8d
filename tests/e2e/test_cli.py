"""The command line as an operator meets it: one sentence for what is wrong, nothing lost on a move."""

import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.commands import is_one_sentence, regen, regen_itself
from tests.e2e.conftest import MakeClient
from tests.e2e.server import running

_GALLERY = "{ viewer { ornamentImages { nodes { id combinedPrompt picture { url width } } } } }"


@pytest.fixture
async def target_url(mongodb_url: str) -> AsyncIterator[str]:
    """An empty database on another server."""
    name = f"regen_cli_{uuid4().hex}"
    base, _, options = mongodb_url.partition("?")
    yield f"{base.rstrip('/')}/{name}?{options}"
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        await client.drop_database(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def used_data_dir(tmp_path_factory: pytest.TempPathFactory, car: bytes) -> tuple[Path, Client, Any]:
    """A data folder in which somebody made an image, and what they saw; who copies from it leaves it as it is."""
    folder = tmp_path_factory.mktemp("used")
    with running(folder) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
            ada = Client(http, server.sockets_url)
            await ada.sign_up()
            await ada.finished(await ada.upload(car, prompt="Make it shine"))
            return folder, ada, await ada.run(_GALLERY)


async def _shows(data_dir: Path, settings: dict[str, str], client_of: MakeClient, before: Client, seen: Any) -> None:
    """A server on that folder shows what was seen before, pictures included."""
    with running(data_dir, settings) as server:
        after = client_of(server)
        after.token = before.token
        gallery = await after.run(_GALLERY)
        (image,), (known,) = (answer["viewer"]["ornamentImages"]["nodes"] for answer in (gallery, seen))
        assert (image["id"], image["combinedPrompt"]) == (known["id"], known["combinedPrompt"])
        assert (await after.http.get(image["picture"]["url"])).status_code == 200


@pytest.mark.long
async def test_embedded_data_and_pictures_move_to_a_real_server(
    used_data_dir: tuple[Path, Client, Any], target_url: str, tmp_path: Path, client_of: MakeClient
) -> None:
    folder, ada, seen = used_data_dir
    new_folder = tmp_path / "new"
    done = regen_itself(folder, "copy", "--to", target_url, "--to-data-dir", str(new_folder))
    assert done.returncode == 0, done.stderr
    again = regen(folder, "copy", "--to", target_url)
    assert is_one_sentence(again), again.stderr
    (new_folder / "secrets").mkdir()
    secret = {"JWT_SECRET": (folder / "secrets" / "jwt_secret").read_text(encoding="ascii")}
    await _shows(new_folder, {"MONGODB_URL": target_url, **secret}, client_of, ada, seen)


@pytest.mark.long
async def test_backup_is_restored_into_an_empty_folder(
    used_data_dir: tuple[Path, Client, Any], tmp_path: Path, client_of: MakeClient
) -> None:
    folder, ada, seen = used_data_dir
    archive, fresh = tmp_path / "backup.zip", tmp_path / "fresh"
    fresh.mkdir()
    assert regen_itself(folder, "backup", str(archive)).returncode == 0
    restored = regen_itself(fresh, "restore", str(archive))
    assert restored.returncode == 0, restored.stderr
    assert is_one_sentence(regen(fresh, "restore", str(archive)))
    secret = {"JWT_SECRET": (folder / "secrets" / "jwt_secret").read_text(encoding="ascii")}
    await _shows(fresh, secret, client_of, ada, seen)


@pytest.mark.long
def test_doctor_says_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    done = regen(tmp_path, "doctor", GOOGLE_API_KEY="your-google-api-key-here")
    assert done.returncode == 1
    assert "[problem] GOOGLE_API_KEY: holds a placeholder" in done.stdout
    assert "embedded database" in done.stdout
    assert regen_itself(tmp_path, "doctor").returncode == 0


def test_upgrade_has_nothing_to_do_on_a_fresh_folder(tmp_path: Path) -> None:
    done = regen_itself(tmp_path, "upgrade")
    assert (done.returncode, done.stderr) == (0, "")


def test_port_in_use_is_one_sentence_that_names_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = regen_itself(tmp_path, "serve", PORT=str(port))
    assert is_one_sentence(done), done.stderr
    assert f"PORT={port + 1}" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    "settings",
    [
        {"PORT": "many"},
        {"APP_ENV": "production"},
        {"MONGODB_URL": "mongodb://nobody:secret-word@127.0.0.1:1/regen?serverSelectionTimeoutMS=300", "PORT": "0"},
    ],
)
def test_what_stops_the_startis_one_sentence(tmp_path: Path, settings: dict[str, str]) -> None:
    done = regen(tmp_path, "serve", **settings)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr
    assert "secret-word" not in done.stderr + done.stdout


def test_second_server_on_a_data_folder_is_refused(tmp_path: Path) -> None:
    if os.environ.get("MONGODB_URL"):
        pytest.skip("only the embedded database belongs to one server")
    with running(tmp_path):
        done = regen(tmp_path, "serve", PORT="0")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr


def test_doctor_looks_into_the_database_of_a_running_server(tmp_path: Path) -> None:
    with running(tmp_path, database_setting()):
        done = regen(tmp_path, "doctor", **database_setting())
    assert done.returncode == 0, done.stdout
    assert "[ok]      database: " in done.stdout


async def test_production_logs_json_without_secrets(
    tmp_path: Path, target_url: str, client_of: MakeClient, car: bytes
) -> None:
    settings = {
        "APP_ENV": "production",
        "MONGODB_URL": target_url,
        "JWT_SECRET": "j" * 40,
        "MEDIA_URL_KEY": "m" * 40,
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    with running(tmp_path, settings, fresh=True) as server:
        ada = client_of(server)
        await ada.sign_up()
        await ada.finished(await ada.upload(car, prompt="a wish that is nobody's business"))
        assert server.stop() == 0
    lines = [json.loads(line) for line in server.log]
    assert {"request", "generation_ended"} <= {line["event"] for line in lines}
    assert all("request_id" in line for line in lines if line["event"] == "request")
    text = "".join(server.log)
    for secret in (ada.token or "", "j" * 40, "m" * 40, "nobody's business", "quiet sea"):
        assert secret not in text


def test_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    if os.environ.get("MONGODB_URL"):
        pytest.skip("only the embedded database has a file")
    (tmp_path / "regen.sqlite").write_bytes(b"no database at all" * 500)
    done = regen(tmp_path, "serve", PORT="0")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr
    assert "Restore it from a backup" in done.stderr
