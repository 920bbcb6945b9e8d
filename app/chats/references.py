"""Pictures that guide the images of a chat."""

from collections.abc import Awaitable, Callable, Sequence

from beanie import PydanticObjectId

from app.access import owns
from app.chats.parts import Reference
from app.errors import bad_input
from app.pictures.model import Picture
from app.projects.model import Project

REFERENCES_MAX = 8

type Given = tuple[str, PydanticObjectId]
"""What was given as a reference: the schema's name of its type, and its id."""
type Referred = Callable[
    [PydanticObjectId, Project, Sequence[Given], tuple[str, ...]], Awaitable[tuple[Reference, ...]]
]
"""The pictures that a user (first) means for a project.

Raises AppError: BAD_USER_INPUT with that path and the place of the one at fault, for what is not there or may not be
seen.
"""


async def stored_pictures(
    user_id: PydanticObjectId, project: Project, given: Sequence[Given], path: tuple[str, ...]
) -> tuple[Reference, ...]:
    """Those that are pictures of the project's owner; implements `Referred` for these alone.

    Raises:
        AppError: BAD_USER_INPUT with the path of the one at fault.
    """
    del user_id
    if not given:
        return ()
    if len(given) > REFERENCES_MAX:
        message = f"A message has at most {REFERENCES_MAX} reference images, not {len(given)}."
        raise bad_input(message, *path)
    found = await Picture.by_ids([one for _, one in given])
    await Picture.touch_all(list(found))
    references = dict[PydanticObjectId, Reference]()
    for place, (type_name, picture_id) in enumerate(given):
        picture = found.get(picture_id)
        if type_name != "Picture" or picture is None or not owns(project.owner_id, picture):
            raise bad_input("There is no such image, or you may not use it here.", *path, str(place))
        references[picture_id] = Reference(picture_id=picture_id, sha256=picture.sha256)
    return tuple(references.values())
