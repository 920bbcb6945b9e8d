"""The pictures' store in a Cloudinary account; uploads are signed, pooled, and end when they are cancelled."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import anyio
import httpx2
import structlog
from beanie import PydanticObjectId
from structlog.typing import FilteringBoundLogger

from app.errors import AppError
from app.pictures.cloudinary import faults
from app.pictures.cloudinary.account import Account, public_id
from app.pictures.cloudinary.faults import Answer
from app.pictures.keys import checked, ending_of, sha256_in
from app.pictures.links import step_of

_log: FilteringBoundLogger = structlog.get_logger(__name__)
_CONNECT_S = 10.0
_CONNECTIONS = 20
_ANSWER_BYTES = 1 << 20
_PICTURE_BYTES = 200 << 20  # 50 megapixels that no format makes smaller
_AUTHENTICATED = {"type": "authenticated"}
_NOTHING_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_UNTRANSLATED = (ssl.SSLError, anyio.EndOfStream)  # what httpx2 lets through as it is


def connections() -> httpx2.AsyncClient:
    """A pool that follows no redirect: only the account's own addresses are ever asked."""
    limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    return httpx2.AsyncClient(follow_redirects=False, limits=limits, headers={"accept-encoding": "identity"})


@dataclass(frozen=True, slots=True)
class CloudinaryStore:
    """Keeps each picture as an image of type `authenticated`, which only signed links deliver.

    `deadline_s` is of one call, connecting included. `http` is closed with the store.
    """

    account: Account
    deadline_s: float
    http: httpx2.AsyncClient = field(default_factory=connections, repr=False, compare=False)

    @property
    def name(self) -> str:
        """`cloudinary:` and the cloud: pictures of another one are not looked for here."""
        return f"cloudinary:{self.account.cloud}"

    async def put(self, key: str, data: bytes, media_type: str) -> str:
        """Upload, unless it is there; its version. A cancelled upload closes its connection."""
        fields = {"public_id": public_id(checked(key)), **_AUTHENTICATED, "overwrite": False}
        file = (key.rpartition("/")[2], data, media_type)
        answer = await self._post("image/upload", fields, file)
        version = str(answer.fields.get("version"))
        if answer.status != HTTPStatus.OK or not version.isdigit():
            raise faults.not_taken(answer, (self.account.secret, self.account.key))
        if answer.fields.get("bytes", len(data)) != len(data) and not answer.fields.get("existing"):
            await self.delete(key)
            raise faults.changed()
        return version

    async def open(self, key: str, version: str | None = None) -> bytes:
        """Download the stored bytes, compared with the key's hash."""
        wanted = sha256_in(key)
        async with self._translated(faults.failed()):
            answer = await self._ask("GET", self.url(key, None, version), _PICTURE_BYTES)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise faults.missing()
        if answer.status != HTTPStatus.OK:
            raise faults.refusal(answer) or faults.failed(answer.status)
        if await asyncio.to_thread(_sha256, answer.body) != wanted:
            raise faults.something_else()
        return answer.body

    def url(self, key: str, width: int | None, version: str | None = None) -> str:
        """A signed link that works for as long as the picture is there."""
        return self.account.link(public_id(checked(key)), ending_of(key), version, step_of(width))

    async def delete(self, key: str) -> None:
        """Delete it, what was made of it, and the copies that Cloudinary's network holds of both."""
        fields = {"public_id": public_id(checked(key)), **_AUTHENTICATED, "invalidate": True}
        answer = await self._post("image/destroy", fields)
        if answer.status != HTTPStatus.OK or answer.fields.get("result") not in (
            "ok",
            "not found",
        ):  # it may be anything
            raise faults.unconfirmed(answer)

    async def tidy(self, older_than_s: float) -> None:
        """Nothing: Cloudinary keeps no half of a picture."""

    async def clear(self, owner_id: PydanticObjectId) -> None:
        """Nothing: the names of pictures have slashes, and folders are something else there."""

    async def ping(self) -> None:
        """See whether the account answers.

        Raises:
            AppError: PROVIDER_REJECTED_KEY, UNAVAILABLE, TIMEOUT.
        """
        own = httpx2.BasicAuth(self.account.key, self.account.secret)
        async with self._translated(faults.failed()):
            answer = await self._ask("GET", self.account.endpoint("ping"), _ANSWER_BYTES, auth=own)
        if answer.status != HTTPStatus.OK or answer.fields.get("status") != "ok":
            raise faults.refusal(answer) or faults.failed(answer.status)

    async def close(self) -> None:
        """Close the pool; calls under way fail."""
        await self.http.aclose()

    async def _post(
        self, path: str, fields: Mapping[str, object], file: tuple[str, bytes, str] | None = None
    ) -> Answer:
        """The answer, if it is not one that refuses for certain."""
        signed = self.account.signed(fields)
        files = {"file": file} if file else None
        async with self._translated(faults.unconfirmed()):
            answer = await self._ask("POST", self.account.endpoint(path), _ANSWER_BYTES, data=signed, files=files)
        if refusal := faults.refusal(answer):
            raise refusal
        return answer

    @asynccontextmanager
    async def _translated(self, broken_off: AppError) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self.deadline_s):
                yield
        except _NOTHING_SENT as error:
            raise faults.unreachable() from error
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise faults.timed_out(self.deadline_s) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, *_UNTRANSLATED) as error:
            raise broken_off from error

    async def _ask(self, method: str, url: str, limit: int, **request: object) -> Answer:
        timeout = httpx2.Timeout(self.deadline_s, connect=min(_CONNECT_S, self.deadline_s))
        async with self.http.stream(method, url, timeout=timeout, **request) as response:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - each caller names its own few
            answer = Answer(response.status_code, dict(response.headers), await _bounded(response, limit))
        if answer.status != HTTPStatus.OK:
            _log.warning("cloudinary_failed", status=answer.status, call=answer.headers.get("x-request-id"))
        return answer


async def _bounded(response: httpx2.Response, limit: int) -> bytes:
    """What arrives, as it was sent, up to so many bytes.

    Raises:
        RemoteProtocolError: it is more.
    """
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > limit:
            message = "the answer is too large"
            raise httpx2.RemoteProtocolError(message)
    return bytes(body)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
