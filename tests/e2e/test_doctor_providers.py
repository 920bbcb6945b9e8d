"""`regen doctor --providers`, against providers on this machine."""

from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from app.simulator.simulator import Simulator
from app.simulator.thread import simulated_providers
from tests.e2e.commands import regen


@pytest.fixture(scope="module")
def simulator() -> Generator[Simulator]:
    with simulated_providers() as running:
        yield running


def lines(folder: Path, simulator: Simulator, **settings: str) -> tuple[int, dict[str, str]]:
    """The exit status, and the lines about models by their setting."""
    given: Mapping[str, str] = {
        name: value for name, value in simulator.settings.items() if not name.startswith("CLOUDINARY")
    }
    done = regen(folder, "doctor", "--providers", **{**given, **settings})
    told = [line.partition(": ") for line in done.stdout.splitlines() if "_MODEL: " in line]
    return done.returncode, {head.split()[-1]: f"{head.split()[0]} {rest}" for head, _, rest in told}


def test_each_model_is_asked_for_and_timed(tmp_path: Path, simulator: Simulator) -> None:
    status, told = lines(tmp_path, simulator)
    assert status == 0
    assert set(told) == {"OPENAI_TEXT_MODEL", "OPENAI_VISION_MODEL", "OPENAI_IMAGE_MODEL", "GEMINI_IMAGE_MODEL"}
    assert all(line.startswith("[ok] ") and line.endswith(" ms") for line in told.values()), told


def test_day_of_a_models_end_is_told(tmp_path: Path, simulator: Simulator) -> None:
    _, told = lines(tmp_path, simulator, OPENAI_TEXT_MODEL="gpt-4o-mini")
    assert "2027-01-14" in told["OPENAI_TEXT_MODEL"]


def test_refusals_say_what_to_do(tmp_path: Path, simulator: Simulator) -> None:
    status, told = lines(
        tmp_path,
        simulator,
        OPENAI_API_KEY="sim-rejected-key",
        GOOGLE_API_KEY="sim-rejected-key",
    )
    assert status == 1
    assert told["OPENAI_IMAGE_MODEL"].startswith("[problem] OpenAI refuses the key in OPENAI_API_KEY. Check it")
    assert told["GEMINI_IMAGE_MODEL"].startswith("[problem] Google refuses the key in GOOGLE_API_KEY. Check it")
    assert "sim-rejected-key" not in str(told)


def test_model_that_is_gone_names_its_setting(tmp_path: Path, simulator: Simulator) -> None:
    status, told = lines(tmp_path, simulator, OPENAI_IMAGE_MODEL="dall-e-3")
    assert status == 1
    assert "dall-e-3" in told["OPENAI_IMAGE_MODEL"]
    assert "OPENAI_IMAGE_MODEL" in told["OPENAI_IMAGE_MODEL"]


def test_unreachable_provider_is_a_problem_and_not_an_exception(tmp_path: Path, simulator: Simulator) -> None:
    status, told = lines(
        tmp_path, simulator, OPENAI_BASE_URL="http://127.0.0.1:1/v1", GOOGLE_GEMINI_BASE_URL="http://127.0.0.1:1"
    )
    assert status == 1
    assert all("PROVIDER_UNAVAILABLE" in line for line in told.values()), told
