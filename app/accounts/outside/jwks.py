"""The public keys of an issuer, as its key set (RFC 7517) says them, each for the algorithms that fit it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, Self, cast

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_RSA_BITS: Final = range(2048, 8192 + 1)
_KEYS_MAX: Final = 100
_RSA: Final = ("RSA", None)
FITTING: Final[Mapping[str, tuple[str, str | None]]] = MappingProxyType(
    {
        **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), _RSA),
        "ES256": ("EC", "P-256"),
        "ES384": ("EC", "P-384"),
        "ES512": ("EC", "P-521"),
        "EdDSA": ("OKP", "Ed25519"),
    }
)
"""The type and the curve of the keys of each algorithm that is supported: none has a secret both sides know."""

type PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class NotKeysError(ValueError):
    """Something else came than keys; the message goes on after `The issuer answers something else:`."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key and the algorithms that it may be used with, of those that this server accepts; null `kid`: no name."""

    kid: str | None
    key: PublicKey
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that are usable."""

    keys: tuple[IssuerKey, ...]

    @classmethod
    def parse(cls, text: bytes, algorithms: Sequence[str]) -> Self:
        """Read a key set; a key that is for something else, or is none, is left out, as the RFC asks.

        Raises:
            ValueError: it is no JSON.
            NotKeysError: it is no key set, or has no key for one of these algorithms.
        """
        document: Any = orjson.loads(text)
        rows: Any = cast("dict[str, Any]", document).get("keys") if isinstance(document, dict) else None
        if not isinstance(rows, list):
            raise NotKeysError("it is no key set: a JSON object with a list `keys`")
        found = [_key(row, algorithms) for row in islice(cast("Iterable[Any]", rows), _KEYS_MAX)]
        keys = tuple(key for key in found if key is not None)
        if not keys:
            raise NotKeysError(f"it has no public key for {', '.join(algorithms)}")
        return cls(keys)

    def has(self, kid: str | None) -> bool:
        """Whether a key of that name is there; what names none may be of any."""
        return kid is None or any(key.kid == kid for key in self.keys)

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key of that name for that algorithm; what names none has to be of the only one."""
        fitting = [one for one in self.keys if algorithm in one.algorithms and (kid is None or one.kid == kid)]
        return fitting[0].key if len(fitting) == 1 else None


def _key(row: Any, algorithms: Sequence[str]) -> IssuerKey | None:
    if not isinstance(row, dict):
        return None
    jwk = cast("dict[str, Any]", row)
    fitting = tuple(name for name in algorithms if _fits(jwk, name))
    kid = jwk.get("kid")
    if not fitting or not isinstance(kid, str | None):
        return None
    try:
        key = jwt.PyJWK(jwk, fitting[0]).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return IssuerKey(kid, key, fitting) if _is_public(key) else None


def _fits(jwk: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a key may verify signatures of that algorithm."""
    kind, curve = FITTING[algorithm]
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("kty") == kind
        and (curve is None or jwk.get("crv") == curve)
        and jwk.get("alg", algorithm) == algorithm
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _is_public(key: object) -> bool:
    """A key that says its secret belongs to everybody by now; one that is too long keeps the server busy."""
    if isinstance(key, RSAPublicKey):
        return key.key_size in _RSA_BITS
    return isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey)
