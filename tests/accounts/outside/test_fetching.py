import asyncio
import socket
from collections.abc import Iterator

import pytest

from app.accounts.outside.fetching import Jwks
from app.errors import AppError, ErrorCode
from tests.accounts.outside.stand_in import StandIn, ec, jwk, standing_in


@pytest.fixture
def issuer() -> Iterator[StandIn]:
    with standing_in(jwk(ec("a"), "e")) as started:
        yield started


async def test_keys_come_over_http(issuer: StandIn) -> None:
    keys = await Jwks(issuer.url, ("ES256",)).fetch()
    assert keys.find("e", "ES256") is not None


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("error", "HTTP status 500"),
        ("elsewhere", "HTTP status 302"),
        ("garbage", "no JSON"),
        ("other", "no key set"),
        ("huge", "more than 262144 bytes"),
        ("gzip", "no JSON"),
        ("silent", "does not answer within 0.2 s"),
    ],
)
async def test_issuer_that_misbehaves_is_told_from_one_that_answers(issuer: StandIn, mode: str, said: str) -> None:
    issuer.mode = mode
    async with asyncio.timeout(5):
        with pytest.raises(AppError, match=said) as caught:
            await Jwks(issuer.url, ("ES256",), deadline_s=0.2 if mode == "silent" else 5).fetch()
    assert (caught.value.code, caught.value.retryable) == (ErrorCode.UNAVAILABLE, True)
    assert issuer.asked == 1


async def test_issuer_where_nobody_listens_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(AppError, match="can't be reached") as caught:
        await Jwks(f"http://127.0.0.1:{port}/keys", ("ES256",)).fetch()
    assert caught.value.code is ErrorCode.UNAVAILABLE


@pytest.mark.parametrize("url", ["http://[::1/keys", "http://xn--/keys"])
async def test_address_that_is_none_is_told_like_an_issuer_that_is_away(url: str) -> None:
    with pytest.raises(AppError) as caught:
        await Jwks(url, ("ES256",)).fetch()
    assert caught.value.code is ErrorCode.UNAVAILABLE


async def test_keys_for_other_algorithms_are_none(issuer: StandIn) -> None:
    with pytest.raises(AppError, match="no public key for RS256"):
        await Jwks(issuer.url, ("RS256",)).fetch()
