"""Pictures that go from one product to another, and those that wait for their use."""

from typing import Annotated

import strawberry
from strawberry import Some

from app.api.context import Info
from app.api.enums import OrnamentKind
from app.api.errors import UserError, errors_in
from app.api.ids import CHAT_IMAGE, document_id
from app.api.keys import KEY_WORDS
from app.api.node import INPUT
from app.api.ornament_inputs import PROMPT_OF_FIRST, Wanted, words_of
from app.api.ornament_making import StartedGeneration, made
from app.api.pictures import Picture, PictureInput, take_in
from app.errors import bad_input
from app.ornaments.asked import Asked, Role
from app.ornaments.regenerating import FROM_ONE_PICTURE


@strawberry.input(description="An image of a chat, and what to make of the jewellery that it shows.")
class UseAsOrnamentInput:
    """What `useAsOrnament` takes."""

    image_id: strawberry.ID = strawberry.field(
        description="The id of a `ChatImage` of a project that you see; not in the trash."
    )
    prompt: str | None = strawberry.field(default=None, description=PROMPT_OF_FIRST)
    kind: OrnamentKind = strawberry.field(
        default=OrnamentKind.WHITE_BACKGROUND,
        description="What is to be made: a kind that needs no other picture, `WHITE_BACKGROUND`, `BACKGROUND_CHANGE` "
        "or `MODEL_WITH_ORNAMENT`.",
    )
    background_color: str | None = strawberry.field(
        default=None,
        description="As `uploadOrnament` and `changeBackground` take it; white unless it is said, where it is "
        "`WHITE_BACKGROUND`, and not for `MODEL_WITH_ORNAMENT`.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)

    def wanted(self) -> Wanted:
        """What it asks for.

        Raises:
            AppError: BAD_USER_INPUT with the path of the argument at fault.
        """
        document_id(self.image_id, CHAT_IMAGE, "input", "imageId")
        if self.kind not in FROM_ONE_PICTURE:
            message = f"{self.kind} needs more pictures than this one: start from photos, which take its id too."
            raise bad_input(message, "input", "kind")
        colour = words_of(self.background_color) or None
        if self.kind is OrnamentKind.MODEL_WITH_ORNAMENT and colour is not None:
            raise bad_input("A close-up of a model has no `backgroundColor`.", "input", "backgroundColor")
        if self.kind is OrnamentKind.WHITE_BACKGROUND:
            colour = colour or "white"
        photo = PictureInput(id=Some(self.image_id), upload=None)
        return Wanted(self.kind, Asked(words_of(self.prompt), background=colour), {Role.ORNAMENT: ("imageId", photo)})


@strawberry.type(description="The work that was started, or why it was not.")
class UseAsOrnamentPayload(StartedGeneration):
    """What `useAsOrnament` answers."""


@strawberry.input(description="A picture to keep.")
class UploadPictureInput:
    """What `uploadPicture` takes."""

    picture: PictureInput = strawberry.field(description="The picture; by an id: a picture of your own of the same.")


@strawberry.type(description="The picture that was kept, or why it was not.")
class UploadPicturePayload:
    """What `uploadPicture` answers."""

    picture: Picture | None = strawberry.field(default=None, description="The picture, which is yours.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not kept.")


@strawberry.type
class UsingMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(UseAsOrnamentPayload)
    async def use_as_ornament(
        self, info: Info, input: Annotated[UseAsOrnamentInput, INPUT]
    ) -> UseAsOrnamentPayload | None:
        """Make an ornament of an image of a chat, as if it were a photo. Follow it with `generationProgress`.

        Whoever sees the project may: the ornament is the viewer's own, with a copy of the picture, whatever becomes of
        the chat.
        """
        return UseAsOrnamentPayload(generation=await made(info, input.wanted(), input))

    @strawberry.mutation
    @errors_in(UploadPicturePayload)
    async def upload_picture(
        self, info: Info, input: Annotated[UploadPictureInput, INPUT]
    ) -> UploadPicturePayload | None:
        """Keep a picture to use it by its id: as a reference in a chat, or wherever a picture is taken.

        It is kept for about a day, and for as long as anything refers to it; the same file again is the same picture.
        """
        return UploadPicturePayload(picture=Picture.of(await take_in(info, input.picture, "input", "picture")))
