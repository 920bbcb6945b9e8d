"""The one task that streaq knows here: a ring, which carries an id."""

import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, Final

from streaq import Worker
from streaq.task import AsyncRegisteredTask

_FORGOTTEN_AFTER = timedelta(hours=1)
_QUEUE: Final = "regen"
_TASK: Final = "generation"

type Bell = AsyncRegisteredTask[[str], None]


def worker_options() -> dict[str, Any]:
    """What all workers share; JSON, because what Redis holds must not be able to run code here."""
    return {"queue_name": _QUEUE, "serializer": partial(json.dumps, default=repr), "deserializer": json.loads}


def registered(worker: Worker[None], answer: Callable[[str], Coroutine[Any, Any, None]]) -> Bell:
    """Make `answer` what a ring does; no result is kept, and an id whose ring was lost is free again after an hour."""
    register = worker.task(name=_TASK, expire=_FORGOTTEN_AFTER, max_tries=None, silent=True, timeout=None, ttl=0)
    return register(answer)
