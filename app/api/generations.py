"""Generations as clients see them."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

import strawberry
from beanie import PydanticObjectId

from app.api.at_hand import NOTHING, Known
from app.api.attempts import GenerationAttempt, attempts_of
from app.api.connections import Connection
from app.api.context import Info, viewer
from app.api.costs import Cost, cost_of_all, estimate_of
from app.api.derived import derived, deriving
from app.api.enums import ErrorCode, Status
from app.api.ids import GENERATION, document_id, global_id
from app.api.node import ID_WORDS, GlobalId, Node
from app.api.pictures import Picture, pictures_of
from app.api.templates import UsedTemplate
from app.generations import model as stored
from app.generations.attempts import Failure

TYPE_NAME = GENERATION
_RESULT_TYPES: Mapping[str, str] = MappingProxyType(
    {"ORNAMENT": "OrnamentImage", "DREAM": "Dream", "CHAT": "ChatMessage", "CHAT_IMAGE": "ChatImage"}
)
"""What the generations of each kind make."""


@strawberry.type(description="Why a generation failed. It is data: the mutation that started it went well.")
class GenerationFailure:
    """Shown from the document."""

    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong, for people.")
    retryable: bool = strawberry.field(description="Whether the same again may succeed.")
    retry_after_seconds: int | None = strawberry.field(description="The earliest sensible retry; null when unknown.")

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """The failure of a document."""
        wait = None if failure.retry_after_s is None else max(1, round(failure.retry_after_s))
        return cls(code=failure.code, message=failure.message, retryable=failure.retryable, retry_after_seconds=wait)


def failure_of(failure: Failure | None) -> GenerationFailure | None:
    """Null for none."""
    return GenerationFailure.of(failure) if failure else None


@strawberry.type(description="What a generation is made from; it never changes.")
class GenerationRecipe:
    """Shown from the document."""

    prompts: list[str] = strawberry.field(
        description="The instruction and each wish, oldest first; of a dream its text, or what it is drawn from."
    )
    provider: str = strawberry.field(description="Who makes it: `gemini`, `local`.")
    model: str = strawberry.field(description="The model, as the provider calls it.")
    parent_id: strawberry.ID | None = strawberry.field(
        description="The image that this is a further version of (null for a first one), or the `Dream` or the "
        "`ChatMessage` it is made for."
    )
    template: UsedTemplate | None = strawberry.field(
        description="The saved prompt that the last of `prompts` comes from; null without one."
    )
    picture_ids: strawberry.Private[tuple[PydanticObjectId, ...]]

    @classmethod
    def of(cls, generation: stored.Generation) -> Self:
        """The recipe of a document."""
        recipe = generation.recipe
        parent_id = recipe.parent_id
        return cls(
            prompts=list(recipe.prompts),
            provider=recipe.provider,
            model=recipe.model,
            parent_id=strawberry.ID(global_id(_RESULT_TYPES[generation.kind], parent_id)) if parent_id else None,
            template=UsedTemplate.of(recipe.template) if recipe.template else None,
            picture_ids=tuple(picture.picture_id for picture in recipe.pictures),
        )

    @strawberry.field
    async def pictures(self, info: Info) -> list[Picture]:
        """The pictures that the model gets, in order; those that are gone are left out."""
        return await pictures_of(info, self.picture_ids)


@deriving
@strawberry.type(description="A durable piece of asynchronous work. Follow it with `generationProgress`.")
class Generation(Node):
    """Shown from its document, the events left out."""

    id: strawberry.ID = derived(ID_WORDS, lambda shown: global_id(TYPE_NAME, shown.document.identity))
    status: Status = derived("Where it stands.")
    stage: str | None = derived("What is being done now, in a word; null unless it runs.")
    percent: int = derived("How much of the work is done, 0 to 100.")
    last_sequence: int = derived("Number of its latest event: pass it as `after` to follow on.")
    failure: GenerationFailure | None = derived(
        "Why it failed; null unless it did.", lambda shown: failure_of(shown.document.failure)
    )
    recipe: GenerationRecipe = derived("What it is made from.", lambda shown: GenerationRecipe.of(shown.document))
    attempts: list[GenerationAttempt] = derived(
        "Each try, oldest first.", lambda shown: attempts_of(shown.document.attempts, shown.document.calls)
    )
    cost: Cost | None = derived(
        "What its calls to providers have cost so far; null when that of one is not known.",
        lambda shown: cost_of_all(shown.document.calls),
    )
    estimated_cost: Cost | None = derived(
        "What was held for its calls in the daily budgets; null when nothing was.",
        lambda shown: estimate_of(shown.document.calls),
    )
    created_at: datetime = derived("When it was accepted.")
    not_before: datetime | None = derived("When the next attempt may begin; null unless it waits for one.")
    cancel_requested_at: datetime | None = derived(
        "When it was cancelled while a worker was on it, which then lets go; null unless it was."
    )
    ended_at: datetime | None = derived("When it ended; null before.")
    document: strawberry.Private[stored.Generation]

    @classmethod
    def of(cls, generation: stored.Generation) -> Self:
        """The generation of a document."""
        return cls(document=generation)

    @strawberry.field
    async def queue_position(self, info: Info) -> int | None:
        """About how many others have their turn before it, 0 for the next.

        Users take turns: who has many waiting does not stand in the way of who has one. Null unless it is QUEUED, or
        when thousands are before it.
        """
        if self.document.status is not Status.QUEUED:
            return None
        return await info.context.loaders.queue_positions.load(self.document.identity)

    @strawberry.field
    async def retry_of(self, info: Info) -> "Generation | None":
        """The one that this is a retry of; null when it is none."""
        return await _generation(info, self.document.retry_of) if self.document.retry_of else None

    @strawberry.field
    async def result(self, info: Info) -> Node | None:
        """What it made; null until it succeeded."""
        if self.document.status is not Status.SUCCEEDED:
            return None
        made_by = self.document
        if not made_by.settled:  # what a crash left undone is done from the document itself
            made_by = (await stored.Generation.without_events([made_by.identity])).get(made_by.identity, made_by)
        found: Node | None = await info.context.show_result(info, made_by)
        return found


def generation_of(info: Info, identity: PydanticObjectId | None, at_hand: Known[stored.Generation] = NOTHING) -> Any:
    """The work that made something, or what to await for it; null without any, and when it is gone."""
    if identity is None or identity in at_hand:
        return generation_at_hand(identity, at_hand)
    return _generation(info, identity)


def generation_at_hand(identity: PydanticObjectId | None, at_hand: Known[stored.Generation]) -> Generation | None:
    """The work that made something; null without any, and when it is gone.

    Raises:
        KeyError: it was not looked for.
    """
    found = at_hand[identity] if identity else None
    return Generation.of(found) if found else None


async def _generation(info: Info, identity: PydanticObjectId) -> Generation | None:
    found = await info.context.loaders.generations.load(identity)
    return Generation.of(found) if found else None


@strawberry.type(description="A page of generations.")
class GenerationConnection(Connection[Generation]):
    """Newest first."""


async def find(info: Info, identity: PydanticObjectId) -> Generation | None:
    """A generation of the viewer's own, or of a project of theirs."""
    who, services = viewer(info), info.context.services
    generation = await services.gate.sees(who.user_id, await info.context.loaders.generations.load(identity))
    return Generation.of(generation) if generation else None


@strawberry.type
class GenerationQuery:
    """Fields of the query root."""

    @strawberry.field
    async def generation(self, info: Info, id: GlobalId) -> Generation | None:
        """One of the viewer's, or of a project of theirs; null when there is none, or it is somebody else's."""
        return await find(info, document_id(id, TYPE_NAME, "id"))
