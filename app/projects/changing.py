"""What people say of a project, a frame or a context is changed: by several at once, and no picture is forgotten."""

from collections.abc import Mapping
from typing import Any, Final

from app.errors import AppError, ErrorCode, not_found
from app.lineage.trash import in_trash
from app.pictures.model import Picture
from app.projects.made_once import MadeOnce

_TRIES: Final = 8


async def changed[D: MadeOnce](document: D, told: Mapping[str, Any], what: str, *path: str) -> D:
    """It with what was told, by the document's keys; `what` begins a sentence: `This frame`.

    Pictures in it were touched just now; those that they replace are let go, whoever put them there meanwhile.

    Raises:
        AppError: NOT_FOUND, or CONFLICT when it is in the trash, with that path; UNAVAILABLE.
    """
    for _ in range(_TRIES):
        if replaced := set(document.shown_ids) - set(told.get(document.shown_in, document.shown_ids)):
            await Picture.let_go(replaced)
        if now := await document.say(told):
            return now
        found = (await type(document).by_ids([document.identity])).get(document.identity)
        if found is None:
            raise not_found(what, *path)
        if found.trashed_at is not None:
            raise in_trash(what, *path)
        document = found
    raise AppError(ErrorCode.UNAVAILABLE, "It changes too quickly at the moment. Try again.", retryable=True)
