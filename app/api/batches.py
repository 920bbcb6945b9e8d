"""Batches as clients see them: many pieces of work that were asked for together."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId

from app.access import own
from app.api.connections import After, Connection, First, Listing, Page
from app.api.context import Info, viewer
from app.api.costs import Cost, cost_of_all
from app.api.enums import Status
from app.api.generations import Generation, GenerationFailure
from app.api.ids import global_id
from app.api.node import Node
from app.batches import model as stored
from app.batches.progress import ItemStanding, stands

TYPE_NAME = "Batch"
_SUBJECTS: Mapping[str, str] = MappingProxyType({"ORNAMENT": "OrnamentImage", "DREAM": "Dream"})
"""What the items of each kind of batch are done with."""
_PLACE_BYTES = 12  # of a cursor


@strawberry.type(description="How many of a batch's items stand where.")
class BatchCounts:
    """Counted when it is asked for."""

    total: int = strawberry.field(description="All of them.")
    queued: int = strawberry.field(description="They wait for their first attempt, or to be started at all.")
    running: int = strawberry.field(description="A worker is on them, or they wait for their next attempt.")
    succeeded: int = strawberry.field(description="Their results are there.")
    failed: int = strawberry.field(description="They failed, or could not be started: their `failure` says why.")
    cancelled: int = strawberry.field(description="They were called off.")

    @classmethod
    def of(cls, standing: list[ItemStanding]) -> Self:
        """The counts of these."""
        by_status = Counter(one.status for one in standing)
        return cls(
            total=len(standing),
            queued=by_status[Status.QUEUED],
            running=by_status[Status.RUNNING],
            succeeded=by_status[Status.SUCCEEDED],
            failed=by_status[Status.FAILED],
            cancelled=by_status[Status.CANCELLED],
        )


@strawberry.type(description="One of a batch: what it is done with, and what has become of it.")
class BatchItem:
    """Shown from the batch's document and its generation."""

    number: int = strawberry.field(description="Its number in the batch, 1 for the first.")
    subject_id: strawberry.ID = strawberry.field(
        description="The `id` of what it is done with, as it was given: an `OrnamentImage` or a `Dream`."
    )
    status: Status = strawberry.field(
        description="That of its generation. Without one: QUEUED while it is still to be started, FAILED when it could "
        "not be, CANCELLED when the batch was cancelled before."
    )
    failure: GenerationFailure | None = strawberry.field(
        description="Why it failed or could not be started; null unless that is so."
    )
    generation_id: strawberry.Private[PydanticObjectId | None]

    @strawberry.field
    async def generation(self, info: Info) -> Generation | None:
        """Its work, the latest where it was retried; null until it is started."""
        if self.generation_id is None:
            return None
        generation = await info.context.loaders.generations.load(self.generation_id)
        return Generation.of(generation) if generation else None


@strawberry.type(description="A page of a batch's items.")
class BatchItemConnection(Connection[BatchItem]):
    """In the order in which they were given."""


@strawberry.type(description="Many pieces of work that were asked for together. Follow it with `batchProgress`.")
class Batch(Node):
    """Shown from its document; how its items stand is read when asked for."""

    created_at: datetime = strawberry.field(description="When it was accepted.")
    cancel_requested_at: datetime | None = strawberry.field(
        description="When it was cancelled; null unless it was, and again after a `retryBatch`."
    )
    estimated_cost: Cost | None = strawberry.field(
        description="What its items cost together by a cautious guess, made when it was accepted; those that could not "
        "be started are left out. Null when nobody knows it."
    )
    document: strawberry.Private[stored.Batch]
    standing: strawberry.Private[list[ItemStanding] | None] = None

    @classmethod
    def of(cls, batch: stored.Batch, standing: list[ItemStanding] | None = None) -> Self:
        """The batch of a document; `standing` is how its items stand, where that was read already."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, batch.identity)),
            created_at=batch.created_at,
            cancel_requested_at=batch.cancel_requested_at,
            estimated_cost=_estimate(batch),
            document=batch,
            standing=standing,
        )

    @strawberry.field
    async def counts(self, info: Info) -> BatchCounts:
        """How many of its items stand where."""
        return BatchCounts.of(await self._standing(info))

    @strawberry.field
    async def finished(self, info: Info) -> bool:
        """Whether all of its items have ended."""
        return all(one.status.ended for one in await self._standing(info))

    @strawberry.field
    async def cost(self, info: Info) -> Cost | None:
        """What the calls of its items' generations have cost so far; null when that of one is not known."""
        return cost_of_all([call for one in await self._standing(info) for call in one.calls])

    @strawberry.field
    async def items(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        status: Annotated[list[Status] | None, strawberry.argument(description="Only those with one of these.")] = None,
    ) -> BatchItemConnection:
        """Its items, in the order in which they were given."""
        page = Page(Listing("items", self.document.identity, newest_first=False), first, after)
        standing = await self._standing(info)
        chosen = [place for place, one in enumerate(standing) if status is None or one.status in status]
        begin = int.from_bytes(page.stretch.newer_than.binary) if page.stretch.newer_than else 0
        places = [place for place in chosen if place + 1 > begin][: page.stretch.limit]
        found = [(_identity(place), item_of(self.document, place, standing[place])) for place in places]
        return BatchItemConnection.of(found, page)

    async def _standing(self, info: Info) -> list[ItemStanding]:
        if self.standing is not None:
            return self.standing
        ids = self.document.generation_ids
        read = await info.context.loaders.standing.load_many(ids) if ids else []
        found = dict(zip(ids, read, strict=True))
        return [stands(item, found[item.generation_id] if item.generation_id else None) for item in self.document.items]


@strawberry.type(description="A page of batches.")
class BatchConnection(Connection[Batch]):
    """Newest first."""


@strawberry.type
class ViewerBatches:
    """Fields of the viewer."""

    owner_id: strawberry.Private[PydanticObjectId]

    @strawberry.field
    async def batches(self, first: First = None, after: After = None) -> BatchConnection:
        """The viewer's batches, newest first."""
        owner_id = self.owner_id
        page = Page(Listing("batches", owner_id), first, after)
        found = await stored.Batch.page(owner_id, page.stretch)
        return BatchConnection.of([(one.identity, Batch.of(one)) for one in found], page)


def item_of(batch: stored.Batch, place: int, standing: ItemStanding) -> BatchItem:
    """The item at that place."""
    item = batch.items[place]
    return BatchItem(
        number=place + 1,
        subject_id=strawberry.ID(global_id(_SUBJECTS[batch.kind], item.subject_id)),
        status=standing.status,
        failure=GenerationFailure.of(standing.failure) if standing.failure else None,
        generation_id=item.generation_id,
    )


async def find(info: Info, identity: PydanticObjectId) -> Batch | None:
    """The viewer's own batch."""
    who = viewer(info)
    batch = own(who.user_id, await info.context.loaders.batches.load(identity))
    return Batch.of(batch) if batch else None


def _estimate(batch: stored.Batch) -> Cost | None:
    if batch.estimate is None:
        return None
    startable = sum(item.failure is None for item in batch.items)
    return Cost.of(batch.estimate.cost * startable, batch.estimate.currency)


def _identity(place: int) -> PydanticObjectId:
    """A number as cursors are made of; items have no ids of their own."""
    return PydanticObjectId((place + 1).to_bytes(_PLACE_BYTES))
