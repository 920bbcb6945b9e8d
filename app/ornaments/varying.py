"""Several children of an image for one wish."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from beanie import PydanticObjectId

from app.errors import AppError
from app.generations.model import Generation
from app.ornaments.regenerating import Again, check_again
from app.ornaments.service import Ornaments


class Varied(NamedTuple):
    """The generations that were started, in the order of their numbers, and why the rest of them was not."""

    started: Sequence[Generation]
    refused: AppError | None = None


async def vary(
    ornaments: Ornaments, owner_id: PydanticObjectId, image_id: PydanticObjectId, again: Again, key: str | None
) -> Varied:
    """Start each of `again.variations`; the first one under the key itself, the others under `key:number`.

    So a key that was used for anything else is refused with the first one. When the queue is full in the middle, the
    same call with the same key starts what is missing.

    Raises:
        AppError: as `Ornaments.again`, when none was started.
    """
    check_again(again)
    started = list[Generation]()
    for number in range(1, again.variations + 1):
        its_own = key if key is None or number == 1 else f"{key}:{number}"
        try:
            started.append(await ornaments.again(owner_id, image_id, replace(again, variation=number), its_own))
        except AppError as error:
            if not started:
                raise
            return Varied(started, error)
    return Varied(started)
