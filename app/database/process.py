"""One run of a database server's program, from its start to its end."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from app.database.errors import DatabaseError

_START_S = 30.0
_STOP_S = 1.5
"""Then it is killed, which costs no acknowledged write: the app must be gone in a few seconds."""
_TAIL_LINES = 12
_LINE_BYTES = 1024 * 1024
_HERE = Path(__file__).parents[2]
"""The folder that holds `app`: `python -m app...` takes this one, wherever Regen was started."""

type Ready = Callable[[str], str | None]
"""The server's URL if this line of its output says that it listens."""


class ServerProcess:
    """A running server; it ends with this process, which holds the other end of its stdin."""

    __slots__ = ("_drain", "_gone", "_process", "_tail", "url")

    def __init__(self, process: Process) -> None:
        self._process = process
        self._tail = deque[str](maxlen=_TAIL_LINES)
        self._drain: asyncio.Task[str | None] | None = None
        self._gone = False
        self.url = ""

    @property
    def pid(self) -> int:
        """Its process, which also leads a process group of its own."""
        return self._process.pid

    @classmethod
    async def launch(cls, command: Sequence[str], ready: Ready, *, inherited: int) -> Self:
        """Start the program and wait until it listens; `inherited` is a descriptor that it keeps open.

        Raises:
            DatabaseError: it cannot be executed, ended before it listened, or took longer than 30 s.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=STDOUT,
                pass_fds=(inherited,),
                start_new_session=True,  # the terminal's Ctrl-C is the app's; the app closes its database last
                cwd=_HERE,
                limit=_LINE_BYTES,
            )
        except OSError as error:
            raise DatabaseError(f"{command[0]} cannot be started: {error.strerror}.") from error
        server = cls(process)
        try:
            await server._listens(ready)
        except BaseException:
            await server._kill()
            raise
        return server

    async def _listens(self, ready: Ready) -> None:
        try:
            async with asyncio.timeout(_START_S):
                url = await self._read(ready)
        except TimeoutError:
            raise DatabaseError(f"The database did not listen within {_START_S:.0f} s. {self._last_words()}") from None
        if url is None:
            raise DatabaseError(f"The database ended as it started. {self._last_words()}")
        self.url = url
        self._drain = asyncio.create_task(self._read(lambda _: None))

    async def _read(self, ready: Ready) -> str | None:
        """Read the output up to the line that says ready; None at its end."""
        output = self._process.stdout
        while output is not None:
            try:
                line = (await output.readline()).decode(errors="replace")
            except ValueError:  # longer than a line may be; asyncio has dropped it
                continue
            if not line:
                break
            self._tail.append(line.rstrip())
            if url := ready(line.strip()):
                return url
        return None

    def _last_words(self) -> str:
        return "Its last words:\n" + "\n".join(self._tail) if self._tail else "It said nothing."

    async def ended(self) -> str:
        """Wait until the program has ended; its exit code and last words."""
        code = await self._process.wait()
        await self._kill()
        return f"exit code {code}. {self._last_words()}"

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL to what is left after 1.5 s."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        await self._kill()

    async def _kill(self) -> None:
        """End what is left of the program and its children, and wait until their output has ended."""
        if self._gone:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()
        self._gone = True
        if self._drain is not None:
            await asyncio.wait([self._drain])
