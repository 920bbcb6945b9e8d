"""Where the results of one subscription go, when it is not its own task that sends them."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphql.execution import Executor


class Outlet(ABC):
    """A subscription's, by whatever transport; `executor` runs its operation, null before that has begun.

    What is sent goes out at once where the transport takes it, without waking another task. Where it does not, nothing
    more may be sent until it does: `is_free`.
    """

    __slots__ = ("_is_broken", "_sending", "executor")

    def __init__(self) -> None:
        self.executor: Executor[Any] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._is_broken = False

    @property
    def is_free(self) -> bool:
        """Whether all that was sent is on its way, and more is taken; never again once something was not taken."""
        return self._sending is None and not self._is_broken

    def send(self, payload: str, then: Callable[[], None]) -> None:
        """Send a result, in JSON; `then` is called once it is on its way, or will never be."""
        loop = asyncio.get_running_loop()
        sending = asyncio.Task(self._write(payload), loop=loop, eager_start=True)
        if sending.done():
            self._sent(then, sending)
        else:
            self._sending = sending
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

    @abstractmethod
    async def _write(self, payload: str) -> None:
        """Put a result into a frame, and send it."""

    def _sent(self, then: Callable[[], None], sending: asyncio.Task[None]) -> None:
        """The client may be gone, which its own task is told soon, and says what is to be said about it."""
        self._sending = None
        self._is_broken = sending.cancelled() or sending.exception() is not None
        then()
