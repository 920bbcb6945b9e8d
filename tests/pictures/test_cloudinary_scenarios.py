"""Everything that the simulator can make go wrong, for every operation of the Cloudinary store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from pathlib import Path

import pytest

from app.errors import AppError, ErrorCode
from app.pictures.cloudinary.account import Account
from app.pictures.cloudinary.store import CloudinaryStore
from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_KEY = f"{'a' * 24}/{hashlib.sha256(_CAR).hexdigest()}-{'c' * 24}.jpg"
_CODES = ErrorCode.PROVIDER_REJECTED_KEY, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT
_REJECTED, _AWAY, _DOUBT = _CODES
_OPERATIONS = ("put", "open", "delete", "ping")

type Codes = tuple[ErrorCode | None, ErrorCode | None, ErrorCode | None, ErrorCode | None]

_FINE: Codes = (None, None, None, None)
_BLOCKED: Codes = (ErrorCode.BAD_USER_INPUT, None, None, None)
_BROKEN: Codes = (_DOUBT, _AWAY, _DOUBT, _AWAY)
_SLOW: Codes = (_DOUBT, _DOUBT, _DOUBT, _DOUBT)
_LIMITED: Codes = (_AWAY, _AWAY, _AWAY, _AWAY)
_OTHER_BYTES: Codes = (None, _AWAY, None, None)
_KEYLESS: Codes = (_REJECTED, _REJECTED, _REJECTED, _REJECTED)

_EXPECTED: Mapping[Scenario, Codes] = {
    Scenario.FINE: _FINE,
    Scenario.REJECTED_KEY: _KEYLESS,
    Scenario.RATE_LIMITED: _LIMITED,
    Scenario.RATE_LIMITED_RETRY_AFTER: _LIMITED,
    Scenario.EMPTY_QUOTA: _KEYLESS,
    Scenario.MODEL_GONE: (_AWAY, ErrorCode.SOURCE_IMAGE_MISSING, _DOUBT, _AWAY),
    Scenario.FAILING: _BROKEN,
    Scenario.UNAVAILABLE: _BROKEN,
    Scenario.MODERATION: _BLOCKED,
    Scenario.BLOCKED_PROMPT: _BLOCKED,
    Scenario.IMAGE_SAFETY: _BLOCKED,
    Scenario.REFUSAL: _BLOCKED,
    Scenario.ECHO: _FINE,
    Scenario.ECHO_REFUSAL: _BLOCKED,
    Scenario.NO_IMAGE: _BROKEN,
    Scenario.EMPTY_CANDIDATES: _BROKEN,
    Scenario.TEXT_ONLY: _OTHER_BYTES,
    Scenario.WRONG_SHAPE: _BROKEN,
    Scenario.WRONG_BASE64: _BROKEN,
    Scenario.BROKEN_JSON: _BROKEN,
    Scenario.TRUNCATED: _BROKEN,
    Scenario.HUGE: _OTHER_BYTES,
    Scenario.TOO_HUGE: _OTHER_BYTES,
    Scenario.SLOW: _SLOW,
    Scenario.TRICKLE: _SLOW,
    Scenario.CUT_STREAM: _BROKEN,
    Scenario.SILENT_CLOSE: _BROKEN,
}
"""The code of each operation; null: it succeeds."""


@pytest.fixture(scope="module")
def simulator() -> Generator[Simulator]:
    with simulated_providers() as running:
        running.slow_s = running.trickle_s = 30
        yield running


@pytest.fixture
async def store(simulator: Simulator, scenario: Scenario) -> AsyncIterator[CloudinaryStore]:
    """With a picture in it; it waits long only for what comes at all."""
    simulator.reset()
    account = Account.parse(simulator.cloudinary_url(), simulator.url, simulator.url)
    patient, hasty = CloudinaryStore(account, 20), CloudinaryStore(account, 0.3)
    await patient.put(_KEY, _CAR, "image/jpeg")
    yield hasty if scenario in {Scenario.SLOW, Scenario.TRICKLE} else patient
    await patient.close()
    await hasty.close()


async def _code(call: Callable[[], Awaitable[object]]) -> ErrorCode | None:
    try:
        await call()
    except AppError as error:
        return error.code
    return None


@pytest.mark.parametrize("operation", _OPERATIONS)
@pytest.mark.parametrize("scenario", Scenario)
async def test_scenario_ends_in_its_code_in_time_and_leaves_nothing_open(
    store: CloudinaryStore, simulator: Simulator, scenario: Scenario, operation: str
) -> None:
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "put": lambda: store.put(_KEY, _CAR, "image/jpeg"),
        "open": lambda: store.open(_KEY),
        "delete": lambda: store.delete(_KEY),
        "ping": store.ping,
    }
    tasks = asyncio.all_tasks()
    simulator.always(Provider.CLOUDINARY, scenario)
    async with asyncio.timeout(40):
        assert await _code(calls[operation]) == _EXPECTED[scenario][_OPERATIONS.index(operation)]
        await simulator.until(lambda seen: seen.in_flight == 0)
    assert asyncio.all_tasks() == tasks
