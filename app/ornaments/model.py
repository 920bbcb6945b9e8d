"""A picture of a piece of jewellery, and its place among its versions."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, override

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel

from app.database.document import StoredValue
from app.lineage.version import Version, version_indexes
from app.ornaments.asked import ModelType, Role


class OrnamentKind(StrEnum):
    """What was made of the photo."""

    WHITE_BACKGROUND = "WHITE_BACKGROUND"
    BACKGROUND_CHANGE = "BACKGROUND_CHANGE"
    MODEL_WITH_ORNAMENT = "MODEL_WITH_ORNAMENT"
    REAL_MODEL_WITH_ORNAMENT = "REAL_MODEL_WITH_ORNAMENT"
    CAMPAIGN_SHOT_ADVANCED = "CAMPAIGN_SHOT_ADVANCED"


class SourcePicture(StoredValue):
    """A picture that the root was made from; `name` is the ornament's, where it has one."""

    role: Role
    picture_id: PydanticObjectId
    name: str | None = None


class OrnamentImage(Version):
    """One version of a product picture.

    `sources` are the pictures that the root was made from, in the order in which the model got them. `applied` and
    `note` say what basic local processing did. `name`, `favourite` and `tags` (trimmed, in lower case) are the owner's
    own labels.
    """

    schema_version: int = 2
    kind: OrnamentKind
    background_color: str | None
    measurements: str | None = None
    model_type: ModelType | None = None
    sources: tuple[SourcePicture, ...]
    applied: tuple[str, ...] = ()
    note: str | None = None
    name: str | None = None
    favourite: bool = False
    tags: tuple[str, ...] = ()

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "ornament_images"
        indexes: ClassVar[list[IndexModel]] = [
            *version_indexes(),
            IndexModel([("ownerId", DESCENDING), ("kind", DESCENDING), ("_id", DESCENDING)], name="owner_kind_newest"),
            IndexModel([("sources.pictureId", ASCENDING)], name="sources"),
        ]

    @property
    @override
    def picture_ids(self) -> tuple[PydanticObjectId, ...]:
        """What it shows and what it was made from."""
        return (self.picture_id, *(source.picture_id for source in self.sources))

    @classmethod
    async def showing(cls, picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `picture_ids` (400 at most) that an image shows or was made from."""
        wanted = list(picture_ids)
        shown = {row["pictureId"] async for row in cls.rows().find({"pictureId": {"$in": wanted}}, {"pictureId": 1})}
        made_from = cls.rows().find({"sources.pictureId": {"$in": wanted}}, {"sources.pictureId": 1})
        return shown | {source["pictureId"] async for row in made_from for source in row["sources"]} & set(wanted)
