"""What a generation is made from."""

from beanie import PydanticObjectId
from pydantic import Field

from app.database.document import StoredValue


class RecipePicture(StoredValue):
    """An input picture, by id and by the hash of its bytes."""

    picture_id: PydanticObjectId
    sha256: str


class Recipe(StoredValue):
    """All that a generation is made from; never changed.

    `prompts` are the instruction and each wish, oldest first. `parent_id` is the version that this one
    descends from, null for a first one.
    """

    task: str
    prompts: tuple[str, ...]
    pictures: tuple[RecipePicture, ...]
    provider: str
    model: str
    parameters: dict[str, str] = Field(default_factory=dict)
    parent_id: PydanticObjectId | None = None

    def asked(self) -> "Recipe":
        """What the caller chose, whoever does it: a deploy that changes the model changes nothing about that."""
        return self.model_copy(update={"provider": "", "model": ""})
