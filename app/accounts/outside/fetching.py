"""Getting an issuer's key set from its address."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import anyio
import httpx2

from app.accounts.outside.jwks import KeySet, NotKeysError
from app.errors import AppError, ErrorCode

DEADLINE_S: Final = 5.0
_MAX_BYTES: Final = 262_144
_LOST = (httpx2.HTTPError, httpx2.InvalidURL, OSError, anyio.EndOfStream)
"""The last two: what httpx2 lets through untranslated, errors of TLS and closed connections among them."""


def _client() -> httpx2.AsyncClient:
    """One that keeps no connection: the next fetch is minutes away. The deadline is set around each call."""
    return httpx2.AsyncClient(timeout=None, limits=httpx2.Limits(max_keepalive_connections=0))


@dataclass(frozen=True, slots=True)
class Jwks:
    """The address of a key set; redirects are not followed: whom the keys come from is the operator's decision."""

    url: str
    algorithms: Sequence[str]
    deadline_s: float = DEADLINE_S
    http: httpx2.AsyncClient = field(default_factory=_client, repr=False, compare=False)

    async def fetch(self) -> KeySet:
        """The keys of now, within the deadline of 5 seconds and 256 KB.

        Raises:
            AppError: UNAVAILABLE, with what is wrong; for the operator: clients are told less.
        """
        try:
            async with asyncio.timeout(self.deadline_s):
                return KeySet.parse(await self._body(), self.algorithms)
        except TimeoutError as error:
            raise _away(f"does not answer within {self.deadline_s:g} s") from error
        except _LOST as error:
            raise _away(f"can't be reached ({type(error).__name__})") from error
        except NotKeysError as error:
            raise _away(f"answers something else: {error}") from error
        except ValueError as error:
            raise _away("answers something else: it is no JSON") from error

    async def close(self) -> None:
        """Close the connections; a fetch on its way fails."""
        await self.http.aclose()

    async def _body(self) -> bytes:
        headers = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}
        body = bytearray()
        async with self.http.stream("GET", self.url, headers=headers) as response:
            if response.status_code != HTTPStatus.OK:
                raise NotKeysError(f"HTTP status {response.status_code}")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise NotKeysError(f"more than {_MAX_BYTES} bytes")
        return bytes(body)


def _away(what: str) -> AppError:
    return AppError(ErrorCode.UNAVAILABLE, f"The address of the issuer's keys {what}.", retryable=True)
