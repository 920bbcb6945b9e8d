"""What stands before every call to a model: the circuit breaker, then the deadline.

The limit of calls at once is the engine's, over all processes (`generations.slots`): whoever comes here holds a slot.
Retries are the engine's too: a call is made once.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from app.errors import AppError, ErrorCode, FailedCall
from app.providers.breaker import Breaker


@dataclass(frozen=True, slots=True)
class Guard:
    """One of a provider and an operation; `deadline_s` is of a whole call, in seconds."""

    breaker: Breaker
    deadline_s: float

    async def one[Answer](self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of a call.

        Raises:
            AppError: TIMEOUT, retryable, at the deadline; those of the call and of the breaker.
        """
        with self.breaker.passing():
            return await self._by(asyncio.get_running_loop().time() + self.deadline_s, call())

    async def many[Update](self, updates: AsyncGenerator[Update], result: type[Update]) -> AsyncGenerator[Update]:
        """The updates of a call up to its `result`.

        The deadline runs from the first one, with which the work begins, and stands still while the reader is at work:
        a slow store is not the provider's fault.

        Raises:
            AppError: TIMEOUT, retryable, at the deadline; those of the call and of the breaker.
        """
        end_s, time = None, asyncio.get_running_loop().time
        async with aclosing(updates):
            with self.breaker.passing():
                # Not one deadline around all of it: it would strike whoever reads, in the middle of something else.
                while not isinstance(update := await self._by(end_s, anext(updates, None)), result):
                    if update is None:
                        return
                    shown_s = time()
                    yield update
                    end_s = time() + (self.deadline_s if end_s is None else end_s - shown_s)
            yield update

    async def _by[Answer](self, end_s: float | None, answer: Awaitable[Answer]) -> Answer:
        deadline = asyncio.timeout_at(end_s)
        try:
            async with deadline:
                return await answer
        except TimeoutError as error:
            if not deadline.expired():  # not this deadline: nobody expects it
                raise
            message = f"{self.breaker.who} did not answer within {self.deadline_s:g} seconds. Try again."
            call = FailedCall(maybe_billed=True)
            raise AppError(ErrorCode.TIMEOUT, message, retryable=True, call=call) from error
