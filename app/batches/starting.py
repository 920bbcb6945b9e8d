"""What is to be done about a batch, by whoever holds it: its items are started, each once, or cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

from beanie import PydanticObjectId

from app.batches.model import Batch, BatchItem
from app.batches.ports import StartItem
from app.errors import AppError, ErrorCode
from app.generations.attempts import Failure
from app.generations.model import Generation
from app.generations.service import Generations
from app.logs import logger

_log = logger(__name__)
_KEPT_EVERY = 10
_NOT_ITS_OWN = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL})
"""These say nothing about the item: it is tried again."""


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts and cancels items; `kinds` are by the batch's kind."""

    generations: Generations
    kinds: Mapping[str, StartItem]

    async def finish(self, batch: Batch) -> Batch:
        """Do all that is to be done about a batch that is held; the batch as it stands then.

        Whatever interrupts it, the next one who takes the batch goes on: an item's key says whether it was started.

        Raises:
            AppError: UNAVAILABLE; then nothing is lost.
        """
        holder = batch.holder
        while batch.holder == holder:  # else somebody else has it by now, and does the rest
            kept = await self._started(batch)
            if kept and kept.cancel_requested_at is not None:
                kept = await self._cancelled(kept)
            if settled := await kept.settle() if kept else None:
                return settled
            batch = (await Batch.by_ids([batch.identity])).get(batch.identity) or _gone(batch)
        return batch

    async def _started(self, batch: Batch) -> Batch | None:
        """Start what waits, until it is cancelled; null when somebody else has the batch by now."""
        owner_id = batch.owner_id
        waiting = [place for place, item in enumerate(batch.items) if item.waits]
        owner_keys = {place: f"{owner_id}:{batch.key_of(place)}" for place in waiting}
        known = await Generation.of_keys(list(owner_keys.values())) if waiting else {}
        for places in batched(waiting, _KEPT_EVERY, strict=False):
            if batch.cancel_requested_at is not None and not known:
                return batch
            for place in places:
                generation_id = known.get(owner_keys[place])
                if generation_id is not None:
                    batch.items[place] = batch.items[place].model_copy(update={"generation_id": generation_id})
                elif batch.cancel_requested_at is None:
                    batch.items[place] = await self._start(batch, place)
            kept = await batch.keep()
            if kept is None:
                return None
            batch = kept
        return batch

    async def _start(self, batch: Batch, place: int) -> BatchItem:
        """The item with its generation, or with why it has none."""
        item, key = batch.items[place], batch.key_of(place)
        try:
            if item.retry_of is not None:
                started = await self.generations.retry(batch.owner_id, item.retry_of, key, batch.identity)
            else:
                started = await self.kinds[batch.kind](batch, item.subject_id, key)
        except AppError as error:
            if error.code in _NOT_ITS_OWN:
                raise
            failure = Failure(
                code=error.code,
                message=error.message,
                retryable=error.retryable,
                retry_after_s=error.retry_after_s,
            )
            return item.model_copy(update={"failure": failure})
        return item.model_copy(update={"generation_id": started.identity})

    async def _cancelled(self, batch: Batch) -> Batch | None:
        """Cancel what waits and what runs; null when somebody else has the batch by now."""
        batch.items = [item.model_copy(update={"cancelled": True}) if item.waits else item for item in batch.items]
        kept = await batch.keep()
        if kept is None:
            return None
        standing = await Generation.standing(kept.generation_ids)
        running = [one for one in kept.generation_ids if one in standing and not standing[one].status.ended]
        await self._call_off(kept.owner_id, running[::-1])  # the last first, so that none takes another's place
        return await kept.keep()

    async def _call_off(self, owner_id: PydanticObjectId, generation_ids: Sequence[PydanticObjectId]) -> None:
        for generation_id in generation_ids:
            try:
                await self.generations.cancel(owner_id, generation_id)
            except AppError as error:
                if error.code not in {ErrorCode.CONFLICT, ErrorCode.NOT_FOUND}:
                    raise
                _log.info("cancel_came_too_late", generation=str(generation_id))


def _gone(batch: Batch) -> Batch:
    """It was deleted meanwhile: nobody holds it."""
    batch.holder = None
    return batch
