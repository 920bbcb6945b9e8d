"""Several reads at once, where none needs what another finds."""

import asyncio
from collections.abc import Awaitable
from typing import Any


async def at_once(*reads: Awaitable[Any] | None) -> list[Any]:
    """What they find, in their order; null for what is not to be read. One alone takes no task of its own."""
    wanted = [one for one in reads if one is not None]
    found = iter([await wanted[0]] if len(wanted) == 1 else await asyncio.gather(*wanted))
    return [None if one is None else next(found) for one in reads]
