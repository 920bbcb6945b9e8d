"""What was called, by the ledgers, and what it came to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple, Self

from beanie import PydanticObjectId

from app.costs.usage import Unit
from app.generations.attempts import Call
from app.generations.model import Generation, Status

_IN_ONE_QUERY = 400

type Made = tuple[PydanticObjectId, Call]
"""A call, and the generation that made it."""


class UsagePeriod(StrEnum):
    """A number of days (UTC), today included."""

    TODAY = "TODAY"
    LAST_7_DAYS = "LAST_7_DAYS"
    LAST_30_DAYS = "LAST_30_DAYS"

    def since(self, now: datetime) -> datetime:
        """When it began."""
        days = {UsagePeriod.TODAY: 1, UsagePeriod.LAST_7_DAYS: 7, UsagePeriod.LAST_30_DAYS: 30}[self]
        today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        return today - timedelta(days=days - 1)


class Charge(NamedTuple):
    """What calls that have ended cost.

    `unpriced` are those of which nobody knows it. `cost` is in micros of `currency`, null when there are such; `known`
    leaves them out. Both are null for calls of two currencies; `currency` is null then, and where nothing has one.
    """

    unpriced: int
    cost: int | None
    known: int | None
    currency: str | None

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Self:
        """Of these calls; those under way are left out."""
        ended = [call for call in calls if call.outcome is not None]
        known = [call.charged for call in ended if call.charged is not None]
        currencies = {call.currency for call in ended if call.currency}
        unpriced = len(ended) - len(known)
        if len(currencies) > 1:
            return cls(unpriced, None, None, None)
        return cls(unpriced, None if unpriced else sum(known), sum(known), next(iter(currencies), None))


class Sum(NamedTuple):
    """What calls came to: how many generations made how many of them, for how many pictures."""

    generations: int
    pictures: int
    calls: int
    maybe_billed: int
    charge: Charge

    @classmethod
    def of(cls, made: Sequence[Made]) -> Self:
        """The sum of these calls."""
        calls = [call for _, call in made]
        return cls(
            generations=len({generation_id for generation_id, _ in made}),
            pictures=sum(call.usage.get(Unit.PICTURES, 0) for call in calls),
            calls=len(calls),
            maybe_billed=sum(call.maybe_billed for call in calls),
            charge=Charge.of(calls),
        )


def by_model(made: Sequence[Made]) -> Mapping[tuple[str, str], Sum]:
    """The sum for each provider and model, in the order of their names."""
    parts = defaultdict[tuple[str, str], list[Made]](list)
    for one in made:
        parts[one[1].provider, one[1].model].append(one)
    return {name: Sum.of(parts[name]) for name in sorted(parts)}


async def calls_since(owner_id: PydanticObjectId, since: datetime) -> list[Made]:
    """The calls that the owner's generations have made since then, each with its generation; one indexed read."""
    where = {"ownerId": owner_id, "changedAt": {"$gte": since}}  # the entry of a call is written after it has begun
    rows = Generation.rows().find(where, {"calls": 1})
    found = [(row["_id"], Call.model_validate(call)) async for row in rows for call in row["calls"]]
    return [(generation_id, call) for generation_id, call in found if call.started_at >= since]


async def ended_ledgers(ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, list[Call]]:
    """The calls of those of `ids` that have ended, or are gone."""
    ledgers: dict[PydanticObjectId, list[Call]] = {one: [] for one in ids}
    for start in range(0, len(ids), _IN_ONE_QUERY):
        where = {"_id": {"$in": list(ids[start : start + _IN_ONE_QUERY])}}
        async for row in Generation.rows().find(where, {"calls": 1, "status": 1}):
            if Status(row["status"]).ended:
                ledgers[row["_id"]] = [Call.model_validate(call) for call in row["calls"]]
            else:
                del ledgers[row["_id"]]
    return ledgers
