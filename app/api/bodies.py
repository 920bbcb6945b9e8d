"""How much a request may bring, and how long it may take to bring it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from beanie import PydanticObjectId
from cross_web import HTTPException
from starlette.types import Message, Receive, Scope

_JSON_MAX_BYTES = 1_000_000
_UPLOAD_MAX_BYTES = 25_000_000
_ROUND_AN_ARCHIVE_BYTES = 1_000_000
_ARCHIVE = b"importLineage"
_OPERATION_BYTES = 64_000
_PAUSE_S = 15
_LARGE_AT_ONCE = 2
_MAX_VALUES = 5_000
TOO_MANY_VALUES = f"The variables hold too many values: at most {_MAX_VALUES:,}. Split the request."


@dataclass(frozen=True, slots=True)
class LargeUploads:
    """Requests of this process that bring more than a picture: two of a person's at a time, as each fills the disk."""

    _now: Counter[PydanticObjectId] = field(default_factory=Counter[PydanticObjectId])

    @contextmanager
    def beside(self, user_id: PydanticObjectId | None) -> Generator[Callable[[], None]]:
        """While entered, one request is answered; what is yielded says that it is a large one, and raises 429."""
        is_large = False

        def enter() -> None:
            nonlocal is_large
            if is_large or user_id is None:
                return
            if self._now[user_id] >= _LARGE_AT_ONCE:
                raise HTTPException(429, f"You send {_LARGE_AT_ONCE} archives already: wait until one has come.")
            self._now[user_id] += 1
            is_large = True

        try:
            yield enter
        finally:
            if is_large and user_id is not None:
                self._leave(user_id)

    def _leave(self, user_id: PydanticObjectId) -> None:
        self._now[user_id] -= 1
        if not self._now[user_id]:
            del self._now[user_id]


def capped(
    scope: Scope, receive: Receive, archive_max_bytes: int = 0, enter_large: Callable[[], None] = lambda: None
) -> Receive:
    """The same messages, until they are too many or too slow.

    An upload may be larger than a picture if its operation, which stands before the files, imports an archive: then it
    may bring `archive_max_bytes`, and `enter_large` is called as soon as it is larger. The files go to the disk as they
    come.

    Raises:
        HTTPException: 413, or 408 after a pause of 15 s, or what `enter_large` raises; from the callable that is
            returned.
    """
    headers = dict(scope["headers"])
    upload = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
    most = _UPLOAD_MAX_BYTES if upload else _JSON_MAX_BYTES
    head, come, whole = bytearray(), 0, False

    async def limited() -> Message:
        nonlocal head, come, most, whole
        if whole:  # what comes now is that the client goes, and that may take as long as it likes
            return await receive()
        try:
            async with asyncio.timeout(_PAUSE_S):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, "The rest of the request did not come.") from error
        body = message.get("body", b"")
        come += len(body)
        whole = not message.get("more_body", False)
        if upload and len(head) < _OPERATION_BYTES:
            head += body[:_OPERATION_BYTES]
            if _ARCHIVE in head:
                most = max(most, archive_max_bytes + _ROUND_AN_ARCHIVE_BYTES)
        if come > most:
            raise HTTPException(413, _too_much(upload, most))
        if upload and come > _UPLOAD_MAX_BYTES:
            enter_large()
        return message

    return limited


def _too_much(upload: bool, most: int) -> str:  # noqa: FBT001 - both are what is known of the request
    if not upload:
        return "The body has at most 1 MB."
    if most == _UPLOAD_MAX_BYTES:
        return "An upload has at most 20 MB."
    return f"An archive has at most {(most - _ROUND_AN_ARCHIVE_BYTES) // 1_000_000} MB."


def too_many_values(variables: Any) -> bool:
    """Whether there are more values in the variables than any operation needs; looking at each costs time."""
    waiting, seen = [variables], 0
    while waiting:
        value = waiting.pop()
        inside = _inside(value)
        seen += len(inside)
        if seen > _MAX_VALUES:
            return True
        waiting += inside
    return False


def _inside(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType] - JSON's lists hold anything
