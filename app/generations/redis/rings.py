"""The one task that streaq knows here: a ring, which carries an id."""

import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from beanie import PydanticObjectId
from streaq import Worker
from streaq.task import AsyncRegisteredTask, Task

_FORGOTTEN_AFTER = timedelta(hours=1)
_QUEUE: Final = "regen"
_TASK: Final = "generation"

type Bell = AsyncRegisteredTask[[str, float], None]
"""Takes the id of a generation, and how many seconds later the ring was asked for."""


def worker_options() -> dict[str, Any]:
    """What all workers share; JSON, because what Redis holds must not be able to run code here."""
    return {"queue_name": _QUEUE, "serializer": partial(json.dumps, default=repr), "deserializer": json.loads}


def registered(worker: Worker[None], answer: Callable[[str, float], Coroutine[Any, Any, None]]) -> Bell:
    """Make `answer` what a ring does; no result is kept, and an id whose ring was lost is free again after an hour."""
    register = worker.task(name=_TASK, expire=_FORGOTTEN_AFTER, max_tries=None, silent=True, timeout=None, ttl=0)
    return register(answer)


def rung(bell: Bell, generation_id: PydanticObjectId, after_s: float) -> Task[[str, float], None]:
    """What rings when it is awaited.

    streaq drops a task whose id it still knows, be it waiting, delayed or running. So a ring for now has the
    generation's id, and one for later an id of its own: it neither swallows another nor is swallowed.
    """
    if after_s <= 0:
        task = bell.enqueue(str(generation_id), 0)
        task.id = str(generation_id)
        return task
    delay = timedelta(seconds=after_s)
    return replace(bell, expire=delay + _FORGOTTEN_AFTER).enqueue(str(generation_id), after_s).start(delay=delay)
