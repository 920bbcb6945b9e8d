"""Pictures that come into a project: whoever brings them, they are its owner's."""

from collections.abc import Collection, Sequence

from beanie import PydanticObjectId

from app.api.context import Info
from app.api.ids import parse_global_id
from app.api.pictures import TYPE_NAME, PictureInput, take_in
from app.errors import bad_input
from app.pictures.model import Picture


async def taken_in(
    info: Info,
    given: Sequence[PictureInput],
    owner_id: PydanticObjectId,
    most: int,
    path: tuple[str, ...],
    shown: Collection[PydanticObjectId] = (),
) -> list[PydanticObjectId]:
    """The owner's pictures that the inputs mean, each once, safe from every sweep for a grace period.

    `shown` are those that are there already: anybody who may change them may name them again.

    Raises:
        AppError: BAD_USER_INPUT when they are more than `most`; as `take_in`, with the path of the one at fault.
    """
    if len(given) > most:
        raise bad_input(f"These are too many pictures: at most {most}.", *path)
    found = dict[PydanticObjectId, None]()
    for place, one in enumerate(given):
        found[await _taken(info, one, owner_id, (*path, str(place)), shown)] = None
    return list(found)


async def _taken(
    info: Info,
    given: PictureInput,
    owner_id: PydanticObjectId,
    path: tuple[str, ...],
    shown: Collection[PydanticObjectId],
) -> PydanticObjectId:
    if given.id:
        type_name, known_id = parse_global_id(given.id.value, *path)
        if type_name == TYPE_NAME and known_id in shown and await Picture.touch(known_id, owner_id):
            return known_id
    picture = await take_in(info, given, *path)
    return (await info.context.services.pictures.adopt(picture, owner_id)).identity
