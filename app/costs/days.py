"""What a budget has had to bear on one day: money that is spent, and money that is held for calls under way.

Every write is one update, and is the same when it is repeated: what a generation holds is written as a whole, never
added to. A write that arrives late, after its worker has lost the generation, changes nothing.
"""

from datetime import date, datetime
from enum import Enum, auto
from typing import Any, ClassVar, Final, NamedTuple, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, StoredValue

_VALID_S: Final = 30
"""A reservation that arrives later than this after its worker was known to hold the generation is refused."""
_REMEMBERED_S: Final = 2 * _VALID_S
"""How long it is known that an entry was closed: longer than one that is late can still arrive."""


class Answer(Enum):
    """How a reservation went."""

    HELD = auto()
    FULL = auto()
    STALE = auto()
    """Somebody else works on the generation by now, or it has ended."""


class Entry(StoredValue):
    """What one generation holds.

    `order` rises with every reservation of the generation. A closed entry holds nothing: what it came to is spent.
    """

    generation_id: PydanticObjectId
    order: int
    amount: int
    closed_at: Instant | None = None


class Lack(StoredValue):
    """A call of that model was refused, for which `amount` would have been needed."""

    model: str
    amount: int


class Wanted(NamedTuple):
    """A reservation: the entry as it should be, and when it was last known that its worker holds the generation."""

    generation_id: PydanticObjectId
    order: int
    amount: int
    confirmed_at: datetime


