"""The order of the frames, and the picture that each one shows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.access import Role
from app.chats.entities import Entities
from app.chats.image import ChatImage
from app.chats.model import Chat
from app.errors import AppError, ErrorCode, bad_input
from app.lineage.trash import in_trash
from app.pictures.model import Picture
from app.projects.model import Project

_IDS, _IMAGE = ("input", "frameIds"), ("input", "imageId")


def in_order(frames: Iterable[Chat], order: Sequence[PydanticObjectId]) -> list[Chat]:
    """The frames in that order; those that are not in it come last, the oldest first."""
    places = {frame_id: place for place, frame_id in enumerate(order)}
    return sorted(frames, key=lambda frame: (places.get(frame.identity, len(places)), frame.identity))


async def frames_in_order(project_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, list[Chat]]:
    """The frames of each of those projects (400 at most), in order, those in the trash included; two commands."""
    projects, frames = await Project.by_ids(project_ids), defaultdict[PydanticObjectId, list[Chat]](list)
    for frame in await Chat.frames_of(project_ids):
        frames[frame.project_id].append(frame)
    return {one: in_order(frames[one], project.frame_order) for one, project in projects.items()}


@dataclass(frozen=True, slots=True)
class Frames:
    """What frames have besides."""

    entities: Entities

    async def reorder(
        self, user_id: PydanticObjectId, project_id: PydanticObjectId, frame_ids: Sequence[PydanticObjectId]
    ) -> Project:
        """Put all frames of a project into another order; one that comes at the same time stays last.

        Those in the trash are behind all others when they come back.

        Raises:
            AppError: BAD_USER_INPUT when it is not each of them once; else as `Projects.open_to`.
        """
        path = ("input", "projectId")
        project = await self.entities.projects.open_to(user_id, project_id, Role.EDITOR, *path)
        frames = in_order(await Chat.frames_of([project_id]), project.frame_order)
        _check_order([frame for frame in frames if frame.trashed_at is None], frame_ids)
        if not await Project.line_up(project_id, frame_ids):
            raise in_trash("This project", *path)
        await self.entities.projects.wake_followers(project)
        return await self.entities.projects.open_to(user_id, project_id, Role.EDITOR, *path)

    async def choose_picture(self, frame: Chat, image_id: PydanticObjectId | None) -> Chat:
        """Let a frame show an image of its chat, or none; it goes on to show the picture when the image is deleted.

        Raises:
            AppError: BAD_USER_INPUT for what is no image of its chat, CONFLICT for one in the trash.
        """
        if image_id is None:
            return await self._show(frame, None, ())
        image = (await ChatImage.by_ids([image_id])).get(image_id)
        if image is None or image.chat_id != frame.identity:
            raise bad_input("This is no image of this frame's chat: choose one of those.", *_IMAGE)
        if image.trashed_at is not None:
            raise in_trash("This image", *_IMAGE)
        if await Picture.touch(image.picture_id, frame.owner_id) is None:
            message = "The picture of this image is gone: choose another one."
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, message, path=_IMAGE)
        return await self._show(frame, image_id, (image.picture_id,))

    async def _show(
        self, frame: Chat, image_id: PydanticObjectId | None, picture_ids: Sequence[PydanticObjectId]
    ) -> Chat:
        told = {"chosenImageId": image_id, "pictureIds": list(picture_ids)}
        return await self.entities.update(frame, told, "input", "frameId")


def _check_order(frames: Sequence[Chat], given: Sequence[PydanticObjectId]) -> None:
    """Let through each of the frames, which are in their order, once, in any other.

    Raises:
        AppError: BAD_USER_INPUT that names the first place at fault, or says which are missing.
    """
    known, seen = {frame.identity for frame in frames}, set[PydanticObjectId]()
    for place, frame_id in enumerate(given):
        if frame_id not in known or frame_id in seen:
            why = "is named twice" if frame_id in seen else "is no frame of this project, or is in the trash"
            raise bad_input(f"`frameIds.{place}` {why}: name each frame of the project once.", *_IDS, str(place))
        seen.add(frame_id)
    missing = [_named(place, frame) for place, frame in enumerate(frames) if frame.identity not in seen]
    if missing:
        raise bad_input(f"Name each frame of the project once. Missing: {', '.join(missing)}.", *_IDS)


def _named(position: int, frame: Chat) -> str:
    return f"the one at position {position}" + (f" (“{frame.title}”)" if frame.title else "")
