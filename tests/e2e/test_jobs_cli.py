"""`regen jobs`: an operator looks at the work and steers it, beside a running server and without one."""

import base64
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.commands import is_one_sentence, regen, regen_itself, said, told
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running
from tests.providers.gemini_standin import Standin, serve

_NO_SUCH_ID = "0" * 24
_STATUS = "query ($id: ID!) { generation(id: $id) { status retryOf { id } } }"


@pytest.fixture
def settings() -> dict[str, str]:
    """What a server of the test's own and the command line share."""
    return {**database_setting(), "SWEEP_EVERY_S": "0.2"}


@dataclass(frozen=True, slots=True)
class Shared:
    """The server of those tests that leave it at rest and at work: what they start has ended, and nothing is held."""

    server: Server
    folder: Path
    settings: dict[str, str]

    def said(self, *arguments: str) -> str:
        return said(self.folder, "jobs", *arguments, settings=self.settings)

    def told(self, *arguments: str) -> Any:
        return told(self.folder, "jobs", *arguments, settings=self.settings)

    def jobs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return regen(self.folder, "jobs", *arguments, **self.settings)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder, settings = tmp_path_factory.mktemp("data"), {**database_setting(), "SWEEP_EVERY_S": "0.2"}
    with running(folder, settings) as server:
        yield Shared(server, folder, settings)


@pytest.fixture
async def person(shared: Shared, client_of: MakeClient) -> tuple[Client, str]:
    """Somebody with an account, and their address."""
    client = client_of(shared.server)
    return client, (await client.sign_up())["email"]


def _plain(global_id: str) -> str:
    return base64.b64decode(global_id).decode().partition(":")[2]


async def _held_upload(ada: Client, shared: Shared, photo: bytes) -> str:
    """The id of a generation that waits, because all work is held."""
    shared.said("drain")
    payload = await ada.upload(photo)
    assert payload["errors"] == []
    generation_id: str = payload["generation"]["id"]
    return generation_id


@pytest.mark.long
async def test_list_is_newest_first_and_can_be_narrowed(person: tuple[Client, str], shared: Shared, car: bytes) -> None:
    ada, email = person
    payloads = [await ada.upload(car), await ada.upload(car, prompt="Make it shine")]
    for payload in payloads:
        await ada.finished(payload)
    first_id, second_id = (_plain(payload["generation"]["id"]) for payload in payloads)
    rows = shared.told("list", "--owner", email.upper())
    assert [row["id"] for row in rows] == [second_id, first_id]
    assert {(row["status"], row["percent"], row["kind"], row["owner"]) for row in rows} == {
        ("SUCCEEDED", 100, "ORNAMENT", email)
    }
    assert shared.told("list", "--status", "failed") == []
    heading, newest = shared.said("list", "--limit", "1").splitlines()
    assert heading.split() == ["ID", "STATUS", "STAGE", "KIND", "OWNER", "AGE", "ATTEMPTS", "CODE"]
    assert newest.startswith(second_id)
    assert newest.index(email) == heading.index("OWNER")


async def test_one_is_shown_with_all_that_happened_to_it(
    person: tuple[Client, str], shared: Shared, car: bytes
) -> None:
    ada, email = person
    payload = await ada.upload(car, prompt="Make it shine")
    await ada.finished(payload)
    generation_id = payload["generation"]["id"]
    shown = shared.told("show", generation_id)
    assert shown["id"] == _plain(generation_id)
    assert shown["recipe"]["prompts"][-1] == "Make it shine"
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["SUCCEEDED"]
    assert [(call["provider"], call["maybeBilled"]) for call in shown["calls"]] == [("local", False)]
    assert [event["sequence"] for event in shown["events"]] == list(range(1, len(shown["events"]) + 1))
    text = shared.said("show", _plain(generation_id))
    for part in (generation_id, email, "Make it shine", "nobody works on it", "QUEUED", "SUCCEEDED"):
        assert part in text


