"""Pictures as clients see them, and how they come in."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any, Self

import strawberry
from beanie import PydanticObjectId
from starlette.datastructures import UploadFile
from strawberry.file_uploads import Upload

from app.access import Role, own, require_own
from app.api.at_hand import NOTHING, Known
from app.api.context import Context, Info, viewer
from app.api.derived import derived, deriving, often_ready
from app.api.ids import CHAT_IMAGE, ORNAMENT_IMAGE, global_id, typed_id
from app.api.incoming import Incoming
from app.api.node import ID_WORDS, Node
from app.errors import AppError, ErrorCode, bad_input, not_found
from app.lineage.trash import in_trash
from app.lineage.version import Version
from app.pictures import model as stored
from app.pictures.intake import MAX_BYTES
from app.pictures.upload import Upload as Received

TYPE_NAME = "Picture"
_TAKEN = (TYPE_NAME, ORNAMENT_IMAGE, CHAT_IMAGE)
_IMAGE = "This image"
_WIDEST_PX = 8_192
_FAULTS_OF_INPUT = frozenset({ErrorCode.BAD_USER_INPUT, ErrorCode.NOT_FOUND, ErrorCode.FORBIDDEN, ErrorCode.CONFLICT})


def _url(
    shown: strawberry.Parent["Picture"],
    info: Info,
    width: Annotated[
        int | None,
        strawberry.argument(
            description="In pixels: the next larger of a few widths, never larger than the picture, as a WEBP "
            "or in the best format that the client accepts; unset: the stored file, unchanged."
        ),
    ] = None,
) -> str:
    """Where to fetch it, without further headers, for at least the next hour: whoever has the link may.

    Ask again rather than keep it. Links to this server expire after one to two hours; links to Cloudinary don't
    expire, and work until the picture is deleted or moved.
    """
    return _link(shown, info.context, width)


def _link(shown: "Picture", context: Context, width: int | None = None) -> str:
    """The same; nothing of it has to be waited for."""
    if width is not None and not 1 <= width <= _WIDEST_PX:
        raise bad_input(f"`width` is from 1 to {_WIDEST_PX} pixels, not {width}.", "width")
    place = context.services.pictures.url(shown.document, width)
    return context.base_url + place if place.startswith("/") else place


@deriving
@strawberry.type(description="A stored picture; it never changes.")
class Picture(Node):
    """Shown from its document."""

    id: strawberry.ID = derived(ID_WORDS, lambda shown: global_id(TYPE_NAME, shown.document.identity))
    width: int = derived("In pixels, as stored.")
    height: int = derived("In pixels, as stored.")
    bytes: int = derived("Size of the stored file.", attrgetter("document.byte_size"))
    type: str = derived("Media type of the stored file, e.g. `image/jpeg`.", attrgetter("document.media_type"))
    thumbhash: str = derived("A placeholder of about 24 bytes, base64 (see thumbhash.com).")
    document: strawberry.Private[stored.Picture]

    @classmethod
    def of(cls, picture: stored.Picture) -> Self:
        """The picture of a document."""
        return cls(document=picture)

    url: str = often_ready(_url, _link)


def picture_of(info: Info, identity: PydanticObjectId, at_hand: Known[stored.Picture] = NOTHING) -> Any:
    """A picture that somebody refers to, or what to await for it; null when it is gone."""
    return picture_at_hand(identity, at_hand) if identity in at_hand else _picture(info, identity)


def picture_at_hand(identity: PydanticObjectId, at_hand: Known[stored.Picture]) -> Picture | None:
    """A picture that somebody refers to; null when it is gone.

    Raises:
        KeyError: it was not looked for.
    """
    found = at_hand[identity]
    return Picture.of(found) if found else None


async def pictures_of(
    info: Info, ids: Sequence[PydanticObjectId], at_hand: Known[stored.Picture] = NOTHING
) -> list[Picture]:
    """Those of them that are not gone."""
    unknown = [one for one in ids if one not in at_hand]
    read = await info.context.loaders.pictures.load_many(unknown) if unknown else []
    known = {**at_hand, **dict(zip(unknown, read, strict=True))}
    return [Picture.of(found) for one in ids if (found := known[one])]


async def _picture(info: Info, identity: PydanticObjectId) -> Picture | None:
    found = await info.context.loaders.pictures.load(identity)
    return Picture.of(found) if found else None


@strawberry.input(one_of=True, description="A picture: a new file, or one that is stored already. Exactly one of both.")
class PictureInput:
    """So that nobody uploads the same photo twice."""

    upload: strawberry.Maybe[Upload] = strawberry.field(
        description="A file by the GraphQL multipart request specification: JPEG, PNG, WEBP, AVIF or HEIC, "
        "at most 20 MB and 50 megapixels."
    )
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="The id of a `Picture` (`POST /uploads` gives one for a file) or `OrnamentImage` of yours, or "
        "of a `ChatImage` of a project that you see, for the picture that it shows. Images in the trash are refused."
    )


async def take_in(info: Info, given: PictureInput, *path: str) -> stored.Picture:
    """The stored picture that an input means.

    Raises:
        AppError: BAD_USER_INPUT, NOT_FOUND, FORBIDDEN or CONFLICT, with the path of the argument.
    """
    who = viewer(info)
    try:
        if given.id:
            return await _named(info, given.id.value)
        return await info.context.services.pictures.accept(who.user_id, await _uploaded(given))
    except AppError as error:
        if error.code not in _FAULTS_OF_INPUT:
            raise
        raise error.at(*path) from error


async def require_seen(info: Info, given_id: strawberry.ID, *path: str) -> None:
    """Do nothing if `take_in` would take that id; unlike it this keeps no picture from being swept.

    Raises:
        AppError: BAD_USER_INPUT, NOT_FOUND, FORBIDDEN or CONFLICT, with the path of the argument.
    """
    type_name, identity = typed_id(given_id, _TAKEN, *path)
    if type_name != TYPE_NAME:
        await _image(info, type_name, identity, *path)
        return
    picture = await info.context.loaders.pictures.load(identity)
    require_own(viewer(info).user_id, picture, "This picture", *path)


async def _named(info: Info, text: str) -> stored.Picture:
    """The viewer's own picture of what an id names."""
    who, pictures = viewer(info), info.context.services.pictures
    type_name, identity = typed_id(text, _TAKEN)
    if type_name == TYPE_NAME:
        return await pictures.owned(who.user_id, identity)
    image = await _image(info, type_name, identity)
    shown = await stored.Picture.touch(image.picture_id, image.owner_id)
    if shown is None:
        raise not_found("The picture of this image")
    return await pictures.adopt(shown, who.user_id)


async def _image(info: Info, type_name: str, identity: PydanticObjectId, *path: str) -> Version:
    """The image, if the viewer sees it and it is not in the trash."""
    who, loaders = viewer(info), info.context.loaders
    image: Version
    if type_name == CHAT_IMAGE:
        in_chat = await loaders.chat_images.load(identity)
        image = await info.context.services.gate.require(who.user_id, in_chat, Role.VIEWER, _IMAGE, *path)
    else:
        image = require_own(who.user_id, await loaders.ornament_images.load(identity), _IMAGE, *path)
    if image.trashed_at is not None:
        raise in_trash(_IMAGE, *path)
    return image


async def _uploaded(given: PictureInput) -> Received | bytes:
    file: Any = given.upload.value if given.upload else None
    if not isinstance(file, UploadFile):
        raise bad_input("Send the file as a multipart request (GraphQL multipart request specification).")
    if isinstance(file, Incoming):
        return await file.whole()
    await file.seek(0)
    return await file.read(MAX_BYTES + 1)


async def find(info: Info, identity: PydanticObjectId) -> Picture | None:
    """The viewer's own picture."""
    who = viewer(info)
    picture = own(who.user_id, await info.context.loaders.pictures.load(identity))
    return Picture.of(picture) if picture else None
