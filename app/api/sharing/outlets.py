"""Where the results of one subscription go, when it is not its own task that sends them."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from app.api.sharing.frames import Result

if TYPE_CHECKING:
    from graphql.execution import Executor


class Outlet(ABC):
    """A subscription's, by whatever transport; `executor` runs its operation, null before that has begun.

    What is sent goes out at once where the transport takes it, without waking another task. Where it does not, nothing
    more may be sent until it does. `is_free`: all that was sent is on its way, and more is taken; never again once
    something was not taken.
    """

    __slots__ = ("_sending", "executor", "is_free")

    def __init__(self) -> None:
        self.executor: Executor[Any] | None = None
        self.is_free = True
        self._sending: asyncio.Task[None] | None = None

    def send(self, result: Result, then: Callable[[], None]) -> None:
        """Send a result; `then` is called once it is on its way, or will never be."""
        if self._writes(result):
            then()
            return
        loop = asyncio.get_running_loop()
        sending = asyncio.Task(self._write(result.json), loop=loop, eager_start=True)
        if sending.done():
            self._sent(then, sending)
        else:
            self._sending, self.is_free = sending, False
            sending.add_done_callback(partial(self._sent, then))

    async def drained(self) -> None:
        """Return when all that was sent is on its way."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def close(self) -> None:
        """Forget what is not on its way yet."""
        if self._sending is not None:
            self._sending.cancel()
            await self.drained()

    def _writes(self, result: Result) -> bool:
        """Send a result without waiting for anything; false, and nothing is sent, where that can't be."""
        del result
        return False

    @abstractmethod
    async def _write(self, payload: str) -> None:
        """Put a result, in JSON, into what the transport sends, and send it."""

    def _sent(self, then: Callable[[], None], sending: asyncio.Task[None]) -> None:
        """The client may be gone, which its own task is told soon, and says what is to be said about it."""
        self._sending = None
        self.is_free = not sending.cancelled() and sending.exception() is None
        then()
