"""A chat followed live."""

from beanie import PydanticObjectId

from app.generations.events import GenerationEvent
from app.generations.ports import EventHub


async def wake(hub: EventHub, owner_id: PydanticObjectId, chat_id: PydanticObjectId) -> None:
    """Let everybody who follows this chat look at it: it was changed, and no generation tells of it."""
    await hub.publish(owner_id, chat_id, GenerationEvent.hint())