class BudgetDay(StoredDocument):
    """One budget on one day (UTC); its id is `2026-11-23/all` or `2026-11-23/<owner>`. Amounts are in micros.

    `open` says whether an entry is not closed, `checked_at` when a reservation was last asked for.
    """

    id: str  # type: ignore[assignment] # pyright: ignore[reportIncompatibleVariableOverride] - Beanie's own way to name an id
    spent: int = 0
    entries: list[Entry] = Field(default_factory=list[Entry])
    lacks: list[Lack] = Field(default_factory=list[Lack])
    open: bool = False
    checked_at: Instant | None = None

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "budget_days"
        indexes: ClassVar[list[IndexModel]] = [IndexModel([("open", ASCENDING), ("_id", ASCENDING)], name="open")]

    @property
    def day(self) -> date:
        """Which day it is."""
        return date.fromisoformat(self.id.partition("/")[0])

    @property
    def committed(self) -> int:
        """What is spent and what is held."""
        return self.spent + sum(one.amount for one in self.entries)

    def lacks_for(self, model: str, limit: int) -> bool:
        """Whether nothing is left, or less than a call of that model needed when it was refused."""
        needed = [one.amount for one in self.lacks if one.model == model]
        return self.committed >= limit or any(self.committed + amount > limit for amount in needed)

    @classmethod
    async def reserve(cls, day_id: str, wanted: Wanted, limit: int) -> Answer:
        """Make the generation's entry what is wanted, if the day then bears `limit` at most."""
        while True:
            try:
                row = await cls.rows().find_one_and_update(
                    {"_id": day_id}, _reserving(wanted, limit), upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # two made it at once; the next try finds it
                continue
            return _answer(cls.model_validate(row), wanted)

    @classmethod
    async def lower(cls, day_id: str, generation_id: PydanticObjectId, order: int, amount: int) -> None:
        """Give back what was reserved last, so that the entry is `amount` again; safe to repeat."""
        mine = {"generationId": generation_id, "order": order, "closedAt": None}
        changed: dict[str, Any] = {"$mergeObjects": ["$$one", {"amount": amount}]}
        entries = _mapped(generation_id, changed) if amount else _others(generation_id)
        await cls.rows().update_one({"_id": day_id, "entries": {"$elemMatch": mine}}, [{"$set": entries}, _OPEN])

    @classmethod
    async def settle(cls, day_id: str, generation_id: PydanticObjectId, amount: int) -> None:
        """Close the entry of a generation that has ended, and count what it came to as spent; safe to repeat."""
        mine = {"generationId": generation_id, "closedAt": None}
        closed: dict[str, Any] = {"$mergeObjects": ["$$one", {"amount": 0, "closedAt": "$$NOW"}]}
        update: list[dict[str, Any]] = [
            {"$set": {"spent": {"$add": ["$spent", amount]}, **_mapped(generation_id, closed)}},
            _OPEN,
        ]
        await cls.rows().update_one({"_id": day_id, "entries": {"$elemMatch": mine}}, update)

    @classmethod
    async def note_lack(cls, day_id: str, lack: Lack) -> None:
        """Remember what was refused: the next of its kind need not be taken in."""
        others = {"input": "$lacks", "as": "one", "cond": {"$ne": ["$$one.model", {"$literal": lack.model}]}}
        mine = {"model": {"$literal": lack.model}, "amount": lack.amount}
        lacks = {"$concatArrays": [{"$filter": others}, [mine]]}
        await cls.rows().update_one({"_id": day_id}, [{"$set": {"lacks": lacks}}])

    @classmethod
    async def of_ids(cls, ids: list[str]) -> dict[str, Self]:
        """Those that exist, by id."""
        return {row["_id"]: cls.model_validate(row) async for row in cls.rows().find({"_id": {"$in": ids}})}

    @classmethod
    async def all_open(cls) -> list[Self]:
        """Every one with an entry that is not closed, oldest first."""
        return [cls.model_validate(row) async for row in cls.rows().find({"open": True}).sort("_id", ASCENDING)]

    @classmethod
    async def remove(cls, ids: list[str]) -> int:
        """Drop those (400 at most), whatever is open in them; how many there were."""
        result = await cls.rows().delete_many({"_id": {"$in": ids}})
        return result.deleted_count

    @classmethod
    async def forget_before(cls, day: str) -> None:
        """Drop those of earlier days (`2026-11-23`) in which nothing is open."""
        await cls.rows().delete_many({"_id": {"$lt": day}, "open": False})


_OPEN: Final[dict[str, Any]] = {"$set": {"open": {"$in": [None, "$entries.closedAt"]}}}


def _reserving(wanted: Wanted, limit: int) -> list[dict[str, Any]]:
    """Take the generation's own entry aside, and put back the wanted one if it may be, else what was there."""
    entries: dict[str, Any] = {"$ifNull": ["$entries", []]}
    mine = {"$eq": ["$$one.generationId", wanted.generation_id]}
    forgotten_at = {"$subtract": ["$$NOW", _REMEMBERED_S * 1000]}
    known = {"$or": [{"$eq": ["$$one.closedAt", None]}, {"$gt": ["$$one.closedAt", forgotten_at]}]}
    another = {"$ne": ["$$one.generationId", wanted.generation_id]}
    past = {"$or": [{"$gt": ["$$one.order", wanted.order]}, {"$ne": ["$$one.closedAt", None]}]}
    committed = {"$add": ["$spent", {"$sum": "$entries.amount"}, wanted.amount]}
    may = {
        "$and": [
            {"$lte": [committed, limit]},
            {"$eq": [{"$size": _filtered("$mine", past)}, 0]},
            {"$lte": ["$$NOW", {"$add": [wanted.confirmed_at, _VALID_S * 1000]}]},
        ]
    }
    entry = Entry(generation_id=wanted.generation_id, order=wanted.order, amount=wanted.amount)
    apart: dict[str, Any] = {
        "entries": _filtered(entries, {"$and": [another, known]}),
        "mine": _filtered(entries, mine),
        "spent": {"$ifNull": ["$spent", 0]},
        "lacks": {"$ifNull": ["$lacks", []]},
        "checkedAt": "$$NOW",
        "schemaVersion": 1,
    }
    put_back = {"$concatArrays": ["$entries", {"$cond": [may, [entry.model_dump(by_alias=True)], "$mine"]}]}
    return [{"$set": apart}, {"$set": {"entries": put_back}}, {"$unset": "mine"}, _OPEN]


def _answer(day: BudgetDay, wanted: Wanted) -> Answer:
    mine = next((one for one in day.entries if one.generation_id == wanted.generation_id), None)
    if mine and (mine.closed_at or mine.order > wanted.order):
        return Answer.STALE
    if mine and (mine.order, mine.amount) == (wanted.order, wanted.amount):
        return Answer.HELD
    late_s = (day.checked_at - wanted.confirmed_at).total_seconds() if day.checked_at else 0
    return Answer.STALE if late_s > _VALID_S else Answer.FULL


def _filtered(entries: Any, condition: dict[str, Any]) -> dict[str, Any]:
    return {"$filter": {"input": entries, "as": "one", "cond": condition}}


def _others(generation_id: PydanticObjectId) -> dict[str, Any]:
    return {"entries": _filtered("$entries", {"$ne": ["$$one.generationId", generation_id]})}


def _mapped(generation_id: PydanticObjectId, changed: dict[str, Any]) -> dict[str, Any]:
    """The entries, the generation's own changed."""
    one = {"$cond": [{"$eq": ["$$one.generationId", generation_id]}, changed, "$$one"]}
    return {"entries": {"$map": {"input": "$entries", "as": "one", "in": one}}}
