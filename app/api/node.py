"""`Node`, and finding one by its global id, whatever its type."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry
from beanie import PydanticObjectId

from app.api.context import Info

ID_WORDS = "Opaque and stable; pass it on as you got it."
INPUT = strawberry.argument(description="What it is done with.")
GlobalId = Annotated[strawberry.ID, strawberry.argument(description="An `id` as it was got, unchanged.")]


@strawberry.interface(description="An object with an id that is unique in the whole API.")
class Node:
    """Relay's interface of everything that can be fetched again."""

    id: strawberry.ID = strawberry.field(description=ID_WORDS)


type FindNode = Callable[[Info, PydanticObjectId], Awaitable[Node | None]]
"""Finds an object of one type that the viewer may see; null when there is none, or they may not."""
