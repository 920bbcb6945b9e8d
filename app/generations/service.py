"""The use cases of generations: start one, look at one, follow one."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import uuid4

from beanie import PydanticObjectId

from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.generations.events import EventType, GenerationEvent
from app.generations.model import Generation, Recipe
from app.generations.ports import EventHub, WorkQueue


@dataclass(frozen=True, slots=True)
class Generations:
    """Starts and follows the generations of an owner."""

    queue: WorkQueue
    hub: EventHub

    async def start(self, owner_id: PydanticObjectId, kind: str, recipe: Recipe, key: str | None) -> Generation:
        """Write the one document that is the truth, then ring.

        The same idempotency key with the same recipe is the same generation.

        Raises:
            AppError: CONFLICT when the key was used with another recipe.
        """
        now = utc_now()
        first = Generation(
            id=PydanticObjectId(),
            owner_id=owner_id,
            kind=kind,
            recipe=recipe,
            idempotency_key=f"{owner_id}:{key or uuid4().hex}",
            result_id=PydanticObjectId(),
            events=[GenerationEvent(sequence=1, type=EventType.QUEUED, at=now)],
            created_at=now,
        )
        generation, is_new = await Generation.start(first)
        if not is_new and (generation.kind, generation.recipe.asked()) != (kind, recipe.asked()):
            raise AppError(
                ErrorCode.CONFLICT,
                "This idempotencyKey was used before with another input; use a new key for new work.",
                path=("input", "idempotencyKey"),
            )
        if is_new:
            await self.queue.ring(generation.identity)
        return generation

    async def of(self, owner_id: PydanticObjectId, generation_id: PydanticObjectId) -> Generation | None:
        """The owner's generation, its events left out; null when there is none or it is another's."""
        found = (await Generation.without_events([generation_id])).get(generation_id)
        return found if found is not None and found.owner_id == owner_id else None

    async def follow(self, generation_id: PydanticObjectId, after: int) -> AsyncGenerator[GenerationEvent]:
        """Its events after number `after`, the stored ones and then the live ones, until the terminal one.

        Without a hole and without a double: a live event that is not the next one makes it read the database.
        """
        async with self.hub.follow(generation_id) as live:
            last = after
            for event in await Generation.events_after(generation_id, last):
                yield event
                last = event.sequence
                if event.type.terminal:
                    return
            if await _is_over(generation_id, last):
                return
            async for news in live:
                if news is not None and news.sequence <= last:
                    continue
                in_order = news is not None and news.sequence == last + 1
                for event in [news] if news and in_order else await Generation.events_after(generation_id, last):
                    yield event
                    last = event.sequence
                    if event.type.terminal:
                        return


async def _is_over(generation_id: PydanticObjectId, last: int) -> bool:
    """Whether it has ended and the follower knows its last event already."""
    generation = (await Generation.without_events([generation_id])).get(generation_id)
    return generation is None or (generation.status.ended and generation.last_sequence <= last)
