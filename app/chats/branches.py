"""Named queries of the branches of chats: which exchanges lie on the way to one, and which stand beside it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING

from app.chats.exchange import Exchange, place_of
from app.chats.parts import Fork, Segment
from app.database.document import only

_IN_ONE_QUERY = 400
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Beside(NamedTuple):
    """The place of a user's message among others: the same position after the same exchange."""

    chat_id: PydanticObjectId
    position: int
    parent_id: PydanticObjectId | None


class Used(NamedTuple):
    """A branch, and when it was last chosen, or gone on with."""

    at: datetime
    branch_id: PydanticObjectId


class Route(NamedTuple):
    """The way through a chat that ends with a branch: stretches of others, then the branch itself."""

    above: tuple[Segment, ...]
    branch_id: PydanticObjectId

    def place(self, position: int) -> str:
        """Where the exchange of that position lies."""
        return place_of(next((one.branch_id for one in self.above if position < one.until), self.branch_id), position)

    def before(self, exchange: Exchange) -> tuple[Segment, ...]:
        """The stretches up to an exchange of the branch, without it; what a branch beside it goes on from."""
        begin = self.above[-1].until if self.above else 0
        own = Segment(branch_id=self.branch_id, until=exchange.position)
        return (*self.above, own) if exchange.position > begin else self.above


async def route_of(chat_id: PydanticObjectId, branch_id: PydanticObjectId) -> Route:
    """The way that ends with that branch; one command at most."""
    if branch_id == chat_id:
        return Route((), branch_id)
    row = await Exchange.rows().find_one({"_id": branch_id}, {"fork": 1})
    return Route(Fork.model_validate(row["fork"]).above if row and row["fork"] else (), branch_id)


async def last_of(branch_id: PydanticObjectId) -> Exchange | None:
    """The last exchange of a branch; null for the first branch of a chat in which nothing was said."""
    row = await Exchange.rows().find_one({"branchId": branch_id}, sort=[("position", DESCENDING)])
    return None if row is None else Exchange.model_validate(row)


async def length_of(branch_id: PydanticObjectId) -> int:
    """How many exchanges lie on the way to the end of that branch."""
    row = await Exchange.rows().find_one({"branchId": branch_id}, {"position": 1}, sort=[("position", DESCENDING)])
    return 0 if row is None else int(row["position"]) + 1


async def along(route: Route, positions: range, keys: Collection[str] | None = None) -> list[Exchange]:
    """The exchanges at those positions (400 at most) of a way that exist, in order, to be read only; one command.

    `keys` are what is read of each besides its position, null for all.
    """
    places = [route.place(position) for position in positions]
    shown = None if keys is None else only({"position", *keys})
    rows = Exchange.rows().find({"place": {"$in": places}}, shown).batch_size(_IN_ONE_QUERY)
    found = await rows.to_list() if places else []
    return Exchange.of_rows(sorted(found, key=itemgetter("position")))


async def used_last(exchange: Exchange) -> Used:
    """Of the branches that lead through an exchange, its own or one that goes on from there, the one used last."""
    through = {"$elemMatch": {"branchId": exchange.branch_id, "until": {"$gt": exchange.position}}}
    order = [("fork.usedAt", DESCENDING), ("_id", DESCENDING)]
    fork = await Exchange.rows().find_one({"fork.above": through}, {"fork": 1}, sort=order)
    own = await Exchange.rows().find_one(_beginning(exchange.chat_id, exchange.branch_id), {"fork": 1})
    uses = [Used(_used_at(own), exchange.branch_id), *([Used(_used_at(fork), fork["_id"])] if fork else [])]
    return max(uses, key=lambda one: one.at)


async def use(chat_id: PydanticObjectId, branch_id: PydanticObjectId) -> None:
    """Note that a branch was used now, by the database's clock."""
    where = {**_beginning(chat_id, branch_id), "fork": {"$ne": None}}
    await Exchange.rows().update_one(where, {"$currentDate": {"fork.usedAt": True}})


async def answers_to(question_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, list[PydanticObjectId]]:
    """The answers to each of those messages (400 at most), oldest first; one command."""
    rows = Exchange.rows().find({"questionId": {"$in": list(question_ids)}}, {"questionId": 1}).sort("_id", ASCENDING)
    found = defaultdict[PydanticObjectId, list[PydanticObjectId]](list)
    async for row in rows.batch_size(_IN_ONE_QUERY):
        found[row["questionId"]].append(row["_id"])
    return found


async def questions_beside(places: Sequence[Beside]) -> dict[Beside, dict[PydanticObjectId, PydanticObjectId]]:
    """The first answer to each of the users' messages at those places, by the message's id, oldest first.

    One command a chat.
    """
    positions = defaultdict[PydanticObjectId, set[int]](set)
    for one in places:
        positions[one.chat_id].add(one.position)
    found = defaultdict[Beside, dict[PydanticObjectId, PydanticObjectId]](dict)
    shown = {"questionId": 1, "position": 1, "parentId": 1}
    for chat_id, wanted in positions.items():
        where = {"chatId": chat_id, "position": {"$in": sorted(wanted)}}
        async for row in Exchange.rows().find(where, shown).sort("_id", ASCENDING).batch_size(_IN_ONE_QUERY):
            found[Beside(chat_id, row["position"], row["parentId"])].setdefault(row["questionId"], row["_id"])
    return found


def _used_at(row: Mapping[str, Any] | None) -> datetime:
    return Fork.model_validate(row["fork"]).used_at if row and row["fork"] else _NEVER


def _beginning(chat_id: PydanticObjectId, branch_id: PydanticObjectId) -> dict[str, object]:
    """The exchange that a branch begins with."""
    return {"place": place_of(chat_id, 0)} if branch_id == chat_id else {"_id": branch_id}
