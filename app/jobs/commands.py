"""The commands of `regen jobs`."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import click

from app.database.document import utc_now
from app.generations.model import Status
from app.jobs import text, values
from app.jobs.desk import Desk, opened
from app.logs import configure_logs
from app.settings import Settings, load_settings

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group()
def jobs() -> None:
    """Look at the generations of all owners, and retry, cancel or hold them; also while the server runs.

    Run it with the server's settings. An ID is the one that the list shows, or the one of the API.
    """


@jobs.command("list")
@click.option("--status", type=click.Choice(Status, case_sensitive=False), help="Only those of this status.")
@click.option("--owner", metavar="EMAIL", help="Only those of this account.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@_AS_JSON
def list_them(*, status: Status | None, owner: str | None, limit: int, as_json: bool) -> None:
    """List generations, newest first."""

    async def run(desk: Desk) -> None:
        found = await desk.newest(status, owner, limit)
        _show([values.in_short(*one) for one in found] if as_json else text.listing(found, utc_now()))

    _at_desk(run)


@jobs.command()
@click.argument("id")
@_AS_JSON
def show(*, id: str, as_json: bool) -> None:
    """Show one: its recipe, attempts, calls to providers, events, failure, and who works on it."""

    async def run(desk: Desk) -> None:
        standing = await desk.standing(id)
        _show(values.in_full(standing) if as_json else text.page(standing))

    _at_desk(run)


@jobs.command()
@click.argument("id")
def retry(*, id: str) -> None:
    """Start what failed or was cancelled again, for its owner."""
    from app.jobs.steering import at_the_wheel  # noqa: PLC0415 - takes most of a second, and who only looks needs none

    async def run(settings: Settings) -> None:
        async with at_the_wheel(settings) as steering:
            started = await steering.retry(id)
        click.echo(f"{started.identity} is {started.status}: it makes anew what {started.retry_of} was to make.")

    _run(run)


@jobs.command()
@click.argument("id")
def cancel(*, id: str) -> None:
    """Cancel one, for its owner."""
    from app.jobs.steering import at_the_wheel  # noqa: PLC0415 - the same

    async def run(settings: Settings) -> None:
        async with at_the_wheel(settings) as steering:
            cancelled = await steering.cancel(id)
        asked = "" if cancelled.status.ended else "; its worker was asked to let go"
        click.echo(f"{cancelled.identity} is {cancelled.status}{asked}.")

    _run(run)


@jobs.command()
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until nothing runs any more.")
@click.option("--timeout", "within_s", type=click.FloatRange(min=0), metavar="SECONDS", help="How long to wait.")
def drain(*, wait: bool, within_s: float | None) -> None:
    """Let no process begin anything, until `resume`; what is accepted meanwhile waits."""

    async def run(desk: Desk) -> None:
        await desk.drain()
        if not wait:
            click.echo(f"Every process knows within {desk.heard_s:g} s that it is to begin nothing.")
            return
        await desk.drained(within_s, lambda count: click.echo(f"{count} still run", err=True))
        click.echo("Nothing runs any more. `regen jobs resume` begins again.")

    _at_desk(run)


@jobs.command()
def resume() -> None:
    """Let all processes work again."""

    async def run(desk: Desk) -> None:
        await desk.resume()
        click.echo(f"Every process works again within {desk.heard_s:g} s.")

    _at_desk(run)


@jobs.command()
@_AS_JSON
def status(*, as_json: bool) -> None:
    """Show how many there are of each status, who works, and whether the work is held."""

    async def run(desk: Desk) -> None:
        overview = await desk.overview()
        _show(values.of_all(overview) if as_json else text.summary(overview))

    _at_desk(run)


def _at_desk(run: Callable[[Desk], Awaitable[None]]) -> None:
    async def at_it(settings: Settings) -> None:
        async with opened(settings) as desk:
            await run(desk)

    _run(at_it)


def _run(run: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    settings = load_settings()
    configure_logs(as_json=settings.app_env == "production", level="WARNING")
    asyncio.run(run(settings))


def _show(what: Any) -> None:
    click.echo(what if isinstance(what, str) else json.dumps(what, indent=2))
