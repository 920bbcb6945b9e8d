"""The commands of `regen admin`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import NoReturn

import click

from app.accounts.identity import EmailAddress
from app.accounts.model import User
from app.bootstrap.database import DOCUMENTS, database_server, opened_database
from app.database.sharing import joining
from app.database.upgrade import require_layouts
from app.logs import configure_logs
from app.settings import load_settings


class AdminError(Exception):
    """What was asked for can't be done; a sentence for the operator."""


@click.group()
def admin() -> None:
    """Make administrators, who may run diagnostics; also while the server runs.

    Run it with the server's settings. Nothing else makes one. What is revoked ends at once.
    """


@admin.command()
@click.argument("email")
def grant(*, email: str) -> None:
    """Make the account of an address an administrator."""

    async def run() -> None:
        before = await User.set_administrator(EmailAddress.parse(email).key, is_admin=True)
        if before is None:
            _nobody(email)
        click.echo(f"{before.email} is an administrator{' already' if before.is_admin else ' now'}.")

    _with_accounts(run)


@admin.command()
@click.argument("email")
def revoke(*, email: str) -> None:
    """Make the account of an address no administrator any more."""

    async def run() -> None:
        before = await User.set_administrator(EmailAddress.parse(email).key, is_admin=False)
        if before is None:
            _nobody(email)
        click.echo(f"{before.email} {'is no administrator any more' if before.is_admin else 'was no administrator'}.")

    _with_accounts(run)


@admin.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_them(*, as_json: bool) -> None:
    """List the administrators, who came first at the top."""

    async def run() -> None:
        found = await User.administrators()
        if as_json:
            rows = [{"email": one.email, "name": one.name, "createdAt": one.created_at.isoformat()} for one in found]
            click.echo(json.dumps(rows, indent=2))
        elif found:
            click.echo("\n".join(f"{one.email}  {one.name}" for one in found))
        else:
            click.echo("There is no administrator: `regen admin grant EMAIL` makes one.")

    _with_accounts(run)


def _nobody(email: str) -> NoReturn:
    raise AdminError(f"Nobody has an account with the address {email}: sign up with it first.")


def _with_accounts(run: Callable[[], Awaitable[None]]) -> None:
    settings = load_settings()
    configure_logs(as_json=settings.app_env == "production", level="WARNING")

    async def opened() -> None:
        async with opened_database(settings, joining(database_server(settings))) as connection:
            await require_layouts(connection.database, DOCUMENTS)
            await run()

    asyncio.run(opened())
