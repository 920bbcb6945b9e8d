"""Refresh tokens: opaque, used once, each leading to the next."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Final

from beanie import PydanticObjectId
from bson.errors import InvalidId

_SECRET_BYTES: Final = 32
_SEAL_BYTES: Final = 16
_TEXT_CHARACTERS: Final = 64
"""What secret and seal take in base64url."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """`<session's id>.<256 secret bits and a 128-bit seal, base64url>`."""

    session_id: PydanticObjectId
    secret: bytes = field(repr=False)
    text: str = field(repr=False)

    @property
    def hash(self) -> str:
        """What the database keeps of it: SHA-256 of the secret, hexadecimal."""
        return sha256(self.secret).hexdigest()


@dataclass(frozen=True, slots=True)
class RefreshTokens:
    """Makes refresh tokens, their successors, and tells its own from forged ones.

    The successor of a token is computed from it with the server's key. So two tabs that refresh with the same
    token at once get the same next token: a session stays one chain that never forks, and a thief who used a
    token and its owner who uses it later meet at the same link, where the second one is found out. Without the
    key nobody can compute a successor.

    The seal proves that this server issued a token. So only a token that really was good once can end a session
    by being used again, not a made-up one with a known session id; and made-up ones cost no database command.
    A new server key makes every refresh token a stranger: everybody logs in again.
    """

    key: bytes = field(repr=False)

    def first(self, session_id: PydanticObjectId) -> RefreshToken:
        """The token that begins a session."""
        return self._sealed(session_id, token_bytes(_SECRET_BYTES))

    def successor(self, token: RefreshToken) -> RefreshToken:
        """The one token that follows: always the same."""
        return self._sealed(token.session_id, self._mac(b"refresh token successor", token.session_id, token.secret))

    def read(self, text: str) -> RefreshToken | None:
        """The token in a text; null if this server never issued it."""
        head, _, tail = text.partition(".")
        if len(tail) != _TEXT_CHARACTERS:
            return None
        try:
            session_id = PydanticObjectId(head)
            secret = urlsafe_b64decode(tail)[:_SECRET_BYTES]
        except (InvalidId, ValueError):
            return None
        token = self._sealed(session_id, secret)
        return token if hmac.compare_digest(token.text.encode(), text.encode("utf-8", "replace")) else None

    def _sealed(self, session_id: PydanticObjectId, secret: bytes) -> RefreshToken:
        seal = self._mac(b"refresh token seal", session_id, secret)[:_SEAL_BYTES]
        return RefreshToken(session_id, secret, f"{session_id}.{urlsafe_b64encode(secret + seal).decode()}")

    def _mac(self, purpose: bytes, session_id: PydanticObjectId, secret: bytes) -> bytes:
        """A keyed hash; the purpose keeps seals, successors and access tokens' signatures apart under one key."""
        return hmac.digest(self.key, purpose + b"\0" + session_id.binary + secret, "sha256")
