"""What an owner says of an image: its name, its tags, and whether it is a favourite."""

from collections.abc import Sequence
from typing import Any

from beanie import PydanticObjectId
from pymongo import ReturnDocument

from app.access import require_own
from app.errors import bad_input, not_found
from app.labels import as_tags, plain
from app.ornaments.model import OrnamentImage

NAME_MAX_CHARACTERS = 100


async def favour(owner_id: PydanticObjectId, image_id: PydanticObjectId, *, favourite: bool) -> OrnamentImage:
    """Make it a favourite, or one no more.

    Raises:
        AppError: NOT_FOUND, or FORBIDDEN when it is another's.
    """
    return await _label(owner_id, image_id, {"favourite": favourite})


async def rename(owner_id: PydanticObjectId, image_id: PydanticObjectId, name: str | None) -> OrnamentImage:
    """Give it a name; null or an empty one takes it away.

    Raises:
        AppError: BAD_USER_INPUT when it is too long; NOT_FOUND, or FORBIDDEN when the image is another's.
    """
    text = plain(name or "")
    if len(text) > NAME_MAX_CHARACTERS:
        raise bad_input(f"The name is too long: at most {NAME_MAX_CHARACTERS} characters.", "input", "name")
    return await _label(owner_id, image_id, {"name": text or None})


async def tag(owner_id: PydanticObjectId, image_id: PydanticObjectId, tags: Sequence[str]) -> OrnamentImage:
    """Give it these tags and no others.

    Raises:
        AppError: BAD_USER_INPUT when one is empty or too long, or when they are too many; NOT_FOUND, or FORBIDDEN
            when the image is another's.
    """
    return await _label(owner_id, image_id, {"tags": list(as_tags(tags, "input", "tags"))})


async def _label(owner_id: PydanticObjectId, image_id: PydanticObjectId, labels: dict[str, Any]) -> OrnamentImage:
    """The image with these labels; one write, and the same when it is repeated."""
    path = ("input", "imageId")
    require_own(owner_id, await OrnamentImage.get(image_id), "This image", *path)
    row = await OrnamentImage.rows().find_one_and_update(
        {"_id": image_id}, {"$set": labels}, return_document=ReturnDocument.AFTER
    )
    if row is None:
        raise not_found("This image", *path)
    image: OrnamentImage = OrnamentImage.model_validate(row)
    return image
