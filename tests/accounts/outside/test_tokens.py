"""Which tokens are accepted: the keys come over HTTP from an issuer on this machine."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.accounts.outside.fetching import Jwks
from app.accounts.outside.keys import IssuerKeys, Pace
from app.accounts.outside.tokens import IssuerTokens
from app.errors import AppError, ErrorCode
from tests.accounts.clock import Clock
from tests.accounts.outside.stand_in import (
    AUDIENCE,
    ISSUER,
    PrivateKey,
    StandIn,
    claims,
    ec,
    ed,
    jwk,
    rsa,
    signed,
    standing_in,
)

_ALGORITHMS = ("RS256", "ES256", "EdDSA")


@pytest.fixture
def issuer() -> Iterator[StandIn]:
    with standing_in(jwk(rsa("a"), "r"), jwk(ec("a"), "e"), jwk(ed("a"), "d")) as started:
        yield started


@pytest.fixture
async def tokens(issuer: StandIn, clock: Clock) -> AsyncIterator[IssuerTokens]:
    keys = IssuerKeys(Jwks(issuer.url, _ALGORITHMS).fetch, Pace(unknown=0))
    task = asyncio.create_task(keys.run())
    yield IssuerTokens(ISSUER, AUDIENCE, keys, _ALGORITHMS, clock=clock)
    task.cancel()
    await asyncio.wait([task])


def _now(clock: Clock) -> float:
    return clock.now.timestamp()


async def _refusal(tokens: IssuerTokens, token: str) -> str:
    with pytest.raises(AppError) as caught:
        await tokens.read(token)
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    assert ISSUER in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"), [(rsa("a"), "r", "RS256"), (ec("a"), "e", "ES256"), (ed("a"), "d", "EdDSA")]
)
async def test_token_of_each_kind_of_key_is_read(
    tokens: IssuerTokens, clock: Clock, key: PrivateKey, kid: str, algorithm: str
) -> None:
    token = signed(key, claims(_now(clock), email="a@b.com", name="Ada"), kid=kid, algorithm=algorithm)
    found = await tokens.read(token)
    assert (found.subject, found.email, found.name) == ("auth0|ada", "a@b.com", "Ada")
    assert found.expires_at == clock.now + timedelta(seconds=600)
    assert found.issued_at == found.proven_at == clock.now


async def test_token_signed_by_the_public_key_as_a_secret_is_refused(tokens: IssuerTokens, clock: Clock) -> None:
    pem = rsa("a").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forged = _by_hand({"alg": "HS256", "kid": "r"}, claims(_now(clock)), secret=pem)
    assert "is not valid" in await _refusal(tokens, forged)


@pytest.mark.parametrize("algorithm", ["none", "None", "", None, ["RS256"], "HS256", "RS1", "PS256"])
async def test_algorithm_that_was_not_allowed_is_refused(tokens: IssuerTokens, clock: Clock, algorithm: Any) -> None:
    assert "is not valid" in await _refusal(tokens, _by_hand({"alg": algorithm, "kid": "r"}, claims(_now(clock))))


async def test_key_is_used_with_its_own_algorithm_alone(tokens: IssuerTokens, clock: Clock) -> None:
    token = signed(rsa("a"), claims(_now(clock)), kid="e", algorithm="RS256")
    assert "signed by a key that its issuer does not have" in await _refusal(tokens, token)


async def test_token_of_another_key_under_a_known_name_is_refused(tokens: IssuerTokens, clock: Clock) -> None:
    token = signed(rsa("thief"), claims(_now(clock)), kid="r", algorithm="RS256")
    assert "is not valid" in await _refusal(tokens, token)


@pytest.mark.parametrize(
    "header", [{"jwk": jwk(rsa("thief"), None)}, {"jku": "http://127.0.0.1:9/keys"}, {"x5u": "http://127.0.0.1:9/x"}]
)
async def test_key_that_a_token_brings_along_is_not_looked_at(
    tokens: IssuerTokens, clock: Clock, header: dict[str, Any]
) -> None:
    token = signed(rsa("thief"), claims(_now(clock)), kid="r", algorithm="RS256", headers=header)
    assert "is not valid" in await _refusal(tokens, token)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"iss": "https://evil.example.com/"}, "not meant for this server"),
        ({"iss": None}, "is not valid"),
        ({"iss": ["https://login.example.com/"]}, "not"),
        ({"aud": "https://another.example.com"}, "not meant for this server"),
        ({"aud": None}, "is not valid"),
        ({"aud": []}, "not"),
        ({"exp": None}, "is not valid"),
        ({"iat": None}, "is not valid"),
        ({"exp": "soon"}, "is not valid"),
        ({"exp": 1e30}, "is not valid"),
        ({"iat": float("nan")}, "is not valid"),
        ({"auth_time": "just now"}, "is not valid"),
        ({"sub": None}, "claim `sub`"),
        ({"sub": ""}, "claim `sub`"),
        ({"sub": "x" * 256}, "claim `sub`"),
        ({"sub": "a\nb"}, "claim `sub`"),
        ({"sub": 7}, "not"),
    ],
)
async def test_wrong_claim_is_refused(tokens: IssuerTokens, clock: Clock, others: dict[str, Any], said: str) -> None:
    token = _by_hand({"alg": "RS256", "kid": "r"}, claims(_now(clock), **others), key=rsa("a"))
    assert said in await _refusal(tokens, token)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"iat": -700, "exp": -31}, "has expired"),
        ({"iat": 31, "exp": 600}, "is not good yet"),
        ({"iat": 0, "nbf": 31, "exp": 600}, "is not good yet"),
        ({"iat": -86_431, "exp": 600}, "more than a day old"),
        ({"iat": -600, "exp": -29}, None),
        ({"iat": 29, "exp": 600}, None),
        ({"iat": -86_399, "exp": 600}, None),
    ],
)
async def test_times_are_held_with_half_a_minute_for_clocks_that_differ(
    tokens: IssuerTokens, clock: Clock, times: dict[str, int], said: str | None
) -> None:
    moments = {name: int(_now(clock)) + seconds for name, seconds in times.items()}
    token = signed(rsa("a"), claims(_now(clock), **moments), kid="r", algorithm="RS256")
    if said is None:
        assert await tokens.read(token)
    else:
        assert said in await _refusal(tokens, token)


async def test_token_speaks_for_a_day_at_most(tokens: IssuerTokens, clock: Clock) -> None:
    token = signed(rsa("a"), claims(_now(clock), exp=int(_now(clock)) + 10**8), kid="r", algorithm="RS256")
    assert (await tokens.read(token)).expires_at == clock.now + timedelta(days=1)


async def test_log_in_of_before_the_token_is_when_it_was_proven(tokens: IssuerTokens, clock: Clock) -> None:
    earlier = int(_now(clock)) - 4000
    token = signed(rsa("a"), claims(_now(clock), auth_time=earlier), kid="r", algorithm="RS256")
    assert (await tokens.read(token)).proven_at == datetime.fromtimestamp(earlier, UTC)


@pytest.mark.parametrize(
    ("kind", "is_accepted"),
    [("JWT", True), ("at+jwt", True), ("logout+jwt", False), ("dpop+jwt", False), (None, False)],
)
async def test_token_of_another_kind_is_refused(
    tokens: IssuerTokens, clock: Clock, kind: str | None, *, is_accepted: bool
) -> None:
    token = _by_hand({"alg": "RS256", "kid": "r", "typ": kind}, claims(_now(clock)), key=rsa("a"))
    if is_accepted:
        assert await tokens.read(token)
    else:
        assert "is not valid" in await _refusal(tokens, token)


async def test_token_without_the_name_of_its_key_is_of_the_only_one(
    tokens: IssuerTokens, issuer: StandIn, clock: Clock
) -> None:
    token = signed(rsa("a"), claims(_now(clock)), kid=None, algorithm="RS256")
    assert await tokens.read(token)
    issuer.keys.append(jwk(rsa("b"), "s"))
    assert await tokens.read(signed(rsa("b"), claims(_now(clock)), kid="s", algorithm="RS256"))
    assert "signed by a key" in await _refusal(tokens, token)


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b.c", "..", "é.é.é", "x" * 20_000, "e30.e30.e30", base64.b64encode(b"[" * 9_000).decode() + ".a.b"],
)
async def test_what_is_no_token_is_refused_and_nobody_is_asked(
    tokens: IssuerTokens, issuer: StandIn, token: str
) -> None:
    await _refusal(tokens, token)
    assert issuer.asked == 0


async def test_new_key_is_good_and_the_old_one_is_not_without_a_restart(
    tokens: IssuerTokens, issuer: StandIn, clock: Clock
) -> None:
    old = signed(rsa("a"), claims(_now(clock)), kid="r", algorithm="RS256")
    assert await tokens.read(old)
    issuer.keys = [jwk(rsa("b"), "s")]
    assert await tokens.read(signed(rsa("b"), claims(_now(clock)), kid="s", algorithm="RS256"))
    await _refusal(tokens, old)


async def test_issuer_that_does_not_answer_is_not_the_token_s_fault(
    tokens: IssuerTokens, issuer: StandIn, clock: Clock
) -> None:
    token = signed(rsa("a"), claims(_now(clock)), kid="r", algorithm="RS256")
    issuer.mode = "error"
    with pytest.raises(AppError) as caught:
        await tokens.read(token)
    assert (caught.value.code, caught.value.retryable) == (ErrorCode.UNAVAILABLE, True)


async def test_another_claim_may_say_who_it_is(tokens: IssuerTokens, clock: Clock) -> None:
    by_oid = IssuerTokens(ISSUER, AUDIENCE, tokens.keys, _ALGORITHMS, "oid", clock)
    token = signed(rsa("a"), claims(_now(clock), oid="0000-1111"), kid="r", algorithm="RS256")
    assert (await by_oid.read(token)).subject == "0000-1111"


def _by_hand(
    header: dict[str, Any], payload: dict[str, Any], *, secret: bytes = b"", key: PrivateKey | None = None
) -> str:
    """A token as a forger writes it, who asks no library whether that is wise."""
    head, body = (_part(json.dumps(one).encode()) for one in (header, payload))
    message = head + b"." + body
    if key is not None:
        signature = jwt.get_algorithm_by_name("RS256").sign(message, key)
    else:
        import hashlib  # noqa: PLC0415 - the forger's alone
        import hmac  # noqa: PLC0415 - the same

        signature = hmac.new(secret, message, hashlib.sha256).digest()
    return (message + b"." + _part(signature)).decode()


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
