"""The engine alone: how soon work is claimed and events arrive, what a generation costs, what it asks of the database.

The database is the embedded one in a process of its own; Redis is a real one. Times are of a generation that does
nothing. Nothing is asserted: a machine that does other things at the same time shows in the last percents.
"""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import uvloop

from app.database.servers import embedded
from app.logs import configure_logs
from bench.engine_parts.claims import idle, stream
from bench.engine_parts.commands import Commands
from bench.engine_parts.deliveries import deliveries
from bench.engine_parts.figures import head
from bench.engine_parts.ornament import regenerated
from bench.engine_parts.overhead import cpu, memory
from bench.engine_parts.scenarios import scenarios
from bench.engine_parts.sides import Side, apart, together
from tests.contract.conftest import running_redis

_EVENTS_A_SECOND = 200
_CLAIMED_MS, _CLAIMED_OVER_REDIS_MS, _RECEIVED_MS = 10, 50, 20
_ENOUGH, _HELD = 0.95, 0.6


type Open = Callable[[str], AbstractAsyncContextManager[Side]]
"""Opens a side on the database of a name: each figure has an empty one."""


async def _claims(open_side: Open, ms: int) -> None:
    head("enqueue to claimed")
    target = f"p99 < {ms} ms"
    for name, measure in (("idle", idle), ("stream", stream)):
        async with open_side(name) as side:
            claims = await measure(side, target)
        print(*claims.lines, sep="\n")
        if claims.lost:
            print(f"  and {claims.lost} that the database was too slow for")


async def _deliveries(open_side: Open) -> None:
    head("event written to event received")
    target, a_second = f"p99 < {_RECEIVED_MS} ms", _EVENTS_A_SECOND
    for name in ("asked", "held"):
        async with open_side(name) as side:
            made = await deliveries(side, a_second, target)
        print(*made.lines, sep="\n")
        if made.reached >= _ENOUGH * made.asked:
            return
        print(f"  the database took {made.reached:.0f} of {made.asked} events a second")
        a_second = round(_HELD * made.reached)


async def _in_process(mongodb_url: str) -> None:
    def open_side(name: str) -> AbstractAsyncContextManager[Side]:
        return together(mongodb_url, f"together_{name}")

    await _claims(open_side, _CLAIMED_MS)
    await _deliveries(open_side)


async def _over_redis(mongodb_url: str, folder: Path) -> None:
    if shutil.which("redis-server") is None:
        print("\nthere is no redis-server: what needs one is left out")
        return
    with running_redis(folder) as redis:

        def open_side(name: str) -> AbstractAsyncContextManager[Side]:
            redis.empty()
            return apart(mongodb_url, f"apart_{name}", redis.url)

        await _claims(open_side, _CLAIMED_OVER_REDIS_MS)
        await _deliveries(open_side)


async def _run(folder: Path) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start: figures are good where it is near 0")
    server = embedded(folder / "database")
    (folder / "database").mkdir()
    await server.start()
    try:
        await memory(server.url)
        await cpu(server.url, server.pid or 0)
        await _in_process(server.url)
        await _over_redis(server.url, folder)
        commands = Commands()
        commands.listen()
        await scenarios(server.url, commands)
        await regenerated(folder / "ornament", commands)
    finally:
        await server.stop()


def main() -> None:
    """Print the tables, on the event loop of the server and with its settings of the garbage collector."""
    configure_logs(as_json=False, level="WARNING")
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_run(Path(folder)))


if __name__ == "__main__":
    main()
