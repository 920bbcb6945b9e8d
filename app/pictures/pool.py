"""The threads that pictures are worked on in: few at once, because each fills a core and hundreds of megabytes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from app.errors import AppError, ErrorCode

_COME_BACK_S = 5.0


class PicturePool:
    """At most `threads` pictures are worked on at once, one after another as they come.

    Of those who ask for an answer `waiting` more may wait, each for `patience_s`; all others are sent away. What works
    on generations waits for as long as it takes: how many they are is bounded by the slots of workers.

    Who is cancelled leaves at once; the thread finishes what it is at, its result is dropped.
    """

    def __init__(self, threads: int = 2, *, waiting: int = 64, patience_s: float = 30) -> None:
        self._threads = ThreadPoolExecutor(threads, "pictures")
        self._turns = asyncio.Semaphore(threads)
        self._room, self._patience_s = waiting, patience_s

    @property
    def is_busy(self) -> bool:
        """Whether the next one has to wait."""
        return self._turns.locked()

    async def run[T](self, work: Callable[[], T]) -> T:
        """Do it in a thread, for somebody who waits for the answer.

        Raises:
            AppError: as `turn`.
        """
        async with self.turn():
            return await self._in_thread(work)

    async def work[T](self, work: Callable[[], T]) -> T:
        """Do it in a thread, for a generation."""
        async with self._turns:
            return await self._in_thread(work)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """While entered it is the turn of somebody who waits for an answer: nothing slower than a picture may be in it.

        Raises:
            AppError: UNAVAILABLE, retryable, when too many wait, or it takes too long.
        """
        await self._wait()
        try:
            yield
        finally:
            self._turns.release()

    async def close(self) -> None:
        """Begin with nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _wait(self) -> None:
        if self._turns.locked() and self._room == 0:
            raise _too_many()
        self._room -= 1
        try:
            async with asyncio.timeout(self._patience_s):
                await self._turns.acquire()
        except TimeoutError as error:
            raise _too_many() from error
        finally:
            self._room += 1


def _too_many() -> AppError:
    message = "Too many pictures are being worked on at the moment. Come back in a few seconds."
    return AppError(ErrorCode.UNAVAILABLE, message, retryable=True, retry_after_s=_COME_BACK_S)
