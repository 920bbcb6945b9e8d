"""The regeneration of ornament images: of one, in up to four variations, and of many at once."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

import strawberry
from beanie import PydanticObjectId

from app.api.batches import Batch
from app.api.context import Info, viewer
from app.api.enums import OrnamentKind
from app.api.errors import UserError, errors_in
from app.api.gallery import check_times
from app.api.generations import Generation
from app.api.ids import CHAT_IMAGE, document_id, typed_id
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT
from app.api.ornaments import TYPE_NAME
from app.api.templates import TemplateVariableInput
from app.api.wishes import PROMPT_WORDS, TEMPLATE_WORDS, VARIABLES_WORDS, wish_of
from app.batches.service import LARGEST, Choose, Wanted
from app.errors import bad_input
from app.generations import model as stored
from app.labels import as_tag, as_words
from app.lineage.again import VARIATIONS_MAX
from app.lineage.again import Again as AgainOfAny
from app.lineage.varying import Numbered, Varying
from app.ornaments import gallery
from app.ornaments.batching import parameters_of_batch, these, those_like
from app.ornaments.regenerating import Again
from app.ornaments.service import GENERATION_KIND

_KIND = (
    "What the child is to be; unless it is said, what its parent is. Another kind is made of the parent's picture as "
    "of a photo, so it is one that needs no other: `WHITE_BACKGROUND`, `BACKGROUND_CHANGE` or `MODEL_WITH_ORNAMENT`."
)
_IMAGE_ID = ("input", "imageId")


@strawberry.input(description="An image, and what should be different about it.")
class RegenerateImageInput:
    """What `regenerateImage` takes."""

    image_id: strawberry.ID = strawberry.field(
        description="The id of an `OrnamentImage` of yours, or of a `ChatImage` of a project that you may edit: it "
        "stays as it is."
    )
    prompt: str | None = strawberry.field(default=None, description=PROMPT_WORDS)
    template_id: strawberry.ID | None = strawberry.field(default=None, description=TEMPLATE_WORDS)
    variables: list[TemplateVariableInput] | None = strawberry.field(default=None, description=VARIABLES_WORDS)
    kind: OrnamentKind | None = strawberry.field(default=None, description=f"{_KIND} Not for a `ChatImage`.")
    variations: int = strawberry.field(
        default=1, description=f"How many children for this wish, 1 to {VARIATIONS_MAX}: each is its own generation."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="Which images of yours, by what they are; those in the trash are never among them.")
class OrnamentImageFilter:
    """As the gallery takes it."""

    kind: OrnamentKind | None = strawberry.field(default=None, description="Only those of this kind.")
    favourite: bool | None = strawberry.field(
        default=None, description="True: only favourites; false: only the others."
    )
    tag: str | None = strawberry.field(default=None, description="Only those with this tag, in upper or lower case.")
    created_after: datetime | None = strawberry.field(
        default=None, description="Only those asked for later than this moment."
    )
    created_before: datetime | None = strawberry.field(
        default=None, description="Only those asked for earlier than this moment."
    )
    search: str | None = strawberry.field(
        default=None, description="Only those in whose combined prompt or name each of these words occurs."
    )
    roots_only: bool = strawberry.field(
        default=False, description="Only first versions, which were made from no other image."
    )


@strawberry.input(description="Many images, and what should be different about each of them.")
class RegenerateImagesInput:
    """What `regenerateImages` takes."""

    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"1 to {LARGEST} ids of `OrnamentImage`s of yours; not together with `filter`."
    )
    filter: OrnamentImageFilter | None = strawberry.field(
        default=None, description=f"All that are like this, {LARGEST} at most, the newest first; not with `ids`."
    )
    prompt: str | None = strawberry.field(default=None, description=PROMPT_WORDS)
    template_id: strawberry.ID | None = strawberry.field(default=None, description=TEMPLATE_WORDS)
    variables: list[TemplateVariableInput] | None = strawberry.field(default=None, description=VARIABLES_WORDS)
    kind: OrnamentKind | None = strawberry.field(default=None, description=_KIND)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The work that was started, or why it was not.")
class RegenerateImagePayload:
    """What `regenerateImage` answers."""

    generation: Generation | None = strawberry.field(default=None, description="The first of `generations`.")
    generations: list[Generation] = strawberry.field(
        default_factory=list[Generation], description="The work that was started, one for each variation."
    )
    errors: list[UserError] = strawberry.field(
        default_factory=list[UserError],
        description="Why nothing was started; or, beside `generations`, why the rest of the variations was not: the "
        "same call with the same idempotencyKey starts what is missing.",
    )


@strawberry.type(description="The batch that was accepted, or why there is none.")
class RegenerateImagesPayload:
    """What `regenerateImages` answers."""

    batch: Batch | None = strawberry.field(
        default=None, description="The batch; an image that could not be regenerated is an item that says why."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why there is no batch.")


@strawberry.type
class RegenerationMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(RegenerateImagePayload)
    async def regenerate_image(
        self, info: Info, input: Annotated[RegenerateImageInput, INPUT]
    ) -> RegenerateImagePayload | None:
        """Make a child of an image: its picture and its prompts, plus one more wish; or several for the same wish.

        What is made of a chat's image is the project's owner's, as the image is. Follow it with `generationProgress`.
        """
        call = await keyed(input)
        type_name, image_id = typed_id(input.image_id, (TYPE_NAME, CHAT_IMAGE), *_IMAGE_ID)
        varying = _of_chat if type_name == CHAT_IMAGE else _of_ornament
        numbered = Numbered(input.variations, call.key, call.asked)
        varied = await varying(info, image_id, input).all(numbered)
        shown = [Generation.of(one) for one in varied.started]
        errors = [UserError.of(varied.refused)] if varied.refused else []
        return RegenerateImagePayload(generation=shown[0], generations=shown, errors=errors)

    @strawberry.mutation
    @errors_in(RegenerateImagesPayload)
    async def regenerate_images(
        self, info: Info, input: Annotated[RegenerateImagesInput, INPUT]
    ) -> RegenerateImagesPayload | None:
        """Make a child of each of many images, for the same wish: one batch, one generation an image.

        What can't be regenerated holds up no other: its item says why. Follow it with `batchProgress`.
        """
        who, call, batches = viewer(info), await keyed(input), info.context.services.batches
        batch = await batches.known(who.user_id, call.key, call.asked)
        if batch is None:
            again = await again_of(who.user_id, input)
            choose = choice_of(info, input, again)
            wanted = Wanted(GENERATION_KIND, parameters_of_batch(again), call.asked or "")
            batch = await batches.start(who.user_id, wanted, choose, call.key)
        return RegenerateImagesPayload(batch=Batch.of(batch))


async def again_of(owner_id: PydanticObjectId, input: RegenerateImageInput | RegenerateImagesInput) -> Again:
    """What is wanted of each image.

    Raises:
        AppError: those of the template.
    """
    wish = await wish_of(owner_id, input.prompt, input.template_id, input.variables)
    variations = input.variations if isinstance(input, RegenerateImageInput) else 1
    return Again(wish.text, wish.template, variations=variations, kind=input.kind)


async def again_of_chat(owner_id: PydanticObjectId, input: RegenerateImageInput) -> AgainOfAny:
    """What is wanted of an image of a chat.

    Raises:
        AppError: those of the template; BAD_USER_INPUT for a kind.
    """
    if input.kind is not None:
        message = "`kind` is for images of ornaments; `useAsOrnament` makes one of an image of a chat."
        raise bad_input(message, "input", "kind")
    wish = await wish_of(owner_id, input.prompt, input.template_id, input.variables)
    return AgainOfAny(wish.text, wish.template, variations=input.variations)


def _of_ornament(info: Info, image_id: PydanticObjectId, input: RegenerateImageInput) -> Varying[Any]:
    who, ornaments = viewer(info), info.context.services.ornaments

    async def start(again: Again, key: str | None, asked: str | None) -> stored.Generation:
        return await ornaments.again(who.user_id, image_id, again, key, asked=asked)

    known = partial(ornaments.generations.known, who.user_id)
    return Varying(partial(again_of, who.user_id, input), known, start)


def _of_chat(info: Info, image_id: PydanticObjectId, input: RegenerateImageInput) -> Varying[Any]:
    who, images = viewer(info), info.context.services.chat_images
    want, known = partial(again_of_chat, who.user_id, input), partial(images.known, who.user_id, image_id)
    return Varying(want, known, partial(images.again, who.user_id, image_id))


def choice_of(info: Info, input: RegenerateImagesInput, again: Again) -> Choose:
    """Finds the images that are meant.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    ornaments, owner_id = info.context.services.ornaments, viewer(info).user_id
    if (input.ids is None) is (input.filter is None):
        raise bad_input("Say which images: give `ids` or a `filter`, one of both.", "input", "ids")
    if input.filter is not None:
        return partial(those_like, ornaments, owner_id, again, _wanted(input.filter))
    given = input.ids or []
    if not 1 <= len(given) <= LARGEST:
        raise bad_input(f"Name 1 to {LARGEST} images at once, not {len(given)}.", "input", "ids")
    ids = [document_id(one, TYPE_NAME, "input", "ids", str(place)) for place, one in enumerate(given)]
    return partial(these, ornaments, owner_id, again, ids)


def _wanted(filter: OrnamentImageFilter) -> gallery.Wanted:
    path = ("input", "filter")
    check_times(filter.created_after, filter.created_before, *path)
    return gallery.Wanted(
        kind=filter.kind,
        favourite=filter.favourite,
        tag=None if filter.tag is None else as_tag(filter.tag, *path, "tag"),
        created_after=filter.created_after,
        created_before=filter.created_before,
        words=as_words(filter.search or "", *path, "search"),
        roots_only=filter.roots_only,
    )
