"""What docker-compose.yml promises; there is no container engine in the tests, so the file is read."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings

ROOT = Path(__file__).parent.parent.parent
SOURCE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
OURS = ("app", "worker")


@pytest.fixture(scope="module")
def composition() -> Any:
    yaml: Any = import_module("yaml")  # it has no types
    return yaml.safe_load(SOURCE)


def test_services_are_app_worker_mongo_and_redis(composition: Any) -> None:
    assert set(composition["services"]) == {"app", "worker", "mongo", "redis"}
    assert composition["services"]["worker"]["command"] == ["regen", "worker"]


@pytest.mark.parametrize("name", ["JWT_SECRET", "MEDIA_URL_KEY", "ALLOWED_HOSTS"])
def test_required_setting_has_no_default_and_says_how_to_set_it(composition: Any, name: str) -> None:
    for service in OURS:
        value = composition["services"][service]["environment"][name]
        assert re.fullmatch(rf"\$\{{{name}:\?set it to .{{20,}}\}}", value)


def test_no_key_of_a_provider_has_a_value(composition: Any) -> None:
    environment = composition["services"]["app"]["environment"]
    assert environment["APP_ENV"] == "production"
    assert environment["GOOGLE_API_KEY"] is None  # passed on when it is set, absent otherwise
    settings = {name.upper() for name in Settings.model_fields}
    assert set(environment) == settings - {"HOST", "PORT", "DATA_DIR"}  # the image says those


def test_mongodb_is_a_replica_set_of_one_that_its_health_check_makes(composition: Any) -> None:
    mongo = composition["services"]["mongo"]
    assert mongo["image"].startswith("mongo:8")
    assert mongo["command"][1:3] == ["--replSet", "rs0"]
    check = mongo["healthcheck"]["test"][-1]
    assert "rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'mongo:27017' }] })" in check
    assert "isWritablePrimary" in check
    assert "$" not in check  # it would be taken for a variable
    assert composition["services"]["app"]["environment"]["MONGODB_URL"].endswith("replicaSet=rs0")


def test_redis_keeps_what_it_was_given(composition: Any) -> None:
    command = " ".join(composition["services"]["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert composition["services"]["redis"]["healthcheck"]["test"]


def test_stores_are_reached_by_app_and_worker_alone(composition: Any) -> None:
    for name in ("mongo", "redis"):
        service = composition["services"][name]
        assert "ports" not in service
        assert service["networks"] == ["inside"]
    assert composition["networks"]["inside"] == {"internal": True}


def test_every_service_has_a_volume_that_is_declared(composition: Any) -> None:
    for service in composition["services"].values():
        assert service["volumes"]
        for volume in service["volumes"]:
            assert volume.split(":")[0] in composition["volumes"]
    app, worker = (composition["services"][name] for name in OURS)
    assert app["volumes"] == worker["volumes"] == ["media:/data"]


def test_app_and_worker_wait_for_healthy_stores_and_restart(composition: Any) -> None:
    for name in OURS:
        service = composition["services"][name]
        assert {needed["condition"] for needed in service["depends_on"].values()} == {"service_healthy"}
        assert set(service["depends_on"]) == {"mongo", "redis"}
        assert service["restart"] == "unless-stopped"
        assert service["stop_grace_period"]
        assert service["read_only"]


def test_app_is_published_on_this_machine_alone(composition: Any) -> None:
    assert composition["services"]["app"]["ports"] == ["${PUBLISH:-127.0.0.1:8000}:8000"]


def test_everything_that_the_image_copies_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    copies = [
        line.split()[1:-1]
        for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY ")
    ]
    sources = [source.rstrip("/") for words in copies if not words[0].startswith("--from") for source in words]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == name or source.startswith(f"{name}/") for name in allowed), source
