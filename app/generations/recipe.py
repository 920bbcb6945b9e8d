"""What a generation is made from."""

from typing import Any, Final

from beanie import PydanticObjectId
from pydantic import Field

from app.database.document import StoredValue

_NO_IDS: Final = {"__all__": {"picture_id"}}


class OriginPicture(StoredValue):
    """A picture that a first version was made from; `role` and `name` are what its product makes of it."""

    picture_id: PydanticObjectId
    role: str = ""
    name: str | None = None


class RecipePicture(OriginPicture):
    """An input picture, by id and by the hash of its bytes."""

    sha256: str


class Origin(StoredValue):
    """What a further version takes over from its parent, which may be gone by the time it is written.

    `ancestors` are the ids of the versions from the root down to the parent; `sources` and `original_prompt` are what
    the root was made from.
    """

    ancestors: tuple[PydanticObjectId, ...]
    original_prompt: str
    sources: tuple[OriginPicture, ...]


class UsedTemplate(StoredValue):
    """The saved prompt that the latest wish comes from, which may have been changed or deleted since."""

    template_id: PydanticObjectId
    revision: int


class Recipe(StoredValue):
    """All that a generation is made from; never changed.

    `prompts` are the instruction and each wish, oldest first. `parent_id` is the version that this one
    descends from, null for a first one, as is `origin`. `template` is null without one.
    """

    task: str
    prompts: tuple[str, ...]
    pictures: tuple[RecipePicture, ...]
    provider: str
    model: str
    parameters: dict[str, str] = Field(default_factory=dict)
    parent_id: PydanticObjectId | None = None
    origin: Origin | None = None
    template: UsedTemplate | None = None

    @property
    def picture_ids(self) -> list[PydanticObjectId]:
        """All pictures that have to stay until its result is written."""
        sources = self.origin.sources if self.origin else ()
        return list(dict.fromkeys(picture.picture_id for picture in (*self.pictures, *sources)))

    def asked(self) -> dict[str, Any]:
        """What the caller chose, whoever does it, with pictures by their bytes alone.

        A deploy that changes the model changes nothing about that, and neither does an upload that is kept anew.
        """
        return self.model_dump(exclude={"provider": True, "model": True, "origin": True, "pictures": _NO_IDS})
