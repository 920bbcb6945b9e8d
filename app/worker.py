"""The worker process: works on generations that other processes start."""

import asyncio

import click
import uvloop

from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.bootstrap.settling import settle
from app.logs import configure_logs
from app.settings import Settings, SettingsError
from app.simulator.thread import simulated_if_asked
from app.stopping import Told, drained, leave_if_told


def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what runs then has a grace to end, before it is given back to the queue.

    Raises:
        SettingsError: it could not share its work with a server process.
        SecretFileError: a secret's file can't be trusted.
        DatabaseError: the database can't be reached.
    """
    configure_logs(as_json=settings.app_env == "production", level=settings.log_level)
    _check(settings)
    with simulated_if_asked(settings) as settings_in_use:
        parts = assemble(settings_in_use)
        leave_if_told()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(parts))


def _check(settings: Settings) -> None:
    if settings.real("redis_url") is None:
        raise SettingsError(
            "A worker of its own needs REDIS_URL, the Redis that the server process uses: "
            "without Redis the server process does the work itself."
        )
    if not settings.worker_slots:
        raise SettingsError("A worker needs WORKER_SLOTS of at least 1: with 0 it would do nothing.")
    if settings.real("mongodb_url") is None:
        raise SettingsError(
            "A worker of its own needs MONGODB_URL, the database that the server process uses: "
            "the embedded database belongs to one process."
        )


async def _until_told(parts: Parts) -> None:
    told = Told()
    async with working(parts) as process:
        told.listen(process.grace_s)
        settle()
        for name, description in parts.description().items():
            click.echo(f"  {name + ':':<10} {description}")
        click.echo(f"Regen's worker is ready: {parts.settings.worker_slots} generations at once")
        await told.once.wait()
        await drained(process, told)
        await process.give_back()
