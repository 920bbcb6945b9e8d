"""The embedded database's connections to its file: who has read gives theirs to the next one who reads.

By itself the library opens one for each read of more than one document, which then takes in the whole schema: with all
our indexes that is 1.4 ms, more than most reads.
"""

import sqlite3
from typing import TYPE_CHECKING, Final, override

from mongoeco.engines import SQLiteEngine
from mongoeco.engines._sqlite_connection import SQLiteConnection  # pyright: ignore[reportPrivateUsage] - pinned

if TYPE_CHECKING:
    from collections.abc import Callable

_IDLE_AT_MOST: Final = 8


class Connections(SQLiteEngine):
    """Those of the embedded database."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._idle = list[_Lasting]()

    @override
    def _create_sqlite_connection(self) -> sqlite3.Connection:
        """One that waits, or a new one; the first of all, which writes, is the library's own."""
        if self._connection is None:
            return super()._create_sqlite_connection()
        try:
            return self._idle.pop()
        except IndexError:
            connection = sqlite3.connect(self._path, check_same_thread=False, factory=_Lasting)
            connection.keeps = self._keeps
            connection.execute("PRAGMA synchronous=NORMAL")
            return connection

    def _keeps(self, connection: "_Lasting") -> bool:
        """Keep it for who reads next, unless the file is being closed, or enough are kept."""
        if self._connection is None or len(self._idle) >= _IDLE_AT_MOST:
            return False
        self._idle.append(connection)
        return True

    @override
    def _disconnect_sync(self) -> None:
        super()._disconnect_sync()
        while self._connection is None and self._idle:
            self._idle.pop().end()


class _Lasting(SQLiteConnection):
    """Closed, it ends its transaction, and is not closed if `keeps` takes it."""

    keeps: "Callable[[_Lasting], bool]"

    @override
    def close(self) -> None:
        self.index_catalogs.clear()  # pyright: ignore[reportUnknownMemberType] - what is in them
        self._catalog_data_version = None
        try:
            self.rollback()
        except sqlite3.Error:
            self.end()
            return
        if not self.keeps(self):
            self.end()

    def end(self) -> None:
        """Close it."""
        super().close()
