"""The use cases of generations: start one, start it again, cancel it, look at it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from beanie import PydanticObjectId
from structlog.contextvars import get_contextvars

from app.access import Gate, Role, owns
from app.database.clock import DatabaseClock
from app.errors import AppError, ErrorCode
from app.generations.cancelling import cancel_idle, request_cancel
from app.generations.closing import Closing
from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.ports import Bell, EventHub
from app.generations.recipe import Recipe

_COME_BACK_S = 10.0
_LONGEST_S = 300.0
_TRIES = 5

type Renew = Callable[[Recipe], Awaitable[Recipe]]
"""The same wishes, for whoever makes such things today; an AppError says why that can't be."""
type RetryAs = Callable[[Generation, str | None, PydanticObjectId | None], Awaitable[Generation]]
"""Starts another generation for one that failed or was cancelled, with that idempotency key, in that batch."""


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """How many generations of one owner run at once, and how many may wait besides."""

    running: int = 4
    queued: int = 500


class Promised(NamedTuple):
    """The id that a new generation is to have, and the project that it works for; null where nothing was said."""

    generation_id: PydanticObjectId | None = None
    project_id: PydanticObjectId | None = None


_NOTHING_PROMISED = Promised()


@dataclass(frozen=True, slots=True)
class Generations:
    """Starts, cancels and shows the generations of an owner.

    `renew` is by kind; so is `retries`, of those whose product has a say in it and starts them itself.
    """

    queue: Bell
    hub: EventHub
    closing: Closing
    limits: OwnerLimits = field(default_factory=OwnerLimits)
    renew: Mapping[str, Renew] = field(default_factory=dict[str, Renew])
    retries: Mapping[str, RetryAs] = field(default_factory=dict[str, RetryAs])
    clock: DatabaseClock = field(default_factory=DatabaseClock)
    gate: Gate = field(default_factory=Gate)

    async def start(
        self,
        owner_id: PydanticObjectId,
        kind: str,
        recipe: Recipe,
        key: str | None,
        retry_of: PydanticObjectId | None = None,
        batch_id: PydanticObjectId | None = None,
        asked: str | None = None,
        promised: Promised = _NOTHING_PROMISED,
    ) -> Generation:
        """Write the one document that is the truth, then ring.

        The same idempotency key with the same input, or the same recipe, is the same generation: `asked` is the
        caller's input in one text (see `Generation`), null where nobody kept it. `promised` is what was said of a
        new one already.

        Raises:
            AppError: CONFLICT when the key was used with another input; RATE_LIMITED when too many wait already;
                QUOTA_EXCEEDED when a daily budget is used up; UNAUTHENTICATED when the owner was erased.
        """
        owner_key = _owner_key(owner_id, key or uuid4().hex)
        first = Generation.queued(owner_id, kind, recipe, owner_key, self.clock.now(), retry_of, promised.generation_id)
        first.request_id, first.batch_id, first.asked = get_contextvars().get("request_id"), batch_id, asked
        first.project_id = promised.project_id
        if known := await self._known_or_paid_for(first):
            return _same(known, first)
        limit = self.limits.running + self.limits.queued
        is_next = await Lane.join(owner_id, first.identity, self.limits.running, limit)
        if is_next is None:
            return _same(await Generation.of_key(owner_key) or await self._refuse(owner_id), first)
        if not await Generation.start(first):
            known = await Generation.of_key(owner_key)
            if known is None or known.identity != first.identity:  # else it has its place in the lane
                await self.closing.free(first)
            return _same(known, first)
        await self.hub.publish(owner_id, first.identity, first.events[0])
        if is_next:
            await self.queue.ring(first.identity)
        return first

    async def known(self, owner_id: PydanticObjectId, key: str | None, asked: str | None) -> Generation | None:
        """The generation that the same call has started before; null for a new call, and for one without a key.

        To be asked before anything that the input names is looked at: that may be gone by now.
        """
        if key is None or asked is None:
            return None
        found = await Generation.of_key(_owner_key(owner_id, key))
        return found if found is not None and found.asked == asked else None

    async def knows(self, owner_id: PydanticObjectId, key: str | None) -> bool:
        """Whether the owner has started anything under that idempotency key."""
        return key is not None and await Generation.of_key(_owner_key(owner_id, key)) is not None

    async def retry(
        self,
        user_id: PydanticObjectId,
        generation_id: PydanticObjectId,
        key: str | None,
        batch_id: PydanticObjectId | None = None,
        asked: str | None = None,
    ) -> Generation:
        """Start again what failed or was cancelled, from the same recipe, with whoever makes such things today.

        The new one is the same owner's, also when an editor of their project asks for it.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for a stranger's, and for who may only look; CONFLICT when it has not ended,
                or has succeeded; those of `renew`, when what it was made from is not there any more.
        """
        generation = await self._steered(user_id, generation_id)
        if not owns(user_id, generation):
            key = None if key is None else f"{user_id}:{key}"  # no key of one person's is another's
            if known := await self.known(generation.owner_id, key, asked):
                return known
        if generation.status not in {Status.FAILED, Status.CANCELLED}:
            succeeded = generation.status is Status.SUCCEEDED
            message = "It has succeeded; regenerate what it made." if succeeded else "It has not ended yet."
            raise AppError(ErrorCode.CONFLICT, f"There is nothing to retry: {message}", path=("input", "id"))
        if retry := self.retries.get(generation.kind):
            return await retry(generation, key, batch_id)
        try:
            recipe = await self.renew[generation.kind](generation.recipe)
        except AppError as error:
            raise error.at("input", "id") from error
        promised = Promised(project_id=generation.project_id)
        return await self.start(
            generation.owner_id, generation.kind, recipe, key, generation.identity, batch_id, asked, promised
        )

    async def cancel(self, user_id: PydanticObjectId, generation_id: PydanticObjectId) -> Generation:
        """Cancel it: at once while nobody works on it, else as soon as its worker has let go.

        Raises:
            AppError: NOT_FOUND; FORBIDDEN for a stranger's, and for who may only look; CONFLICT when it came too late.
        """
        generation = await self._steered(user_id, generation_id)
        for _ in range(_TRIES):  # it may pass from one state into the next in between
            if cancelled := await cancel_idle(generation_id):
                await self.closing.close(cancelled, cancelled.status, cancelled.events[-1])
                return cancelled
            if requested := await request_cancel(generation_id):
                await self.hub.publish(generation.owner_id, generation_id, requested.events[-1])
                await self.hub.call_off(generation_id)
                return requested
            generation = await self._steered(user_id, generation_id)
            if generation.status.ended and generation.status is not Status.CANCELLED:
                message = f"The cancel came too late: it has ended as {generation.status}."
                raise AppError(ErrorCode.CONFLICT, message, path=("input", "id"))
            if generation.status.ended or generation.cancel_requested_at:
                return generation
        raise AppError(ErrorCode.UNAVAILABLE, "It changes too quickly at the moment. Try again.", retryable=True)

    async def of(self, user_id: PydanticObjectId, generation_id: PydanticObjectId) -> Generation | None:
        """That generation, its events left out; null when there is none, or the user may not see it."""
        return await self.gate.sees(user_id, (await Generation.without_events([generation_id])).get(generation_id))

    async def usual_s(self, owner_id: PydanticObjectId) -> float | None:
        """How long the owner's latest ones took from their first attempt on, half of them no longer; null without any.

        In seconds.
        """
        took_s = [
            (one.ended_at - one.attempts[0].started_at).total_seconds()
            for one in await Generation.page(owner_id, [Status.SUCCEEDED], None, self.limits.running)
            if one.ended_at and one.attempts
        ]
        return median(took_s) if took_s else None

    async def _steered(self, user_id: PydanticObjectId, generation_id: PydanticObjectId) -> Generation:
        """That generation, for who may cancel it and start it again."""
        found = (await Generation.without_events([generation_id])).get(generation_id)
        return await self.gate.require(user_id, found, Role.EDITOR, "This generation", "input", "id")

    async def _known_or_paid_for(self, first: Generation) -> Generation | None:
        """Null while the daily budgets have room for it; without room, the one that its key was used for before.

        Raises:
            AppError: QUOTA_EXCEEDED for what is new.
        """
        try:
            await self.closing.budgets.require_room(first.owner_id, first.recipe.model, first.created_at)
        except AppError:
            if known := await Generation.of_key(first.idempotency_key):
                return known
            raise
        return None

    async def _refuse(self, owner_id: PydanticObjectId) -> Generation:
        """Say that too many wait, and when one of them will have ended, by how long the last ones took."""
        if await Lane.is_closed(owner_id):
            raise AppError(ErrorCode.UNAUTHENTICATED, "This account does not exist any more. Log in again.")
        usual_s = await self.usual_s(owner_id)
        wait_s = _COME_BACK_S if usual_s is None else min(_LONGEST_S, max(1.0, usual_s / self.limits.running))
        raise AppError(
            ErrorCode.RATE_LIMITED,
            f"You have as many generations waiting as one may have ({self.limits.queued}). "
            f"Come back in about {round(wait_s)} seconds, or cancel some.",
            retryable=True,
            retry_after_s=wait_s,
        )


def _owner_key(owner_id: PydanticObjectId, key: str) -> str:
    """As a generation keeps it."""
    return f"{owner_id}:{key}"


def _same(known: Generation | None, wanted: Generation) -> Generation:
    """The generation of an idempotency key that is used again.

    Raises:
        AppError: CONFLICT when it was used for something else.
    """
    if known is None or not _alike(known, wanted):
        raise AppError(
            ErrorCode.CONFLICT,
            "This idempotencyKey was used before with another input; use a new key for new work.",
            path=("input", "idempotencyKey"),
        )
    return known


def _alike(known: Generation, wanted: Generation) -> bool:
    """Whether both are of the same input, or of inputs to the same mutation that mean the same work."""
    if known.asked is not None and wanted.asked is not None:
        if known.asked == wanted.asked:
            return True
        if known.asked.partition(":")[0] != wanted.asked.partition(":")[0]:
            return False
    return _meant(known) == _meant(wanted)


def _meant(generation: Generation) -> object:
    return generation.kind, generation.recipe.asked(), generation.retry_of
