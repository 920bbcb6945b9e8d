"""Reading what clients send, bounded and off the event loop."""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import orjson
from starlette.requests import Request

from app.simulator.answer import Answer, RefusedError

BODY_MAX_BYTES: Final = 256 * 1024 * 1024
_DATA_URL = re.compile(r"data:([\w/+.-]+);base64,")


async def json_of[T](request: Request, parse: Callable[[dict[str, Any]], T], refusal: Callable[[str], Answer]) -> T:
    """What `parse` makes, in a thread, of the request's JSON object.

    Raises:
        RefusedError: it is no JSON object, too large, or `parse` found (KeyError, TypeError, ValueError) a fault.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise RefusedError(refusal("The request is too large."))

    def parsed() -> T:
        value = orjson.loads(body)
        if not isinstance(value, dict):
            message = "The request's body is not a JSON object."
            raise TypeError(message)
        return parse(value)  # pyright: ignore[reportUnknownArgumentType] - whatever JSON holds

    try:
        return await asyncio.to_thread(parsed)
    except KeyError as error:
        raise RefusedError(refusal(f"Missing required parameter: '{error.args[0]}'.")) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise RefusedError(refusal(f"We could not parse the request: {error}")) from None


def picture_of_data_url(url: str) -> tuple[bytes, str]:
    """The bytes and media type of a `data:` URL with base64.

    Raises:
        ValueError: it is none.
    """
    head = _DATA_URL.match(url)
    if head is None:
        message = "a picture is not a data URL with base64"
        raise ValueError(message)
    return bytes_of_base64(url[head.end() :]), head[1]


def bytes_of_base64(text: str) -> bytes:
    """The bytes of either alphabet of base64.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode(text.translate(_STANDARD) + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        message = f"a picture is not base64 ({error})"
        raise ValueError(message) from None


def fingerprint(data: bytes) -> str:
    """SHA-256 in hexadecimal, as `Asked.references` holds it."""
    return hashlib.sha256(data).hexdigest()


_STANDARD = str.maketrans("-_", "+/")
