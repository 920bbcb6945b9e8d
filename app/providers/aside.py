"""An event loop beside the main one, for calls that would hold that up."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

_ENDS_S = 5.0


class Aside:
    """A loop in a thread of its own, begun with the first call.

    Made for an SDK that turns megabytes into JSON and back where it is called: there it takes tens of milliseconds
    each time, here the main loop only waits for the longest single step of it.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run[Result](self, call: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """The call's result; when this is cancelled, the call is, and has ended before the cancellation goes on."""
        loop, outcome, tasks = self._begun(), Future[Result](), list[asyncio.Task[Result]]()

        def begin() -> None:
            task = loop.create_task(call())
            tasks.append(task)
            task.add_done_callback(partial(_tell, outcome))

        def end() -> None:  # `begin` comes first
            tasks[0].cancel()

        loop.call_soon_threadsafe(begin)
        waiting = asyncio.wrap_future(outcome)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            loop.call_soon_threadsafe(end)
            await asyncio.wait([waiting], timeout=_ENDS_S)
            with suppress(BaseException):  # seen: nobody is left to hear of it
                waiting.result()
            raise

    async def close(self) -> None:
        """End the thread; calls under way are cancelled."""
        if self._loop is None or self._thread is None:
            return
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_ended(), loop))
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join, _ENDS_S)
        loop.close()

    def _begun(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # A daemon: a process that ends without closing does not wait for it.
            self._thread = threading.Thread(target=self._loop.run_forever, name="aside", daemon=True)
            self._thread.start()
        return self._loop


async def _ended() -> None:
    """Cancel every other task of this loop, and wait for their ends."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _tell[Result](outcome: Future[Result], task: asyncio.Task[Result]) -> None:
    if task.cancelled():
        outcome.cancel()
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())
