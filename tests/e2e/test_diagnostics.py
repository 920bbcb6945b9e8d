"""Administrators and diagnostics, as an operator meets them at the command line, beside a running server."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.commands import is_one_sentence, regen, regen_on_terminal, said, told
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running
from tests.generations.conftest import until

_IS_ADMINISTRATOR = "{ viewer { user { isAdministrator } } }"
_RUN = """mutation ($suite: DiagnosticsSuite!) { runDiagnostics(input: {suite: $suite}) {
  generation { id } errors { code message } } }"""
_UPDATES = """subscription ($id: ID!) { diagnosticsUpdates(generationId: $id) {
  status tests { name status outputPictures { url } } } }"""
_PASSED = {"PROVIDERS": ["PASSED"] * 4, "FULL_FLOW": ["PASSED"] * 5}


@dataclass(frozen=True, slots=True)
class Site:
    """A server, and what its operator types at its command line."""

    server: Server
    folder: Path
    settings: dict[str, str]

    def said(self, *arguments: str) -> str:
        return said(self.folder, *arguments, settings=self.settings)

    def regen(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return regen(self.folder, *arguments, **(self.settings | more))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulated_providers() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("data")
    keys = {name: value for name, value in simulator.settings.items() if not name.startswith("CLOUDINARY")}
    settings = {**database_setting(), **keys}
    with running(folder, settings) as server:
        yield Site(server, folder, settings)


async def _is_administrator(client: Client) -> bool:
    answer: bool = (await client.run(_IS_ADMINISTRATOR))["viewer"]["user"]["isAdministrator"]
    return answer


async def test_operator_makes_lists_and_revokes_administrators(site: Site, client_of: MakeClient) -> None:
    ada = client_of(site.server)
    email = (await ada.sign_up())["email"]
    assert not await _is_administrator(ada)
    assert site.said("admin", "grant", email.upper()) == f"{email} is an administrator now.\n"
    assert await _is_administrator(ada)
    assert site.said("admin", "grant", email) == f"{email} is an administrator already.\n"
    assert email in site.said("admin", "list")
    assert email in [row["email"] for row in told(site.folder, "admin", "list", settings=site.settings)]
    assert site.said("admin", "revoke", email) == f"{email} is no administrator any more.\n"
    assert not await _is_administrator(ada)
    assert site.said("admin", "revoke", email) == f"{email} was no administrator.\n"
    assert email not in site.said("admin", "list")


def test_address_without_an_account_and_what_is_no_address_are_one_sentence(site: Site) -> None:
    for command in ("grant", "revoke"):
        for address in ("nobody@example.com", "nonsense"):
            assert is_one_sentence(site.regen("admin", command, address)), address


async def test_administrator_follows_both_suites_over_a_socket(site: Site, client_of: MakeClient) -> None:
    ada = client_of(site.server)
    email = (await ada.sign_up())["email"]
    (refusal,) = (await ada.run(_RUN, {"suite": "PROVIDERS"}))["runDiagnostics"]["errors"]
    assert (refusal["code"], f"regen admin grant {email}" in refusal["message"]) == ("FORBIDDEN", True)
    site.said("admin", "grant", email)
    for suite, expected in _PASSED.items():
        payload = (await ada.run(_RUN, {"suite": suite}))["runDiagnostics"]
        assert payload["errors"] == []
        async with ada.socket() as socket:
            told = [data async for data in socket.subscribe(_UPDATES, {"id": payload["generation"]["id"]})]
        last = told[-1]["diagnosticsUpdates"]
        assert (last["status"], [test["status"] for test in last["tests"]]) == ("SUCCEEDED", expected)
        (url,) = last["tests"][1]["outputPictures"]
        assert (await ada.http.get(url["url"])).headers["content-type"].startswith("image/")


async def test_administrator_who_is_revoked_sees_no_more_of_a_run(
    site: Site, client_of: MakeClient, simulator: Simulator
) -> None:
    ada = client_of(site.server)
    email = (await ada.sign_up())["email"]
    site.said("admin", "grant", email)
    simulator.hold()
    payload = (await ada.run(_RUN, {"suite": "PROVIDERS"}))["runDiagnostics"]
    async with ada.socket() as socket:
        told = socket.subscribe(_UPDATES, {"id": payload["generation"]["id"]})
        assert (await anext(told))["diagnosticsUpdates"]["status"] in {"QUEUED", "RUNNING"}
        await simulator.until(lambda seen: seen.in_flight == 1)
        site.said("admin", "revoke", email)
        simulator.release()
        with pytest.raises(AssertionError, match="for administrators"):
            async for _ in told:
                pass
    assert await ada.follow(payload["generation"]["id"])  # her own work is hers to follow


@pytest.mark.long
async def test_full_doctor_makes_every_test_beside_a_running_server_and_leaves_no_picture(site: Site) -> None:
    before = _pictures(site.folder)
    done = site.regen("doctor", "--full")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "PROVIDERS"
    assert lines[5] == "FULL_FLOW"
    assert [line.split("]")[0] for line in lines if line.startswith("[")] == ["[ok"] * 9

    async def are_gone() -> bool:
        return _pictures(site.folder) == before

    await until(are_gone)  # a sweep of the server's may have been quicker


def _pictures(folder: Path) -> set[Path]:
    return {path for path in (folder / "media").rglob("*") if path.is_file()}


def test_full_doctor_shows_what_it_makes_fails_with_what_failed_and_tells_no_key(
    site: Site, simulator: Simulator
) -> None:
    def look(terminal: str) -> None:
        if "Text completion" in terminal:  # the first test waits until the bar has named it
            simulator.release()

    keys = site.settings | {"OPENAI_API_KEY": "sim-rejected-key"}
    simulator.hold()
    try:
        done = regen_on_terminal(site.folder, "doctor", "--full", "--json", look=look, **keys)
    finally:
        simulator.release()
    assert done.returncode == 1
    bars = re.split(r"[\r\n]+", done.stderr)
    assert [bar for bar in bars if "   0%" in bar and "Text completion" in bar], bars
    assert "100%" in bars[-2], bars
    runs: list[Any] = json.loads(done.stdout)["runs"]
    assert [(run["suite"], run["status"]) for run in runs] == [("PROVIDERS", "SUCCEEDED"), ("FULL_FLOW", "SUCCEEDED")]
    text, *_ = runs[0]["tests"]
    assert (text["status"], text["response"]["text"]["error"]["code"]) == ("FAILED", "PROVIDER_REJECTED_KEY")
    assert {test["name"]: test["status"] for test in runs[1]["tests"]}["configuration"] == "PASSED"
    assert "sim-rejected-key" not in done.stdout + done.stderr


@pytest.mark.long
def test_full_doctor_without_a_server_and_without_a_key(tmp_path: Path) -> None:
    done = regen(tmp_path, "doctor", "--full", "--json", **database_setting())
    assert (done.returncode, done.stderr) == (0, "")
    tests = [test for run in json.loads(done.stdout)["runs"] for test in run["tests"]]
    assert [test["status"] for test in tests] == [status for expected in _PASSED.values() for status in expected]
    assert _pictures(tmp_path) == set()


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    for options in (("--full", "--providers"), ("--json",)):
        refused = regen(tmp_path, "doctor", *options)
        assert (refused.returncode, "--full stands alone" in refused.stderr) == (2, True)
