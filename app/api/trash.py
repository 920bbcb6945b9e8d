"""The trash of what people make, and its end: ornament images, images of chats and dreams alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import strawberry
from beanie import PydanticObjectId

from app.api import chat_images, dreams, ornaments
from app.api.chat_images import ChatImage
from app.api.context import Info, viewer
from app.api.dreams import Dream
from app.api.errors import UserError, errors_in
from app.api.ids import global_id, parse_global_id
from app.api.node import INPUT
from app.api.ornaments import OrnamentImage
from app.chats.following import wake
from app.chats.image import ChatImage as StoredChatImage
from app.dreams import deletion as dreams_deletion
from app.dreams.model import Dream as StoredDream
from app.errors import AppError, bad_input
from app.lineage.deletion import delete_forever
from app.lineage.trash import Sorted, Trash
from app.ornaments.model import OrnamentImage as StoredImage

_IMAGES = Trash(StoredImage, delete_forever)
_CHAT_IMAGES = Trash(StoredChatImage, delete_forever)
_DREAMS = Trash(StoredDream, dreams_deletion.delete_forever, dreams_deletion.finish, "This dream")
_AT_ONCE = 100
_IDS = (
    f"The ids of 1 to {_AT_ONCE} `OrnamentImage`s, `ChatImage`s or `Dream`s of yours: what is of a project is its "
    "owner's."
)
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
    dreams: list[Dream] = strawberry.field(default_factory=list[Dream], description="The same of dreams.")
    chat_images: list[ChatImage] = strawberry.field(
        default_factory=list[ChatImage], description="The same of images of chats."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description=_ERRORS)


@strawberry.type(description="What is out of the trash now, and what could not come back.")
class RestorePayload:
    """What `restore` answers."""

    images: list[OrnamentImage] = strawberry.field(
        default_factory=list[OrnamentImage], description="Images out of the trash now, also if they never were in it."
    )
    dreams: list[Dream] = strawberry.field(default_factory=list[Dream], description="The same of dreams.")
    chat_images: list[ChatImage] = strawberry.field(
        default_factory=list[ChatImage], description="The same of images of chats."
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
        """Put images and dreams into the trash: out of their lists, but marked by `trashedAt` wherever they are named.

        Images stay in their trees, and what was made from them stays where it is. Nothing empties the trash by itself.
        """
        who, given = viewer(info), _read(input.ids)
        images = await _IMAGES.put(who.user_id, given.images) if given.images else None
        chats = await _CHAT_IMAGES.put(who.user_id, given.chat_images) if given.chat_images else None
        dreams = await _DREAMS.put(who.user_id, given.dreams) if given.dreams else None
        await _wake_followers(info, dreams, chats)
        return MoveToTrashPayload(
            images=_shown_images(images, given),
            dreams=_shown_dreams(dreams, given),
            chat_images=_shown_chat_images(chats, given),
            errors=_errors(given, images, chats, dreams),
        )

    @strawberry.mutation
    @errors_in(RestorePayload)
    async def restore(self, info: Info, input: Annotated[RestoreInput, INPUT]) -> RestorePayload | None:
        """Take images and dreams back out of the trash."""
        who, given = viewer(info), _read(input.ids)
        images = await _IMAGES.restore(who.user_id, given.images) if given.images else None
        chats = await _CHAT_IMAGES.restore(who.user_id, given.chat_images) if given.chat_images else None
        dreams = await _DREAMS.restore(who.user_id, given.dreams) if given.dreams else None
        await _wake_followers(info, dreams, chats)
        return RestorePayload(
            images=_shown_images(images, given),
            dreams=_shown_dreams(dreams, given),
            chat_images=_shown_chat_images(chats, given),
            errors=_errors(given, images, chats, dreams),
        )

    @strawberry.mutation
    @errors_in(DeleteForeverPayload)
    async def delete_forever(
        self, info: Info, input: Annotated[DeleteForeverInput, INPUT]
    ) -> DeleteForeverPayload | None:
        """Delete images and dreams with their pictures, in the trash or not; there is no way back.

        What was made from an image stays, and so do the photos that it all began with, as long as any version of them
        does; trees show the gap as `deleted`. A dream takes all of its versions with it. Work that is under way goes
        on. The files of the pictures are deleted about a day later, and until then their links work.
        """
        who, given = viewer(info), _read(input.ids)
        images = await _IMAGES.delete_forever(who.user_id, given.images) if given.images else None
        chats = await _CHAT_IMAGES.delete_forever(who.user_id, given.chat_images) if given.chat_images else None
        dreams = await _DREAMS.delete_forever(who.user_id, given.dreams) if given.dreams else None
        await _wake_followers(info, dreams, chats)
        deleted = [
            *_gone(images, given.images, _IMAGE),
            *_gone(chats, given.chat_images, _CHAT_IMAGE),
            *_gone(dreams, given.dreams, _DREAM),
        ]
        return DeleteForeverPayload(deleted_ids=deleted, errors=_errors(given, images, chats, dreams))


_IMAGE, _CHAT_IMAGE, _DREAM = ornaments.TYPE_NAME, chat_images.TYPE_NAME, dreams.TYPE_NAME

type _Ids = dict[int, PydanticObjectId]
type _Sorted = Sorted[StoredImage] | Sorted[StoredChatImage] | Sorted[StoredDream]


@dataclass(frozen=True, slots=True)
class _Given:
    """The documents' ids by their places, each once, and what is wrong with the others."""

    images: _Ids = field(default_factory=dict[int, PydanticObjectId])
    chat_images: _Ids = field(default_factory=dict[int, PydanticObjectId])
    dreams: _Ids = field(default_factory=dict[int, PydanticObjectId])
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
        ids = {_IMAGE: given.images, _CHAT_IMAGE: given.chat_images, _DREAM: given.dreams}.get(type_name)
        if ids is None:
            message = f"`{'.'.join(path)}` names a {type_name}; expected is an {_IMAGE}, a {_CHAT_IMAGE} or a {_DREAM}."
            given.faults.append(bad_input(message, *path))
        elif identity not in ids.values():
            ids[place] = identity
    return given


