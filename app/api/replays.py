"""The same work once more."""

from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.generations import TYPE_NAME, Generation
from app.api.ids import document_id
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT


@strawberry.input(description="Which generation to do once more.")
class ReplayGenerationInput:
    """What `replayGeneration` takes."""

    generation_id: strawberry.ID = strawberry.field(
        description="The id of a `Generation` of yours that has made an image."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The work that was started, or why it was not.")
class ReplayGenerationPayload:
    """What `replayGeneration` answers."""

    generation: Generation | None = strawberry.field(default=None, description="The new work.")
    deterministic: bool = strawberry.field(
        default=False,
        description="Whether the picture will be the same as before, byte for byte: so it is when it is made on this "
        "server (LOCAL, MOCK) by the same model, with the same versions of its libraries, and on a processor that can "
        "do the same. A provider promises nothing, and neither does what was made before this was recorded.",
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


@strawberry.type
class ReplayMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(ReplayGenerationPayload)
    async def replay_generation(
        self, info: Info, input: Annotated[ReplayGenerationInput, INPUT]
    ) -> ReplayGenerationPayload | None:
        """Do the same recipe again, by the same provider and model: the new image is a sibling of the one it made.

        A first version has no parent, and so no siblings: the replay of one is the root of a tree of its own.

        `retryGeneration` is for what failed, `regenerateImage` for another wish.
        """
        who, call = viewer(info), await keyed(input)
        identity = document_id(input.generation_id, TYPE_NAME, "input", "generationId")
        replay = await info.context.services.replays.replay(who.user_id, identity, call.key, call.asked)
        return ReplayGenerationPayload(generation=Generation.of(replay.generation), deterministic=replay.deterministic)
