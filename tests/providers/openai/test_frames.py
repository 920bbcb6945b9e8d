from collections.abc import AsyncGenerator, AsyncIterable

import pytest

from app.providers.openai.frames import Event, FrameTooLongError, UnreadableEventError, frames, read_event
from tests.providers.openai.standin import base64_of

_STREAM = (
    b': hello\nevent: a\ndata: {"n":1}\n\nid: 7\r\ndata:{"n":\r\ndata: 2}\r\n\r\ndata: {"n":3}\r\r\n\ndata: [DONE]\n\n'
)
_FRAMES = [b'{"n":1}', b'{"n":\n2}', b'{"n":3}', b"[DONE]"]


async def _cut(stream: bytes, size: int) -> AsyncGenerator[bytes]:
    for at in range(0, len(stream), size):
        yield stream[at : at + size]


async def _read(chunks: AsyncIterable[bytes], limit: int = 1_000) -> list[bytes]:
    return [bytes(frame) async for frame in frames(chunks, limit)]


@pytest.mark.parametrize("size", range(1, len(_STREAM) + 1))
async def test_events_are_the_same_however_the_wire_cuts_them(size: int) -> None:
    assert await _read(_cut(_STREAM, size)) == _FRAMES


async def test_event_that_is_cut_off_is_none() -> None:
    assert await _read(_cut(b'data: {"n":1}\n\ndata: {"n":2}\n', 7)) == [b'{"n":1}']


async def test_event_of_exactly_the_limit_is_read() -> None:
    assert await _read(_cut(b"data: 1234\n\n", 3), limit=11) == [b"1234"]


@pytest.mark.parametrize("stream", [b"data: 12345\n\n", b"data: 123456789", b"data: 123\ndata: 456\n\n"])
async def test_event_over_the_limit_is_refused_before_it_has_come(stream: bytes) -> None:
    with pytest.raises(FrameTooLongError):
        await _read(_cut(stream, 3), limit=11)


def test_picture_is_taken_out_of_the_event() -> None:
    frame = bytearray(b'{"type": "a", "b64_json" : "%s", "n": 1}' % base64_of(b"picture").encode())
    assert read_event(frame) == Event("a", {"type": "a", "n": 1}, b"picture")
    assert len(frame) < len(base64_of(b"picture")) + 30


@pytest.mark.parametrize("size", [262_143 // 4 * 3, 262_144 // 4 * 3, 262_148 // 4 * 3 + 1])
def test_picture_of_any_size_is_whole(size: int) -> None:
    picture = bytes(number % 251 for number in range(size))
    assert read_event(bytearray(f'{{"b64_json":"{base64_of(picture)}"}}'.encode())).picture == picture


def test_slashes_of_the_base64_may_be_escaped() -> None:
    assert read_event(bytearray(rb'{"b64_json":"\/\/8="}')).picture == b"\xff\xff"


@pytest.mark.parametrize("value", [b"null", b'""'])
def test_picture_that_is_empty_is_none(value: bytes) -> None:
    assert read_event(bytearray(b'{"b64_json":%s}' % value)).picture is None


def test_text_that_speaks_of_a_picture_is_no_picture() -> None:
    event = read_event(bytearray(rb'{"delta": "{\"b64_json\": \"QUJD\"}"}'))
    assert (event.fields, event.picture) == ({"delta": '{"b64_json": "QUJD"}'}, None)


@pytest.mark.parametrize(
    "frame",
    [
        b"[DONE]",
        b"[]",
        b"3",
        b"{",
        b'{"a": "\xff"}',
        b'{"b64_json": "QUJD',
        b'{"b64_json": "%%%%"}',
        b'{"b64_json": "QUJ"}',
        b'{"b64_json": "QUJD\\n"}',
        b'{"b64_json": 7}',
    ],
)
def test_what_is_no_event_is_refused(frame: bytes) -> None:
    with pytest.raises(UnreadableEventError):
        read_event(bytearray(frame))
