"""A database that is away for a while: how long that is borne."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pymongo.errors import ConnectionFailure, PyMongoError

from app.logs import logger

_log = logger(__name__)
_AGAIN_S = 0.2


@dataclass(slots=True)
class Absence:
    """One stretch of time in which the database does not answer; borne for `at_most_s` seconds."""

    at_most_s: float
    _since_s: float | None = None

    async def bear(self, error: PyMongoError) -> None:
        """Wait a moment, before the same is tried again.

        Raises:
            PyMongoError: the same error, when it means something else, or when it has lasted too long.
        """
        if not (isinstance(error, ConnectionFailure) or error.timeout):
            raise error
        now_s = asyncio.get_running_loop().time()
        if self._since_s is None:
            self._since_s = now_s
            _log.warning("database_away", reason=type(error).__name__)
        if now_s - self._since_s > self.at_most_s:
            raise error
        await asyncio.sleep(_AGAIN_S)

    def over(self) -> None:
        """It answers again."""
        self._since_s = None


async def borne[T](read: Callable[[], Awaitable[T]], at_most_s: float) -> T:
    """What was read; a database that is away is waited for, for so long.

    Raises:
        PyMongoError: as `Absence.bear`.
    """
    absence = Absence(at_most_s)
    while True:
        try:
            return await read()
        except PyMongoError as error:
            await absence.bear(error)
