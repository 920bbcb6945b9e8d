"""What an owner says of an image: a favourite, its name, its tags."""

from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.ids import document_id
from app.api.node import INPUT
from app.api.ornaments import TYPE_NAME, OrnamentImage
from app.labels import TAG_MAX_CHARACTERS, TAGS_MAX
from app.ornaments import labels
from app.ornaments.labels import NAME_MAX_CHARACTERS

_IMAGE = "The id of an `OrnamentImage` of yours."


@strawberry.input(description="An image, and whether it is a favourite.")
class FavouriteImageInput:
    """What `favouriteImage` takes."""

    image_id: strawberry.ID = strawberry.field(description=_IMAGE)
    favourite: bool = strawberry.field(default=True, description="False: it is one no more.")


@strawberry.input(description="An image, and its name.")
class RenameImageInput:
    """What `renameImage` takes."""

    image_id: strawberry.ID = strawberry.field(description=_IMAGE)
    name: str | None = strawberry.field(
        default=None, description=f"At most {NAME_MAX_CHARACTERS} characters; null or empty: it has none any more."
    )


@strawberry.input(description="An image, and all of its tags.")
class TagImageInput:
    """What `tagImage` takes."""

    image_id: strawberry.ID = strawberry.field(description=_IMAGE)
    tags: list[str] = strawberry.field(
        description=f"At most {TAGS_MAX} of 1 to {TAG_MAX_CHARACTERS} characters, in place of those before; they are "
        "trimmed and in lower case."
    )


@strawberry.type
class _LabelledImage:
    """What mutations of an image's labels answer."""

    image: OrnamentImage | None = strawberry.field(default=None, description="The image as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type(description="The image, or why nothing was changed.")
class FavouriteImagePayload(_LabelledImage):
    """What `favouriteImage` answers."""


@strawberry.type(description="The image, or why nothing was changed.")
class RenameImagePayload(_LabelledImage):
    """What `renameImage` answers."""


@strawberry.type(description="The image, or why nothing was changed.")
class TagImagePayload(_LabelledImage):
    """What `tagImage` answers."""


@strawberry.type
class LabelMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(FavouriteImagePayload)
    async def favourite_image(
        self, info: Info, input: Annotated[FavouriteImageInput, INPUT]
    ) -> FavouriteImagePayload | None:
        """Make an image a favourite, or one no more; to say it again changes nothing."""
        who, image_id = viewer(info), document_id(input.image_id, TYPE_NAME, "input", "imageId")
        image = await labels.favour(who.user_id, image_id, favourite=input.favourite)
        return FavouriteImagePayload(image=OrnamentImage.of(image))

    @strawberry.mutation
    @errors_in(RenameImagePayload)
    async def rename_image(self, info: Info, input: Annotated[RenameImageInput, INPUT]) -> RenameImagePayload | None:
        """Give an image a name, by which `search` finds it."""
        who, image_id = viewer(info), document_id(input.image_id, TYPE_NAME, "input", "imageId")
        return RenameImagePayload(image=OrnamentImage.of(await labels.rename(who.user_id, image_id, input.name)))

    @strawberry.mutation
    @errors_in(TagImagePayload)
    async def tag_image(self, info: Info, input: Annotated[TagImageInput, INPUT]) -> TagImagePayload | None:
        """Give an image these tags, and no others."""
        who, image_id = viewer(info), document_id(input.image_id, TYPE_NAME, "input", "imageId")
        return TagImagePayload(image=OrnamentImage.of(await labels.tag(who.user_id, image_id, input.tags)))
