"""The database's time in this process: what is compared with moments that the database wrote."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.database.connection import RawDatabase
from app.database.document import utc_now


@dataclass(slots=True)
class DatabaseClock:
    """As far ahead of this machine's clock as it was when it was last set; the two drift apart slowly."""

    _ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Now, to the millisecond."""
        now = utc_now() + self._ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def set(self, database: RawDatabase) -> None:
        """Ask the database."""
        answer = await database.command("hello")
        self._ahead = answer["localTime"].replace(tzinfo=UTC) - utc_now()
