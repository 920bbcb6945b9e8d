"""Server-sent events, read without stopping the event loop.

The SDK's own reader turns an event with a picture of 6 MB into objects in the event loop, which stands still for
about 60 ms. See https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
"""

import binascii
import re
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

_SLICE_BYTES = 256 * 1024  # a multiple of four; decoded in about a millisecond, for which no other thread runs
_PICTURE = re.compile(rb'"b64_json"\s*:\s*"')  # in a text inside the JSON, the quotes would be escaped


class FrameTooLongError(Exception):
    """An event is longer than any that was asked for."""


class UnreadableEventError(Exception):
    """An event is no JSON object, or its picture no base64."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its `type`, its other fields, and the picture in `b64_json`, decoded."""

    kind: str
    fields: dict[str, Any] = field(repr=False)
    picture: bytes | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Lines:
    """The data of events, gathered from the lines of a stream; at most `limit` bytes an event."""

    limit: int
    _line: bytearray = field(default_factory=bytearray)
    _data: bytearray = field(default_factory=bytearray)
    _after_cr: bool = False

    def feed(self, chunk: bytes) -> Iterator[bytearray]:
        """The data of each event that the chunk completes."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        for part in chunk.splitlines(keepends=True):
            self._line += part
            if len(self._line) + len(self._data) > self.limit:
                raise FrameTooLongError
            if part.endswith((b"\n", b"\r")):
                yield from self._end_of_line()

    def _end_of_line(self) -> Iterator[bytearray]:
        line, self._line = self._line, bytearray()
        while line.endswith((b"\n", b"\r")):
            del line[-1:]
        if not line:
            if self._data:
                yield self._data
            self._data = bytearray()
        elif line.startswith(b"data:"):
            del line[: 6 if line.startswith(b"data: ") else 5]  # moves a pointer, not the bytes
            if self._data:
                self._data += b"\n"
                self._data += line
            else:
                self._data = line


async def frames(chunks: AsyncIterable[bytes], limit: int) -> AsyncGenerator[bytearray]:
    """The data of each event, in order; what the end of the stream cuts off is dropped.

    Raises:
        FrameTooLongError: an event has more than `limit` bytes.
    """
    lines = _Lines(limit)
    async for chunk in chunks:
        for frame in lines.feed(chunk):
            yield frame


def read_event(frame: bytearray) -> Event:
    """What an event says; takes the picture out of the frame, so that it lies in memory once and not three times.

    Raises:
        UnreadableEventError: see there.
    """
    picture = _cut_picture(frame)
    try:
        read: object = orjson.loads(frame)
    except orjson.JSONDecodeError:
        raise UnreadableEventError from None
    if not isinstance(read, dict):
        raise UnreadableEventError
    fields = cast("dict[str, Any]", read)
    if fields.pop("b64_json", None):
        raise UnreadableEventError
    return Event(str(fields.get("type")), fields, picture)


def _cut_picture(frame: bytearray) -> bytes | None:
    """The picture of an event; its base64 is gone from the frame, and no JSON reader has to go through it."""
    found = _PICTURE.search(frame)
    if found is None:
        return None
    start = found.end()
    end = frame.find(b'"', start)
    if end < 0:
        raise UnreadableEventError
    text = frame[start:end]
    del frame[start:end]
    if b"\\" in text:  # asked first: replacing takes ten times as long, even where there is nothing to replace
        text = text.replace(b"\\/", b"/")  # JSON may write a slash so
    # In slices, between which other threads get their turn.
    starts = range(0, len(text), _SLICE_BYTES)
    try:
        return b"".join(binascii.a2b_base64(text[at : at + _SLICE_BYTES], strict_mode=True) for at in starts) or None
    except ValueError:
        raise UnreadableEventError from None
