"""Parameters of which some stand for all: the others are left to FULL=1."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(values: Iterable[Any], *always: Any) -> list[Any]:
    """These parameters, of which `always` run whenever the tests do."""
    every = list(values)
    unknown = [one for one in always if one not in every]
    assert not unknown, f"no such parameter: {unknown}"
    return [one if one in always else _long(one) for one in every]


def _long(value: Any) -> Any:
    """A tuple holds the values of several parameters, as everywhere in pytest."""
    values: list[Any] = [*value] if isinstance(value, tuple) else [value]
    return pytest.param(*values, marks=pytest.mark.long)
