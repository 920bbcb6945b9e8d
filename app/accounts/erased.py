"""Whose account was erased not long ago: known in memory, so that no request has to ask the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from beanie import PydanticObjectId

type Close = Callable[[], None]
"""Ends something that is open for a user; never waits."""


@dataclass(slots=True)
class Erased:
    """What this process knows; those that are forgotten have no access token of ours left that is good."""

    _asked_at: dict[PydanticObjectId, datetime] = field(default_factory=dict[PydanticObjectId, datetime])
    _open: dict[PydanticObjectId, set[Close]] = field(default_factory=dict[PydanticObjectId, set[Close]])

    def __contains__(self, user_id: PydanticObjectId) -> bool:
        return user_id in self._asked_at

    def learn(self, asked_at: Mapping[PydanticObjectId, datetime], since: datetime) -> None:
        """Take in those users, with when they were erased; forget who was erased before `since`."""
        news = asked_at.keys() - self._asked_at.keys()
        known = {**self._asked_at, **asked_at}
        self._asked_at = {user_id: moment for user_id, moment in known.items() if moment >= since}
        for user_id in news:
            for close in tuple(self._open.get(user_id, ())):
                close()

    def opened(self, user_id: PydanticObjectId, close: Close) -> Close:
        """Have `close` called as soon as that user is erased, now if they are; the answer stops that."""
        self._open.setdefault(user_id, set()).add(close)
        if user_id in self:
            close()
        return lambda: self._left(user_id, close)

    def _left(self, user_id: PydanticObjectId, close: Close) -> None:
        others = self._open.get(user_id, set())
        others.discard(close)
        if not others:
            self._open.pop(user_id, None)
