"""What the environment says, read once and checked at the start.

Every variable can also stand in a file `.env`. An empty variable counts as unset.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.settings.values import (
    Algorithms,
    CloudinaryUrl,
    JwksUrl,
    Listed,
    MongoUrl,
    Origins,
    RedisUrl,
    Secret,
    is_placeholder,
)

_GRACE_MIN_S = 600
_SIMULATED_KEY = "sim-"
_MOST_MONEY = 1_000_000_000
_ADDRESS = r"^https?://[^\s?#]+$"


class SettingsError(Exception):
    """A setting is wrong; the message names the variable and what was expected."""


KEYS = MappingProxyType({"openai": "openai_api_key", "gemini": "google_api_key"})
"""The setting of each provider's key."""


class Settings(BaseSettings):
    """Every setting there is; a field's description is its line in the README."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    app_env: Literal["development", "production"] = Field(
        "development", description="`production`: JSON logs, and secrets and hosts must be given explicitly"
    )
    simulate: bool = Field(
        default=False,
        description="`1`: the providers are simulated in this process, no key is needed; not in production",
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 for any that is free")
    data_dir: Path = Field(
        Path("data"), description="Folder of the embedded database, the pictures and the secrets made here"
    )
    mongodb_url: MongoUrl | None = Field(
        None,
        description="A MongoDB 7 or newer; unset: `mongod` from PATH, else the embedded database "
        "(a data folder stays with the one that filled it)",
    )
    redis_url: RedisUrl | None = Field(
        None, description="A Redis 7 or newer, for more than one process; unset: the work stays in this process"
    )
    openai_api_key: SecretStr | None = Field(
        None,
        description="OpenAI, for text, vision and pictures of words; unset: placeholders, and basic processing "
        "on this machine",
    )
    openai_text_model: str = Field("gpt-6-luna", description="The OpenAI model that writes")
    openai_vision_model: str = Field("gpt-6-luna", description="The OpenAI model that looks at pictures")
    openai_image_model: str = Field("gpt-image-2.6-flare", description="The OpenAI model that makes and edits pictures")
    openai_base_url: str | None = Field(None, description="Another address of the OpenAI API, for a proxy")
    openai_concurrency: int = Field(
        8, ge=1, le=1000, description="Calls to OpenAI at once, over all processes together"
    )
    google_api_key: SecretStr | None = Field(
        None, description="Google Gemini, for pictures of ornaments; unset: basic processing on this machine"
    )
    gemini_image_model: str = Field("gemini-3.1-flash-image", description="The Gemini model that edits pictures")
    google_gemini_base_url: str | None = Field(None, description="Another address of the Gemini API, for a proxy")
    text_provider: Literal["openai", "mock"] | None = Field(
        None, description="Who writes; unset: `openai` if its key is set, else `mock`, labelled placeholders"
    )
    vision_provider: Literal["openai", "local"] | None = Field(
        None, description="Who looks at pictures; unset: `openai` if its key is set, else `local`"
    )
    image_provider: Literal["openai", "gemini", "mock"] | None = Field(
        None, description="Who makes pictures of words; unset: `openai` if its key is set, else `mock`"
    )
    edit_provider: Literal["gemini", "openai", "local"] | None = Field(
        None, description="Who edits pictures; unset: `gemini` if its key is set, else `local`, basic processing"
    )
    provider_timeout_s: float = Field(60, gt=0, le=3600, description="Deadline of one call to a provider, in seconds")
    cloudinary_url: CloudinaryUrl | None = Field(
        None, description="A Cloudinary account for pictures; unset: they are kept in DATA_DIR"
    )
    picture_store: Literal["disk", "cloudinary"] | None = Field(
        None, description="Where new pictures go; unset: `cloudinary` if CLOUDINARY_URL is set, else `disk`"
    )
    cloudinary_upload_prefix: str | None = Field(
        None, pattern=_ADDRESS, description="Another address of the Cloudinary API, for a proxy"
    )
    cloudinary_delivery_url: str | None = Field(
        None, pattern=_ADDRESS, description="Another address that Cloudinary's pictures are fetched from"
    )
    picture_cache_mb: int = Field(
        1024, ge=0, description="Megabytes of DATA_DIR for copies of pictures that lie in Cloudinary; 0: none"
    )
    picture_threads: int = Field(
        2, ge=1, le=64, description="Pictures worked on at once in a process; each takes a core and up to 200 MB"
    )
    prices: str | None = Field(
        None, description="What the providers charge, as a JSON list; unset: costs are not known (see Costs)"
    )
    daily_budget: Decimal | None = Field(
        None,
        ge=0,
        le=_MOST_MONEY,
        description="What all users together may spend a day (UTC), in the currency of PRICES; unset: no limit",
    )
    daily_budget_per_user: Decimal | None = Field(
        None, ge=0, le=_MOST_MONEY, description="What one user may spend a day; unset: no limit"
    )
    jwt_secret: Secret | None = Field(
        None, description="Signs access tokens; unset in development: made once, kept in the data folder"
    )
    media_url_key: Secret | None = Field(
        None, description="Signs picture URLs; unset in development: made once, kept in the data folder"
    )
    auth_jwks_url: JwksUrl | None = Field(
        None,
        description="The public keys of an outside issuer whose access tokens are accepted, an address; unset: people "
        "sign up and log in here (see Log-in elsewhere)",
    )
    auth_issuer: str | None = Field(None, description="The `iss` of its tokens; needed with AUTH_JWKS_URL")
    auth_audience: str | None = Field(None, description="The `aud` of its tokens: this API; needed with AUTH_JWKS_URL")
    auth_user_claim: str = Field("sub", min_length=1, description="The claim of its tokens that says who somebody is")
    auth_algorithms: Algorithms = Field(
        ("RS256", "ES256", "EdDSA"), description="How its tokens may be signed, comma-separated; never by a secret"
    )
    auth_local: bool = Field(
        default=False, description="`1`: with AUTH_JWKS_URL people may also sign up and log in here"
    )
    allowed_hosts: Listed = Field(
        ("localhost", "127.0.0.1", "[::1]"), description="Host names this server answers to, comma-separated"
    )
    allowed_origins: Origins = Field(
        (), description="Origins of web pages that may call this server besides its own, comma-separated"
    )
    trusted_proxies: Listed = Field(
        (), description="Addresses of proxies whose X-Forwarded-For and -Proto are believed, comma-separated"
    )
    public_url: str | None = Field(
        None, pattern=r"^https?://[^/\s]+$", description="The address people use, for links; unset: that of the request"
    )
    explorer: bool = Field(default=True, description="Serve GraphiQL at /graphql to browsers")
    compiled_execution: bool = Field(
        default=True,
        description="Run operations that come again as compiled functions; 0: graphql-core interprets each of them",
    )
    introspection: bool = Field(default=True, description="Answer `__schema` and `__type`; the explorer needs them")
    trusted_documents: Path | None = Field(
        None, description="A JSON file of operations that clients send by their id, `{id: text}`; unset: none"
    )
    only_trusted_documents: bool = Field(default=False, description="`1`: no other operation runs")
    cost_per_minute: int = Field(
        1_000_000,
        ge=0,
        description="What one user's operations may cost a minute, or those of nobody from one address; 0: no limit",
    )
    requests_per_minute: int = Field(
        10_000, ge=0, description="Requests a minute of one user, or of nobody from one address; 0: no limit"
    )
    sockets_per_user: int = Field(
        20, ge=0, description="WebSockets of one user in a process, or of nobody from one address; 0: no limit"
    )
    shared_subscriptions: bool = Field(
        default=True, description="`0`: each subscription runs alone, also where others follow the same"
    )
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
        900,
        gt=0,
        description="No attempt begins, and none waits for a provider, later than this after the first one, in seconds"
        "; after a restart the time begins anew",
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
    archive_retention_s: float = Field(
        86_400, ge=1, description="Seconds after which an exported archive is deleted from DATA_DIR"
    )
    archive_max_mb: int = Field(
        200, ge=1, le=4_000, description="Megabytes that an archive for `importLineage` may have"
    )

    @model_validator(mode="after")
    def _production_is_real(self) -> Self:
        if self.simulate and self.app_env == "production":
            message = "SIMULATE=1 is for trying things out: remove it, or APP_ENV=production"
            raise ValueError(message)
        return self

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
        for purpose in ("text", "vision", "image", "edit"):
            provider = getattr(self, f"{purpose}_provider")
            if (key := KEYS.get(provider)) and self.real(key) is None and not self.simulate:
                message = f"{purpose.upper()}_PROVIDER={provider} needs {key.upper()}, which is unset or a placeholder"
                raise ValueError(message)
        if self.picture_store == "cloudinary" and self.real("cloudinary_url") is None:
            message = "PICTURE_STORE=cloudinary needs CLOUDINARY_URL, which is unset or a placeholder"
            raise ValueError(message)
        if self.worker_slots == 0 and self.redis_url is None:
            message = (
                "WORKER_SLOTS=0 needs REDIS_URL and a worker of its own (`regen worker`): nobody would do the work"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _documents_can_be_trusted(self) -> Self:
        if self.only_trusted_documents and self.trusted_documents is None:
            message = "ONLY_TRUSTED_DOCUMENTS=1 needs TRUSTED_DOCUMENTS: nothing could be asked for"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _issuer_is_whole(self) -> Self:
        needed = {name.upper(): getattr(self, name) for name in ("auth_issuer", "auth_audience")}
        if self.auth_jwks_url is None:
            if given := [name for name in (*needed, "AUTH_LOCAL") if name.lower() in self.model_fields_set]:
                message = f"{given[0]} is of no use without AUTH_JWKS_URL: set that, too, or remove {given[0]}"
                raise ValueError(message)
            return self
        if unset := [name for name, value in needed.items() if not value]:
            message = f"AUTH_JWKS_URL needs {' and '.join(unset)}: tokens that are meant for others would be accepted"
            raise ValueError(message)
        if self.app_env == "production" and not self.auth_jwks_url.startswith("https://"):
            message = "AUTH_JWKS_URL has to begin with https:// in production: who can change the keys can be anybody"
            raise ValueError(message)
        return self

    def simulated(self, environment: Mapping[str, str]) -> Self:
        """The same with the simulated providers' variables; a key that asks for a scenario (`sim-...`) stays.

        Raises:
            SettingsError: a real key or an address is set: it would be ignored, or be sent what isn't meant for it.
        """
        known = {name.lower(): value for name, value in environment.items() if name.lower() in type(self).model_fields}
        own = [name for name in (*known, "cloudinary_url") if self._is_own(name)]
        if own:
            message = f"SIMULATE=1 calls no provider: remove {', '.join(own).upper()}, or remove SIMULATE."
            raise SettingsError(message)
        kept = {name for name in known if name.endswith("_key") and self.real(name)}
        update = {
            name: SecretStr(value) if name.endswith("_key") else value
            for name, value in known.items()
            if name not in kept
        }
        # Gemini shows nothing before its picture is done; who tries this wants to see it come.
        return self.model_copy(update={"edit_provider": self.edit_provider or "openai", **update})

    def _is_own(self, name: str) -> bool:
        value: object = getattr(self, name)
        if not isinstance(value, SecretStr):
            return value is not None
        return not (self.real(name) or _SIMULATED_KEY).startswith(_SIMULATED_KEY)

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


_DATABASES = frozenset({"mongodb_url", "redis_url"})


def _is_sample(name: str, value: SecretStr) -> bool:
    """The databases' URLs are never taken for samples: `changeme` in one is a real password, if a poor one."""
    return name not in _DATABASES and is_placeholder(value.get_secret_value())


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
