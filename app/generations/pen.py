"""One fenced write to a running generation, made once however often it has to be tried.

The condition is the fence: the attempt's number and the number of the latest event. A worker whose lease was taken
over has an old attempt, and whatever it still writes is refused. A database that is away for a while is borne: a
write is repeated, and the event it carries tells whether it had happened already.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.database.absence import Absence
from app.generations.events import GenerationEvent
from app.generations.leases import until
from app.generations.ledger import Ledger
from app.generations.model import Generation, Status

_SEEN: Final = {"cancelRequestedAt": 1}
_STANDING: Final = {**_SEEN, "attempt": 1, "status": 1, "lastSequence": 1, "lease": 1, "events": {"$slice": -3}}

type Draft = Callable[[int], GenerationEvent | None]
"""Makes the event of a number; null for a write without an event."""


class LeaseLostError(Exception):
    """Another worker has taken this generation over, or it has ended: stop."""


@dataclass(slots=True)
class Pen:
    """What writes for one attempt at `generation`, whose number of the latest event it keeps.

    `noted` are assignments that go with the next write, `pictures` ids that the generation refers to from then on.
    `away_s`: how many seconds the database may be away. `cancel_requested` is set as soon as a write shows that
    somebody wants to cancel. `confirmed_s` is the loop's time when the fence last let something through, no later.
    """

    generation: Generation
    away_s: float
    cancel_requested: asyncio.Event = field(default_factory=asyncio.Event)
    noted: dict[str, Any] = field(default_factory=dict[str, Any])
    pictures: list[PydanticObjectId] = field(default_factory=list[PydanticObjectId])
    ledger: Ledger = field(init=False)
    confirmed_s: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _others_at: datetime | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.generation.calls)

    async def renew(self, lease_s: float) -> None:
        """Push the lease's end to `lease_s` seconds from now, by the database's clock; tried once.

        Raises:
            LeaseLostError: the fence refused it.
        """
        asked_s = asyncio.get_running_loop().time()
        row = await Generation.rows().find_one_and_update(
            self._fence(), [{"$set": {"lease.until": until(lease_s)}}], projection=_SEEN
        )
        if row is None:
            raise LeaseLostError
        self._look(row, asked_s)

    async def write(self, changes: dict[str, Any], draft: Draft) -> GenerationEvent | None:
        """Write what was noted and these changes, with the event.

        Raises:
            LeaseLostError: the fence refused it.
            PyMongoError: the database is away for too long, or broken.
        """
        async with self._turn:
            noted, pictures = self.noted, self.pictures
            self.noted, self.pictures = {}, []
            try:
                event = await self._repeated({**noted, **changes}, pictures, draft)
            except BaseException:
                self.noted, self.pictures = {**noted, **self.noted}, [*pictures, *self.pictures]
                raise
            self.ledger.are_written(noted.get("calls", ()))
            return event

    async def _repeated(
        self, changes: dict[str, Any], pictures: Sequence[PydanticObjectId], draft: Draft
    ) -> GenerationEvent | None:
        absence, tried = Absence(self.away_s), None
        while True:
            event = self._in_order(draft(self.generation.last_sequence + 1))
            try:
                if await self._once(changes, pictures, event):
                    return event
                if event is None:
                    raise LeaseLostError
                if await self._catch_up(tried):
                    return tried
            except PyMongoError as error:
                tried = event
                await absence.bear(error)

    async def _once(
        self, changes: dict[str, Any], pictures: Sequence[PydanticObjectId], event: GenerationEvent | None
    ) -> bool:
        """Whether the fence let it through."""
        fence, update = self._fence(), {"$set": changes}
        if event:
            fence["lastSequence"] = event.sequence - 1
            # `changedAt` is when it is written, which may be long after the event: what is new is found by it
            ended = {"endedAt": event.at} if event.type.terminal else {}
            update = {"$set": {**changes, **ended}, "$currentDate": {"changedAt": True}, "$inc": {"lastSequence": 1}}
            update["$push"] = {"events": event.model_dump(by_alias=True)}
        if pictures:
            update["$addToSet"] = {"pictureIds": {"$each": list(pictures)}}
        asked_s = asyncio.get_running_loop().time()
        row = await Generation.rows().find_one_and_update(fence, update, projection=_SEEN)
        if row is None:
            return False
        self._look(row, asked_s)
        self.generation.last_sequence += 1 if event else 0
        return True

    async def _catch_up(self, tried: GenerationEvent | None) -> bool:
        """After a refusal: whether `tried` was written after all, else how far others have come.

        Raises:
            LeaseLostError: it is not this attempt's any more.
        """
        row = await Generation.rows().find_one({"_id": self.generation.identity}, _STANDING)
        if row is None or row["attempt"] != self.generation.attempt:
            raise LeaseLostError
        self._look(row, None)
        happened = tried is not None and tried in [GenerationEvent.model_validate(one) for one in row["events"]]
        if not happened and (row["status"] != Status.RUNNING or row["lease"] is None):
            raise LeaseLostError
        self.generation.last_sequence = row["lastSequence"]
        self._others_at = GenerationEvent.model_validate(row["events"][-1]).at
        return happened

    def _in_order(self, event: GenerationEvent | None) -> GenerationEvent | None:
        """The event, not before what somebody else has written: this attempt's clock goes a little after theirs."""
        if event is None or self._others_at is None or event.at >= self._others_at:
            return event
        return event.model_copy(update={"at": self._others_at})

    def _fence(self) -> dict[str, Any]:
        number = self.generation.attempt
        return {"_id": self.generation.identity, "attempt": number, "status": Status.RUNNING, "lease": {"$ne": None}}

    def _look(self, row: dict[str, Any], confirmed_s: float | None) -> None:
        if confirmed_s is not None:
            self.confirmed_s = confirmed_s
        if row.get("cancelRequestedAt") is not None:
            self.cancel_requested.set()
