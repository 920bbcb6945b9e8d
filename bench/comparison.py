"""Regen beside its peers, all in one run: what a request costs, what an event to many subscribers takes.

`bench/comparison.py [--quick]`. Servers are measured in turn, round by round, by clients in processes of
their own, and ranked by their CPU a request, which other work on the machine disturbs least. Each answers the same, in
meaning, or the run fails. Without `--quick` the tables of README.md are written anew.
"""

import argparse
import asyncio
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

import uvloop

from bench.comparing.fanout import deliveries
from bench.comparing.memory import galleries
from bench.comparing.own import measured_by, regeneration_accepted
from bench.comparing.process import ROOT, client
from bench.comparing.report import Machine, keep, show, write_readme
from bench.comparing.rounds import FULL, QUICK, Plan
from bench.comparing.targets import Measured
from bench.comparing.whole import from_database, stored, two_against_one

_FILES = 4_096


async def _measured(folder: Path, plan: Plan) -> Measured:
    uploads = None if plan.quick else await _told("uploads", measured_by("uploads"))
    footprint = None if plan.quick else await _told("footprint", measured_by("footprint"))
    async with client("bench.comparing.load") as load:
        pages = await _told("galleries from memory", galleries(folder, load, plan))
        async with stored(folder) as data:
            whole = await _told("a gallery from the database", from_database(data, folder, load, plan))
            live = await _told("events to 1,000 subscribers", deliveries(data.url, folder, plan))
            workers = await _told("two processes", two_against_one(data, folder, load, plan))
            accepted = await _told("regenerateImage", regeneration_accepted(data.url, folder, plan))
    return Measured(pages, whole, live, workers, accepted, uploads, footprint)


async def _told[T](what: str, measuring: Awaitable[T]) -> T:
    """Say what is measured, and how long it took."""
    print(f"{what} ...", end=" ", flush=True)
    started = time.monotonic()
    found = await measuring
    print(f"{time.monotonic() - started:.0f} s", flush=True)
    return found


def _allow_files() -> None:
    """Every server and its audience hold a thousand sockets; what is started from here may, too."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _node_version() -> str:
    said = subprocess.run(  # noqa: S603 - our own script
        [str(ROOT / "scripts/npm"), "--node", "--version"], check=True, capture_output=True, text=True
    )
    return said.stdout.strip().removeprefix("v")


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer rounds and peers, README stays")
    quick = parser.parse_args().quick
    _allow_files()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended then, too
    plan, machine = QUICK if quick else FULL, Machine.here(_node_version())
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,  # as Regen is served
    ):
        measured = runner.run(_measured(Path(folder), plan))
    show(measured, machine)
    keep(measured, machine, plan.rounds)
    if not quick:
        write_readme(measured, machine)


if __name__ == "__main__":
    main()
