"""The use cases of batches: start many, look at them, start again what failed, cancel what has not ended."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from uuid import uuid4

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.access import own, require_own
from app.batches.errands import Errands
from app.batches.model import Batch, BatchItem, Estimate
from app.batches.progress import standing_of
from app.batches.starting import Starter
from app.errors import AppError, ErrorCode, bad_input
from app.generations.model import Status
from app.logs import logger

_log = logger(__name__)
LARGEST = 100
_RETRIES_REMEMBERED = 100

type Choose = Callable[[], Awaitable["Chosen"]]
"""Says what a batch is done with: asked once, when the batch is new."""


class Chosen(NamedTuple):
    """The subjects in their order, and what one item costs (null: unknown)."""

    subjects: Sequence[PydanticObjectId]
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done with each subject.

    `parameters` are for the kind's `StartItem` to read. `asked` is the caller's input in one text: two calls with the
    same idempotency key are the same batch when it is the same.
    """

    kind: str
    parameters: Mapping[str, str]
    asked: str


@dataclass(frozen=True, slots=True)
class Batches:
    """Starts, shows, retries and cancels the batches of an owner."""

    starter: Starter
    errands: Errands = field(default_factory=Errands)

    async def start(self, owner_id: PydanticObjectId, wanted: Wanted, choose: Choose, key: str | None) -> Batch:
        """Write the one document that is the truth, then start its items one after another.

        What becomes of an item is its own affair. Once the document is written all items are started, each once,
        whatever happens to this process; where they are many, that goes on after the batch is returned. Subjects that
        come twice are taken once.

        Raises:
            AppError: BAD_USER_INPUT when the subjects are none or too many; CONFLICT when the key was used with
                another input.
        """
        owner_key = f"{owner_id}:{key or uuid4().hex}"
        if known := await Batch.of_key(owner_key):
            return _same(known, wanted)
        batch = self._new(owner_id, wanted, await choose(), owner_key)
        if not await batch.put():
            return _same(await Batch.of_key(owner_key), wanted)
        return await self._begin(batch)

    async def known(self, owner_id: PydanticObjectId, key: str | None, asked: str | None) -> Batch | None:
        """The batch that the same call has started before; null for a new call, and for one without a key.

        To be asked before anything that the input names is looked at: that may be gone by now.
        """
        if key is None or asked is None:
            return None
        found = await Batch.of_key(f"{owner_id}:{key}")
        return found if found is not None and found.asked == asked else None

    async def retry(
        self, owner_id: PydanticObjectId, batch_id: PydanticObjectId, key: str | None, *, failed_only: bool
    ) -> Batch:
        """Start items again, in the same batch: those that failed, were cancelled or could not be started.

        Unless `failed_only`, those that succeeded are started once more, too. What has not ended goes on.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for another's; CONFLICT when there is nothing to start again, and,
                retryable, while its items are being started or cancelled.
        """
        batch = await self._owned(owner_id, batch_id)
        if key is not None and key in batch.retries:
            return batch
        held = await Batch.take(batch_id, uuid4().hex)
        if held is None:
            message = "Its items are being started or cancelled at the moment. Try again in a few seconds."
            raise AppError(ErrorCode.CONFLICT, message, retryable=True, path=("input", "id"), retry_after_s=5)
        try:
            again = await _again(held, failed_only=failed_only)
        except BaseException:
            await held.let_go()
            raise
        if again is None:
            await held.let_go()
            raise AppError(ErrorCode.CONFLICT, "There is nothing to retry in it.", path=("input", "id"))
        held.items = again
        retries = [*held.retries, key or uuid4().hex][-_RETRIES_REMEMBERED:]
        kept = await held.keep(settled=False, cancelRequestedAt=None, retries={"$literal": retries})
        return await self._begin(kept) if kept else await self._owned(owner_id, batch_id)

    async def cancel(self, owner_id: PydanticObjectId, batch_id: PydanticObjectId) -> Batch:
        """Cancel whatever of it has not ended; to cancel it again is safe.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for another's; CONFLICT when all of it has ended otherwise.
        """
        batch = await self._owned(owner_id, batch_id)
        standing = await standing_of(batch)
        if batch.settled and all(one.status.ended for one in standing):
            if any(one.status is Status.CANCELLED for one in standing):
                return batch
            raise AppError(ErrorCode.CONFLICT, "The cancel came too late: all of it has ended.", path=("input", "id"))
        asked = await Batch.request_cancel(batch_id)
        held = await Batch.take(batch_id, uuid4().hex)
        if held is not None:
            return await self._begin(held)
        return asked or batch  # whoever holds it does it

    async def of(self, owner_id: PydanticObjectId, batch_id: PydanticObjectId) -> Batch | None:
        """The owner's batch; null when there is none or it is another's."""
        return own(owner_id, (await Batch.by_ids([batch_id])).get(batch_id))

    async def finish_left_over(self) -> None:
        """Do what a crash left undone of any batch."""
        for batch_id in await Batch.left_over():
            if held := await Batch.take(batch_id, uuid4().hex):
                _log.warning("batch_left_over", batch=str(batch_id))
                await self._finish(held)

    def _new(self, owner_id: PydanticObjectId, wanted: Wanted, chosen: Chosen, owner_key: str) -> Batch:
        """One that is held already; not stored yet."""
        return Batch.held(
            uuid4().hex,
            self.starter.generations.clock.now(),
            owner_id=owner_id,
            kind=wanted.kind,
            parameters=dict(wanted.parameters),
            asked=wanted.asked,
            idempotency_key=owner_key,
            items=[BatchItem(subject_id=one) for one in _checked(chosen.subjects)],
            estimate=chosen.estimate,
        )

    async def _begin(self, batch: Batch) -> Batch:
        """The batch with all done that is to be done, or as it stands while that goes on."""
        finished = await self.errands.begin(partial(self._finish, batch))
        return finished or (await Batch.by_ids([batch.identity])).get(batch.identity, batch)

    async def _finish(self, batch: Batch) -> Batch:
        """Do what is to be done; where that is interrupted, the sweep goes on with it, and this is no failure."""
        try:
            return await self.starter.finish(batch)
        except (PyMongoError, AppError) as error:
            _log.warning("batch_interrupted", batch=str(batch.identity), reason=type(error).__name__)
            return batch

    async def _owned(self, owner_id: PydanticObjectId, batch_id: PydanticObjectId) -> Batch:
        found = await Batch.by_ids([batch_id])
        return require_own(owner_id, found.get(batch_id), "This batch", "input", "id")


