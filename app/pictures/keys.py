"""The keys that pictures are kept under, in every store: `owner/sha256-id.ending`."""

import re

from beanie import PydanticObjectId

_KEY = re.compile(r"[0-9a-f]{24}/(?P<sha256>[0-9a-f]{64})(-[0-9a-f]{24})?\.(jpg|png|webp)")
"""All of it lower-case hexadecimal; older ones lack the id."""


def new_key(owner_id: PydanticObjectId, sha256: str, ending: str, own_id: PydanticObjectId) -> str:
    """A key that nothing else has, if nothing else has `own_id`."""
    return f"{owner_id}/{sha256}-{own_id}.{ending}"


def is_key(text: str) -> bool:
    """Whether it is one."""
    return _KEY.fullmatch(text) is not None


def checked(key: str) -> str:
    """The same, so that nothing else ever becomes a path or a part of a URL.

    Raises:
        ValueError: it is no key.
    """
    if not is_key(key):
        message = f"not a key of a picture: {key!r}"
        raise ValueError(message)
    return key


def sha256_in(key: str) -> str:
    """The hash of the bytes under that key.

    Raises:
        ValueError: it is no key.
    """
    found = _KEY.fullmatch(checked(key))
    return found["sha256"] if found else ""


def ending_of(key: str) -> str:
    """Its `jpg`, `png` or `webp`."""
    return key.rpartition(".")[2]
