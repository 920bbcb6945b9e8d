"""Who of the processes that run the tests side by side runs which."""

from typing import override
from zlib import crc32

from xdist.scheduler import (  # type: ignore[import-untyped] # pyright: ignore[reportMissingTypeStubs] -- no types
    LoadFileScheduling,
)

_WITH_SERVERS = {"clients", "e2e", "faults", "web"}
_HALVES = 2


class Scheduling(LoadFileScheduling):  # type: ignore[misc] # the same
    """A file's tests run in one process, and those with servers of their own in two at most.

    What such a process has to begin with, the interpreter that servers are forked from and the server that tests share,
    takes it 5 to 10 seconds.
    """

    @override
    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        room = path.split("/")[1]
        return f"servers {crc32(path.encode()) % _HALVES}" if room in _WITH_SERVERS else path
