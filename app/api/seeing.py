"""Whether who follows something may still see it: members are removed, projects go to the trash, offices end."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from app.database.absence import borne

_AWAY_S = 60


async def while_seen[T](told: AsyncGenerator[T], may_see: Callable[[], Awaitable[bool]]) -> AsyncGenerator[T]:
    """What is told, until it may be seen no more, which is asked before each of it; a database that is away is borne.

    Raises:
        PyMongoError: it is away for too long.
    """
    async with aclosing(told):
        async for one in told:
            if not await borne(may_see, _AWAY_S):
                return
            yield one
