"""Access tokens of an outside issuer: JSON Web Tokens, verified by its public keys (RFC 8725, RFC 9068)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from app.accounts.outside.keys import IssuerKeys
from app.database.document import utc_now
from app.errors import AppError, ErrorCode

MAX_AGE: Final = timedelta(days=1)
"""An older token is refused, whatever it says: for so long an erased account is remembered (see `erasing`)."""
LEEWAY: Final = timedelta(seconds=30)
"""How far the issuer's clock and ours may differ."""
_TOKEN_MAX_CHARACTERS: Final = 16_384
_SUBJECT_MAX_CHARACTERS: Final = 255
"""OpenID Connect Core, section 2, says so of `sub`."""
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""Of access tokens; other kinds (logout tokens, proofs of possession) say what they are."""
# The claims of time are compared below, with the server's one clock; PyJWT would ask its own.
_JWT: Final = jwt.PyJWT(
    {
        "require": ["iss", "aud", "exp", "iat"],
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "enforce_minimum_key_length": True,
    }
)


@dataclass(frozen=True, slots=True)
class OutsideClaims:
    """What a good token says: `subject` is who it is at the issuer, `proven_at` when the person proved to be it.

    `email` and `name` are as the issuer has them, not checked in any way; null when it did not say.
    """

    subject: str
    issued_at: datetime
    proven_at: datetime
    expires_at: datetime
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class IssuerTokens:
    """Reads the tokens that `issuer` made for `audience` and signed by one of `algorithms`, which are asymmetric."""

    issuer: str
    audience: str
    keys: IssuerKeys
    algorithms: Sequence[str]
    user_claim: str = "sub"
    clock: Callable[[], datetime] = utc_now

    async def read(self, token: str) -> OutsideClaims:
        """The claims of a token; asks the issuer only for keys that are not at hand.

        Raises:
            AppError: UNAUTHENTICATED, with what is wrong with it; UNAVAILABLE when its key can't be had.
        """
        payload = await self._verified(token)
        try:
            claims = self._claims(payload)
            begins = max(claims.issued_at, _moment(payload.get("nbf", payload["iat"])))
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise self._invalid() from error
        now = self.clock()
        if begins > now + LEEWAY:
            raise self._refused("is not good yet")
        if claims.expires_at <= now - LEEWAY:
            raise self._refused("has expired, or is more than a day old")
        return claims

    async def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            kid, algorithm = self._header(token)
            key = await self.keys.find(kid, algorithm)
            if key is None:
                raise self._refused("is signed by a key that its issuer does not have for that")
            return _JWT.decode(token, key, [algorithm], audience=self.audience, issuer=self.issuer)  # pyright: ignore[reportUnknownMemberType] - a part of its signature is untyped
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise self._refused("is not meant for this server") from error
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise self._invalid() from error

    def _header(self, token: str) -> tuple[str | None, str]:
        """The name of the key and the algorithm, as the token says; the latter one of ours."""
        if len(token) > _TOKEN_MAX_CHARACTERS:
            raise self._invalid()
        header = jwt.get_unverified_header(token)
        algorithm = next((name for name in self.algorithms if name == header.get("alg")), None)
        if algorithm is None or str(header.get("typ", "JWT")).lower() not in _TYPES:
            raise self._invalid()
        return header.get("kid"), algorithm

    def _claims(self, payload: Mapping[str, Any]) -> OutsideClaims:
        subject = payload.get(self.user_claim)
        if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_MAX_CHARACTERS or not subject.isprintable():
            raise self._refused(f"does not say who you are in the claim `{self.user_claim}`")
        issued_at = _moment(payload["iat"])
        return OutsideClaims(
            subject,
            issued_at,
            proven_at=min(issued_at, _moment(payload.get("auth_time", payload["iat"]))),
            expires_at=min(_moment(payload["exp"]), issued_at + MAX_AGE),
            email=_text(payload.get("email")),
            name=_text(payload.get("name")) or _text(payload.get("preferred_username")),
        )

    def _invalid(self) -> AppError:
        return self._refused("is not valid")

    def _refused(self, why: str) -> AppError:
        message = f"The access token {why}. Get a new one from {self.issuer}."
        return AppError(ErrorCode.UNAUTHENTICATED, message)


def _moment(seconds: Any) -> datetime:
    """A NumericDate of RFC 7519, section 2."""
    return datetime.fromtimestamp(seconds, UTC)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
