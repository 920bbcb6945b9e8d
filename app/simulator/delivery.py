"""How an answer's bytes go out: in time, slowly, or with a broken connection."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Send

from app.simulator.answer import Answer, Piece
from app.simulator.desk import Desk

_TRICKLE_BYTES = 3
_TRICKLE_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Delivery:
    """Sends one answer; `finishing` is called before its last bytes, so that who has them finds it noted."""

    desk: Desk
    send: Send
    cut: Callable[[], None]
    finishing: Callable[[], None]

    async def run(self, answer: Answer) -> None:
        """Send it, in the time that the desk says; stop wherever calls are held."""
        await self.desk.pass_gate(0)
        pause_s = self.desk.takes_s / max(1, len(answer.pieces)) if answer.takes else 0
        is_stream = answer.length is None and bool(answer.pieces)
        if is_stream:
            await self._start(answer)
        for number, piece in enumerate(answer.pieces):
            await self.desk.pass_gate(number)
            await asyncio.sleep(pause_s)
            if number == 0 and not is_stream:
                await self._start(answer)
            await self._piece(piece, is_last=number == len(answer.pieces) - 1)
        await self._end(answer)

    async def trickle(self, answer: Answer) -> None:
        """Send 12 bytes a second, never all of them, and break off at last."""
        await self.desk.pass_gate(0)
        await self._start(answer)
        data = b"".join(piece.before for piece in answer.pieces)[:-1]
        try:
            async with asyncio.timeout(self.desk.trickle_s):
                for start in range(0, len(data), _TRICKLE_BYTES):
                    await self._chunk(data[start : start + _TRICKLE_BYTES])
                    await asyncio.sleep(_TRICKLE_EVERY_S)
                await asyncio.Event().wait()
        except TimeoutError:
            self.finishing()
            self.cut()

    async def _start(self, answer: Answer) -> None:
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        if answer.length is not None:
            headers.append((b"content-length", str(answer.length).encode()))
        await self.send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def _piece(self, piece: Piece, *, is_last: bool = False) -> None:
        chunks = piece.chunks()
        chunk = next(chunks, b"")
        for following in chunks:
            await self._chunk(chunk)
            chunk = following
        if is_last:
            self.finishing()
        await self._chunk(chunk)

    async def _chunk(self, chunk: bytes) -> None:
        await self.send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.sleep(0)  # uvicorn's own waits only for a full buffer: it would not hear of a client that leaves

    async def _end(self, answer: Answer) -> None:
        if answer.breaks:
            self.finishing()
            self.cut()
        else:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
