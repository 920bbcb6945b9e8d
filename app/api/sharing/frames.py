"""Text frames of WebSockets: each is made once for many sockets, and written without a task where nothing waits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from starlette.types import Scope

_EXTENSION: Final = "regen.text_frames"
_TEXT, _TWO_BYTES, _EIGHT_BYTES = b"\x81", b"\x81\x7e", b"\x81\x7f"
"""The last frame of a text, and its only one; its size follows, in one byte or in so many."""
_LARGEST_OF_ONE, _LARGEST_OF_TWO = 125, 0xFFFF

type WriteFrame = Callable[[bytes], bool]
"""Writes a whole frame now; false, and nothing is written, where the socket is not open, or its buffers are full."""


def text_frame(*parts: bytes) -> bytes:
    """The frame of a text in UTF-8 as a server sends it, unmasked and not compressed.

    https://datatracker.ietf.org/doc/html/rfc6455#section-5.2
    """
    size = sum(map(len, parts))
    if size <= _LARGEST_OF_ONE:
        head = _TEXT + size.to_bytes()
    elif size <= _LARGEST_OF_TWO:
        head = _TWO_BYTES + size.to_bytes(2)
    else:
        head = _EIGHT_BYTES + size.to_bytes(8)
    return b"".join((head, *parts))


def offer(extensions: dict[str, Any], write: WriteFrame) -> None:
    """Say in the `extensions` of a socket's scope that it takes ready frames; its messages are not compressed."""
    extensions[_EXTENSION] = {"write": write}


def offered(scope: Scope) -> WriteFrame | None:
    """How to write frames to the socket of a scope; null where its server does not offer it."""
    extensions = cast("dict[str, dict[str, Any]]", scope.get("extensions") or {})
    return extensions.get(_EXTENSION, {}).get("write")


@dataclass(slots=True)
class Result:
    """A result in JSON, for all who are sent the same; `message` makes frames of it."""

    json: str
    _start: bytes = b""
    _frame: bytes = b""
    _rest: bytes = b""

    def frame(self, start: bytes) -> bytes:
        """That of a message which is that start, the result, and a closing brace; made once for the same start."""
        if start != self._start:
            self._rest = self._rest or f"{self.json}}}".encode()
            self._start, self._frame = start, text_frame(start, self._rest)
        return self._frame
