"""What can go to the trash, by the names of its types: each product has its line."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from beanie import PydanticObjectId

from app.api import chat_images, dreams, ornaments, projects
from app.api.context import Info, viewer
from app.api.node import Node
from app.chats import deletion as chats_deletion
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.dreams import deletion as dreams_deletion
from app.dreams.model import Dream
from app.lineage.deletion import delete_forever
from app.lineage.trash import Trash
from app.ornaments.model import OrnamentImage
from app.projects.hints import wake
from app.projects.model import Project

type Documents = Mapping[PydanticObjectId, Any]


async def _nobody_follows(_: Info, __: Documents) -> None:
    """They are not followed live."""


@dataclass(frozen=True, slots=True)
class TrashKind:
    """How one type goes to the trash; `shown_in` is the field of the payloads that shows it.

    `wake` tells whoever follows them that they were changed or are gone.
    """

    shown_in: str
    trash: Trash[Any]
    show: Callable[[Any], Node]
    wake: Callable[[Info, Documents], Awaitable[None]] = _nobody_follows


async def _wake_dreams(info: Info, found: Documents) -> None:
    await info.context.services.dreams.wake_followers(viewer(info).user_id, found)


async def _wake_projects(info: Info, found: Documents) -> None:
    for project in found.values():
        await info.context.services.projects.wake_followers(project)


async def _wake_chats_of(info: Info, found: Documents) -> None:
    hub = info.context.services.generations.hub
    await Exchange.touch({image.exchange_id for image in found.values()})
    for owner_id, chat_id in {(image.owner_id, image.chat_id) for image in found.values()}:
        await wake(hub, owner_id, [chat_id])


async def _wake_chats(info: Info, found: Documents) -> None:
    await info.context.services.entities.wake_followers(list(found.values()))


def _chats(kind: ChatKind, what: str) -> Trash[Chat]:
    return Trash(Chat, chats_deletion.delete_forever, chats_deletion.finish, what, fits=lambda one: one.kind is kind)


KINDS: Mapping[str, TrashKind] = MappingProxyType(
    {
        ornaments.TYPE_NAME: TrashKind("images", Trash(OrnamentImage, delete_forever), ornaments.OrnamentImage.of),
        chat_images.TYPE_NAME: TrashKind(
            "chat_images", Trash(ChatImage, delete_forever), chat_images.ChatImage.of, _wake_chats_of
        ),
        dreams.TYPE_NAME: TrashKind(
            "dreams",
            Trash(Dream, dreams_deletion.delete_forever, dreams_deletion.finish, "This dream"),
            dreams.Dream.of,
            _wake_dreams,
        ),
        projects.TYPE_NAME: TrashKind(
            "projects",
            Trash(Project, chats_deletion.delete_projects_forever, chats_deletion.finish_project, "This project"),
            projects.Project.of,
            _wake_projects,
        ),
        projects.FRAME_TYPE_NAME: TrashKind(
            "frames", _chats(ChatKind.FRAME, "This frame"), projects.Frame.of, _wake_chats
        ),
        projects.CONTEXT_TYPE_NAME: TrashKind(
            "contexts", _chats(ChatKind.CONTEXT, "This context"), projects.Context.of, _wake_chats
        ),
    }
)
