"""What waits for one another in a connection, as light as there are many: asyncio's queue and event take 4 KB."""

import asyncio
from typing import Literal


class Flag:
    """As `asyncio.Event`."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        """Whether nobody has to wait."""
        return self._is_set

    def set(self) -> None:
        """Let all go on who wait."""
        self._is_set = True
        for one in self._waiting or ():
            if not one.done():
                one.set_result(None)

    def clear(self) -> None:
        """Have who comes from now on wait."""
        self._is_set = False

    async def wait(self) -> Literal[True]:
        """Return once it is set."""
        if not self._is_set:
            waiting = self._waiting = self._waiting or []
            one = asyncio.get_running_loop().create_future()
            waiting.append(one)
            try:
                await one
            finally:
                waiting.remove(one)
                self._waiting = self._waiting or None
        return True


class Inbox[T]:
    """As `asyncio.Queue`, without a bound: who fills it stops reading where there is something."""

    __slots__ = ("_filled", "_messages")

    def __init__(self) -> None:
        self._filled = Flag()
        self._messages = list[T]()

    def empty(self) -> bool:
        """Whether there is nothing."""
        return not self._messages

    def put_nowait(self, message: T) -> None:
        """Add one."""
        self._messages.append(message)
        self._filled.set()

    async def get(self) -> T:
        """Take the oldest one, once there is one."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        return self._messages.pop(0)
