"""Global ids: one opaque text that names the type and the document."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from beanie import PydanticObjectId
from bson.errors import InvalidId

from app.errors import bad_input

GENERATION: Final = "Generation"
"""Its type's name; the command line writes such ids too, and needs nothing else of the API."""
ORNAMENT_IMAGE: Final = "OrnamentImage"
CHAT_IMAGE: Final = "ChatImage"
"""The types of images, which stand for the pictures that they show wherever one comes in."""
USER: Final = "User"
"""The name of what others show of a person, too."""


def global_id(type_name: str, document_id: PydanticObjectId) -> str:
    """The global id of a document: base64 of `Type:hexadecimal`."""
    return base64.b64encode(f"{type_name}:{document_id}".encode()).decode()


def parse_global_id(text: str, *path: str) -> tuple[str, PydanticObjectId]:
    """The type's name and the document's id.

    Raises:
        AppError: BAD_USER_INPUT naming the argument when the text is no global id.
    """
    try:
        type_name, _, hexadecimal = base64.b64decode(text, validate=True).decode("ascii").partition(":")
        return type_name, PydanticObjectId(hexadecimal)
    except (binascii.Error, UnicodeDecodeError, InvalidId, ValueError) as error:
        raise bad_input(_sentence(path), *path) from error


def document_id(text: str, type_name: str, *path: str) -> PydanticObjectId:
    """The document's id in a global id of that type.

    Raises:
        AppError: BAD_USER_INPUT naming the argument when it is no global id, or another type's.
    """
    found, identity = parse_global_id(text, *path)
    if found != type_name:
        raise bad_input(f"{_sentence(path)} It names a {found}, expected is a {type_name}.", *path)
    return identity


def typed_id(text: str, type_names: Sequence[str], *path: str) -> tuple[str, PydanticObjectId]:
    """The type's name and the document's id in a global id of one of those types.

    Raises:
        AppError: BAD_USER_INPUT naming the argument when it is no global id, or another type's.
    """
    found, identity = parse_global_id(text, *path)
    if found not in type_names:
        raise bad_input(f"{_sentence(path)} It names a {found}, expected is one of {', '.join(type_names)}.", *path)
    return found, identity


def _sentence(path: tuple[str, ...]) -> str:
    return f"`{'.'.join(path) or 'id'}` is not an id of this server: pass an `id` as you got it, unchanged."
