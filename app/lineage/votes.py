"""Which of two siblings is better: one vote a pair, and what each has won and lost."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.database.document import Instant, StoredDocument, utc_now
from app.errors import bad_input, not_found
from app.lineage.counts import Spot
from app.lineage.discardable import chunks
from app.lineage.tombstone import Tombstone
from app.lineage.version import Version

_AT_ONCE = 100_000


class Score(NamedTuple):
    """How many siblings a version was found better than, and how many worse."""

    wins: int = 0
    losses: int = 0

    @property
    def share(self) -> float:
        """0 to 1: the wins among all votes, with one of each to begin with, so that few votes say little."""
        return (self.wins + 1) / (self.wins + self.losses + 2)


class Vote(StoredDocument):
    """The latest word on two siblings; `pair` names both, whoever won, in one text because that is quickly unique."""

    owner_id: PydanticObjectId
    root_id: PydanticObjectId
    pair: str
    winner_id: PydanticObjectId
    loser_id: PydanticObjectId
    voted_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "votes"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("pair", ASCENDING)], name="pair", unique=True),
            IndexModel([("ownerId", ASCENDING)], name="owner"),
            IndexModel([("rootId", ASCENDING)], name="tree"),
            IndexModel([("winnerId", ASCENDING)], name="winner"),
            IndexModel([("loserId", ASCENDING)], name="loser"),
        ]

    @classmethod
    async def cast(cls, winner: Version, loser: Version) -> None:
        """Count it in place of any earlier one on the same two; safe to repeat and to race."""
        pair = {"pair": "-".join(sorted((str(winner.identity), str(loser.identity))))}
        where = {"ownerId": winner.owner_id, "rootId": winner.lineage.root_id}
        who = {"winnerId": winner.identity, "loserId": loser.identity}
        change = {"$set": {"schemaVersion": 1, **where, **who, "votedAt": utc_now()}}
        try:
            await cls.rows().update_one(pair, change, upsert=True)
        except DuplicateKeyError:  # the other of two upserts at once won: now it is found
            await cls.rows().update_one(pair, change)

    @classmethod
    async def scores(cls, spots: Sequence[Spot]) -> dict[Spot, Score]:
        """Those of some versions: one read of the votes in their trees."""
        wins, losses = Counter[PydanticObjectId](), Counter[PydanticObjectId]()
        for some in chunks({spot.root_id for spot in spots}):
            rows = cls.rows().find({"rootId": {"$in": some}}, {"winnerId": 1, "loserId": 1})
            async for row in rows.batch_size(_AT_ONCE):
                wins[row["winnerId"]] += 1
                losses[row["loserId"]] += 1
        return {spot: Score(wins[spot.version_id], losses[spot.version_id]) for spot in spots}

    @classmethod
    async def of_tree(cls, root_id: PydanticObjectId) -> list[Self]:
        """All that were cast in a root's tree."""
        return [cls.model_validate(row) async for row in cls.rows().find({"rootId": root_id}).batch_size(_AT_ONCE)]

    @classmethod
    async def withdraw(cls, version_ids: Sequence[PydanticObjectId]) -> None:
        """Those (400 at most) have neither won nor lost anything."""
        for side in ("winnerId", "loserId"):
            await cls.rows().delete_many({side: {"$in": list(version_ids)}})


async def vote(winner: Version, loser: Version, what: str) -> None:
    """Say which of two siblings is better.

    Raises:
        AppError: BAD_USER_INPUT when they are none; NOT_FOUND when one was deleted for ever meanwhile.
    """
    if winner.parent_id is None or winner.parent_id != loser.parent_id or winner.identity == loser.identity:
        message = "Votes are between siblings: two versions that were made from the same one."
        raise bad_input(message, "input", "loserId")
    await Vote.cast(winner, loser)
    # A deletion keeps its tombstone first and withdraws later: either it sees this vote, or this sees its tombstone.
    if gone := await Tombstone.of([winner.identity, loser.identity]):
        await Vote.withdraw(list(gone))
        raise not_found(what, "input", "winnerId" if winner.identity in gone else "loserId")
