"""Ornament images as they lie in the database, for tests that only read and label them."""

from hashlib import sha256
from typing import Any

from beanie import PydanticObjectId

from app.database.document import utc_now
from app.lineage.place import Lineage
from app.ornaments.asked import Role
from app.ornaments.model import OrnamentImage, OrnamentKind, SourcePicture
from app.pictures.keys import new_key
from app.pictures.model import Picture, PictureState, content_of
from app.providers.ports.model import Source

_INSTRUCTION = "Remove the background and replace it with white"


def picture_of(owner_id: PydanticObjectId) -> Picture:
    """A picture of which no bytes are there; not stored yet."""
    identity, now = PydanticObjectId(), utc_now()
    digest = sha256(identity.binary).hexdigest()
    return Picture(
        id=identity,
        owner_id=owner_id,
        sha256=digest,
        media_type="image/png",
        width=640,
        height=480,
        byte_size=9_999,
        thumbhash="",
        store="disk",
        key=new_key(owner_id, digest, "png", identity),
        content=content_of("disk", owner_id, digest),
        state=PictureState.HELD,
        created_at=now,
        touched_at=now,
    )


def image_of(
    owner_id: PydanticObjectId, wish: str = "Make it shine", parent: OrnamentImage | None = None, **given: Any
) -> OrnamentImage:
    """A version, by what `given` does not say otherwise a root on white; not stored yet."""
    identity = PydanticObjectId()
    lineage = parent.lineage.child_of(parent.identity) if parent else Lineage.of_root(identity)
    picture_id = given.get("picture_id", PydanticObjectId())
    plain: dict[str, Any] = {
        "id": identity,
        "owner_id": owner_id,
        "kind": OrnamentKind.WHITE_BACKGROUND,
        "picture_id": picture_id,
        "generation_id": PydanticObjectId(),
        "lineage": lineage,
        "parent_id": lineage.parent_id,
        "prompt": wish,
        "original_prompt": _INSTRUCTION,
        "new_prompt": wish if parent else None,
        "prompts": (*(parent.prompts if parent else (_INSTRUCTION,)), wish),
        "combined_prompt": f"{parent.combined_prompt if parent else _INSTRUCTION}. {wish}",
        "background_color": "white",
        "sources": (SourcePicture(role=Role.ORNAMENT, picture_id=picture_id),),
        "source": Source.LOCAL,
        "created_at": utc_now(),
    }
    return OrnamentImage(**plain | given)


async def stored_images(owner_id: PydanticObjectId, count: int, **given: Any) -> list[OrnamentImage]:
    """So many of that owner's, oldest first."""
    images = [image_of(owner_id, **given) for _ in range(count)]
    await OrnamentImage.insert_many(images)
    return images
