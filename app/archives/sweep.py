"""Deletes archives whose time is over, and files that nobody knows."""

from datetime import timedelta
from functools import partial
from itertools import batched
from typing import Final

from app.archives.files import to_its_end
from app.archives.model import Archive
from app.archives.service import Archives
from app.database.clock import DatabaseClock
from app.errors import AppError, ErrorCode
from app.generations.backlog import unsettled_of
from app.generations.sweeper import Chore
from app.logs import logger

_log = logger(__name__)
_AT_ONCE: Final = 100
_IN_ONE_QUERY: Final = 400
_HOUR_S: Final = 3600.0


def clearing_archives(archives: Archives, every_s: float) -> Chore:
    """The chore."""

    async def run() -> None:
        try:
            await sweep(archives)
        except OSError as error:
            _log.warning("archives_not_swept", reason=type(error).__name__)
        except AppError as error:
            if error.code is not ErrorCode.UNAVAILABLE:
                raise
            _log.warning("archives_not_swept", code=error.code)

    return Chore("archives", every_s, run)


async def sweep(archives: Archives) -> int:
    """Delete the expired ones (100 at most) but those that a generation still works with; how many were deleted.

    Also what was begun an hour ago and never finished, and files of that age without a document.

    Raises:
        AppError: UNAVAILABLE, retryable, when the disk refuses.
        OSError: the same.
    """
    await to_its_end(partial(archives.files.tidy, _HOUR_S))
    clock = DatabaseClock()
    await clock.set(Archive.rows().database)
    now = clock.now()
    expired = await Archive.expired(now, _AT_ONCE)
    busy = await unsettled_of([one.generation_id for one in expired if one.generation_id is not None])
    for archive in expired:
        if archive.generation_id in busy:
            await archive.keep_until(now + timedelta(seconds=_HOUR_S))
        else:
            await archives.delete(archive)
    await _drop_unknown(archives)
    return sum(archive.generation_id not in busy for archive in expired)


async def _drop_unknown(archives: Archives) -> None:
    """A process that was killed between a file and its document may leave one."""
    old = await to_its_end(lambda: list(archives.files.older_than(_HOUR_S)))
    for some in batched(old, _IN_ONE_QUERY, strict=False):
        known = await Archive.by_ids([archive_id for archive_id, _ in some])
        for archive_id, path in some:
            if archive_id not in known:
                await to_its_end(partial(path.unlink, missing_ok=True))
                _log.warning("archive_dropped", archive=str(archive_id))