@pytest.mark.long
async def test_held_work_waits_until_resume(person: tuple[Client, str], shared: Shared, car: bytes) -> None:
    ada, _ = person
    generation_id = await _held_upload(ada, shared, car)
    status = shared.told("status")
    assert (status["draining"], status["counts"]["QUEUED"], status["workers"]) == (True, 1, {})
    assert status["lanes"] == {"owners": 1, "open": 1, "longest": 1}
    shared.said("resume")
    events = await ada.follow(generation_id)
    assert events[-1]["type"] == "SUCCEEDED"
    assert "draining   no" in shared.said("status")


@pytest.mark.long
async def test_waiting_one_is_cancelled_and_its_retry_succeeds_in_the_server(
    person: tuple[Client, str], shared: Shared, car: bytes
) -> None:
    ada, _ = person
    generation_id = await _held_upload(ada, shared, car)
    assert shared.said("cancel", generation_id).endswith(" is CANCELLED.\n")
    assert (await ada.follow(generation_id))[-1]["type"] == "CANCELLED"
    shared.said("resume")
    retried = shared.said("retry", _plain(generation_id)).split()[0]
    new_id = base64.b64encode(f"Generation:{retried}".encode()).decode()
    assert (await ada.follow(new_id))[-1]["type"] == "SUCCEEDED"
    new = (await ada.run(_STATUS, {"id": new_id}))["generation"]
    assert new == {"status": "SUCCEEDED", "retryOf": {"id": generation_id}}
    again = shared.jobs("retry", retried)
    assert is_one_sentence(again), again.stderr
    assert "has succeeded" in again.stderr


@pytest.fixture
def google() -> Iterator[Standin]:
    with serve() as standin:
        yield standin


@pytest.mark.long
async def test_running_one_is_shown_with_its_worker_and_cancelled(
    google: Standin, tmp_path: Path, settings: dict[str, str], client_of: MakeClient, car: bytes
) -> None:
    settings |= {"GOOGLE_API_KEY": "key-silent", "GOOGLE_GEMINI_BASE_URL": google.url, "LEASE_S": "1.5"}
    with running(tmp_path, settings) as server:
        ada = client_of(server)
        await ada.sign_up()
        generation_id = (await ada.upload(car))["generation"]["id"]
        assert google.hung.wait(60)
        lease = told(tmp_path, "jobs", "show", generation_id, settings=settings)["lease"]
        assert lease["worker"].endswith(f"-{server.process.pid}")
        assert -1.5 < lease["remainingSeconds"] <= 1.5
        slow = regen(tmp_path, "jobs", "drain", "--timeout", "1", **settings)
        assert slow.returncode == 1
        assert slow.stderr.splitlines()[-1].startswith("regen: Not drained in 1 s: 1 still run.")
        said(tmp_path, "jobs", "cancel", generation_id, settings=settings)
        assert (await ada.follow(generation_id))[-1]["type"] == "CANCELLED"
        said(tmp_path, "jobs", "drain", "--timeout", "60", settings=settings)
    assert google.disconnected.is_set()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("show", _NO_SUCH_ID), "There is no generation"),
        (("cancel", _NO_SUCH_ID), "There is no generation"),
        (("retry", "what?"), "is not an id of this server"),
        (("list", "--owner", "nobody@example.com"), "Nobody has an account"),
    ],
)
def test_what_is_not_there_is_one_sentence(shared: Shared, arguments: tuple[str, ...], why: str) -> None:
    done = shared.jobs(*arguments)
    assert is_one_sentence(done), done.stderr
    assert why in done.stderr


@pytest.mark.long
def test_without_a_server_the_database_is_opened(tmp_path: Path, settings: dict[str, str]) -> None:
    said(tmp_path, "jobs", "drain", "--no-wait", settings=settings)
    empty: dict[str, Any] = told(tmp_path, "jobs", "status", settings=settings)
    assert set(empty["counts"].values()) == {0}
    assert empty["draining"] is True
    listed = regen_itself(tmp_path, "jobs", "list", "--json", **settings)
    assert (listed.returncode, listed.stdout) == (0, "[]\n"), listed.stderr


@pytest.mark.long
def test_database_of_a_killed_server_is_opened_anew(tmp_path: Path, settings: dict[str, str]) -> None:
    with running(tmp_path, settings) as server:
        server.process.kill()
        server.process.wait()
    began_s = time.monotonic()
    assert told(tmp_path, "jobs", "list", settings=settings) == []
    assert time.monotonic() - began_s < 30
