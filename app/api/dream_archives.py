"""All dreams of a person leave the server as an archive."""

from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.enums import ExportFormat
from app.api.errors import errors_in
from app.api.generations import Generation
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT
from app.api.ornament_making import StartedGeneration


@strawberry.input(description="How the dreams are told.")
class ExportDreamsInput:
    """What `exportDreams` takes."""

    format: ExportFormat = strawberry.field(description="For programs, or for people.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The work that was started, or why it was not.")
class ExportDreamsPayload(StartedGeneration):
    """What `exportDreams` answers."""


@strawberry.type
class DreamArchiveMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(ExportDreamsPayload)
    async def export_dreams(self, info: Info, input: Annotated[ExportDreamsInput, INPUT]) -> ExportDreamsPayload | None:
        """Make a zip of all your dreams: words, interpretations, versions, and all pictures as they were stored.

        Those in the trash are in it and marked; those that were deleted for ever are not. A picture that was lost is
        said where it would be. The `README.txt` in it describes the format. The generation's `result` is an `Archive`.
        It calls no provider and costs nothing.
        """
        who, call, services = viewer(info), await keyed(input), info.context.services
        generation = await services.generations.known(who.user_id, call.key, call.asked)
        if generation is None:
            generation = await services.dream_exports.start(who.user_id, input.format, call.key, call.asked)
        return ExportDreamsPayload(generation=Generation.of(generation))
