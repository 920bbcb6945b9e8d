"""What the regeneration of one image of a chat does."""

from dataclasses import dataclass

from app.chats.image_versions import write_version
from app.generations.model import Generation
from app.generations.ports import EventHub
from app.making.versions import VersionJob
from app.projects.hints import wake


@dataclass(frozen=True, slots=True)
class ChatImageJob(VersionJob):
    """Makes the picture of a recipe, writes the version, and tells those who follow its chat."""

    hub: EventHub

    async def complete(self, generation: Generation) -> None:
        """Write the version under its pre-allocated id."""
        if image := await write_version(generation):
            await wake(self.hub, image.owner_id, [image.chat_id])
