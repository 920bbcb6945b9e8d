"""An image that was made in a chat, and its place among its versions."""

from typing import ClassVar

from beanie import PydanticObjectId
from pymongo import DESCENDING, IndexModel

from app.lineage.version import Version, version_indexes


class ChatImage(Version):
    """One version; its owner is the project's.

    `exchange_id` is the answer that its root was made in, and `chat_id` that one's chat. `note` says what the picture
    is not; null when a model made it.
    """

    project_id: PydanticObjectId
    chat_id: PydanticObjectId
    exchange_id: PydanticObjectId
    note: str | None = None

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "chat_images"
        indexes: ClassVar[list[IndexModel]] = [
            *version_indexes(),
            IndexModel([("chatId", DESCENDING), ("_id", DESCENDING)], name="chat_newest"),
        ]
