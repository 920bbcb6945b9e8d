"""The generations of an owner are erased: called off first, and deleted once they have ended."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

from beanie import PydanticObjectId

from app.errors import AppError, ErrorCode
from app.generations.model import OPEN, Generation, Status
from app.generations.purse import settle
from app.generations.service import Generations

_AT_ONCE: Final = 100
_ENDED: Final = tuple(status for status in Status if status.ended)


@dataclass(frozen=True, slots=True)
class GenerationEraser:
    """Their events, attempts, recipes and ledgers go with them; what their calls cost stays in the budgets of all.

    Implements `Eraser`.
    """

    generations: Generations

    @property
    def name(self) -> str:
        """`generations`."""
        return "generations"

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        """Cancel, newest first, so that none takes another's place; then delete what has ended.

        Raises:
            AppError: UNAVAILABLE while workers hold some: they let go, or their leases run out.
        """
        before: PydanticObjectId | None = None
        while running := await Generation.page(owner_id, OPEN, before, _AT_ONCE):
            before = running[-1].identity
            await self._call_off(running)
            yield 0
        while ended := await Generation.page(owner_id, _ENDED, None, _AT_ONCE):
            for generation in ended:
                await settle(self.generations.closing.budgets, generation)
            await Generation.remove([generation.identity for generation in ended])
            yield len(ended)
        if await Generation.page(owner_id, OPEN, None, 1):
            raise AppError(ErrorCode.UNAVAILABLE, "Workers have not let go of some yet.", retryable=True)

    async def _call_off(self, running: Sequence[Generation]) -> None:
        for generation in running:
            try:
                await self.generations.cancel(generation.owner_id, generation.identity)
            except AppError as error:
                if error.code not in {ErrorCode.CONFLICT, ErrorCode.NOT_FOUND}:  # it has ended, or is gone
                    raise
