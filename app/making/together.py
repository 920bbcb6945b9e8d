"""Several steps of a generation side by side: one that fails leaves the others to end."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from app.errors import AppError


async def all_of[T](steps: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them return, in their order, once all have ended.

    Raises:
        AppError: of the first one that failed for good, or else of the first one that failed.
    """
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in sorted((one for one in ended if isinstance(one, BaseException)), key=_hopeless_first):
        raise outcome
    return [one for one in ended if not isinstance(one, BaseException)]


def _hopeless_first(error: BaseException) -> int:
    """Sorts what nobody expects (a lost lease, a bug) first, then what no retry helps: it would be sent for nothing."""
    return (1 + error.retryable) if isinstance(error, AppError) else 0
