"""A gallery from memory: what GraphQL itself costs."""

from pathlib import Path

from bench.comparing import sample
from bench.comparing.catalogue import ARIADNE, MERCURIUS, MERCURIUS_JIT, OURS, PLAIN, WRITTEN, YOGA, all_running
from bench.comparing.process import Client
from bench.comparing.rounds import Cost, Plan, Request, checked, costs

_ALL = (OURS, WRITTEN, PLAIN, ARIADNE, YOGA, MERCURIUS, MERCURIUS_JIT)
_QUICK = (OURS, WRITTEN, PLAIN, ARIADNE, YOGA)
_SIZES = (20, 200)


async def galleries(folder: Path, client: Client, plan: Plan) -> dict[int, dict[str, Cost]]:
    """The costs by size and server."""
    images = sample.write(folder)
    found = dict[int, dict[str, Cost]]()
    async with all_running(_QUICK if plan.quick else _ALL, images, folder) as servers:
        for first in _SIZES:
            request = Request(sample.GALLERY, {"first": first})
            await checked(servers, request, sample.gallery(first))
            found[first] = await costs(servers, request, client, plan)
    return found
