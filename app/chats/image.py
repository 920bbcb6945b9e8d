"""An image that was made in a chat, and its place among its versions."""

from collections.abc import Sequence
from typing import ClassVar, override

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

    @property
    @override
    def is_one_of_several(self) -> bool:
        """Whether it was made with others, as the answer to a message: that is what a root is."""
        return self.parent_id is None

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that an image shows."""
        rows = cls.rows().find({"pictureId": {"$in": list(picture_ids)}}, {"pictureId": 1})
        return {row["pictureId"] async for row in rows}
