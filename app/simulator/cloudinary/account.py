"""The account that every request belongs to, and what it signs."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

API_SECRET: Final = "simulated-secret"  # noqa: S105 - guards nothing
_UNSIGNED = frozenset({"file", "cloud_name", "resource_type", "api_key", "signature"})
_SHORT, _LONG = 8, 32
_SHA256_DIGITS = 64


def signature_of(fields: Mapping[str, str]) -> str:
    """SHA-1 of an answer's fields, as `verify_api_response_signature` of the SDK expects it."""
    return _hex(_joined(fields, escaped=False), "sha1")


def is_signed(fields: Mapping[str, str]) -> bool:
    """Whether a request's `signature` is that of its other fields, in either version of the algorithm."""
    given = fields.get("signature", "")
    algorithm = "sha256" if len(given) == _SHA256_DIGITS else "sha1"
    signed = {name: value for name, value in fields.items() if name not in _UNSIGNED and value}
    texts = (_joined(signed, escaped=True), _joined(signed, escaped=False))
    return any(hmac.compare_digest(_hex(text, algorithm), given.lower()) for text in texts)


def signs_delivery(signature: str, path: str) -> bool:
    """Whether a delivery's signature is that of what follows it, the version left out."""
    algorithm, length = ("sha256", _LONG) if len(signature) == _LONG else ("sha1", _SHORT)
    digest = hashlib.new(algorithm, (path + API_SECRET).encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest)[:length], signature.encode())


def delivery_signature(path: str) -> str:
    """The short signature of what follows it."""
    digest = hashlib.sha1((path + API_SECRET).encode()).digest()  # noqa: S324 - Cloudinary's choice
    return base64.urlsafe_b64encode(digest)[:_SHORT].decode()


def _joined(fields: Mapping[str, str], *, escaped: bool) -> str:
    pairs = (f"{name}={value}" for name, value in sorted(fields.items()))
    return "&".join(pair.replace("&", "%26") if escaped else pair for pair in pairs)


def _hex(text: str, algorithm: str) -> str:
    return hashlib.new(algorithm, (text + API_SECRET).encode()).hexdigest()