async def _wake_followers(
    info: Info, dreams: Sorted[StoredDream] | None, chats: Sorted[StoredChatImage] | None
) -> None:
    services = info.context.services
    if dreams is not None:
        await services.dreams.wake_followers(viewer(info).user_id, dreams.own)
    if chats is not None:
        for owner_id, chat_id in {(image.owner_id, image.chat_id) for image in chats.own.values()}:
            await wake(services.generations.hub, owner_id, chat_id)


def _shown_images(found: Sorted[StoredImage] | None, given: _Given) -> list[OrnamentImage]:
    own = found.own if found else {}
    return [OrnamentImage.of(own[one]) for one in given.images.values() if one in own]


def _shown_chat_images(found: Sorted[StoredChatImage] | None, given: _Given) -> list[ChatImage]:
    own = found.own if found else {}
    return [ChatImage.of(own[one]) for one in given.chat_images.values() if one in own]


def _shown_dreams(found: Sorted[StoredDream] | None, given: _Given) -> list[Dream]:
    own = found.own if found else {}
    return [Dream.of(own[one]) for one in given.dreams.values() if one in own]


def _gone(found: _Sorted | None, ids: _Ids, type_name: str) -> list[strawberry.ID]:
    if found is None:
        return []
    gone = [one for one in ids.values() if one in found.own or one in found.gone]
    return [strawberry.ID(global_id(type_name, identity)) for identity in gone]


def _errors(given: _Given, *found: _Sorted | None) -> list[UserError]:
    refused = [fault for one in found if one for fault in one.refused]
    return [UserError.of(fault) for fault in (*given.faults, *refused)]
