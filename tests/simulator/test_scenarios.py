"""Each scenario of each operation ends as docs/simulator.md says."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.simulator.cloudinary.account import API_SECRET
from app.simulator.scenario import Operation, Provider, Scenario, asked_by_key, nearest
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.simulator.conftest import png

pytestmark = pytest.mark.timeout(110)
utils: Any = import_module("cloudinary.utils")  # it has no types

_DOC = (Path(__file__).parent.parent.parent / "docs" / "simulator.md").read_text(encoding="utf-8")
_TOO_HUGE_BYTES = 80 * 1024 * 1024
_PICTURE = ("a.png", png(8, 8), "image/png")

type Cells = Mapping[Operation, Mapping[Scenario, str]]
type Ask = Callable[[str], dict[str, Any]]


def _tables() -> Cells:
    """The cells of all tables, by operation and scenario."""
    cells: dict[Operation, dict[Scenario, str]] = {}
    columns: list[list[Operation]] = []
    for line in _DOC.partition("\n## Scenarios\n")[2].splitlines():
        first, *others = [cell.strip() for cell in line.strip("|").split(" | ")]
        if first.strip(" |") == "scenario":
            columns = [[Operation(name) for name in re.findall(r"`([\w-]+)`", one)] for one in others]
        elif found := re.match(r"\|? ?`([\w-]+)`", first):
            for operations, cell in zip(columns, others, strict=True):
                for operation in operations:
                    cells.setdefault(operation, {})[Scenario(found[1])] = cell
    return cells


TABLES = _tables()


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _generation(**more: Any) -> Ask:
    body = {"model": "m", "prompt": "a cat", "size": "64x64", **more}
    return lambda key: {"method": "POST", "url": "/v1/images/generations", "json": body, "headers": _bearer(key)}


def _edit(key: str) -> dict[str, Any]:
    told = {"model": "m", "prompt": "a cat", "size": "64x64"}
    return {
        "method": "POST",
        "url": "/v1/images/edits",
        "data": told,
        "files": {"image": _PICTURE},
        "headers": _bearer(key),
    }


def _response(**more: Any) -> Ask:
    body = {"model": "m", "input": "a cat", **more}
    return lambda key: {"method": "POST", "url": "/v1/responses", "json": body, "headers": _bearer(key)}


def _content(key: str) -> dict[str, Any]:
    config = {"responseModalities": ["IMAGE"], "imageConfig": {"imageSize": "512"}}
    body = {"contents": [{"parts": [{"text": "a cat"}]}], "generationConfig": config}
    url = "/v1beta/models/m:generateContent"
    return {"method": "POST", "url": url, "json": body, "headers": {"x-goog-api-key": key}}


def _signed(action: str, **more: Any) -> Ask:
    def ask(key: str) -> dict[str, Any]:
        fields = {"public_id": action, "timestamp": int(time.time())}
        told = utils.sign_request(fields, {"api_key": key, "api_secret": API_SECRET})
        return {"method": "POST", "url": f"/v1_1/c/image/{action}", "data": told, **more}

    return ask


def _get(path: str) -> Callable[[Ask], Ask]:
    return lambda headers: lambda key: {"method": "GET", "url": path, **headers(key)}


ASKS: Mapping[str, tuple[Operation, Ask]] = {
    "generate": (Operation.OPENAI_GENERATE, _generation()),
    "generate, streamed": (Operation.OPENAI_GENERATE, _generation(stream=True, partial_images=1)),
    "edit": (Operation.OPENAI_EDIT, _edit),
    "response": (Operation.OPENAI_RESPONSE, _response()),
    "response, streamed": (Operation.OPENAI_RESPONSE, _response(stream=True)),
    "models": (Operation.OPENAI_MODELS, _get("/v1/models/gpt-6-luna")(lambda key: {"headers": _bearer(key)})),
    "content": (Operation.GEMINI_GENERATE, _content),
    "Google's models": (
        Operation.GEMINI_MODELS,
        _get("/v1beta/models")(lambda key: {"headers": {"x-goog-api-key": key}}),
    ),
    "upload": (Operation.CLOUDINARY_UPLOAD, _signed("upload", files={"file": _PICTURE})),
    "destroy": (Operation.CLOUDINARY_DESTROY, _signed("destroy")),
    "delivery": (Operation.CLOUDINARY_DELIVERY, _get("/c/image/upload/v1/upload.png")(lambda _: {})),
    "ping": (Operation.CLOUDINARY_PING, _get("/v1_1/c/ping")(lambda key: {"auth": (key, API_SECRET)})),
}


@pytest.fixture(scope="module")
def hasty() -> Iterator[Simulator]:
    """One whose slow answers and trickles are over at once; a picture lies there."""
    with simulated_providers() as simulator:
        simulator.slow_s, simulator.trickle_s = 0.01, 0.3
        with httpx2.Client(base_url=simulator.url) as http:
            http.request(**ASKS["upload"][1]("sim-fine")).raise_for_status()
        yield simulator


async def _outcome(http: httpx2.AsyncClient, request: dict[str, Any]) -> tuple[str, int]:
    """The status or `cut`, and how many bytes came."""
    size = 0
    try:
        async with http.stream(**request) as response:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
    except httpx2.TransportError:
        return "cut", size
    return str(response.status_code), size


def test_tables_have_a_cell_for_each_scenario_of_each_operation() -> None:
    assert {operation: set(cells) for operation, cells in TABLES.items()} == {one: set(Scenario) for one in Operation}


def test_tables_name_the_nearest_scenario() -> None:
    said = {
        (operation, scenario): Scenario(cell.removeprefix("as "))
        for operation, cells in TABLES.items()
        for scenario, cell in cells.items()
        if cell.startswith("as ")
    }
    meant = {(one, scenario): nearest(scenario, one) for one in Operation for scenario in Scenario}
    assert said == {place: near for place, near in meant.items() if near is not place[1]}


def test_nearest_of_the_nearest_is_itself() -> None:
    for operation in Operation:
        for scenario in Scenario:
            near = nearest(scenario, operation)
            assert nearest(near, operation) is near


@pytest.mark.parametrize("name", ASKS)
async def test_every_scenario_ends_as_the_table_says(
    name: str, hasty: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    operation, ask = ASKS[name]
    ended: dict[Scenario, str] = {}
    meant: dict[Scenario, str] = {}
    async with httpx2.AsyncClient(base_url=hasty.url, timeout=30) as http:
        for scenario in Scenario:
            if operation is Operation.CLOUDINARY_DELIVERY:
                hasty.then(Provider.CLOUDINARY, scenario)
            ended[scenario], size = await _outcome(http, ask(f"sim-{scenario}"))
            near = nearest(scenario, operation)
            meant[scenario] = TABLES[operation][near].partition(",")[0]
            assert hasty.calls[-1].scenario is scenario
            assert (size > _TOO_HUGE_BYTES) == (near is Scenario.TOO_HUGE), scenario
    assert ended == meant
    assert hasty.in_flight == 0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_any_other_key_is_fine() -> None:
    keys = ("sk-proj-1", "sim-", "sim-unheard-of", "rate-limited", "sim-rate-limited")
    assert [asked_by_key(key) for key in keys] == [*[Scenario.FINE] * 4, Scenario.RATE_LIMITED]


@pytest.mark.parametrize("name", ["generate", "models", "content", "Google's models", "upload"])
async def test_call_without_a_key_is_refused(name: str, hasty: Simulator) -> None:
    request = ASKS[name][1]("sim-fine")
    request.pop("headers", None)
    if "data" in request:
        request["data"].pop("api_key")
    async with httpx2.AsyncClient(base_url=hasty.url) as http:
        assert (await http.request(**request)).status_code in {401, 403}
