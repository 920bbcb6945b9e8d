"""What a batch needs from the products: how one item of a kind is started."""

from typing import Protocol

from beanie import PydanticObjectId

from app.batches.model import Batch
from app.generations.model import Generation


class StartItem(Protocol):
    """Starts the items of one kind."""

    async def __call__(self, batch: Batch, subject_id: PydanticObjectId, key: str) -> Generation:
        """Start one generation for that subject by the batch's parameters; safe to repeat with the same key.

        Raises:
            AppError: this one can't be started; the others can all the same.
        """
        ...
