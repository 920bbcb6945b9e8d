"""How much a request may bring, and how long it may take to bring it."""

import asyncio
from collections.abc import Collection
from typing import Any, cast

from cross_web import HTTPException
from starlette.types import Message, Receive, Scope

_JSON_MAX_BYTES = 1_000_000
_UPLOAD_MAX_BYTES = 25_000_000
_PAUSE_S = 15
_MAX_VALUES = 5_000
TOO_MANY_VALUES = f"The variables hold too many values: at most {_MAX_VALUES:,}. Split the request."


def capped(scope: Scope, receive: Receive) -> Receive:
    """The same messages, until they are too many or too slow.

    Raises:
        HTTPException: 413, or 408 after a pause of 15 s; from the callable that is returned.
    """
    headers = dict(scope["headers"])
    upload = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
    left = _UPLOAD_MAX_BYTES if upload else _JSON_MAX_BYTES
    whole = False

    async def limited() -> Message:
        nonlocal left, whole
        if whole:  # what comes now is that the client goes, and that may take as long as it likes
            return await receive()
        try:
            async with asyncio.timeout(_PAUSE_S):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, "The rest of the request did not come.") from error
        left -= len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if left < 0:
            what = "An upload has at most 20 MB." if upload else "The body has at most 1 MB."
            raise HTTPException(413, what)
        return message

    return limited


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
