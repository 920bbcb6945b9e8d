"""The trash of what people make, and its end, whatever it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import strawberry
from beanie import PydanticObjectId

from app.api.chat_images import ChatImage
from app.api.context import Info, viewer
from app.api.dreams import Dream
from app.api.errors import UserError, errors_in
from app.api.ids import global_id, parse_global_id
from app.api.node import INPUT
from app.api.ornaments import OrnamentImage
from app.api.projects import Context, Frame, Project
from app.api.trash_kinds import KINDS
from app.errors import AppError, bad_input
from app.lineage.trash import Sorted

_AT_ONCE = 100
_NAMES = ", ".join(f"`{name}`s" for name in KINDS)
_IDS = f"The ids of 1 to {_AT_ONCE} objects of yours: {_NAMES}. What is in a project is its owner's."
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
        default_factory=list[OrnamentImage], description="Images in the trash now, also if they were there before."
    )
    chat_images: list[ChatImage] = strawberry.field(
        default_factory=list[ChatImage], description="The same of images of chats."
    )
    dreams: list[Dream] = strawberry.field(default_factory=list[Dream], description="The same of dreams.")
    projects: list[Project] = strawberry.field(default_factory=list[Project], description="The same of projects.")
    frames: list[Frame] = strawberry.field(default_factory=list[Frame], description="The same of frames.")
    contexts: list[Context] = strawberry.field(default_factory=list[Context], description="The same of contexts.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description=_ERRORS)


@strawberry.type(description="What is out of the trash now, and what could not come back.")
class RestorePayload:
    """What `restore` answers."""

    images: list[OrnamentImage] = strawberry.field(
        default_factory=list[OrnamentImage], description="Images out of the trash now, also if they never were in it."
    )
    chat_images: list[ChatImage] = strawberry.field(
        default_factory=list[ChatImage], description="The same of images of chats."
    )
    dreams: list[Dream] = strawberry.field(default_factory=list[Dream], description="The same of dreams.")
    projects: list[Project] = strawberry.field(default_factory=list[Project], description="The same of projects.")
    frames: list[Frame] = strawberry.field(default_factory=list[Frame], description="The same of frames.")
    contexts: list[Context] = strawberry.field(default_factory=list[Context], description="The same of contexts.")
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
        """Put what is yours into the trash: out of its lists, but marked by `trashedAt` wherever it is named.

        Images stay in their trees, and what was made from them stays where it is. While a project is there, nothing in
        it can be changed, and its members don't see it. Nothing empties the trash by itself.
        """
        who, given = viewer(info), _read(input.ids)
        found = {name: await KINDS[name].trash.put(who.user_id, ids) for name, ids in given.ids.items()}
        return MoveToTrashPayload(**await _shown(info, given, found), errors=_errors(given, found))

    @strawberry.mutation
    @errors_in(RestorePayload)
    async def restore(self, info: Info, input: Annotated[RestoreInput, INPUT]) -> RestorePayload | None:
        """Take what is yours back out of the trash."""
        who, given = viewer(info), _read(input.ids)
        found = {name: await KINDS[name].trash.restore(who.user_id, ids) for name, ids in given.ids.items()}
        return RestorePayload(**await _shown(info, given, found), errors=_errors(given, found))

    @strawberry.mutation
    @errors_in(DeleteForeverPayload)
    async def delete_forever(
        self, info: Info, input: Annotated[DeleteForeverInput, INPUT]
    ) -> DeleteForeverPayload | None:
        """Delete what is yours with its pictures, in the trash or not; there is no way back.

        What was made from an image stays, and so do the photos that it all began with, as long as any version of them
        does; trees show the gap as `deleted`. A dream takes all of its versions with it, a frame or a context its chat
        with the images that were made there, a project all that is in it. Work that is under way goes on. The files of
        the pictures are deleted about a day later, and until then their links work.
        """
        who, given = viewer(info), _read(input.ids)
        found = {name: await KINDS[name].trash.delete_forever(who.user_id, ids) for name, ids in given.ids.items()}
        await _shown(info, given, found)
        return DeleteForeverPayload(deleted_ids=_gone(given, found), errors=_errors(given, found))


type _Ids = dict[int, PydanticObjectId]
type _Found = dict[str, Sorted[Any]]


@dataclass(frozen=True, slots=True)
class _Given:
    """The documents' ids by their types and places, each once, and what is wrong with the others."""

    ids: dict[str, _Ids] = field(default_factory=dict[str, _Ids])
    faults: list[AppError] = field(default_factory=list[AppError])


def _read(texts: Sequence[str]) -> _Given:
    """What the ids name.

    Raises:
        AppError: BAD_USER_INPUT when they are none or too many.
    """
    if not 1 <= len(texts) <= _AT_ONCE:
        raise bad_input(f"Name 1 to {_AT_ONCE} at once, not {len(texts)}.", "input", "ids")
    given = _Given()
    for place, text in enumerate(texts):
        path = ("input", "ids", str(place))
        try:
            type_name, identity = parse_global_id(text, *path)
        except AppError as fault:
            given.faults.append(fault)
            continue
        if type_name not in KINDS:
            message = f"`{'.'.join(path)}` names a {type_name}; expected is one of: {', '.join(KINDS)}."
            given.faults.append(bad_input(message, *path))
        elif identity not in (ids := given.ids.setdefault(type_name, {})).values():
            ids[place] = identity
    return given


async def _shown(info: Info, given: _Given, found: _Found) -> dict[str, Any]:
    """What was found, by the fields of the payload; whoever follows it is told."""
    shown = dict[str, Any]()
    for name, one in found.items():
        kind = KINDS[name]
        await kind.wake(info, one.own)
        shown[kind.shown_in] = [kind.show(one.own[it]) for it in given.ids[name].values() if it in one.own]
    return shown


def _gone(given: _Given, found: _Found) -> list[strawberry.ID]:
    return [
        strawberry.ID(global_id(name, identity))
        for name, one in found.items()
        for identity in given.ids[name].values()
        if identity in one.own or identity in one.gone
    ]


def _errors(given: _Given, found: _Found) -> list[UserError]:
    refused = [fault for one in found.values() for fault in one.refused]
    return [UserError.of(fault) for fault in (*given.faults, *refused)]
