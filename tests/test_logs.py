"""The log: whatever is to be written, nobody who writes is stopped by it."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.logs import configure_logs, logger


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def _told(monkeypatch: pytest.MonkeyPatch, **values: Any) -> dict[str, Any]:
    """A line of the log in JSON."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs(as_json=True, level="INFO")
    logger("app.test").info("happened", **values)
    told: dict[str, Any] = json.loads(written.getvalue())
    return told


def test_line_says_what_happened_where_and_when(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _told(monkeypatch, number=1)
    assert (told["event"], told["logger"], told["level"], told["number"]) == ("happened", "app.test", "info", 1)
    assert told["timestamp"].endswith("Z")


@pytest.mark.parametrize("value", ["\ud800", 2**70, {1: "a"}])
def test_values_that_are_hardly_json_are_written_too(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    assert "value" in _told(monkeypatch, value=value)


@pytest.mark.parametrize("as_json", [True, False])
def test_log_on_a_full_disk_stops_nobody(monkeypatch: pytest.MonkeyPatch, *, as_json: bool) -> None:
    full = Path("/dev/full").open("w", encoding="utf-8", buffering=1)  # noqa: SIM115 - closing it fails, too
    monkeypatch.setattr(sys, "stderr", full)
    configure_logs(as_json=as_json, level="INFO")
    for level in ("info", "warning", "error", "exception", "critical"):
        getattr(logger("app.test"), level)("happened")
    with pytest.raises(OSError, match="No space"):
        full.flush()
    with pytest.raises(OSError, match="No space"):
        full.close()


def test_level_below_the_lowest_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs(as_json=True, level="WARNING")
    logger("app.test").info("happened")
    assert not written.getvalue()
