"""The pictures that guide a message: found by what they were given as, looked at, and made the project's."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from beanie import PydanticObjectId

from app.access import Gate, owns
from app.chats.exchange import Reference
from app.chats.image import ChatImage
from app.chats.model import Chat
from app.errors import AppError, bad_input
from app.lineage.trash import in_trash
from app.lineage.version import Version
from app.pictures.library import Pictures
from app.pictures.model import Picture
from app.projects.model import Project

REFERENCES_MAX: Final = 8
CHAT_IMAGE, PICTURE = "ChatImage", "Picture"

type VersionsById = Callable[[Sequence[PydanticObjectId]], Awaitable[Mapping[PydanticObjectId, Version]]]
"""Those of some ids (400 at most) that exist."""


type Given = tuple[str, PydanticObjectId]
"""What was given as a reference: the schema's name of its type, and its id."""
type Referred = Callable[
    [PydanticObjectId, Project, Sequence[Given], tuple[str, ...]], Awaitable[tuple[Reference, ...]]
]
"""The pictures that a user (first) means for a project.

Raises AppError with that path and the place of the one at fault: BAD_USER_INPUT for what is not there or may not be
seen, CONFLICT for what is in the trash.
"""


class _Found(NamedTuple):
    """The picture that a reference shows; `trashed` says that the image which shows it is in the trash."""

    picture_id: PydanticObjectId
    trashed: bool = False


@dataclass(frozen=True, slots=True)
class References:
    """Finds references, whoever asks; implements `Referred`.

    `images` are the types of images of other products, which are their owner's alone.
    """

    pictures: Pictures
    gate: Gate
    images: Mapping[str, VersionsById]

    async def __call__(
        self, user_id: PydanticObjectId, project: Project, given: Sequence[Given], path: tuple[str, ...]
    ) -> tuple[Reference, ...]:
        """Those that were given (8 at most), each once, in their order; their pictures are the project's owner's.

        The pictures are safe from every sweep for a grace period. A few commands, however many they are.

        Raises:
            AppError: BAD_USER_INPUT with that path and the place of the first one that the user may not see, or that
                does not exist; CONFLICT for an image in the trash. Before anything is stored.
        """
        if len(given) > REFERENCES_MAX:
            message = f"A message has at most {REFERENCES_MAX} reference images, not {len(given)}."
            raise bad_input(message, *path)
        places = dict[Given, str]()
        for number, one in enumerate(given):
            places.setdefault(one, str(number))
        seen = await self._seen(user_id, project, list(places))
        pictures = await _kept_for_now({found.picture_id for found in seen.values()})
        for one, place in places.items():
            _require(seen.get(one), pictures, *path, place)
        return tuple(
            [
                await self._reference(one, pictures[seen[one].picture_id], project.owner_id, *path, place)
                for one, place in places.items()
            ]
        )

    async def _reference(self, given: Given, picture: Picture, owner_id: PydanticObjectId, *path: str) -> Reference:
        try:
            own = await self.pictures.adopt(picture, owner_id)
        except AppError as error:
            raise error.at(*path) from error
        type_name, identity = given
        if type_name == PICTURE:
            return Reference(picture_id=own.identity, sha256=own.sha256)
        return Reference(picture_id=own.identity, sha256=own.sha256, image_type=type_name, image_id=identity)

    async def _seen(self, user_id: PydanticObjectId, project: Project, given: Sequence[Given]) -> dict[Given, _Found]:
        """Those that the user may see, one read for each type."""
        found = dict[Given, _Found]()
        for type_name in dict.fromkeys(type_name for type_name, _ in given):
            ids = [identity for one, identity in given if one == type_name]
            if type_name == CHAT_IMAGE:
                seen = await self._of_chats(user_id, ids)
            elif type_name == PICTURE:
                seen = await _alone(user_id, project, ids)
            else:
                seen = await self._of_product(user_id, type_name, ids)
            found |= {(type_name, identity): one for identity, one in seen.items()}
        return found

    async def _of_chats(
        self, user_id: PydanticObjectId, ids: Sequence[PydanticObjectId]
    ) -> dict[PydanticObjectId, _Found]:
        images = await ChatImage.by_ids(ids)
        projects = {image.project_id: image for image in images.values()}
        open_to = {one for one, image in projects.items() if await self.gate.sees(user_id, image)}
        return {one: _shown(image) for one, image in images.items() if image.project_id in open_to}

    async def _of_product(
        self, user_id: PydanticObjectId, type_name: str, ids: Sequence[PydanticObjectId]
    ) -> dict[PydanticObjectId, _Found]:
        read = self.images.get(type_name)
        if read is None:
            return {}
        images = await read(ids)
        return {one: _shown(image) for one, image in images.items() if owns(user_id, image)}


async def _alone(
    user_id: PydanticObjectId, project: Project, ids: Sequence[PydanticObjectId]
) -> dict[PydanticObjectId, _Found]:
    """Pictures of the user's own, and those that the project, its frames and its contexts show."""
    pictures = await Picture.by_ids(ids)
    others = [one for one, picture in pictures.items() if not owns(user_id, picture)]
    public = set(project.context_picture_ids)
    if set(others) - public:
        public |= await Chat.showing_in(project.identity, others)
    return {one: _Found(one) for one in pictures if one not in others or one in public}


def _shown(image: Version) -> _Found:
    return _Found(image.picture_id, image.trashed_at is not None)


async def _kept_for_now(ids: set[PydanticObjectId]) -> dict[PydanticObjectId, Picture]:
    """Those pictures that are there, and safe from every sweep for a grace period."""
    if not ids:
        return {}
    await Picture.touch_all(list(ids))
    return await Picture.by_ids(list(ids))


def _require(found: _Found | None, pictures: Mapping[PydanticObjectId, Picture], *path: str) -> None:
    """Do nothing if it can be used; what is hidden is refused in the same words as what is not there."""
    if found is None or found.picture_id not in pictures:
        message = (
            "This is no picture that you see: name a `ChatImage` of a project that you are in, an `OrnamentImage` or a "
            "`Picture` of yours, or a `Picture` of this project."
        )
        raise bad_input(message, *path)
    if found.trashed:
        raise in_trash("This image", *path)
