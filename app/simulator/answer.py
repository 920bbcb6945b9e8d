"""An answer on its way: what is sent, in which pieces, and how it may be spoiled."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from app.simulator.scenario import Scenario

_CHUNK_BYTES = 65_536
_FILLING = b"A" * _CHUNK_BYTES
_TYPE, _JSON = "content-type", "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Piece:
    """What is sent at once: `before`, then so many letters A, which lie nowhere in memory, then `after`."""

    before: bytes = field(repr=False)
    filling: int = 0
    after: bytes = b""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.before) + self.filling + len(self.after)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, in order, at most 64 KiB at once."""
        times, rest = divmod(self.filling, _CHUNK_BYTES)
        filling = itertools.chain(itertools.repeat(_FILLING, times), [_FILLING[:rest]])
        return filter(None, itertools.chain(_cut_up(self.before), filling, _cut_up(self.after)))

    def first_half(self, end: bytes = b"") -> "Piece":
        """Half of what comes before a filling, and that end."""
        return Piece(self.before[: len(self.before) // 2] + end)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers and the body in pieces: the events of a stream, or one piece that is all.

    `length` is what is declared, in bytes, null for a stream. `takes`: it comes in the time that work takes.
    `breaks`: the connection is cut after the last piece.
    """

    status: int
    pieces: Sequence[Piece]
    length: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    takes: bool = False
    breaks: bool = False

    def headed(self, **headers: str) -> "Answer":
        """The same with these headers more; underscores are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


class RefusedError(Exception):
    """A request that can't be read; the answer says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def whole(status: int, piece: Piece | bytes, media_type: str, *, takes: bool = False) -> Answer:
    """A body of that media type."""
    body = Piece(piece) if isinstance(piece, bytes) else piece
    return Answer(status, [body], body.size, {_TYPE: media_type}, takes=takes)


def json(status: int, value: Any, *, takes: bool = False, filling: tuple[str, int] | None = None) -> Answer:
    """JSON; with a filling, the text that stands there is replaced by so many letters A."""
    return whole(status, _filled(orjson.dumps(value), filling), _JSON, takes=takes)


def events(frames: Sequence[Piece]) -> Answer:
    """A stream of server-sent events."""
    return Answer(200, frames, None, {_TYPE: "text/event-stream; charset=utf-8"}, takes=True)


def event(type: str, value: Mapping[str, Any], filling: tuple[str, int] | None = None) -> Piece:
    """One server-sent event; with a filling, the text that stands there is replaced by so many letters A."""
    frame = b"event: %b\ndata: %b\n\n" % (type.encode(), orjson.dumps({"type": type, **value}))
    return _filled(frame, filling)


def spoiled(answer: Answer, scenario: Scenario) -> Answer:
    """What becomes of a good answer in a scenario of the connection."""
    *before, last = answer.pieces
    if scenario is Scenario.SILENT_CLOSE:
        return replace(answer, pieces=[], breaks=True)
    if scenario is Scenario.CUT_STREAM:
        return replace(answer, pieces=[*before, last.first_half()], breaks=True)
    if scenario is Scenario.BROKEN_JSON:
        broken = last.first_half() if answer.length is not None else last.first_half(b"\n\n")
        return replace(answer, pieces=[*before, broken], length=answer.length and broken.size)
    return answer


def _cut_up(data: bytes) -> Iterator[bytes]:
    return (data[start : start + _CHUNK_BYTES] for start in range(0, len(data), _CHUNK_BYTES))


def _filled(text: bytes, filling: tuple[str, int] | None) -> Piece:
    if filling is None:
        return Piece(text)
    mark, size = filling
    before, after = text.split(mark.encode())
    return Piece(before, size, after)
