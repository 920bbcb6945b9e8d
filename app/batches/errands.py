"""What is done about batches after the call that asked for it was answered."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from app.batches.model import Batch
from app.logs import logger

_log = logger(__name__)

type Errand = Callable[[], Coroutine[Any, Any, Batch]]


@dataclass(slots=True)
class Errands:
    """Those of one process, `at_once` at most; a caller waits `patience_s` seconds for the outcome of its own.

    While nobody runs them, and while they are too many, callers do theirs themselves.
    """

    at_once: int = 8
    patience_s: float = 0.1
    _open: bool = False
    _tasks: set[asyncio.Task[Batch]] = field(default_factory=set[asyncio.Task[Batch]])

    async def run(self) -> None:
        """For ever: errands may be left here. At the end those under way are broken off; the sweep does the rest."""
        self._open = True
        try:
            await asyncio.Event().wait()
        finally:
            self._open = False
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def begin(self, errand: Errand) -> Batch | None:
        """Its outcome; null when it goes on without the caller."""
        if not self._open or len(self._tasks) >= self.at_once:
            return await errand()
        task = asyncio.create_task(errand())
        self._tasks.add(task)
        task.add_done_callback(self._over)
        await asyncio.wait((task,), timeout=self.patience_s)
        return task.result() if task.done() else None

    def _over(self, task: asyncio.Task[Batch]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("errand_failed", exc_info=error)
