"""Access tokens: JSON Web Tokens that are read without asking the database."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final

import jwt
from beanie import PydanticObjectId
from bson.errors import InvalidId

from app.database.document import utc_now
from app.errors import AppError, ErrorCode

_ALGORITHM: Final = "HS256"
_REMEMBERED: Final = 10_000
_REQUIRED: Final = ["iss", "aud", "exp", "iat", "sub", "sid", "jti"]
# The two claims of time are compared below, with the server's one clock; PyJWT would ask its own.
_JWT: Final = jwt.PyJWT(
    {
        "require": _REQUIRED,
        "verify_exp": False,
        "verify_iat": False,
        "strict_aud": True,
        "enforce_minimum_key_length": True,
    }
)


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a good access token says."""

    user_id: PydanticObjectId
    session_id: PydanticObjectId
    token_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Issues and reads access tokens.

    Reading one takes no database command, so it tells nothing of its session: what ended meanwhile is known in memory
    (`Sessions.ended`), and because other processes know it seconds later the life is short. `leeway` is how far two
    servers' clocks may differ.
    """

    secret: bytes = field(repr=False)
    issuer: str = "regen"
    audience: str = "regen-api"
    lifetime: timedelta = timedelta(minutes=15)
    leeway: timedelta = timedelta(seconds=5)
    clock: Callable[[], datetime] = utc_now
    _proved: OrderedDict[bytes, tuple[AccessClaims, datetime]] = field(
        default_factory=OrderedDict[bytes, tuple[AccessClaims, datetime]], init=False, repr=False, compare=False
    )

    def issue(self, user_id: PydanticObjectId, session_id: PydanticObjectId) -> tuple[str, datetime]:
        """A new token of a session, and when it expires (whole seconds)."""
        issued_at = self.clock().replace(microsecond=0)
        expires_at = issued_at + self.lifetime
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": token_urlsafe(16),
            "iat": issued_at,
            "exp": expires_at,
        }
        token = _JWT.encode(claims, self.secret, algorithm=_ALGORITHM)  # pyright: ignore[reportUnknownMemberType] - its type names keys of `cryptography`, which HS256 needs not
        return token, expires_at

    def read(self, token: str) -> AccessClaims:
        """The claims of a token that this server, or one with the same secret, issued for this audience.

        Raises:
            AppError: UNAUTHENTICATED; the message tells an expired token from one that never was good.
        """
        claims, issued_at = self._said(token)
        now = self.clock()
        if issued_at > now + self.leeway:
            raise _invalid()
        if claims.expires_at <= now - self.leeway:
            raise AppError(
                ErrorCode.UNAUTHENTICATED,
                "The access token has expired. Get a new one with your refresh token, or log in again.",
            )
        return claims

    def _said(self, token: str) -> tuple[AccessClaims, datetime]:
        """What a token says that we issued, and when that was; each is read and proved once."""
        digest = sha256(token.encode("utf-8", "replace")).digest()
        known = self._proved.get(digest)
        if known is None:
            known = self._proved[digest] = self._prove(token)
            if len(self._proved) > _REMEMBERED:
                self._proved.popitem(last=False)
        return known

    def _prove(self, token: str) -> tuple[AccessClaims, datetime]:
        try:
            payload = _JWT.decode(  # pyright: ignore[reportUnknownMemberType] - as above
                token, self.secret, algorithms=[_ALGORITHM], audience=self.audience, issuer=self.issuer
            )
            claims = AccessClaims(
                user_id=PydanticObjectId(payload["sub"]),
                session_id=PydanticObjectId(payload["sid"]),
                token_id=payload["jti"],
                expires_at=_moment(payload["exp"]),
            )
            return claims, _moment(payload["iat"])
        except (jwt.InvalidTokenError, InvalidId, TypeError, ValueError, OverflowError, OSError) as error:
            raise _invalid() from error


def _moment(seconds: Any) -> datetime:
    """A NumericDate of RFC 7519, section 2."""
    return datetime.fromtimestamp(seconds, UTC)


def _invalid() -> AppError:
    return AppError(ErrorCode.UNAUTHENTICATED, "The access token is not valid. Log in again.")
