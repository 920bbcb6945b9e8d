"""What the values of settings have to look like."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

_SECRET_MIN_CHARACTERS = 32
_PLACEHOLDER = re.compile(
    r"your[-_ ].*(key|secret|token|name)|<[^>]+>|(change|replace)[-_ ]?me|example[-_ ]?key|^x{3,}$|^sk-\.{3}$"
    r"|API_KEY:API_SECRET",
    re.IGNORECASE,
)
_ORIGIN = re.compile(r"https?://[^/\s,]+")
_JWKS = re.compile(r"https?://[^\s#@/]+/[^\s#]*")
_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
_CLOUDINARY = re.compile(r"cloudinary://[^:@/\s]+:[^:@/\s]+@[\w.-]+(/[\w.-]*)?(\?\S*)?")


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


def _cloudinary(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (_CLOUDINARY.fullmatch(text) or is_placeholder(text)):
        message = "a URL like cloudinary://KEY:SECRET@CLOUD, as the Cloudinary console shows it"
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


def _jwks(value: str) -> str:
    if not _JWKS.fullmatch(value) or not _has_port(value):
        message = "a URL like https://login.example.com/.well-known/jwks.json"
        raise ValueError(message)
    return value


def _has_port(url: str) -> bool:
    """Whether its port, if it names one, can be one."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _asymmetric(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values or not set(values) <= _ALGORITHMS:
        message = f"algorithms with public keys, comma-separated: {', '.join(sorted(_ALGORITHMS))}"
        raise ValueError(message)
    return values


Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Origins = Annotated[Listed, AfterValidator(_origins)]
Algorithms = Annotated[Listed, AfterValidator(_asymmetric)]
JwksUrl = Annotated[str, AfterValidator(_jwks)]
MongoUrl = Annotated[SecretStr, AfterValidator(_mongodb)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]
CloudinaryUrl = Annotated[SecretStr, AfterValidator(_cloudinary)]
