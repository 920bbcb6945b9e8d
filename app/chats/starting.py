"""The generation of an answer, which is started exactly once.

The exchange says first what is to be made, under which id and by which recipe; the generation follows. A crash in
between leaves an exchange with something left to do, and the sweep does it.
"""

from dataclasses import dataclass

from app.chats import ends
from app.chats.branching import show
from app.chats.exchange import Exchange
from app.chats.parts import Making
from app.chats.recipes import GENERATION_KIND
from app.errors import AppError, ErrorCode
from app.generations.attempts import Failure
from app.generations.model import Generation
from app.generations.service import Generations, Promised
from app.logs import logger
from app.projects.hints import wake

_log = logger(__name__)
NOT_ITS_OWN = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL})
"""These say nothing about the work: it is tried again."""


@dataclass(frozen=True, slots=True)
class ExchangeStarter:
    """Starts what answers wait for."""

    generations: Generations

    async def start(self, exchange: Exchange, making: Making) -> Generation:
        """The generation of the work that the answer waits for; safe to repeat and to race.

        A branch that begins with the answer is shown from then on.

        Raises:
            AppError: why there is none; then the answer says so, too. Or UNAVAILABLE: then nothing is lost, and the
                sweep starts it.
        """
        if exchange.fork is not None and making.retry_of is None:
            await show(exchange.chat_id, exchange.branch_id)
        try:
            generation = await self._started(exchange, making)
        except AppError as refusal:
            if refusal.code in NOT_ITS_OWN:
                raise
            known = await _of(making)
            if known is None:
                await ends.give_up(exchange, making, failure_of(refusal))
                await self.wake(exchange)
                raise
            generation = known  # somebody else has started it meanwhile, and took the place that was refused here
        await exchange.has_started()
        await self.wake(exchange)
        return generation

    async def wake(self, exchange: Exchange) -> None:
        """Tell whoever follows the chat that it was changed."""
        await wake(self.generations.hub, exchange.owner_id, [exchange.chat_id])

    async def finish_left_over(self) -> None:
        """Start the generations that a crash kept from being started."""
        for exchange in await Exchange.left_over(self.generations.clock.now()):
            _log.warning("exchange_left_over", exchange=str(exchange.identity))
            if exchange.making is None:
                continue
            try:
                await self.start(exchange, exchange.making)
            except AppError as error:
                _log.warning("exchange_not_started", exchange=str(exchange.identity), code=error.code)

    async def _started(self, exchange: Exchange, making: Making) -> Generation:
        if known := await _of(making):
            return known
        started = await self.generations.start(
            exchange.owner_id,
            GENERATION_KIND,
            making.recipe,
            making.key or f"exchange:{making.generation_id}",
            making.retry_of,
            promised=Promised(making.generation_id, exchange.project_id),
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
