from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from beanie import PydanticObjectId

from app.accounts.tokens import TokenSigner
from app.errors import AppError, ErrorCode
from tests.accounts.clock import Clock

USER, SESSION = PydanticObjectId(), PydanticObjectId()


def _claims(signer: TokenSigner, **changes: Any) -> dict[str, Any]:
    now = int(signer.clock().timestamp())
    claims = {"iss": "regen", "aud": "regen-api", "sub": str(USER), "sid": str(SESSION), "jti": "1"}
    return {**claims, "iat": now, "exp": now + 60, **changes}


def _signed(
    signer: TokenSigner, claims: dict[str, Any], algorithm: str = "HS256", key: bytes | str | None = None
) -> str:
    key = "" if algorithm == "none" else key or signer.secret
    return jwt.encode(claims, key, algorithm=algorithm)  # pyright: ignore[reportUnknownMemberType] - its type names keys of `cryptography`


def _refusal(signer: TokenSigner, token: str) -> str:
    with pytest.raises(AppError) as caught:
        signer.read(token)
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    return caught.value.message


def test_what_was_issued_is_read(signer: TokenSigner, clock: Clock) -> None:
    token, expires_at = signer.issue(USER, SESSION)
    claims = signer.read(token)
    assert (claims.user_id, claims.session_id, claims.expires_at) == (USER, SESSION, expires_at)
    assert expires_at == clock.now + timedelta(minutes=15)


def test_every_token_has_an_id_of_its_own(signer: TokenSigner) -> None:
    one, other = (signer.read(signer.issue(USER, SESSION)[0]) for _ in range(2))
    assert one.token_id != other.token_id


def test_expired_token_says_so(signer: TokenSigner, clock: Clock) -> None:
    token, _ = signer.issue(USER, SESSION)
    clock.advance(minutes=15, seconds=4)
    assert signer.read(token), "within the leeway"
    clock.advance(seconds=1)
    assert "has expired" in _refusal(signer, token)


def test_token_from_the_future_is_refused(signer: TokenSigner, clock: Clock) -> None:
    clock.advance(seconds=10)
    token, _ = signer.issue(USER, SESSION)
    clock.advance(seconds=-10)
    assert "is not valid" in _refusal(signer, token)


def test_alg_none_is_refused(signer: TokenSigner) -> None:
    assert "is not valid" in _refusal(signer, _signed(signer, _claims(signer), "none"))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_other_algorithm_with_the_same_key_is_refused(signer: TokenSigner) -> None:
    assert "is not valid" in _refusal(signer, _signed(signer, _claims(signer), "HS512"))


def test_token_of_another_key_is_refused(signer: TokenSigner) -> None:
    assert "is not valid" in _refusal(signer, _signed(signer, _claims(signer), key=b"x" * 32))


def test_token_of_another_audience_is_refused(signer: TokenSigner) -> None:
    token, _ = replace(signer, audience="somebody-else").issue(USER, SESSION)
    assert "is not valid" in _refusal(signer, token)
    assert "is not valid" in _refusal(signer, _signed(signer, _claims(signer, aud=["regen-api", "somebody-else"])))


def test_token_of_another_issuer_is_refused(signer: TokenSigner) -> None:
    token, _ = replace(signer, issuer="somebody-else").issue(USER, SESSION)
    assert "is not valid" in _refusal(signer, token)


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "sub", "sid", "jti"])
def test_token_without_a_claim_is_refused(signer: TokenSigner, missing: str) -> None:
    claims = _claims(signer)
    assert signer.read(_signed(signer, claims))
    del claims[missing]
    assert "is not valid" in _refusal(signer, _signed(signer, claims))


@pytest.mark.parametrize(
    "change", [{"sub": "me"}, {"sid": 7}, {"sid": ["x"]}, {"exp": "soon"}, {"exp": 1e300}, {"iat": []}, {"exp": 10**30}]
)
def test_claim_of_another_shape_is_refused(signer: TokenSigner, change: dict[str, Any]) -> None:
    assert "is not valid" in _refusal(signer, _signed(signer, _claims(signer, **change)))


@pytest.mark.parametrize("text", ["", "token", "a.b.c", "\ud800", "é.é.é", "." * 10_000])
def test_what_is_no_token_is_refused(signer: TokenSigner, text: str) -> None:
    assert "is not valid" in _refusal(signer, text)


def test_short_secret_signs_nothing() -> None:
    with pytest.raises(jwt.InvalidKeyError):
        TokenSigner(b"short").issue(USER, SESSION)
