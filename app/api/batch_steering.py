"""What one does with a batch that is there: follow it, start what failed again, cancel it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Self

import strawberry

from app.api.batches import TYPE_NAME, Batch, BatchItem, item_of
from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.ids import document_id
from app.api.keys import KEY_WORDS, check_key
from app.api.node import INPUT, GlobalId
from app.batches import progress
from app.errors import not_found


@strawberry.type(description="How a batch stands, and what is new about it.")
class BatchProgress:
    """Each is whole in itself: after a cut connection the first one brings all that was missed."""

    batch: Batch = strawberry.field(description="The batch with its counts as they are now.")
    changed: list[BatchItem] = strawberry.field(
        description="The items whose status is another than in the message before; in the first message, those that "
        "are not QUEUED any more."
    )

    @classmethod
    def of(cls, now: progress.Progress) -> Self:
        """The message."""
        changed = [item_of(now.batch, place, now.standing[place]) for place in now.changed]
        return cls(batch=Batch.of(now.batch, now.standing), changed=changed)


@strawberry.type
class BatchSubscription:
    """Fields of the subscription root."""

    @strawberry.subscription
    async def batch_progress(self, info: Info, id: GlobalId) -> AsyncGenerator[BatchProgress]:
        """How one of the viewer's batches stands, then each change of an item's status, to the end of all of them.

        After a cut connection subscribe again: the first message says how it stands. For stages and previews of single
        items follow their generations with `generationProgress`, or everything with `viewerEvents`.
        """
        who, identity = viewer(info), document_id(id, TYPE_NAME, "id")
        services = info.context.services
        batch = await services.batches.of(who.user_id, identity)
        if batch is None:
            raise not_found("This batch", "id")
        async with aclosing(progress.progress(services.generations.hub, batch)) as told:
            async for now in told:
                yield BatchProgress.of(now)


@strawberry.input(description="Which batch to start again, and how much of it.")
class RetryBatchInput:
    """What `retryBatch` takes."""

    id: strawberry.ID = strawberry.field(description="The id of a `Batch` of yours.")
    failed_only: bool = strawberry.field(
        default=True,
        description="True: what failed, was cancelled or could not be started. False: also what succeeded, once more.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="Which batch to cancel.")
class CancelBatchInput:
    """What `cancelBatch` takes."""

    id: strawberry.ID = strawberry.field(description="The id of a `Batch` of yours that has not ended.")


@strawberry.type(description="The batch, or why nothing of it was started.")
class RetryBatchPayload:
    """What `retryBatch` answers."""

    batch: Batch | None = strawberry.field(default=None, description="The same batch, its items started again.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was started.")


@strawberry.type(description="The batch, or why it is not cancelled.")
class CancelBatchPayload:
    """What `cancelBatch` answers."""

    batch: Batch | None = strawberry.field(
        default=None, description="As it stands now; what a worker was on ends a moment later."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it is not cancelled.")


@strawberry.type
class BatchMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(RetryBatchPayload)
    async def retry_batch(self, info: Info, input: Annotated[RetryBatchInput, INPUT]) -> RetryBatchPayload | None:
        """Start items of a batch again, each as a new generation, in the same batch; what has not ended goes on."""
        who, identity = viewer(info), document_id(input.id, TYPE_NAME, "input", "id")
        key, batches = check_key(input.idempotency_key), info.context.services.batches
        batch = await batches.retry(who.user_id, identity, key, failed_only=input.failed_only)
        return RetryBatchPayload(batch=Batch.of(batch))

    @strawberry.mutation
    @errors_in(CancelBatchPayload)
    async def cancel_batch(self, info: Info, input: Annotated[CancelBatchInput, INPUT]) -> CancelBatchPayload | None:
        """Cancel all of a batch that has not ended; to cancel it again is safe. What has ended stays as it is."""
        who, identity = viewer(info), document_id(input.id, TYPE_NAME, "input", "id")
        return CancelBatchPayload(batch=Batch.of(await info.context.services.batches.cancel(who.user_id, identity)))
