"""What one user has spent is forgotten; the sums for all users stay."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.costs.budgets import Budgets
from app.database.clock import DatabaseClock


@dataclass(frozen=True, slots=True)
class BudgetEraser:
    """Of days on which there was a budget for each user; implements `Eraser`."""

    budgets: Budgets
    clock: DatabaseClock

    @property
    def name(self) -> str:
        """`budget days`."""
        return "budget days"

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        """Drop the owner's days, as many as are kept."""
        yield await self.budgets.forget(owner_id, self.clock.now())
