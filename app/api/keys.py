"""Idempotency keys: a client's own ids of the calls that start work, and what those calls say."""

import hashlib
import json
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any

from starlette.datastructures import UploadFile
from strawberry import Some

from app.api.incoming import Incoming
from app.errors import bad_input

KEY_WORDS = (
    "Your own id of this call: the same key with the same input starts nothing twice, whatever has become "
    "since of what the input names; uploads are the same when their bytes are."
)
_MAX_CHARACTERS = 200
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Keyed:
    """The key of a call, and the call's input in one short text; both null for a call without a key."""

    key: str | None = None
    asked: str | None = None


def check_key(key: str | None) -> str | None:
    """The key as it was given.

    Raises:
        AppError: BAD_USER_INPUT naming the argument when it is empty or too long.
    """
    if key is not None and not 1 <= len(key) <= _MAX_CHARACTERS:
        raise bad_input(f"An idempotencyKey has 1 to {_MAX_CHARACTERS} characters.", "input", "idempotencyKey")
    return key


async def keyed(input: Any) -> Keyed:
    """The key of a mutation's input, and the name of that input with a hash of all it says besides.

    Files count by the bytes that were sent. What is left to its default is left out, so that the same call means the
    same to a later version of the schema, which has more arguments.

    Raises:
        AppError: BAD_USER_INPUT naming the argument when the key is empty or too long.
    """
    key = check_key(input.idempotency_key)
    if key is None:
        return Keyed()
    said = json.dumps(await _said(input), default=str, sort_keys=True)
    return Keyed(key, f"{type(input).__name__}:{hashlib.sha256(said.encode()).hexdigest()}")


async def _said(value: Any) -> Any:
    if isinstance(value, Some):
        return await _said(value.value)  # pyright: ignore[reportUnknownMemberType] - anything may be in it
    if isinstance(value, UploadFile):
        return {"sha256": await _sha256(value)}
    if isinstance(value, list):
        return [await _said(one) for one in value]  # pyright: ignore[reportUnknownVariableType] - the same
    if is_dataclass(value):
        given = {one.name: getattr(value, one.name) for one in fields(value) if one.name != "idempotency_key"}
        defaults = {one.name: _default(one) for one in fields(value)}
        return {name: await _said(one) for name, one in given.items() if one != defaults[name]}
    return value


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


async def _sha256(file: UploadFile) -> str:
    if isinstance(file, Incoming):
        return await file.sha256()
    digest = hashlib.sha256()
    await file.seek(0)
    while some := await file.read(_READ_BYTES):
        digest.update(some)
    return digest.hexdigest()
