"""The command line: `regen serve | worker | jobs | admin | doctor | schema | upgrade | copy | backup | restore`.

What takes long to import, and not every command needs, is imported by the command.
"""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
from pymongo.errors import PyMongoError

from app.accounts.secrets import SecretFileError
from app.admin.commands import AdminError, admin
from app.bootstrap.database import DOCUMENTS, database_server, opened_database
from app.bootstrap.stores import media_dir
from app.database import backup as backups
from app.database.connection import RawDatabase, connect
from app.database.document import DocumentTypes
from app.database.errors import DatabaseError
from app.database.transfer import copy as copy_database
from app.database.upgrade import upgrade as upgrade_documents
from app.errors import AppError
from app.jobs.commands import jobs
from app.jobs.desk import JobsError
from app.settings import Settings, SettingsError, load_settings
from app.shelves.commands import pictures
from app.shelves.desk import ShelvesError
from app.simulator.command import simulate_providers

_EXPECTED = (SettingsError, DatabaseError, SecretFileError, AdminError, JobsError, ShelvesError, OSError)


def main() -> None:
    """Run one command; an expected failure is one sentence and exit status 1."""
    try:
        regen(prog_name="regen")
    except _EXPECTED as error:
        click.echo(f"regen: {error}", err=True)
        sys.exit(1)
    except AppError as error:
        click.echo(f"regen: {error.message}", err=True)
        sys.exit(1)
    except PyMongoError as error:  # its text may hold documents
        click.echo(f"regen: the database failed in the middle ({type(error).__name__}); run it again.", err=True)
        sys.exit(1)


@click.group()
def regen() -> None:
    """Regen: a GraphQL server for AI images that are made, regenerated and compared."""


@regen.command()
def serve() -> None:
    """Serve the API and the explorer, and work on generations."""
    from app import serving  # noqa: PLC0415 - the other commands start in half the time without the API

    serving.serve(load_settings())


@regen.command()
def worker() -> None:
    """Work on generations in a process of its own; needs MONGODB_URL and REDIS_URL."""
    from app.worker import work  # noqa: PLC0415 - the same

    work(load_settings())


regen.add_command(admin)
regen.add_command(jobs)
regen.add_command(simulate_providers)
regen.add_command(pictures)


@regen.command()
@click.option("--providers", is_flag=True, help="Ask each provider that is configured about its models; free of cost.")
@click.option("--full", is_flag=True, help="Make the tests of /diagnostics instead; each calls a model, which costs.")
@click.option("--json", "as_json", is_flag=True, help="With --full: for machines.")
def doctor(*, providers: bool, full: bool, as_json: bool) -> None:
    """Say what is configured, what is reachable, what is missing and how to set it."""
    from app.simulator.thread import simulated_if_asked  # noqa: PLC0415 - the same

    if (providers and full) or (as_json and not full):
        raise click.UsageError("--full stands alone, and --json goes with it.")
    with simulated_if_asked(load_settings()) as settings:
        if full:
            from app.doctor.commands import all_passed  # noqa: PLC0415 - the same

            healthy = all_passed(settings, as_json=as_json)
        else:
            from app.doctor.examination import examine  # noqa: PLC0415 - the same

            report = asyncio.run(examine(settings, providers=providers))
            click.echo(report.text())
            healthy = report.healthy
    sys.exit(0 if healthy else 1)


@regen.command()
@click.option("--check", is_flag=True, help="Fail when schema.graphql is not what the code says.")
@click.option("--write", is_flag=True, help="Write it to schema.graphql.")
def schema(*, check: bool, write: bool) -> None:
    """Print the schema."""
    from app.api.schema import schema_text  # noqa: PLC0415 - the same

    text, file = schema_text(), Path("schema.graphql")
    if check:
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            click.echo(
                "schema.graphql is not what the code says: run `make schema` and look at the difference.", err=True
            )
            sys.exit(1)
    elif write:
        file.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)


@regen.command()
def upgrade() -> None:
    """Bring the stored documents to the layout of this version; stop the server first."""

    async def run(database: RawDatabase, _: Settings) -> None:
        reports = await upgrade_documents(database, DOCUMENTS)
        for report in reports:
            click.echo(f"{report.step.name}: {report.changed} documents changed")
        click.echo("Every document has the layout of this version.")

    _with_database(run, documents=())


@regen.command()
@click.option(
    "--to",
    "target_url",
    required=True,
    metavar="MONGODB_URL",
    help="The server to copy to; its database must be empty.",
)
@click.option("--to-data-dir", type=click.Path(path_type=Path), help="Copy the pictures too, to this data folder.")
@click.option("--resume", is_flag=True, help="Go on after an interrupted copy.")
def copy(*, target_url: str, to_data_dir: Path | None, resume: bool) -> None:
    """Copy all documents, and the pictures if asked to, to another database; stop the server first."""

    async def run(database: RawDatabase, settings: Settings) -> None:
        target = await connect(target_url, DOCUMENTS)
        try:
            counts = await copy_database(database, target.database, resume=resume)
        finally:
            await target.close()
        for name, count in sorted(counts.items()):
            click.echo(f"{name}: {count} documents")
        click.echo(await asyncio.to_thread(_copy_pictures, media_dir(settings), to_data_dir))
        click.echo("Everything is there, compared by fingerprint. Start the server with MONGODB_URL set to it.")

    _with_database(run)


@regen.command()
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False))
def backup(*, archive: Path) -> None:
    """Write all documents and pictures to one new file."""

    async def run(database: RawDatabase, settings: Settings) -> None:
        report = await backups.backup(database, media_dir(settings), archive)
        click.echo(f"{archive}: {sum(report.documents.values())} documents, {report.media} files of pictures")

    _with_database(run)


@regen.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def restore(*, archive: Path) -> None:
    """Bring back what `backup` wrote, into an empty database and data folder; stop the server first."""

    async def run(database: RawDatabase, settings: Settings) -> None:
        report = await backups.restore(archive, database, media_dir(settings))
        click.echo(f"Restored {sum(report.documents.values())} documents and {report.media} files of pictures.")

    _with_database(run)


def _with_database(
    run: Callable[[RawDatabase, Settings], Awaitable[Any]], documents: DocumentTypes = DOCUMENTS
) -> None:
    settings = load_settings()

    async def opened() -> None:
        async with opened_database(settings, database_server(settings), documents) as connection:
            await run(connection.database, settings)

    asyncio.run(opened())


def _copy_pictures(source: Path, to_data_dir: Path | None) -> str:
    if to_data_dir is None:
        return f"The pictures stay in {source}: keep DATA_DIR as it is, or copy that folder along."
    target = to_data_dir.resolve() / "media"
    if source.exists():
        shutil.copytree(source, target, dirs_exist_ok=True)
    return f"The pictures are copied to {target}: start with DATA_DIR={to_data_dir}."


if __name__ == "__main__":
    main()
