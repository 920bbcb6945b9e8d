"""Whose account is erased is the author of nothing any more: what they sent in others' projects stays, nobody's."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from beanie import PydanticObjectId

from app.chats.contents import forget_author, some_of_author

_AT_ONCE: Final = 400


@dataclass(frozen=True, slots=True)
class AuthorEraser:
    """Implements `Eraser`."""

    @property
    def name(self) -> str:
        """`authors`."""
        return "authors"

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        """A few hundred exchanges at a time."""
        while ids := await some_of_author(owner_id, _AT_ONCE):
            await forget_author(ids)
            yield len(ids)
