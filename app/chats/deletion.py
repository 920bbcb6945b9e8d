"""Frames, contexts and whole projects are deleted for ever, with their chats and all that was made in them.

As everywhere, tombstones come first, and the document that names the rest goes last: what a crash cuts off is begun
anew by `lineage.clearing`. The exchanges go before the images: work that ends later finds no exchange, and leaves
nothing. An image that is written all the same finds a tombstone under its pre-allocated id, and goes again.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from beanie import PydanticObjectId

from app.chats.contents import Held, remove_exchanges, some_exchanges, some_images
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.generations.releasing import redact_work_on, release, those_being_changed
from app.lineage import deletion
from app.lineage.discardable import Discardable
from app.lineage.place import Lineage
from app.lineage.tombstone import Tombstone
from app.pictures.model import Picture
from app.projects.invitation import Invitation
from app.projects.model import Project

_AT_ONCE: Final = 100


async def delete_forever(chats: Sequence[Chat]) -> None:
    """Delete frames or contexts (1 to 100) with all that was made in their chats; pictures are left to their sweep."""
    ids = [chat.identity for chat in chats]
    await Tombstone.keep([Tombstone.for_single(chat) for chat in chats])
    await _empty(ids)
    await Picture.let_go({picture_id for chat in chats for picture_id in chat.picture_ids})
    for project_id in {chat.project_id for chat in chats if chat.kind is ChatKind.FRAME}:
        await Project.drop_frames(project_id, ids)
    await Chat.remove(ids)


async def finish(identity: PydanticObjectId) -> None:
    """Delete what came into a chat while it was deleted; blank the words of the work on an exchange of one."""
    await _empty([identity])
    await redact_work_on([identity])


async def delete_projects_forever(projects: Sequence[Project]) -> None:
    """Delete them (1 to 100) with their chats, their invitations and all that was made in them."""
    ids = [project.identity for project in projects]
    await Tombstone.keep([Tombstone.for_single(project) for project in projects])
    await Picture.let_go({picture_id for project in projects for picture_id in project.context_picture_ids})
    await Invitation.remove_of(ids)
    await _delete_chats_of(ids)
    await Project.remove(ids)
    await Invitation.remove_of(ids)  # one that was made in between


async def finish_project(project_id: PydanticObjectId) -> None:
    """Delete what came into a project while it was deleted."""
    await _delete_chats_of([project_id])
    await finish(project_id)  # its main chat has its id, and no tombstone of its own
    await Invitation.remove_of([project_id])


async def _delete_chats_of(project_ids: Sequence[PydanticObjectId]) -> None:
    while chats := await Chat.some_of(project_ids, _AT_ONCE):
        await delete_forever(chats)


async def _empty(chat_ids: Sequence[PydanticObjectId]) -> None:
    """Delete all exchanges of those chats, then all images."""
    while exchanges := await some_exchanges(chat_ids, _AT_ONCE):
        ids = [one.exchange_id for one in exchanges]
        if tombstones := list(_tombstones(exchanges, await those_being_changed(ids))):
            await Tombstone.keep(tombstones)
        await Picture.let_go({picture_id for one in exchanges for picture_id in one.picture_ids})
        await release([], ids, Picture.let_go)
        await redact_work_on(ids)
        await remove_exchanges(ids)
    while images := await some_images(chat_ids, _AT_ONCE):
        await deletion.delete_forever(images)


def _tombstones(exchanges: Iterable[Held], being_changed: Collection[PydanticObjectId]) -> Iterable[Tombstone]:
    """For each image that is still to be made, and for each exchange that is being worked on, or about to be.

    The latter is kept as a chat's: `finish` is called for it as soon as nothing is being made of it any more.
    """
    for one in exchanges:
        for image_id in one.unmade_ids:
            yield _tombstone(ChatImage, one.owner_id, image_id)
        if one.is_being_made or one.exchange_id in being_changed:
            yield _tombstone(Chat, one.owner_id, one.exchange_id)


def _tombstone(kind: type[Discardable], owner_id: PydanticObjectId, identity: PydanticObjectId) -> Tombstone:
    name, place = kind.rows().name, Lineage.of_root(identity)
    return Tombstone(id=identity, owner_id=owner_id, collection=name, lineage=place, parent_id=None)
