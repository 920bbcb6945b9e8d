"""The stand-in as people start it: with the server, and by hand."""

import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.settings import SettingsError, load_settings
from app.simulator.scenario import Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_if_asked
from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.commands import is_one_sentence, regen
from tests.e2e.server import environment, running
from tests.simulator.conftest import decoded

pytestmark = pytest.mark.timeout(110)
_PHOTO = Path(__file__).parent.parent / "photos" / "car-1.jpg"
_LISTENS = "0A"
_IMAGE = "query ($id: ID!) { node(id: $id) { ... on OrnamentImage { source picture { url width height } } } }"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine's, no .env of the folder's."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "CLOUDINARY_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.long
async def test_server_makes_pictures_without_a_key_and_shows_them_as_they_come(tmp_path: Path) -> None:
    with running(tmp_path, {**database_setting(), "SIMULATE": "1"}) as server:
        assert "simulated: no provider is called" in server.banner
        async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
            ada = Client(http, server.sockets_url)
            await ada.sign_up()
            payload = await ada.upload(_PHOTO.read_bytes(), prompt="Make it shine")
            events = await ada.follow(payload["generation"]["id"])
            assert [event["type"] for event in events].count("PREVIEW") >= 1
            image = (await ada.run(_IMAGE, {"id": events[-1]["generation"]["result"]["id"]}))["node"]
            picture = image["picture"]
            assert image["source"] == "MOCK"
            assert decoded((await http.get(picture["url"])).content).size == (picture["width"], picture["height"])
        assert server.stop() == 0


def _listening_ports(pid: int) -> list[int]:
    """The TCP ports that a process listens on, without its children's."""
    links = [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()]
    sockets = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]]
    return [int(row[1].partition(":")[2], 16) for row in rows if row[3] == _LISTENS and row[9] in sockets]


def test_killed_server_takes_the_stand_in_with_it(tmp_path: Path) -> None:
    with running(tmp_path, {**database_setting(), "SIMULATE": "1"}) as server:
        own = int(server.url.rpartition(":")[2])
        (simulated,) = [port for port in _listening_ports(server.process.pid) if port != own]
        assert httpx2.get(f"http://127.0.0.1:{simulated}/control/seen").status_code == 200
        server.stop(signal.SIGKILL)
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"http://127.0.0.1:{simulated}/control/seen")


@pytest.mark.parametrize(
    ("name", "value"),
    [("GOOGLE_API_KEY", "AIzaSomethingReal"), ("GOOGLE_GEMINI_BASE_URL", "https://proxy.example.com")],
)
def test_real_key_or_address_is_refused_in_one_sentence_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    done = regen(tmp_path, "serve", SIMULATE="1", PORT="0", **{name: value})
    assert is_one_sentence(done)
    assert f"remove {name}" in done.stderr
    assert value not in done.stderr


def test_production_is_never_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATE", "1")
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(SettingsError, match="SIMULATE=1"):
        load_settings()


def test_key_that_asks_for_a_scenario_stays_and_a_placeholder_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATE", "1")
    for key, kept in (("sim-rate-limited", "sim-rate-limited"), ("your_google_api_key", "sim-fine")):
        monkeypatch.setenv("GOOGLE_API_KEY", key)
        with simulated_if_asked(load_settings()) as settings:
            assert settings.real("google_api_key") == kept
            assert (settings.google_gemini_base_url or "").startswith("http://127.0.0.1:")


def test_settings_that_do_not_ask_stay_as_they_are() -> None:
    settings = load_settings()
    with simulated_if_asked(settings) as same:
        assert same is settings


@contextmanager
def _by_hand(*arguments: str) -> Generator[tuple[str, str, subprocess.Popen[str]]]:
    """`regen simulate-providers`: its address and what it printed."""
    command = [sys.executable, "-m", "app.cli", "simulate-providers", "--port", "0", *arguments]
    with subprocess.Popen(  # noqa: S603 - our own module, no shell
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            printed = "".join(process.stdout.readline() for _ in range(8))
            found = re.search(r"ready at (http://127\.0\.0\.1:\d+)\n", printed)
            assert found, printed
            yield found[1], printed, process
        finally:
            if process.poll() is None:
                process.kill()


def test_by_hand_it_prints_the_settings_that_lead_to_it() -> None:
    with _by_hand() as (url, printed, process):
        simulator = Simulator(url=url)
        for name, value in {**simulator.settings, **simulator.store_settings()}.items():
            assert f"  {name}={value}\n" in printed
        assert httpx2.get(f"{url}/control/seen").json()["calls"] == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_by_hand_it_stops_though_calls_are_held() -> None:
    with _by_hand("--takes", "0") as (url, _, process):
        httpx2.post(f"{url}/control/hold").raise_for_status()
        told = {"json": {"model": "m", "prompt": "a"}, "headers": {"authorization": f"Bearer sim-{Scenario.SLOW}"}}
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(f"{url}/v1/images/generations", timeout=0.2, **told)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a plain dict
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_by_hand_a_taken_port_is_said_in_one_sentence(tmp_path: Path, simulator: Simulator) -> None:
    done = regen(tmp_path, "simulate-providers", "--port", simulator.url.rpartition(":")[2])
    assert is_one_sentence(done)
    assert "choose others with --host and --port" in done.stderr
