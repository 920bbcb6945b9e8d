"""What chats hold, for those who delete it: named queries of exchanges and images by their chats."""

from collections.abc import Sequence
from typing import NamedTuple

from beanie import PydanticObjectId

from app.chats.exchange import Exchange, SlotStatus
from app.chats.image import ChatImage

_FIELDS = {"ownerId": 1, "references.pictureId": 1, "slots": 1, "making": 1}


class Held(NamedTuple):
    """What an exchange refers to; `unmade_ids` are the ids that its missing images will have."""

    exchange_id: PydanticObjectId
    owner_id: PydanticObjectId
    picture_ids: tuple[PydanticObjectId, ...]
    unmade_ids: tuple[PydanticObjectId, ...]
    is_being_made: bool


async def some_exchanges(chat_ids: Sequence[PydanticObjectId], limit: int) -> list[Held]:
    """So many of those chats (400 at most)."""
    rows = Exchange.rows().find({"chatId": {"$in": list(chat_ids)}}, _FIELDS).limit(limit).batch_size(limit)
    return [
        Held(
            row["_id"],
            row["ownerId"],
            tuple(one["pictureId"] for one in row["references"]),
            tuple(slot["imageId"] for slot in row["slots"] if slot["status"] != SlotStatus.READY),
            row["making"] is not None,
        )
        async for row in rows
    ]


async def some_images(chat_ids: Sequence[PydanticObjectId], limit: int) -> list[ChatImage]:
    """So many of those chats (400 at most)."""
    rows = ChatImage.rows().find({"chatId": {"$in": list(chat_ids)}}).limit(limit).batch_size(limit)
    return [ChatImage.model_validate(row) async for row in rows]


async def remove_exchanges(ids: Sequence[PydanticObjectId]) -> None:
    """Delete those (400 at most)."""
    await Exchange.rows().delete_many({"_id": {"$in": list(ids)}})


async def some_of_author(user_id: PydanticObjectId, limit: int) -> list[PydanticObjectId]:
    """So many exchanges that somebody began, their own and those in others' projects."""
    rows = Exchange.rows().find({"authorId": user_id}, {"_id": 1}).limit(limit)
    return [row["_id"] async for row in rows]


async def forget_author(ids: Sequence[PydanticObjectId]) -> None:
    """Let nobody know who began those exchanges (400 at most)."""
    await Exchange.rows().update_many({"_id": {"$in": list(ids)}}, {"$set": {"authorId": None}})
