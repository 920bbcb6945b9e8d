"""Dreams are made anew, one or many at once, and what there was before is put back."""

from functools import partial
from typing import Annotated

import strawberry

from app.api.batches import Batch
from app.api.context import Info, viewer
from app.api.dreams import TYPE_NAME, VERSION_TYPE_NAME, Dream
from app.api.enums import DreamFilter, DreamPart
from app.api.errors import UserError, errors_in
from app.api.generations import Generation
from app.api.ids import document_id
from app.api.keys import KEY_WORDS, check_key, keyed
from app.api.node import INPUT
from app.batches.service import LARGEST, Choose, Wanted
from app.dreams.batching import parameters_of_batch, parts_for, these, those_like
from app.dreams.parts import BOTH
from app.dreams.recipes import GENERATION_KIND, Again
from app.dreams.telling import WISH_MAX_CHARACTERS, as_wish
from app.errors import bad_input

_WISH = f"What to mind this time, in your own words, at most {WISH_MAX_CHARACTERS:,} characters."
_TEXT_MODEL = "Which model interprets, by its name; one that is set up on this server. Unset: the server's choice."
_IMAGE_MODEL = "Which model draws, in the same way."


@strawberry.input(description="A dream, and what is to be made anew.")
class RegenerateDreamInput:
    """What `regenerateDream` takes."""

    dream_id: strawberry.ID = strawberry.field(description="The id of a `Dream` of yours.")
    parts: list[DreamPart] | None = strawberry.field(
        default=None, description="Which parts; unset: both. A picture alone is drawn from the interpretation there is."
    )
    wish: str | None = strawberry.field(default=None, description=_WISH)
    text_model: str | None = strawberry.field(default=None, description=_TEXT_MODEL)
    image_model: str | None = strawberry.field(default=None, description=_IMAGE_MODEL)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="Many dreams, and what is to be made anew of each of them.")
class RegenerateDreamsInput:
    """What `regenerateDreams` takes."""

    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"1 to {LARGEST} ids of `Dream`s of yours; not together with `filter`."
    )
    filter: DreamFilter | None = strawberry.field(
        default=None,
        description=f"All that are like this, {LARGEST} at most, the newest first; not with `ids`. What they lack is "
        "made, unless `parts` says it. Call it again for the next ones: those that are being made are left out.",
    )
    parts: list[DreamPart] | None = strawberry.field(
        default=None,
        description="Which parts; unset: both of those in `ids`, and what is lacking of the others. One of "
        "those that lacks nothing any more when its turn comes stays as it is: its item is a CONFLICT.",
    )
    wish: str | None = strawberry.field(default=None, description=_WISH)
    text_model: str | None = strawberry.field(default=None, description=_TEXT_MODEL)
    image_model: str | None = strawberry.field(default=None, description=_IMAGE_MODEL)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A version of a dream.")
class RestoreVersionInput:
    """What `restoreVersion` takes."""

    version_id: strawberry.ID = strawberry.field(description="The id of a `DreamVersion` of a dream of yours.")


@strawberry.type(description="The work that was started, or why it was not.")
class RegenerateDreamPayload:
    """What `regenerateDream` answers."""

    dream: Dream | None = strawberry.field(
        default=None, description="The dream, with what is made anew cleared; null when nothing was started."
    )
    generation: Generation | None = strawberry.field(default=None, description="The work that was started.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


@strawberry.type(description="The batch that was accepted, or why there is none.")
class RegenerateDreamsPayload:
    """What `regenerateDreams` answers."""

    batch: Batch | None = strawberry.field(
        default=None, description="The batch; a dream of which nothing could be started is an item that says why."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why there is no batch.")


@strawberry.type(description="The dream, or why nothing was put back.")
class RestoreVersionPayload:
    """What `restoreVersion` answers."""

    dream: Dream | None = strawberry.field(default=None, description="The dream as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was put back.")


@strawberry.type
class RedreamingMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(RegenerateDreamPayload)
    async def regenerate_dream(
        self, info: Info, input: Annotated[RegenerateDreamInput, INPUT]
    ) -> RegenerateDreamPayload | None:
        """Make parts of a dream anew. They are cleared at once and kept as a version; a cancel puts them back.

        Follow it with `dreamUpdates`.
        """
        who, key = viewer(info), check_key(input.idempotency_key)
        dream_id = document_id(input.dream_id, TYPE_NAME, "input", "dreamId")
        dreams = info.context.services.dreams
        generation = await dreams.regenerate(who.user_id, dream_id, _again(info, input), key)
        dream = await dreams.owned(who.user_id, dream_id)
        return RegenerateDreamPayload(dream=Dream.of(dream), generation=Generation.of(generation))

    @strawberry.mutation
    @errors_in(RegenerateDreamsPayload)
    async def regenerate_dreams(
        self, info: Info, input: Annotated[RegenerateDreamsInput, INPUT]
    ) -> RegenerateDreamsPayload | None:
        """Make many dreams anew: one batch, one generation a dream.

        One that can't be started holds up no other: its item says why. Follow it with `batchProgress`.
        """
        who, call, batches = viewer(info), await keyed(input), info.context.services.batches
        batch = await batches.known(who.user_id, call.key, call.asked)
        if batch is None:
            again = _again(info, input)
            choose = _choice(info, input, again)
            wanted = Wanted(GENERATION_KIND, parameters_of_batch(again), call.asked or "")
            batch = await batches.start(who.user_id, wanted, choose, call.key)
        return RegenerateDreamsPayload(batch=Batch.of(batch))

    @strawberry.mutation
    @errors_in(RestoreVersionPayload)
    async def restore_version(
        self, info: Info, input: Annotated[RestoreVersionInput, INPUT]
    ) -> RestoreVersionPayload | None:
        """Put a version of a dream back; what it replaces is kept as one. To say it again changes nothing."""
        who = viewer(info)
        version_id = document_id(input.version_id, VERSION_TYPE_NAME, "input", "versionId")
        dream = await info.context.services.dreams.restore_version(who.user_id, version_id)
        return RestoreVersionPayload(dream=Dream.of(dream))


def _again(info: Info, input: RegenerateDreamInput | RegenerateDreamsInput) -> Again:
    """What is wanted.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    if input.parts is not None and not input.parts:
        raise bad_input("Say which parts, or leave `parts` out for both.", "input", "parts")
    models = info.context.services.dreams.models
    models.text_model(input.text_model)
    models.image_model(input.image_model)
    wanted = input.filter if isinstance(input, RegenerateDreamsInput) else None
    parts = frozenset(input.parts) if input.parts else parts_for(wanted) if wanted else BOTH
    return Again(parts, as_wish(input.wish), input.text_model, input.image_model)


def _choice(info: Info, input: RegenerateDreamsInput, again: Again) -> Choose:
    """Finds the dreams that are meant.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    dreams, owner_id = info.context.services.dreams, viewer(info).user_id
    if (input.ids is None) is (input.filter is None):
        raise bad_input("Say which dreams: give `ids` or a `filter`, one of both.", "input", "ids")
    if input.filter is not None:
        return partial(those_like, dreams, owner_id, again, input.filter)
    given = input.ids or []
    if not 1 <= len(given) <= LARGEST:
        raise bad_input(f"Name 1 to {LARGEST} dreams at once, not {len(given)}.", "input", "ids")
    ids = [document_id(one, TYPE_NAME, "input", "ids", str(place)) for place, one in enumerate(given)]
    return partial(these, dreams, owner_id, again, ids)
