"""Whether two answers mean the same."""

import json
import re
from datetime import UTC, datetime

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

type Meaning = dict[str, Meaning] | list[Meaning] | str | float | bool | datetime | None
"""What JSON holds, with moments."""


class OtherAnswerError(Exception):
    """A server did not answer what it had to."""


def meaning(value: Meaning) -> Meaning:
    """The value with each moment as one, however it is written; the order of keys means nothing."""
    if isinstance(value, dict):
        return {name: meaning(one) for name, one in value.items()}
    if isinstance(value, list):
        return [meaning(one) for one in value]
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def check(name: str, body: bytes, expected: Meaning) -> None:
    """Do nothing if the body is the expected answer; `extensions` may stand beside it.

    Raises:
        OtherAnswerError: it is not; says where they part.
    """
    try:
        answer: Meaning = json.loads(body)
    except ValueError as error:
        raise OtherAnswerError(f"{name} answered no JSON: {body[:200]!r}") from error
    if isinstance(answer, dict):
        answer.pop("extensions", None)
    if where := _difference(meaning(answer), meaning(expected), "answer"):
        raise OtherAnswerError(f"{name} answered something else: {where}")


def _difference(found: Meaning, expected: Meaning, path: str) -> str | None:
    """The first one, with its path; null where they are the same."""
    if isinstance(found, dict) and isinstance(expected, dict):
        if found.keys() != expected.keys():
            return f"{path} has {sorted(found)}, not {sorted(expected)}"
        named = (_difference(found[one], expected[one], f"{path}.{one}") for one in expected)
        return next(filter(None, named), None)
    if isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            return f"{path} holds {len(found)}, not {len(expected)}"
        pairs = enumerate(zip(found, expected, strict=True))
        return next(filter(None, (_difference(*pair, f"{path}.{place}") for place, pair in pairs)), None)
    same = type(found) is type(expected) and found == expected
    return None if same else f"{path} is {found!r}, not {expected!r}"
