"""`regen pictures`: an operator moves the pictures to another store, beside a running server, and is interrupted."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.commands import is_one_sentence, regen, said, told
from tests.e2e.server import environment, running
from tests.pictures.cloudinary_standin import Standin, error, serve

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_PICTURES = "{ viewer { ornamentImages { nodes { picture { id url } uploadedPicture { id url } } } } }"
_ALL = 3  # the upload, a preview and the result
_OVER = ("pictures", "move", "--from", "disk", "--to", "cloudinary")


@pytest.fixture(scope="module")
def server() -> Generator[Standin]:
    with serve() as standin:
        yield standin


@pytest.fixture
def standin(server: Standin) -> Standin:
    server.clear()
    return server


@pytest.fixture
def settings(standin: Standin) -> dict[str, str]:
    """New pictures go to the disk, and Cloudinary is set up."""
    return {
        **database_setting(),
        "PICTURE_STORE": "disk",
        "CLOUDINARY_URL": standin.account,
        "CLOUDINARY_UPLOAD_PREFIX": standin.url,
        "CLOUDINARY_DELIVERY_URL": standin.url,
    }


async def _made(client: Client) -> None:
    await client.sign_up()
    await client.finished(await client.upload(_CAR, prompt="Make it shine"))


async def _links(client: Client) -> dict[str, str]:
    """The link to each picture."""
    (node,) = (await client.run(_PICTURES))["viewer"]["ornamentImages"]["nodes"]
    return {picture["id"]: picture["url"] for picture in (node["picture"], node["uploadedPicture"])}


async def _fetched(links: dict[str, str]) -> dict[str, tuple[int, bytes]]:
    async with httpx2.AsyncClient() as http:
        answers = {name: await http.get(link) for name, link in links.items()}
    return {name: (answer.status_code, answer.content) for name, answer in answers.items()}


def _counts(rows: Any) -> dict[str, int]:
    return {row["store"]: row["pictures"] for row in rows}


@pytest.fixture
async def filled(tmp_path: Path, settings: dict[str, str]) -> Path:
    """A data folder with pictures, and nobody at work."""
    with running(tmp_path, settings) as regen_server:
        async with httpx2.AsyncClient(base_url=regen_server.url, timeout=30) as http:
            await _made(Client(http, regen_server.sockets_url))
    return tmp_path


@pytest.mark.long
async def test_pictures_move_beside_a_running_server_and_every_link_goes_on_working(
    tmp_path: Path, settings: dict[str, str], standin: Standin
) -> None:
    with running(tmp_path, settings) as regen_server:
        async with httpx2.AsyncClient(base_url=regen_server.url, timeout=30) as http:
            ada = Client(http, regen_server.sockets_url)
            await _made(ada)
            before = await _links(ada)
            bytes_before = await _fetched(before)
            done = await asyncio.to_thread(regen, tmp_path, *_OVER, **settings)
            assert done.returncode == 0, done.stderr
            assert f"Moved {_ALL} pictures (" in done.stdout
            assert f"{_ALL} of {_ALL} moved" in done.stderr
            after = await _links(ada)
            assert all(link.startswith(f"{standin.url}/shop/image/authenticated/") for link in after.values())
            assert await _fetched(after) == await _fetched(before) == bytes_before
            await ada.finished(await ada.upload(_CAR, prompt="Make it shine more"))
    made = _ALL - 1  # the photo itself is known already, where it lies now
    assert _counts(told(tmp_path, "pictures", "list", settings=settings)) == {"cloudinary:shop": _ALL, "disk": made}


@pytest.mark.long
def test_move_and_back_again_and_the_list_of_both(filled: Path, settings: dict[str, str], standin: Standin) -> None:
    assert said(filled, *_OVER, "--dry-run", settings=settings).startswith(f"{_ALL} pictures (")
    assert standin.assets == {}
    assert regen(filled, *_OVER, "--limit", "1", **settings).returncode == 0
    heading, *lines = said(filled, "pictures", "list", settings=settings).splitlines()
    assert heading.split() == ["STORE", "PICTURES", "SIZE", "NOTE"]
    assert [line.split()[:2] for line in lines] == [["disk", f"{_ALL - 1}"], ["cloudinary:shop", "1"]]
    assert "new pictures go here; 1 picture (" in lines[0]
    assert regen(filled, *_OVER, **settings).returncode == 0
    back = regen(filled, "pictures", "move", "--from", "cloudinary:shop", "--to", "disk", **settings)
    assert f"Moved {_ALL} pictures (" in back.stdout
    assert _counts(told(filled, "pictures", "list", settings=settings)) == {"disk": _ALL}


@pytest.mark.long
def test_store_that_is_not_set_up_is_one_sentence_with_the_setting(filled: Path, settings: dict[str, str]) -> None:
    bare = {name: value for name, value in settings.items() if not name.startswith("CLOUDINARY")}
    refused = regen(filled, *_OVER, **bare)
    assert is_one_sentence(refused), refused.stderr
    assert "CLOUDINARY_URL" in refused.stderr
    same = regen(filled, "pictures", "move", "--from", "disk", "--to", "disk", **settings)
    assert is_one_sentence(same), same.stderr


@pytest.mark.long
def test_key_that_is_rejected_stops_the_move_at_once(filled: Path, settings: dict[str, str], standin: Standin) -> None:
    refused = regen(filled, *_OVER, **settings | {"CLOUDINARY_URL": "cloudinary://1:wrong@shop"})
    assert refused.returncode == 1
    assert "check CLOUDINARY_URL" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert standin.assets == {}


@pytest.mark.long
def test_one_that_cannot_be_moved_is_named_and_the_others_are_moved(
    filled: Path, settings: dict[str, str], standin: Standin
) -> None:
    standin.answers.append(error(400, "File size too large"))
    done = regen(filled, *_OVER, **settings)
    assert done.returncode == 1
    assert f"Moved {_ALL - 1} pictures (" in done.stdout
    assert "stays: Cloudinary does not take this picture: File size too large." in done.stdout
    assert regen(filled, *_OVER, **settings).returncode == 0
    assert len(standin.assets) == _ALL


@pytest.mark.long
async def test_killed_move_loses_nothing_and_goes_on(
    tmp_path: Path, filled: Path, settings: dict[str, str], standin: Standin
) -> None:
    standin.holds = True
    env = environment(DATA_DIR=str(tmp_path), **settings)
    command = [sys.executable, "-m", "app.cli", *_OVER]
    with subprocess.Popen(  # noqa: ASYNC220, S603 - our own module, no shell, and it is not waited for
        command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as killed:
        assert await asyncio.to_thread(standin.held.wait, 60)
        os.kill(killed.pid, signal.SIGKILL)
    standin.holds = False
    standin.go_on.set()
    listed = await asyncio.to_thread(said, filled, "pictures", "list", settings=settings)
    assert "on the way here" in listed
    done = await asyncio.to_thread(regen, filled, *_OVER, **settings)
    assert (done.returncode, f"Moved {_ALL} pictures (" in done.stdout) == (0, True), done.stderr
    with running(filled, settings) as regen_server:
        assert regen_server.url
    assert _counts(told(filled, "pictures", "list", settings=settings)) == {"cloudinary:shop": _ALL}
    assert len(standin.assets) == _ALL  # what the killed one had begun is the copy that is used, or was never there
