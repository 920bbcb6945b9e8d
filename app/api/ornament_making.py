"""The mutations that make ornament images of photos: one for each kind."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.enums import ModelType
from app.api.errors import UserError, errors_in
from app.api.generations import Generation
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT
from app.api.pictures import PictureInput, take_in
from app.ornaments.asked import Asked, Role
from app.ornaments.model import OrnamentKind
from app.ornaments.service import check

type Given = Mapping[Role, tuple[str, PictureInput | Sequence[PictureInput] | None]]
"""The pictures of each role, with the name of their argument."""

_PROMPT = "A wish in your own words, at most 2,000 characters."
_POSE = "A picture of the pose."
_MEASUREMENTS = "Sizes in your own words, e.g. `ring 18 mm across`, at most 500 characters; they join the instruction."


@strawberry.type(description="The work that was started, or why it was not.")
class StartedGeneration:
    """What mutations that start one generation answer."""

    generation: Generation | None = strawberry.field(default=None, description="The work that was started.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


@strawberry.input(description="A photo of a piece of jewellery, and what to do with it.")
class UploadOrnamentInput:
    """What `uploadOrnament` takes."""

    image: PictureInput = strawberry.field(description="The photo.")
    prompt: str | None = strawberry.field(default=None, description=_PROMPT)
    background_color: str = strawberry.field(
        default="white", description="A CSS colour name, `#rgb`, `#rrggbb`, or a jeweller's word such as `champagne`."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A photo of a piece of jewellery, and its new background.")
class ChangeBackgroundInput:
    """What `changeBackground` takes."""

    ornament_image: PictureInput = strawberry.field(description="The photo of the ornament.")
    prompt: str = strawberry.field(
        description=f"{_PROMPT} It says what the background is when neither a picture nor a colour does."
    )
    background_image: PictureInput | None = strawberry.field(
        default=None, description="A picture of the background; not together with `backgroundColor`."
    )
    background_color: str | None = strawberry.field(
        default=None, description="A CSS colour name, `#rgb`, `#rrggbb`, or a jeweller's word such as `champagne`."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A photo of a piece of jewellery, for a model to wear.")
class GenerateModelWithOrnamentInput:
    """What `generateModelWithOrnament` takes."""

    ornament_image: PictureInput = strawberry.field(description="The photo of the ornament.")
    prompt: str = strawberry.field(description=_PROMPT)
    pose_style: PictureInput | None = strawberry.field(default=None, description=_POSE)
    measurements: str | None = strawberry.field(default=None, description=_MEASUREMENTS)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A photo of a person, and of a piece of jewellery for them to wear.")
class GenerateRealModelWithOrnamentInput:
    """What `generateRealModelWithOrnament` takes."""

    model_image: PictureInput = strawberry.field(description="The photo of the person.")
    ornament_image: PictureInput = strawberry.field(description="The photo of the ornament.")
    prompt: str = strawberry.field(description=_PROMPT)
    pose_style: PictureInput | None = strawberry.field(default=None, description=_POSE)
    measurements: str | None = strawberry.field(default=None, description=_MEASUREMENTS)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="What a campaign shows, who wears it, and its mood.")
class GenerateCampaignShotInput:
    """What `generateCampaignShot` takes."""

    ornament_images: list[PictureInput] = strawberry.field(description="1 to 8 photos of ornaments.")
    ornament_names: list[str] = strawberry.field(description="What each of them is called, in the same order.")
    prompt: str = strawberry.field(description=_PROMPT)
    model_type: ModelType = strawberry.field(description="Who wears them.")
    model_image: PictureInput | None = strawberry.field(
        default=None, description="A photo of the person: needed for `REAL_MODEL`, refused for `AI_MODEL`."
    )
    theme_images: list[PictureInput] = strawberry.field(
        default_factory=list[PictureInput], description="Up to 4 pictures of mood, light and setting."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The work that was started, or why it was not.")
class UploadOrnamentPayload(StartedGeneration):
    """What `uploadOrnament` answers."""


@strawberry.type(description="The work that was started, or why it was not.")
class ChangeBackgroundPayload(StartedGeneration):
    """What `changeBackground` answers."""


@strawberry.type(description="The work that was started, or why it was not.")
class GenerateModelWithOrnamentPayload(StartedGeneration):
    """What `generateModelWithOrnament` answers."""


@strawberry.type(description="The work that was started, or why it was not.")
class GenerateRealModelWithOrnamentPayload(StartedGeneration):
    """What `generateRealModelWithOrnament` answers."""


@strawberry.type(description="The work that was started, or why it was not.")
class GenerateCampaignShotPayload(StartedGeneration):
    """What `generateCampaignShot` answers."""


@strawberry.type
class OrnamentMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(UploadOrnamentPayload)
    async def upload_ornament(
        self, info: Info, input: Annotated[UploadOrnamentInput, INPUT]
    ) -> UploadOrnamentPayload | None:
        """Put the ornament of a photo on a plain background. Follow it with `generationProgress`."""
        asked = Asked(_words(input.prompt), background=input.background_color.strip())
        given: Given = {Role.ORNAMENT: ("image", input.image)}
        generation = await _made(info, OrnamentKind.WHITE_BACKGROUND, asked, given, input)
        return UploadOrnamentPayload(generation=generation)

    @strawberry.mutation
    @errors_in(ChangeBackgroundPayload)
    async def change_background(
        self, info: Info, input: Annotated[ChangeBackgroundInput, INPUT]
    ) -> ChangeBackgroundPayload | None:
        """Put the ornament of a photo before another background. Follow it with `generationProgress`."""
        asked = Asked(_words(input.prompt), background=_words(input.background_color) or None)
        given: Given = {
            Role.ORNAMENT: ("ornamentImage", input.ornament_image),
            Role.BACKGROUND: ("backgroundImage", input.background_image),
        }
        generation = await _made(info, OrnamentKind.BACKGROUND_CHANGE, asked, given, input)
        return ChangeBackgroundPayload(generation=generation)

    @strawberry.mutation
    @errors_in(GenerateModelWithOrnamentPayload)
    async def generate_model_with_ornament(
        self, info: Info, input: Annotated[GenerateModelWithOrnamentInput, INPUT]
    ) -> GenerateModelWithOrnamentPayload | None:
        """Show the ornament of a photo on an AI model, close up. Follow it with `generationProgress`."""
        asked = Asked(_words(input.prompt), measurements=_words(input.measurements) or None)
        given: Given = {
            Role.ORNAMENT: ("ornamentImage", input.ornament_image),
            Role.POSE: ("poseStyle", input.pose_style),
        }
        generation = await _made(info, OrnamentKind.MODEL_WITH_ORNAMENT, asked, given, input)
        return GenerateModelWithOrnamentPayload(generation=generation)

    @strawberry.mutation
    @errors_in(GenerateRealModelWithOrnamentPayload)
    async def generate_real_model_with_ornament(
        self, info: Info, input: Annotated[GenerateRealModelWithOrnamentInput, INPUT]
    ) -> GenerateRealModelWithOrnamentPayload | None:
        """Show the ornament of a photo on the person of another. Follow it with `generationProgress`."""
        asked = Asked(_words(input.prompt), measurements=_words(input.measurements) or None)
        given: Given = {
            Role.MODEL: ("modelImage", input.model_image),
            Role.ORNAMENT: ("ornamentImage", input.ornament_image),
            Role.POSE: ("poseStyle", input.pose_style),
        }
        generation = await _made(info, OrnamentKind.REAL_MODEL_WITH_ORNAMENT, asked, given, input)
        return GenerateRealModelWithOrnamentPayload(generation=generation)

    @strawberry.mutation
    @errors_in(GenerateCampaignShotPayload)
    async def generate_campaign_shot(
        self, info: Info, input: Annotated[GenerateCampaignShotInput, INPUT]
    ) -> GenerateCampaignShotPayload | None:
        """Show several ornaments in one advertising picture. Follow it with `generationProgress`."""
        names = tuple(name.strip() for name in input.ornament_names)
        asked = Asked(_words(input.prompt), model_type=input.model_type, ornament_names=names)
        given: Given = {
            Role.ORNAMENT: ("ornamentImages", input.ornament_images),
            Role.MODEL: ("modelImage", input.model_image),
            Role.THEME: ("themeImages", input.theme_images),
        }
        generation = await _made(info, OrnamentKind.CAMPAIGN_SHOT_ADVANCED, asked, given, input)
        return GenerateCampaignShotPayload(generation=generation)


async def _made(info: Info, kind: OrnamentKind, asked: Asked, given: Given, input: object) -> Generation:
    """Start it, unless the same call has done so before; the words are looked at before any picture is taken in."""
    who, call, services = viewer(info), await keyed(input), info.context.services
    if known := await services.generations.known(who.user_id, call.key, call.asked):
        return Generation.of(known)
    inputs = {role: _inputs(name, pictures) for role, (name, pictures) in given.items()}
    counted = replace(asked, pictures={role: len(found) for role, found in inputs.items()})
    check(kind, counted)
    pictures = {role: [await take_in(info, one, *path) for path, one in found] for role, found in inputs.items()}
    made = await services.ornaments.make(who.user_id, kind, counted, pictures, call.key, call.asked)
    return Generation.of(made)


def _inputs(
    name: str, given: PictureInput | Sequence[PictureInput] | None
) -> list[tuple[tuple[str, ...], PictureInput]]:
    """Each picture with the path of its argument."""
    if given is None:
        return []
    if isinstance(given, PictureInput):
        return [(("input", name), given)]
    return [(("input", name, str(place)), one) for place, one in enumerate(given)]


def _words(text: str | None) -> str:
    return (text or "").strip()
