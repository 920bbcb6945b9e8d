"""The commands of `regen pictures`."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import click

from app.logs import configure_logs
from app.pictures.stores import Stores
from app.settings import Settings, load_settings
from app.shelves import queries, text
from app.shelves.desk import ShelvesError, find, grace, opened
from app.shelves.mover import Mover, Tally


@click.group()
def pictures() -> None:
    """See where the pictures lie, and move them to another store; also while the server runs.

    Run it with the server's settings. A STORE is `disk`, `cloudinary`, or the name that the list shows.
    """


@pictures.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_them(*, as_json: bool) -> None:
    """Count the pictures of each store, and their bytes."""

    async def run(stores: Stores, _: Settings) -> None:
        lying = await queries.lying()
        if as_json:
            rows = [
                {"store": name, "pictures": heap.pictures, "bytes": heap.bytes, "setUp": name in stores.names}
                for name, heap in sorted(lying.items())
            ]
            click.echo(json.dumps(rows, indent=2))
            return
        click.echo(text.listing(stores, lying, await queries.left_behind(), await queries.on_the_way()))

    _at_desk(run)


@pictures.command()
@click.option("--from", "source_name", required=True, metavar="STORE", help="Where they lie.")
@click.option("--to", "target_name", required=True, metavar="STORE", help="Where they shall lie.")
@click.option("--limit", type=click.IntRange(min=1), help="How many at most; all of them otherwise.")
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
def move(*, source_name: str, target_name: str, limit: int | None, dry_run: bool) -> None:
    """Move pictures from one store to another; after an interruption, run it again.

    Each is copied, compared by its hash, and found in its new place from then on. Set both stores up for the server
    before: it reads from both.
    """

    async def run(stores: Stores, settings: Settings) -> None:
        source, target = find(stores, source_name), find(stores, target_name)
        if source.name == target.name:
            raise ShelvesError(f"The pictures are in {source.name} already.")
        heap = await queries.first_of(source.name, limit)
        if dry_run:
            click.echo(text.plan(heap, source.name, target.name))
            return

        def say(tally: Tally) -> None:
            click.echo(text.progress(tally, heap.pictures), err=True)

        tally = await Mover(stores, source, target, say).run(limit)
        click.echo(text.summary(tally, source.name, target.name, grace(settings)))
        if tally.stopped is not None:
            raise ShelvesError(f"Stopped: {tally.stopped} Then run it again: it goes on from here.")
        if tally.failures:
            raise ShelvesError("Not all of them could be moved; the reasons are above.")

    _at_desk(run)


def _at_desk(run: Callable[[Stores, Settings], Awaitable[None]]) -> None:
    settings = load_settings()
    configure_logs(as_json=settings.app_env == "production", level="WARNING")

    async def at_it() -> None:
        async with opened(settings) as stores:
            await run(stores, settings)

    asyncio.run(at_it())
