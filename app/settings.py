"""What the environment says, read once and checked at the start.

Every variable can also stand in a file `.env`. An empty variable counts as unset.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_SECRET_MIN_CHARACTERS = 32
_GRACE_MIN_S = 600
_PLACEHOLDER = re.compile(
    r"your[-_ ].*(key|secret|token|name)|<[^>]+>|(change|replace)[-_ ]?me|example[-_ ]?key|^x{3,}$|^sk-\.{3}$"
    r"|API_KEY:API_SECRET",
    re.IGNORECASE,
)
_ORIGIN = re.compile(r"https?://[^/\s,]+")


class SettingsError(Exception):
    """A setting is wrong; the message names the variable and what was expected."""


def is_placeholder(value: str) -> bool:
    """Whether a value is a sample from some documentation and not a real one (`sk-your-actual-key-here`)."""
    return bool(_PLACEHOLDER.search(value))


def _long_enough(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if is_placeholder(text) or len(text) < _SECRET_MIN_CHARACTERS:
        message = f"a random secret of at least {_SECRET_MIN_CHARACTERS} characters, as `openssl rand -hex 32` makes it"
        raise ValueError(message)
    return value


def _mongodb(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
        message = "a URL that starts with mongodb:// or mongodb+srv://"
        raise ValueError(message)
    return value


def _redis(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("redis://", "rediss://")):
        message = "a URL that starts with redis:// or rediss://"
        raise ValueError(message)
    return value


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    origins = tuple(value.rstrip("/") for value in values)
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        message = "origins like https://app.example.com, comma-separated"
        raise ValueError(message)
    return origins


Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """Every setting there is; a field's description is its line in the README."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    app_env: Literal["development", "production"] = Field(
        "development", description="`production`: JSON logs, and secrets and hosts must be given explicitly"
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 for any that is free")
    data_dir: Path = Field(
        Path("data"), description="Folder of the embedded database, the pictures and the secrets made here"
    )
    mongodb_url: Annotated[SecretStr, AfterValidator(_mongodb)] | None = Field(
        None,
        description="A MongoDB 7 or newer; unset: `mongod` from PATH, else the embedded database "
        "(a data folder stays with the one that filled it)",
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis)] | None = Field(
        None, description="A Redis 7 or newer, for more than one process; unset: the work stays in this process"
    )
    google_api_key: SecretStr | None = Field(
        None, description="Google Gemini, for pictures of ornaments; unset: basic processing on this machine"
    )
    gemini_image_model: str = Field("gemini-3.1-flash-image", description="The Gemini model that edits pictures")
    google_gemini_base_url: str | None = Field(None, description="Another address of the Gemini API, for a proxy")
    provider_timeout_s: float = Field(60, gt=0, le=3600, description="Deadline of one call to a provider, in seconds")
    jwt_secret: Secret | None = Field(
        None, description="Signs access tokens; unset in development: made once, kept in the data folder"
    )
    media_url_key: Secret | None = Field(
        None, description="Signs picture URLs; unset in development: made once, kept in the data folder"
    )
    allowed_hosts: Listed = Field(
        ("localhost", "127.0.0.1", "[::1]"), description="Host names this server answers to, comma-separated"
    )
    allowed_origins: Annotated[Listed, AfterValidator(_origins)] = Field(
        (), description="Origins of web pages that may call this server besides its own, comma-separated"
    )
    trusted_proxies: Listed = Field(
        (), description="Addresses of proxies whose X-Forwarded-For and -Proto are believed, comma-separated"
    )
    public_url: str | None = Field(
        None, pattern=r"^https?://[^/\s]+$", description="The address people use, for links; unset: that of the request"
    )
    explorer: bool = Field(default=True, description="Serve GraphiQL at /graphql to browsers")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Lowest level that is logged")
    worker_slots: int = Field(
        4,
        ge=0,
        le=100,
        description="Generations that run at once in this process; 0, with REDIS_URL: none, workers do it",
    )

    user_running_limit: int = Field(4, ge=1, le=1000, description="Generations of one user that run at once")
    user_queued_limit: int = Field(
        500, ge=1, le=10_000, description="Generations of one user that may wait besides; more are refused"
    )
    generation_attempts: int = Field(4, ge=1, le=20, description="Attempts of a generation that may fail")
    generation_time_limit_s: float = Field(
        900, gt=0, description="No attempt begins later than this after the first one, in seconds"
    )
    gemini_concurrency: int = Field(
        8, ge=1, le=1000, description="Calls to Gemini at once, over all processes together"
    )
    lease_s: float = Field(
        15, ge=1, le=600, description="A worker that is silent for so many seconds has lost its generation to another"
    )
    sweep_every_s: float = Field(
        5, ge=0.1, le=60, description="Seconds between two looks for what a crash or a lost message left behind"
    )
    shutdown_grace_s: float = Field(
        5, ge=0, le=600, description="Seconds that running work has to end when the process is told to stop"
    )
    event_retention_s: float = Field(
        86_400, ge=1, description="Seconds after the end of a generation at which its events are trimmed to the last"
    )
    picture_grace_s: float = Field(
        86_400, ge=1, description="Seconds after which a stored picture that nothing refers to is deleted"
    )

    @model_validator(mode="after")
    def _settings_fit_together(self) -> Self:
        if self.app_env == "production":
            required = ("mongodb_url", "jwt_secret", "media_url_key", "allowed_hosts")
            unset = [name for name in required if name not in self.model_fields_set or not getattr(self, name)]
            if unset:
                message = f"APP_ENV=production needs {', '.join(unset).upper()} to be set explicitly"
                raise ValueError(message)
            if self.picture_grace_s < _GRACE_MIN_S:
                message = f"PICTURE_GRACE_S of at least {_GRACE_MIN_S}: what is being made is referred to at its end"
                raise ValueError(message)
        if self.worker_slots == 0 and self.redis_url is None:
            message = (
                "WORKER_SLOTS=0 needs REDIS_URL and a worker of its own (`regen worker`): nobody would do the work"
            )
            raise ValueError(message)
        return self

    def placeholders(self) -> tuple[str, ...]:
        """Names of the variables that hold a sample value instead of a real one."""
        return tuple(
            name.upper()
            for name in sorted(type(self).model_fields)
            if isinstance(value := getattr(self, name), SecretStr) and _is_sample(name, value)
        )

    def real(self, name: str) -> str | None:
        """The secret of that name, null when it is unset or a placeholder."""
        value: object = getattr(self, name)
        if not isinstance(value, SecretStr) or _is_sample(name, value):
            return None
        return value.get_secret_value()


def _is_sample(name: str, value: SecretStr) -> bool:
    """URLs are never taken for samples: `changeme` in one is a real password, if a poor one."""
    return not name.endswith("_url") and is_placeholder(value.get_secret_value())


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Read the environment and `.env`; `overrides` (by field name) win over both.

    Raises:
        SettingsError: naming each variable that is wrong and what was expected; never the value.
    """
    try:
        return Settings(**dict(overrides or {}))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(item["loc"], item["msg"]) for item in error.errors())) from None


def _sentence(place: tuple[int | str, ...], problem: str) -> str:
    expected = problem.removeprefix("Value error, ").removeprefix("Input should be ").split(", unable", maxsplit=1)[0]
    if not place:
        return f"{expected}."
    return f"{str(place[0]).upper()} is wrong: expected {expected[0].lower()}{expected[1:]}."