async def _again(batch: Batch, *, failed_only: bool) -> list[BatchItem] | None:
    """The items, those that are to be started again as if they had not been; null when there is none."""
    failed = {Status.FAILED, Status.CANCELLED}
    chosen = failed if failed_only else failed | {Status.SUCCEEDED}
    items, changed = list[BatchItem](), False
    for item, stands in zip(batch.items, await standing_of(batch), strict=True):
        if stands.status not in chosen:
            items.append(item)
            continue
        retry_of = None if stands.status is Status.SUCCEEDED else item.generation_id or item.retry_of
        items.append(BatchItem(subject_id=item.subject_id, retry_of=retry_of, turn=item.turn + 1))
        changed = True
    return items if changed else None


def _checked(subjects: Sequence[PydanticObjectId]) -> Sequence[PydanticObjectId]:
    each = list(dict.fromkeys(subjects))
    if not 1 <= len(each) <= LARGEST:
        raise bad_input(f"A batch is of 1 to {LARGEST}, not {len(each)}.", "input")
    return each


def _same(known: Batch | None, wanted: Wanted) -> Batch:
    """The batch of an idempotency key that is used again.

    Raises:
        AppError: CONFLICT when it was used for something else.
    """
    if known is None or (known.kind, known.asked) != (wanted.kind, wanted.asked):
        message = "This idempotencyKey was used before with another input; use a new key for new work."
        raise AppError(ErrorCode.CONFLICT, message, path=("input", "idempotencyKey"))
    return known
