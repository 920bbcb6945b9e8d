from pathlib import Path

import pytest

from app.settings import SettingsError, load_settings
from app.settings.values import is_placeholder


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine's, no .env of the folder's."""
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "APP_ENV", "MONGODB_URL", "GOOGLE_API_KEY", "JWT_SECRET", "REDIS_URL", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "many", "a valid integer"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("APP_ENV", "prod", "'development' or 'production'"),
        ("MONGODB_URL", "localhost:27017", "mongodb://"),
        ("JWT_SECRET", "short", "at least 32 characters"),
        ("JWT_SECRET", "change-me-change-me-change-me-change-me", "a random secret"),
        ("PUBLIC_URL", "example.com", "https?://"),
    ],
)
def test_wrong_value_names_the_variable_and_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert str(error.value).startswith(f"{name} is wrong: expected ")
    assert expected in str(error.value)


def test_secret_never_stands_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "tooshort-hunter2")
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("GOOGLE_API_KEY", "")
    settings = load_settings()
    assert (settings.port, settings.google_api_key) == (8000, None)


def test_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=8001\nHOST=0.0.0.0\n", encoding="utf-8")
    monkeypatch.setenv("PORT", "8002")
    settings = load_settings()
    assert (settings.host, settings.port) == ("0.0.0.0", 8002)  # noqa: S104 - a value to compare, nothing listens


@pytest.mark.parametrize("value", ["sk-your-actual-key-here", "your_google_api_key", "<key>", "changeme", "xxx"])
def test_placeholder_is_recognised_and_counts_as_unset(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", value)
    settings = load_settings()
    assert settings.placeholders() == ("GOOGLE_API_KEY",)
    assert settings.real("google_api_key") is None


def test_real_key_is_no_placeholder() -> None:
    assert not is_placeholder("AIzaSyD3x4mpl3-Kq9_2bT7cVfE1hJmNpRsUwXyZ0")


def test_production_wants_secrets_and_hosts_explicitly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(SettingsError, match="MONGODB_URL, JWT_SECRET, MEDIA_URL_KEY, ALLOWED_HOSTS"):
        load_settings()


def test_every_setting_is_described() -> None:
    fields = type(load_settings()).model_fields
    assert [name for name, field in fields.items() if not field.description] == []


_ISSUER = {
    "AUTH_JWKS_URL": "https://login.example.com/keys",
    "AUTH_ISSUER": "https://login.example.com/",
    "AUTH_AUDIENCE": "https://regen.example.com",
}


def test_issuer_that_is_whole_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**_ISSUER, "AUTH_ALGORITHMS": "RS256, PS256", "AUTH_LOCAL": "1"}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.auth_algorithms, settings.auth_user_claim) == (("RS256", "PS256"), "sub")
    assert settings.auth_local


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"AUTH_AUDIENCE": ""}, "AUTH_JWKS_URL needs AUTH_AUDIENCE"),
        ({"AUTH_AUDIENCE": "", "AUTH_ISSUER": ""}, "AUTH_JWKS_URL needs AUTH_ISSUER and AUTH_AUDIENCE"),
        ({"AUTH_JWKS_URL": ""}, "AUTH_ISSUER is of no use without AUTH_JWKS_URL"),
        ({"AUTH_JWKS_URL": "", "AUTH_ISSUER": "", "AUTH_AUDIENCE": "", "AUTH_LOCAL": "1"}, "AUTH_LOCAL is of no use"),
        ({"AUTH_JWKS_URL": "login.example.com"}, "AUTH_JWKS_URL is wrong: expected a URL"),
        ({"AUTH_JWKS_URL": "https://name:word@login.example.com/keys"}, "AUTH_JWKS_URL is wrong: expected a URL"),
        ({"AUTH_JWKS_URL": "https://login.example.com:99999/keys"}, "AUTH_JWKS_URL is wrong: expected a URL"),
        ({"AUTH_ALGORITHMS": "RS256,HS256"}, "AUTH_ALGORITHMS is wrong: expected algorithms with public keys"),
        ({"AUTH_ALGORITHMS": "none"}, "AUTH_ALGORITHMS is wrong: expected algorithms with public keys"),
        ({"AUTH_ALGORITHMS": ","}, "AUTH_ALGORITHMS is wrong: expected algorithms with public keys"),
    ],
)
def test_issuer_that_is_not_whole_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], said: str
) -> None:
    for name, value in {**_ISSUER, **change}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_keys_of_an_issuer_come_over_https_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    production = {
        "APP_ENV": "production",
        "MONGODB_URL": "mongodb://db",
        "JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "MEDIA_URL_KEY": "0123456789abcdef0123456789abcdef",
        "ALLOWED_HOSTS": "regen.example.com",
    }
    for name, value in {**production, **_ISSUER}.items():
        monkeypatch.setenv(name, value)
    assert load_settings().auth_jwks_url == _ISSUER["AUTH_JWKS_URL"]
    monkeypatch.setenv("AUTH_JWKS_URL", "http://login.example.com/keys")
    with pytest.raises(SettingsError, match="https:// in production"):
        load_settings()
