"""The mutations that make ornament images of photos: one for each kind."""

from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.generations import Generation
from app.api.keys import keyed
from app.api.node import INPUT
from app.api.ornament_inputs import (
    ChangeBackgroundInput,
    GenerateCampaignShotInput,
    GenerateModelWithOrnamentInput,
    GenerateRealModelWithOrnamentInput,
    UploadOrnamentInput,
    Wanted,
)
from app.api.pictures import take_in
from app.ornaments.service import check


@strawberry.type(description="The work that was started, or why it was not.")
class StartedGeneration:
    """What mutations that start one generation answer."""

    generation: Generation | None = strawberry.field(default=None, description="The work that was started.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


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
        return UploadOrnamentPayload(generation=await made(info, input.wanted(), input))

    @strawberry.mutation
    @errors_in(ChangeBackgroundPayload)
    async def change_background(
        self, info: Info, input: Annotated[ChangeBackgroundInput, INPUT]
    ) -> ChangeBackgroundPayload | None:
        """Put the ornament of a photo before another background. Follow it with `generationProgress`."""
        return ChangeBackgroundPayload(generation=await made(info, input.wanted(), input))

    @strawberry.mutation
    @errors_in(GenerateModelWithOrnamentPayload)
    async def generate_model_with_ornament(
        self, info: Info, input: Annotated[GenerateModelWithOrnamentInput, INPUT]
    ) -> GenerateModelWithOrnamentPayload | None:
        """Show the ornament of a photo on an AI model, close up. Follow it with `generationProgress`."""
        return GenerateModelWithOrnamentPayload(generation=await made(info, input.wanted(), input))

    @strawberry.mutation
    @errors_in(GenerateRealModelWithOrnamentPayload)
    async def generate_real_model_with_ornament(
        self, info: Info, input: Annotated[GenerateRealModelWithOrnamentInput, INPUT]
    ) -> GenerateRealModelWithOrnamentPayload | None:
        """Show the ornament of a photo on the person of another. Follow it with `generationProgress`."""
        return GenerateRealModelWithOrnamentPayload(generation=await made(info, input.wanted(), input))

    @strawberry.mutation
    @errors_in(GenerateCampaignShotPayload)
    async def generate_campaign_shot(
        self, info: Info, input: Annotated[GenerateCampaignShotInput, INPUT]
    ) -> GenerateCampaignShotPayload | None:
        """Show several ornaments in one advertising picture. Follow it with `generationProgress`."""
        return GenerateCampaignShotPayload(generation=await made(info, input.wanted(), input))


async def made(info: Info, wanted: Wanted, input: object) -> Generation:
    """Start it, unless the same call has done so before; the words are looked at before any picture is taken in."""
    who, call, services = viewer(info), await keyed(input), info.context.services
    if known := await services.generations.known(who.user_id, call.key, call.asked):
        return Generation.of(known)
    kind, asked = wanted.kind, wanted.asked
    check(kind, asked)
    pictures = {
        role: [await take_in(info, one, *path) for path, one in found] for role, found in wanted.pictures.items()
    }
    return Generation.of(await services.ornaments.make(who.user_id, kind, asked, pictures, call.key, call.asked))
