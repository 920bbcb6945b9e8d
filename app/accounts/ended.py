"""What ended not long ago, accounts or sessions: known in memory, so that no request has to ask the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from beanie import PydanticObjectId

type Close = Callable[[], None]
"""Ends something that is open; never waits."""


@dataclass(slots=True)
class Ended:
    """Ids that this process knows of; those that are forgotten have no access token of ours left that is good."""

    _ended_at: dict[PydanticObjectId, datetime] = field(default_factory=dict[PydanticObjectId, datetime])
    _open: dict[PydanticObjectId, set[Close]] = field(default_factory=dict[PydanticObjectId, set[Close]])

    def __contains__(self, identity: PydanticObjectId) -> bool:
        return identity in self._ended_at

    def learn(self, ended_at: Mapping[PydanticObjectId, datetime], since: datetime) -> None:
        """Take in those ids, with when they ended; forget what ended before `since`."""
        news = ended_at.keys() - self._ended_at.keys()
        known = {**self._ended_at, **ended_at}
        self._ended_at = {identity: moment for identity, moment in known.items() if moment >= since}
        for identity in news:
            for close in tuple(self._open.get(identity, ())):
                close()

    def opened(self, identity: PydanticObjectId, close: Close) -> Close:
        """Have `close` called as soon as that id ends, now if it has; the answer stops that."""
        self._open.setdefault(identity, set()).add(close)
        if identity in self:
            close()
        return lambda: self._left(identity, close)

    def _left(self, identity: PydanticObjectId, close: Close) -> None:
        others = self._open.get(identity, set())
        others.discard(close)
        if not others:
            self._open.pop(identity, None)
