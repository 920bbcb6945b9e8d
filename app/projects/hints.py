"""Whoever has something of a project open is told to look at it anew."""

from collections.abc import Iterable

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent
from app.generations.ports import EventHub


async def wake(hub: EventHub, owner_id: PydanticObjectId, ids: Iterable[PydanticObjectId]) -> None:
    """Let everybody who follows those projects and chats look at them: they were changed, and no generation says so.

    `owner_id` is the projects' owner's, under whom their followers listen.
    """
    for identity in ids:
        await hub.publish(owner_id, identity, GenerationEvent.hint())
