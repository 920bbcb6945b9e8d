"""How the commands on one machine share a database that one of them runs."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from app.database import address
from app.database.errors import DataFolderInUseError
from app.database.local_server import LocalServer
from app.database.lock import is_locked
from app.database.servers import DatabaseServer

_LISTENS_S = 5.0
_POLL_S = 0.05


@contextmanager
def shared(server: DatabaseServer) -> Generator[None]:
    """While entered, `joining` on this machine finds a started server; one that others run, everybody finds anyway."""
    if not isinstance(server, LocalServer):
        yield
        return
    address.leave(server.folder, server.url)
    try:
        yield
    finally:
        address.forget(server.folder)


def joining(server: DatabaseServer) -> DatabaseServer:
    """The same server, or where another process runs one on its data folder and shares it, that one."""
    return JoiningServer(server) if isinstance(server, LocalServer) else server


class JoiningServer:
    """The server of whoever has the data folder; where nobody has it, our own."""

    __slots__ = ("_own", "_url")

    def __init__(self, own: LocalServer) -> None:
        self._own = own
        self._url: str | None = None

    @property
    def kind(self) -> str:
        """Either "mongod" or "embedded"."""
        return self._own.kind

    @property
    def description(self) -> str:
        """One line for the doctor."""
        return self._own.description

    @property
    def url(self) -> str:
        """Where it listens.

        Raises:
            DatabaseError: it has not been started.
        """
        return self._url or self._own.url

    async def start(self) -> None:
        """Find the other's, or start our own.

        Raises:
            DatabaseError: it does not start.
            DataFolderInUseError: another Regen has the folder for itself alone.
        """
        self._url = await self._of_another()
        if self._url is None:
            await self._own.start()

    async def stop(self) -> None:
        """End our own; the other's is not ours to end."""
        await self._own.stop()

    async def _of_another(self) -> str | None:
        """Its address, once it listens; null where nobody has the folder.

        Raises:
            DataFolderInUseError: whoever has it does not say where its database is.
        """
        folder = self._own.folder
        try:
            async with asyncio.timeout(_LISTENS_S):
                while is_locked(folder):
                    if url := address.left(folder):
                        return url
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            message = (
                f"Another Regen works on this data folder ({folder.resolve()}) and needs it for itself: "
                "it copies, upgrades or starts; try again when it is done."
            )
            raise DataFolderInUseError(message) from None
        return None
