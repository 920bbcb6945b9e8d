"""Whether two answers mean the same."""

import json
import re
from datetime import UTC, datetime
from typing import Any, cast

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class OtherAnswerError(Exception):
    """A server did not answer what it had to."""


def meaning(value: Any) -> Any:
    """The value with each moment as one, however it is written; the order of keys means nothing."""
    if isinstance(value, dict):
        return {name: meaning(one) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [meaning(one) for one in cast("list[Any]", value)]
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def check(name: str, body: bytes, expected: Any) -> None:
    """Do nothing if the body is the expected answer; `extensions` may stand beside it.

    Raises:
        OtherAnswerError: it is not; says where they part.
    """
    try:
        answer: Any = json.loads(body)
    except ValueError as error:
        raise OtherAnswerError(f"{name} answered no JSON: {body[:200]!r}") from error
    if isinstance(answer, dict):
        cast("dict[str, Any]", answer).pop("extensions", None)
    if where := _difference(meaning(answer), meaning(expected), "answer"):
        raise OtherAnswerError(f"{name} answered something else: {where}")


def _difference(found: Any, expected: Any, path: str) -> str | None:
    """The first one, with its path; null where they are the same."""
    if isinstance(found, dict) and isinstance(expected, dict):
        left, right = cast("dict[str, Any]", found), cast("dict[str, Any]", expected)
        if left.keys() != right.keys():
            return f"{path} has {sorted(left)}, not {sorted(right)}"
        return next(filter(None, (_difference(left[one], right[one], f"{path}.{one}") for one in right)), None)
    if isinstance(found, list) and isinstance(expected, list):
        ours, theirs = cast("list[Any]", found), cast("list[Any]", expected)
        if len(ours) != len(theirs):
            return f"{path} holds {len(ours)}, not {len(theirs)}"
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next(filter(None, (_difference(*pair, f"{path}.{place}") for place, pair in pairs)), None)
    same = type(found) is type(expected) and found == expected
    return None if same else f"{path} is {found!r}, not {expected!r}"
