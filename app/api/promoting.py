"""The choice of one version of a tree."""

from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.ids import document_id
from app.api.node import INPUT
from app.api.ornaments import TYPE_NAME, OrnamentImage


@strawberry.input(description="The version to choose.")
class PromoteImageInput:
    """What `promoteImage` takes."""

    image_id: strawberry.ID = strawberry.field(description="The id of an `OrnamentImage` of yours, not in the trash.")


@strawberry.type(description="The chosen version, or why nothing was changed.")
class PromoteImagePayload:
    """What `promoteImage` answers."""

    image: OrnamentImage | None = strawberry.field(default=None, description="The version that is the chosen one now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type
class PromotionMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(PromoteImagePayload)
    async def promote_image(self, info: Info, input: Annotated[PromoteImageInput, INPUT]) -> PromoteImagePayload | None:
        """Choose a version of a tree, in place of the one before: a tree has one at most.

        A tree is all that descends from one first version: the replay of a first version begins another, which has a
        choice of its own. To choose a version again changes nothing. When it is deleted for ever the tree has none; in
        the trash it stays what it is.
        """
        who, image_id = viewer(info), document_id(input.image_id, TYPE_NAME, "input", "imageId")
        image = await info.context.services.ornaments.promote(who.user_id, image_id)
        return PromoteImagePayload(image=OrnamentImage.of(image))
