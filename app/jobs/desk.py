"""Where the operator looks at the work, and holds it: the database of the settings, open."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.accounts.identity import EmailAddress
from app.accounts.model import User
from app.api.ids import GENERATION, document_id
from app.bootstrap.database import DOCUMENTS, database_server, opened_database
from app.database.sharing import joining
from app.database.upgrade import require_layouts
from app.generations.model import Generation, Status
from app.generations.switch import Turn
from app.jobs import queries
from app.jobs.queries import Standing
from app.settings import Settings

_LOOK_EVERY_S = 0.2
_HEARD_S = 1.0
_HEXADECIMAL_CHARACTERS = 24


class JobsError(Exception):
    """What was asked for is not there, or did not happen; a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All of them together: `counts` by status, the open ones of each owner, and how many run in each worker."""

    draining: bool
    counts: dict[Status, int]
    lanes: list[int]
    workers: Counter[str]


@dataclass(frozen=True, slots=True)
class Desk:
    """Looks at everybody's generations, and holds the work of all processes.

    `heard_s` is how long it takes at most until every process knows that it is to drain.
    """

    heard_s: float

    async def newest(self, status: Status | None, email: str | None, limit: int) -> list[tuple[Generation, str]]:
        """Generations and the addresses of their owners, newest first.

        Raises:
            AppError: BAD_USER_INPUT for what is no address.
            JobsError: nobody has this address.
        """
        owner_id = await _owner(email) if email else None
        found = await queries.newest(status, owner_id, limit)
        owners = await queries.emails([one.owner_id for one in found])
        return [(one, owners.get(one.owner_id, "")) for one in found]

    async def standing(self, text: str) -> Standing:
        """The generation of an id, either the document's or the API's.

        Raises:
            AppError: BAD_USER_INPUT when it is no id.
            JobsError: there is none.
        """
        found = await queries.standing(_identity(text))
        if found is None:
            raise JobsError(f"There is no generation {text}.")
        return found

    async def overview(self) -> Overview:
        """How all of them stand."""
        workers = Counter(await queries.held())
        return Overview(await Turn.draining(), await queries.counted(), await queries.lanes(), workers)

    async def drain(self) -> None:
        """Tell all processes to begin nothing more."""
        await Turn.drain(on=True)

    async def resume(self) -> None:
        """Tell all processes to begin again."""
        await Turn.drain(on=False)

    async def drained(self, within_s: float | None, say: Callable[[int], None]) -> None:
        """Wait until every process knows it and nothing runs any more; `say` hears how many still do.

        Raises:
            JobsError: something still runs after `within_s` seconds.
        """
        loop = asyncio.get_running_loop()
        heard_s, said = loop.time() + self.heard_s, 0
        try:
            async with asyncio.timeout(within_s):
                while (count := len(await queries.held())) or loop.time() < heard_s:
                    if count != said:
                        say(count)
                    said = count
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            message = f"Not drained in {within_s:g} s: {said} still run. Nothing is begun until `regen jobs resume`."
            raise JobsError(message) from None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Desk]:
    """Open the database, that of a running server included.

    Raises:
        DatabaseError: it can't be opened.
    """
    async with opened_database(settings, joining(database_server(settings))) as connection:
        await require_layouts(connection.database, DOCUMENTS)
        yield Desk(settings.sweep_every_s + _HEARD_S)


async def _owner(email: str) -> PydanticObjectId:
    user = await User.with_email_key(EmailAddress.parse(email).key)
    if user is None:
        raise JobsError(f"Nobody has an account with the address {email}.")
    return user.identity


def _identity(text: str) -> PydanticObjectId:
    is_plain = len(text) == _HEXADECIMAL_CHARACTERS and PydanticObjectId.is_valid(text)
    return PydanticObjectId(text) if is_plain else document_id(text, GENERATION)
