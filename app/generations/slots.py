"""How many calls to a provider run at once, over all processes."""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from app.database.absence import Absence
from app.database.document import Instant, StoredDocument, StoredValue, utc_now
from app.errors import AppError, ErrorCode, FailedCall
from app.logs import logger

_log = logger(__name__)
_FIRST_WAIT_S = 0.05
_LONGEST_WAIT_S = 1.0
_GIVE_BACK_S = 1.0


class Slot(StoredValue):
    """One call's; it is over at `until` by the database's clock even if nobody gives it back."""

    id: PydanticObjectId
    generation_id: PydanticObjectId
    attempt: int
    until: Instant


class ProviderSlots(StoredDocument):
    """One provider's slots that are taken; its id is the provider's name."""

    id: str  # type: ignore[assignment] # pyright: ignore[reportIncompatibleVariableOverride] - Beanie's own way to name an id
    taken: list[Slot] = Field(default_factory=list[Slot])

    class Settings:
        """Where they are kept: few, and found by their id."""

        name = "provider_slots"
        indexes: ClassVar[list[IndexModel]] = []

    @classmethod
    async def take(cls, provider: str, slot: Slot, limit: int, lease_s: float) -> bool:
        """Whether the slot is taken now, as one of `limit`, for `lease_s` seconds; dead ones are dropped on the way."""
        until = {"$add": ["$$NOW", round(lease_s * 1000)]}
        mine = {**slot.model_dump(by_alias=True), "until": until}
        alive: dict[str, Any] = {
            "input": {"$ifNull": ["$taken", []]},
            "as": "one",
            "cond": {"$gt": ["$$one.until", "$$NOW"]},
        }
        one_more: dict[str, Any] = {
            "$cond": [{"$lt": [{"$size": "$taken"}, limit]}, {"$concatArrays": ["$taken", [mine]]}, "$taken"]
        }
        update: list[dict[str, Any]] = [
            {"$set": {"taken": {"$filter": alive}, "schemaVersion": 1}},
            {"$set": {"taken": one_more}},
        ]
        try:
            row = await cls.rows().find_one_and_update(
                {"_id": provider}, update, upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # two made it at once; the next try finds it
            return False
        return row is not None and slot.id in [one["id"] for one in row["taken"]]

    @classmethod
    async def give_back(cls, provider: str, slot_ids: Sequence[PydanticObjectId]) -> None:
        """Free the slots; safe to repeat."""
        await cls.rows().update_one({"_id": provider}, {"$pull": {"taken": {"id": {"$in": list(slot_ids)}}}})

    @classmethod
    async def all_taken(cls) -> list[tuple[str, Slot]]:
        """Every slot that is taken, with its provider."""
        rows: list[dict[str, Any]] = await cls.rows().find({}).to_list()
        return [(row["_id"], Slot.model_validate(one)) for row in rows for one in row["taken"]]


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """`calls_at_once` are by provider; one that is not named has no limit. `lease_s`: a call takes no longer.

    `away_s`: how many seconds the database may be away while a call waits for its slot.
    """

    calls_at_once: Mapping[str, int]
    lease_s: float
    away_s: float = 60

    @asynccontextmanager
    async def held(
        self, provider: str, generation_id: PydanticObjectId, attempt: int, within_s: float | None = None
    ) -> AsyncGenerator[None]:
        """Wait for a slot of the provider, `within_s` seconds at most (null: for ever), hold it while entered.

        Raises:
            AppError: RATE_LIMITED, retryable, when none was free in time; nothing was sent.
        """
        limit = self.calls_at_once.get(provider)
        if limit is None:
            yield
            return
        slot = Slot(id=PydanticObjectId(), generation_id=generation_id, attempt=attempt, until=utc_now())
        await self._take(provider, slot, limit, within_s)
        try:
            yield
        finally:
            await self._give_back(provider, slot)

    async def _take(self, provider: str, slot: Slot, limit: int, within_s: float | None) -> None:
        loop, wait_s, absence = asyncio.get_running_loop(), _FIRST_WAIT_S, Absence(self.away_s)
        until_s = inf if within_s is None else loop.time() + within_s
        while not await self._taken(provider, slot, limit, absence):
            left_s = until_s - loop.time()
            if left_s <= 0:
                raise _all_busy(limit)
            await asyncio.sleep(min(left_s, wait_s * random.uniform(0.5, 1)))  # noqa: S311 - keeps waiters apart, no secret
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _give_back(self, provider: str, slot: Slot) -> None:
        """Free it; where the database does not answer, the sweep does, or it is over at its `until`."""
        try:
            async with asyncio.timeout(_GIVE_BACK_S):
                await asyncio.shield(ProviderSlots.give_back(provider, [slot.id]))
        except (PyMongoError, TimeoutError) as error:
            _log.warning("slot_not_given_back", provider=provider, reason=type(error).__name__)

    async def _taken(self, provider: str, slot: Slot, limit: int, absence: Absence) -> bool:
        """Whether the slot is taken; one that is taken while this is cancelled is given back at once."""
        taking = asyncio.create_task(ProviderSlots.take(provider, slot, limit, self.lease_s))
        try:
            taken = await asyncio.shield(taking)
        except PyMongoError as error:
            await absence.bear(error)
            return False
        except asyncio.CancelledError:
            with suppress(PyMongoError, TimeoutError):  # the sweep sees it
                async with asyncio.timeout(_GIVE_BACK_S):
                    if await taking:
                        await self._give_back(provider, slot)
            raise
        absence.over()
        return taken


def _all_busy(limit: int) -> AppError:
    message = (
        f"All {limit} calls that this server makes to the provider at once were taken for too long. Try again later."
    )
    return AppError(ErrorCode.RATE_LIMITED, message, retryable=True, call=FailedCall(sent=False))
