"""The generation of a dream's work, which is started exactly once.

The dream says first what is to be made, under which id and by which recipe; the generation follows. A crash in between
leaves a dream with something left to do, and the sweep does it: the key of the generation says whether it was done.
"""

from dataclasses import dataclass

from app.dreams import ends
from app.dreams.following import wake
from app.dreams.model import Dream, Making
from app.dreams.recipes import GENERATION_KIND
from app.dreams.versions import flush
from app.errors import AppError, ErrorCode
from app.generations.attempts import Failure
from app.generations.model import Generation
from app.generations.service import Generations, Promised
from app.logs import logger

_log = logger(__name__)
NOT_ITS_OWN = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL})
"""These say nothing about the work: it is tried again."""


@dataclass(frozen=True, slots=True)
class DreamStarter:
    """Starts what dreams wait for."""

    generations: Generations

    async def start(self, dream: Dream, making: Making) -> Generation:
        """The generation of the work that the dream waits for; safe to repeat and to race.

        Raises:
            AppError: why there is none; then the dream is as it was before, and says why if it has nothing else. Or
                UNAVAILABLE: then nothing is lost, and the sweep starts it.
        """
        try:
            generation = await self._started(dream, making)
        except AppError as refusal:
            if refusal.code in NOT_ITS_OWN:
                raise
            known = await _of(making)
            if known is None:
                await ends.give_up(dream, making, failure_of(refusal))
                await wake(self.generations.hub, dream.owner_id, [dream.identity])
                raise
            generation = known  # somebody else has started it meanwhile, and took the place that was refused here
        await dream.has_started()
        return generation

    async def finish_left_over(self) -> None:
        """Do what a crash left undone of any dream: start its generation, or make a version of what was put aside."""
        for dream in await Dream.left_over(self.generations.clock.now()):
            _log.warning("dream_left_over", dream=str(dream.identity))
            if dream.making is None:
                await flush(dream)
                continue
            try:
                await self.start(dream, dream.making)
            except AppError as error:
                _log.warning("dream_not_started", dream=str(dream.identity), code=error.code)

    async def _started(self, dream: Dream, making: Making) -> Generation:
        if known := await _of(making):
            return known
        started = await self.generations.start(
            dream.owner_id,
            GENERATION_KIND,
            making.recipe,
            making.key or f"dream:{making.generation_id}",
            making.retry_of,
            making.batch_id,
            promised=Promised(making.generation_id),
        )
        if started.identity != making.generation_id:
            message = "This idempotencyKey was used before; use a new key for new work."
            raise AppError(ErrorCode.CONFLICT, message, path=("input", "idempotencyKey"))
        return started


async def _of(making: Making) -> Generation | None:
    """The generation of the work; null when it was not started yet."""
    return (await Generation.without_events([making.generation_id])).get(making.generation_id)


def failure_of(error: AppError) -> Failure:
    """The same, as it is kept."""
    return Failure(code=error.code, message=error.message, retryable=error.retryable, retry_after_s=error.retry_after_s)
