"""The trash of ornament images, and their end."""

from collections.abc import Sequence
from typing import Annotated

import strawberry
from beanie import PydanticObjectId

from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.ids import document_id, global_id
from app.api.node import INPUT
from app.api.ornaments import TYPE_NAME, OrnamentImage
from app.errors import AppError, bad_input
from app.lineage.trash import Sorted, Trash
from app.ornaments import model as stored

_TRASH = Trash(stored.OrnamentImage)
_AT_ONCE = 100
_IDS = f"The ids of 1 to {_AT_ONCE} `OrnamentImage`s of yours."
_ERRORS = 'Why some were left alone; `path` says which, e.g. `["input", "ids", "2"]` for the third.'


@strawberry.input(description="What goes to the trash.")
class MoveToTrashInput:
    """What `moveToTrash` takes."""

    ids: list[strawberry.ID] = strawberry.field(description=_IDS)


@strawberry.input(description="What comes back from the trash.")
class RestoreInput:
    """What `restore` takes."""

    ids: list[strawberry.ID] = strawberry.field(description=_IDS)


@strawberry.input(description="What is deleted for ever.")
class DeleteForeverInput:
    """What `deleteForever` takes."""

    ids: list[strawberry.ID] = strawberry.field(description=_IDS)


@strawberry.type(description="What is in the trash now, and what could not go there.")
class MoveToTrashPayload:
    """What `moveToTrash` answers."""

    images: list[OrnamentImage] = strawberry.field(
        default_factory=list[OrnamentImage], description="Those in the trash now, also if they were there before."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description=_ERRORS)


@strawberry.type(description="What is out of the trash now, and what could not come back.")
class RestorePayload:
    """What `restore` answers."""

    images: list[OrnamentImage] = strawberry.field(
        default_factory=list[OrnamentImage], description="Those out of the trash now, also if they never were in it."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description=_ERRORS)


@strawberry.type(description="What is deleted for ever, and what could not be.")
class DeleteForeverPayload:
    """What `deleteForever` answers."""

    deleted_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list[strawberry.ID], description="Those that are gone now, also if they were gone before."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description=_ERRORS)


@strawberry.type
class TrashMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(MoveToTrashPayload)
    async def move_to_trash(self, info: Info, input: Annotated[MoveToTrashInput, INPUT]) -> MoveToTrashPayload | None:
        """Put images into the trash: out of the gallery, but still in their trees, marked by `trashedAt`.

        What was made from them stays where it is. Nothing empties the trash by itself.
        """
        who, (ids, faults) = viewer(info), _read(input.ids)
        found = await _TRASH.put(who.user_id, ids)
        return MoveToTrashPayload(images=_shown(found, ids), errors=_errors(found, faults))

    @strawberry.mutation
    @errors_in(RestorePayload)
    async def restore(self, info: Info, input: Annotated[RestoreInput, INPUT]) -> RestorePayload | None:
        """Take images back out of the trash."""
        who, (ids, faults) = viewer(info), _read(input.ids)
        found = await _TRASH.restore(who.user_id, ids)
        return RestorePayload(images=_shown(found, ids), errors=_errors(found, faults))

    @strawberry.mutation
    @errors_in(DeleteForeverPayload)
    async def delete_forever(
        self, info: Info, input: Annotated[DeleteForeverInput, INPUT]
    ) -> DeleteForeverPayload | None:
        """Delete images and their pictures, in the trash or not; there is no way back.

        What was made from them stays, and so do the photos that it all began with, as long as any version of them
        does. Work that is under way goes on. Trees show the gap as `deleted`. The files of the pictures are deleted
        about a day later, and until then their links work.
        """
        who, (ids, faults) = viewer(info), _read(input.ids)
        found = await _TRASH.delete_forever(who.user_id, ids)
        gone = [one for one in ids.values() if one in found.own or one in found.gone]
        deleted = [strawberry.ID(global_id(TYPE_NAME, identity)) for identity in gone]
        return DeleteForeverPayload(deleted_ids=deleted, errors=_errors(found, faults))


def _read(given: Sequence[str]) -> tuple[dict[int, PydanticObjectId], list[AppError]]:
    """The documents' ids by their places, each once, and what is wrong with the others.

    Raises:
        AppError: BAD_USER_INPUT when they are none or too many.
    """
    if not 1 <= len(given) <= _AT_ONCE:
        raise bad_input(f"Name 1 to {_AT_ONCE} images at once, not {len(given)}.", "input", "ids")
    places, faults = dict[PydanticObjectId, int](), list[AppError]()
    for place, text in enumerate(given):
        try:
            places.setdefault(document_id(text, TYPE_NAME, "input", "ids", str(place)), place)
        except AppError as fault:
            faults.append(fault)
    return {place: identity for identity, place in places.items()}, faults


def _shown(found: Sorted[stored.OrnamentImage], ids: dict[int, PydanticObjectId]) -> list[OrnamentImage]:
    return [OrnamentImage.of(found.own[one]) for one in ids.values() if one in found.own]


def _errors(found: Sorted[stored.OrnamentImage], faults: Sequence[AppError]) -> list[UserError]:
    return [UserError.of(fault) for fault in (*faults, *found.refused)]
