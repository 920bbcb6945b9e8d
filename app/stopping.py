"""How a process is told to stop, and what it does about it until it is gone."""

import asyncio
import os
import signal
import sys
import threading
from dataclasses import dataclass, field
from types import FrameType

from app.bootstrap.process import Working
from app.logs import logger

_log = logger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_AFTER_GRACE_S = 4.5
"""For all that comes after the grace; together with the default grace it stays below ten seconds."""


def leave_if_told() -> None:
    """While the process starts, SIGTERM and SIGINT end it as soon as what is open is closed; that is no failure."""
    for number in _SIGNALS:
        signal.signal(number, _leave)


@dataclass(frozen=True, slots=True)
class Told:
    """SIGTERM or SIGINT came: `once`; then came `again`, from somebody who can't wait for the grace."""

    once: asyncio.Event = field(default_factory=asyncio.Event)
    again: asyncio.Event = field(default_factory=asyncio.Event)

    def listen(self, grace_s: float) -> None:
        """From now on the signals are heard here; after the first, the process is gone in the grace and 4.5 s."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._hear, grace_s + _AFTER_GRACE_S)

    def _hear(self, at_most_s: float) -> None:
        if self.once.is_set():
            self.again.set()
            return
        self.once.set()
        last_resort = threading.Timer(at_most_s, _end)
        last_resort.daemon = True
        last_resort.start()


async def drained(process: Working, told: Told) -> None:
    """Return when what runs has ended, the grace is over, or somebody can't wait; nothing more is begun."""
    _log.info("stopping", grace_s=process.grace_s)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(process.drain()), group.create_task(told.again.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _end() -> None:
    """The last resort, e.g. where a thread is in the middle of a picture; all that matters is written by then."""
    _log.error("stopped_too_slowly")
    os._exit(1)
