"""What somebody dreams of: by week, by symbol, by feeling; one read of a few fields."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import Any, NamedTuple

from beanie import PydanticObjectId

from app.dreams.model import Dream

_COMMONEST = 10
_AT_ONCE = 100_000
_SHOWN = {
    "dreamedAt": 1,
    "interpretation.symbols.name": 1,
    "interpretation.symbols.key": 1,
    "interpretation.emotions.name": 1,
    "interpretation.emotions.key": 1,
    "interpretation.emotions.intensity": 1,
}


class Week(NamedTuple):
    """The Monday that it began on, and how many dreams there were in it."""

    monday: date
    dreams: int


class Common(NamedTuple):
    """A symbol or a feeling, in how many dreams it was, and how strong on average; null for a symbol."""

    name: str
    dreams: int
    intensity: float | None = None


class Stats(NamedTuple):
    """The weeks with dreams in them, oldest first; the commonest first."""

    dreams: int
    weeks: Sequence[Week]
    symbols: Sequence[Common]
    emotions: Sequence[Common]


async def stats(owner_id: PydanticObjectId, since: datetime | None, until: datetime | None) -> Stats:
    """Of the owner's dreams of that time (`until` is left out), those in the trash left out; null for no bound."""
    where: dict[str, Any] = {"ownerId": owner_id, "trashedAt": None}
    limits = {"$gte": since, "$lt": until}
    if dreamed := {operator: moment for operator, moment in limits.items() if moment is not None}:
        where["dreamedAt"] = dreamed
    rows = Dream.rows().find(where, _SHOWN).sort([("dreamedAt", 1), ("_id", 1)]).batch_size(_AT_ONCE)
    found = [row async for row in rows]
    weeks = Counter(_monday(row["dreamedAt"]) for row in found)
    return Stats(
        dreams=len(found),
        weeks=[Week(monday, weeks[monday]) for monday in sorted(weeks)],
        symbols=_commonest(found, "symbols"),
        emotions=_commonest(found, "emotions"),
    )


def _monday(dreamed_at: datetime) -> date:
    day = (dreamed_at if dreamed_at.tzinfo is None else dreamed_at.astimezone(UTC)).date()
    return day - timedelta(days=day.weekday())


def _commonest(rows: Sequence[Mapping[str, Any]], field: str) -> list[Common]:
    """Counted once a dream; under the name that came last."""
    counted, names, strengths = Counter[str](), dict[str, str](), defaultdict[str, list[float]](list)
    for row in rows:
        interpretation: Mapping[str, Sequence[Mapping[str, Any]]] = row.get("interpretation") or {}
        named: dict[str, Mapping[str, Any]] = {one["key"]: one for one in interpretation.get(field, ())}
        counted.update(named.keys())
        names |= {key: one["name"] for key, one in named.items()}
        for key, one in named.items():
            if "intensity" in one:
                strengths[key].append(one["intensity"])
    ranked = sorted(counted, key=lambda key: (-counted[key], key))[:_COMMONEST]
    return [Common(names[key], counted[key], fmean(strengths[key]) if strengths[key] else None) for key in ranked]
