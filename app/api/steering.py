"""What one does with a generation that is there: cancel it, or start it again."""

from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.generations import TYPE_NAME, Generation
from app.api.ids import document_id
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT
from app.errors import AppError, ErrorCode


@strawberry.input(description="Which generation to cancel.")
class CancelGenerationInput:
    """What `cancelGeneration` takes."""

    id: strawberry.ID = strawberry.field(
        description="The id of a `Generation` that has not ended: yours, or of a project that you edit."
    )


@strawberry.type(description="The generation that is cancelled, or why it is not.")
class CancelGenerationPayload:
    """What `cancelGeneration` answers."""

    generation: Generation | None = strawberry.field(
        default=None,
        description="As it stands now: CANCELLED, or with `cancelRequestedAt`, or as it ended before the cancel.",
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it is not cancelled.")


@strawberry.input(description="Which generation to start again.")
class RetryGenerationInput:
    """What `retryGeneration` takes."""

    id: strawberry.ID = strawberry.field(
        description="The id of a `Generation` that failed or was cancelled: yours, or of a project that you edit."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The work that was started, or why it was not.")
class RetryGenerationPayload:
    """What `retryGeneration` answers."""

    generation: Generation | None = strawberry.field(
        default=None, description="The new work; its `retryOf` is the old one, which stays as it is."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


@strawberry.type
class GenerationMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(CancelGenerationPayload)
    async def cancel_generation(
        self, info: Info, input: Annotated[CancelGenerationInput, INPUT]
    ) -> CancelGenerationPayload | None:
        """Cancel a generation; to cancel it again is safe.

        One that waits ends at once. One that runs shows `cancelRequestedAt`, the call to the provider is really
        cancelled, and its end is CANCELLED. A cancel that comes too late loses to the result, and is a CONFLICT.
        """
        who, identity = viewer(info), document_id(input.id, TYPE_NAME, "input", "id")
        generations = info.context.services.generations
        try:
            return CancelGenerationPayload(generation=Generation.of(await generations.cancel(who.user_id, identity)))
        except AppError as error:
            if error.code is not ErrorCode.CONFLICT:
                raise
            stands = await generations.of(who.user_id, identity)
            shown = Generation.of(stands) if stands else None
            return CancelGenerationPayload(generation=shown, errors=[UserError.of(error)])

    @strawberry.mutation
    @errors_in(RetryGenerationPayload)
    async def retry_generation(
        self, info: Info, input: Annotated[RetryGenerationInput, INPUT]
    ) -> RetryGenerationPayload | None:
        """Start again what failed or was cancelled: the same prompts and pictures, with today's provider and model.

        It is a new generation: follow it with `generationProgress`. While the image it starts from is in the trash the
        answer is a CONFLICT, and SOURCE_IMAGE_MISSING once one of its pictures is gone.
        """
        who, identity = viewer(info), document_id(input.id, TYPE_NAME, "input", "id")
        generations, call = info.context.services.generations, await keyed(input)
        started = await generations.known(who.user_id, call.key, call.asked)
        if started is None:
            started = await generations.retry(who.user_id, identity, call.key, asked=call.asked)
        return RetryGenerationPayload(generation=Generation.of(started))
