"""Ornament images: made of a photo, made again with a further wish, walked as a tree."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId

from app.api.connections import After, Connection, First, Page
from app.api.context import Info, viewer
from app.api.enums import OrnamentKind, Source
from app.api.errors import UserError, errors_in
from app.api.generations import Generation
from app.api.ids import document_id, global_id
from app.api.keys import KEY_WORDS, check_key
from app.api.node import INPUT, Node
from app.api.pictures import Picture, PictureInput, take_in
from app.generations import model as stored_generations
from app.ornaments import model as stored
from app.ornaments.service import check_upload
from app.ornaments.versions import write_version

TYPE_NAME = "OrnamentImage"


@strawberry.type(description="One version of a product picture of jewellery.")
class OrnamentImage(Node):
    """Shown from its document; parents and children are read when asked for."""

    kind: OrnamentKind = strawberry.field(description="What was made of the photo.")
    source: Source = strawberry.field(description="Who really made it.")
    prompt: str | None = strawberry.field(description="What was asked for with this version; null if nothing was.")
    original_prompt: str = strawberry.field(description="The whole instruction of the root.")
    new_prompt: str | None = strawberry.field(description="The wish of this regeneration alone; null for a root.")
    combined_prompt: str = strawberry.field(description="The whole instruction of this version.")
    background_color: str = strawberry.field(description="The background that was asked for at the upload of the root.")
    applied: list[str] = strawberry.field(description="What basic local processing understood and did, in words.")
    note: str | None = strawberry.field(description="What this result is not; null when a model made it.")
    depth: int = strawberry.field(description="0 for a root, 1 for its children.")
    created_at: datetime = strawberry.field(description="When it was asked for; lists are in this order.")
    document: strawberry.Private[stored.OrnamentImage]

    @classmethod
    def of(cls, image: stored.OrnamentImage) -> Self:
        """The image of a document."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, image.identity)),
            kind=image.kind,
            source=image.source,
            prompt=image.prompt,
            original_prompt=image.original_prompt,
            new_prompt=image.new_prompt,
            combined_prompt=image.combined_prompt,
            background_color=image.background_color,
            applied=list(image.applied),
            note=image.note,
            depth=image.lineage.depth,
            created_at=image.created_at,
            document=image,
        )

    @strawberry.field
    async def picture(self, info: Info) -> Picture | None:
        """The picture that was made; null when it is gone."""
        return await _picture(info, self.document.picture_id)

    @strawberry.field
    async def uploaded_picture(self, info: Info) -> Picture | None:
        """The photo that the root was made from; null when it is gone."""
        return await _picture(info, self.document.uploaded_picture_id)

    @strawberry.field
    async def parent(self, info: Info) -> "OrnamentImage | None":
        """The version this one was made from; null for a root."""
        return await _image(info, self.document.parent_id) if self.document.parent_id else None

    @strawberry.field
    async def root(self, info: Info) -> "OrnamentImage | None":
        """The first version, a root's own; null when it is gone."""
        if self.document.lineage.root_id == self.document.identity:
            return self
        return await _image(info, self.document.lineage.root_id)

    @strawberry.field
    async def children(self, first: First = None, after: After = None) -> "OrnamentImageConnection":
        """The versions made from this one, oldest first."""
        page = Page(first, after)
        found = await stored.OrnamentImage.children(self.document.identity, page.after, page.limit)
        return OrnamentImageConnection.of([(image.identity, OrnamentImage.of(image)) for image in found], page)

    @strawberry.field
    async def generation(self, info: Info) -> Generation | None:
        """The work that made it."""
        generation = await info.context.loaders.generations.load(self.document.generation_id)
        return Generation.of(generation) if generation else None


@strawberry.type(description="A page of ornament images.")
class OrnamentImageConnection(Connection[OrnamentImage]):
    """In the order that the field says."""


async def _picture(info: Info, identity: PydanticObjectId) -> Picture | None:
    picture = await info.context.loaders.pictures.load(identity)
    return Picture.of(picture) if picture else None


async def _image(info: Info, identity: PydanticObjectId) -> OrnamentImage | None:
    image = await info.context.loaders.ornament_images.load(identity)
    return OrnamentImage.of(image) if image else None


async def find(info: Info, identity: PydanticObjectId) -> OrnamentImage | None:
    """The viewer's own image."""
    who = viewer(info)
    image = await info.context.loaders.ornament_images.load(identity)
    return OrnamentImage.of(image) if image and image.owner_id == who.user_id else None


async def result(info: Info, generation: stored_generations.Generation) -> OrnamentImage | None:
    """The image that a succeeded generation made; its last write is done here if a crash left it undone."""
    image = await _image(info, generation.result_id)
    if image is None and not generation.settled:
        image = OrnamentImage.of(await write_version(generation))
    return image


@strawberry.input(description="A photo of a piece of jewellery, and what to do with it.")
class UploadOrnamentInput:
    """What `uploadOrnament` takes."""

    image: PictureInput = strawberry.field(description="The photo.")
    prompt: str | None = strawberry.field(default=None, description="A further wish, at most 2,000 characters.")
    background_color: str = strawberry.field(
        default="white", description="A CSS colour name, `#rgb`, `#rrggbb`, or a jeweller's word such as `champagne`."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The work that was started, or why it was not.")
class UploadOrnamentPayload:
    """What `uploadOrnament` answers."""

    generation: Generation | None = strawberry.field(default=None, description="The work that was started.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


@strawberry.input(description="An image, and what should be different about it.")
class RegenerateImageInput:
    """What `regenerateImage` takes."""

    image_id: strawberry.ID = strawberry.field(description="The id of an `OrnamentImage` of yours: it stays as it is.")
    prompt: str = strawberry.field(description="The wish, 1 to 2,000 characters; it joins the prompts before it.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The work that was started, or why it was not.")
class RegenerateImagePayload:
    """What `regenerateImage` answers."""

    generation: Generation | None = strawberry.field(default=None, description="The work that was started.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


@strawberry.type
class OrnamentMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(UploadOrnamentPayload)
    async def upload_ornament(
        self, info: Info, input: Annotated[UploadOrnamentInput, INPUT]
    ) -> UploadOrnamentPayload | None:
        """Put the ornament of a photo on a plain background. Follow it with `generationProgress`."""
        viewer(info)
        key = check_key(input.idempotency_key)
        check_upload((input.prompt or "").strip(), input.background_color)
        picture = await take_in(info, input.image, "input", "image")
        ornaments = info.context.services.ornaments
        generation = await ornaments.upload(picture, input.prompt, input.background_color, key)
        return UploadOrnamentPayload(generation=Generation.of(generation))

    @strawberry.mutation
    @errors_in(RegenerateImagePayload)
    async def regenerate_image(
        self, info: Info, input: Annotated[RegenerateImageInput, INPUT]
    ) -> RegenerateImagePayload | None:
        """Make a child of an image: its picture and its prompts, plus one more wish.

        Follow it with `generationProgress`.
        """
        who = viewer(info)
        key = check_key(input.idempotency_key)
        image_id = document_id(input.image_id, TYPE_NAME, "input", "imageId")
        ornaments = info.context.services.ornaments
        generation = await ornaments.regenerate(who.user_id, image_id, input.prompt, key)
        return RegenerateImagePayload(generation=Generation.of(generation))
