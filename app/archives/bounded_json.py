"""JSON that somebody sent in: looked at before anything is made of it, for a few bytes may become a lot of values."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, cast

from pydantic_core import from_json

_TOKENS_MAX: Final = 1_000_000
"""Strings, commas and opening brackets: a tree with all that it may have comes to less than half of them."""
_KEYS_MAX: Final = 50
"""Of one object: no format here has as many, and each one that is not known is an error of its own."""
_TOKENS: Final = re.compile(rb'"[^"]*+"?|[,\[{]')


def values_in(data: bytes) -> Any:
    """What the text says; blocks: call it in a thread.

    Raises:
        ValueError: it is no JSON, or has more values, or more keys in one object, than any text of an archive.
    """
    if _count(data) > _TOKENS_MAX:
        message = "there are more values than any such file has."
        raise ValueError(message)
    values = from_json(data, allow_inf_nan=False)
    if any(len(one) > _KEYS_MAX for one in _objects(values)):
        message = f"an object has more than {_KEYS_MAX} keys."
        raise ValueError(message)
    return values


def _count(data: bytes) -> int:
    """Its tokens, as far as they matter: a little more than the most that are taken."""
    without_escapes = data.replace(rb"\\", b"").replace(rb"\"", b"")
    return sum(1 for _ in islice(_TOKENS.finditer(without_escapes), _TOKENS_MAX + 1))


def _objects(values: Any) -> Iterable[dict[str, Any]]:
    """Every object, wherever it is."""
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found = cast("dict[str, Any]", value)
            yield found
            waiting.extend(found.values())
        elif isinstance(value, list):
            waiting.extend(value)  # pyright: ignore[reportUnknownArgumentType] - JSON's lists hold anything
