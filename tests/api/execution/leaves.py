"""The leaves of generated schemas, and for each what it takes well, and what it should never have been given."""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, NewType
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from app.errors import AppError, ErrorCode


@strawberry.enum
class Hue(enum.Enum):
    """Shown by other names than its values."""

    RED = "r"
    SEA = strawberry.enum_value("s", name="OCEAN")
    NIGHT = 3


@strawberry.enum
class Rank(enum.IntEnum):
    """Its members are numbers."""

    LOW = 1
    HIGH = 2


@strawberry.enum
class Tone(enum.StrEnum):
    """Its members are texts."""

    WARM = "warm"
    COLD = "cold"


class Word(str):
    """A text that is none of `str` exactly."""

    __slots__ = ()


class Number(int):
    """A number that is none of `int` exactly."""


class Moment(datetime):
    """A time that is none of `datetime` exactly."""


Odd = NewType("Odd", int)


def _shown_if_odd(value: Any) -> Any:
    if value == 0:
        return None
    if value % 2 == 0:
        raise AppError(ErrorCode.BAD_USER_INPUT, f"{value} is even.")
    return {"odd": value}


CONFIG: Final = StrawberryConfig(
    scalar_map={Odd: strawberry.scalar(name="Odd", serialize=_shown_if_odd, parse_value=int)}
)
LEAVES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "String": str,
        "Int": int,
        "Float": float,
        "Boolean": bool,
        "ID": strawberry.ID,
        "DateTime": datetime,
        "Date": date,
        "Time": time,
        "Decimal": Decimal,
        "UUID": UUID,
        "JSON": JSON,
        "Odd": Odd,
        "Hue": Hue,
        "Rank": Rank,
        "Tone": Tone,
    }
)
_NOON: Final = datetime(2026, 1, 2, 12, tzinfo=UTC)
_UUID: Final = UUID(int=7)
_UNLUCKY: Final = 7
GOOD: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        "String": ("a", "", "née", Word("w"), 'quo"te', Tone.WARM),
        "Int": (1, 0, -(2**31), 2**31 - 1, Number(4), Rank.HIGH, 3.0),
        "Float": (1.5, 0, -0.0, 1e300, 3, Number(4)),
        "Boolean": (True, False, 1, 0),
        "ID": ("x", 7, _UUID, Word("w"), ""),
        "DateTime": (_NOON, datetime(2026, 1, 2), Moment(2026, 1, 2), _NOON.replace(microsecond=5)),  # noqa: DTZ001 - one without a zone
        "Date": (date(2026, 1, 2), _NOON),
        "Time": (time(1, 2), time(1, 2, 3, 4)),
        "Decimal": (Decimal("1.50"), Decimal(-3), Decimal("NaN")),
        "UUID": (_UUID,),
        "JSON": ({"a": [1, None]}, [1, "b"], "c", 4, True),
        "Odd": (1, 3, -5),
        "Hue": (Hue.RED, Hue.SEA, Hue.NIGHT),
        "Rank": (Rank.LOW, Rank.HIGH, 1),
        "Tone": (Tone.WARM, Tone.COLD, "cold"),
    }
)


class _Unusable:
    """Says nothing that tells one of its kind from another."""

    def __repr__(self) -> str:
        return "<unusable>"


WRONG: Final[tuple[Any, ...]] = (
    None,
    "12",
    "x",
    True,
    2**31,
    -(2**40),
    1.5,
    math.inf,
    math.nan,
    0,
    2,
    Number(2**33),
    Word("5"),
    Hue.SEA,
    Rank.LOW,
    Tone.COLD,
    "RED",
    "OCEAN",
    b"bytes",
    _Unusable(),
    _NOON,
    Decimal("2.5"),
    strawberry.UNSET,
    {},
    [],
    str,
)
"""Wrong for most leaves; what is right for one by accident is compared as well."""


class _LoudError(Exception):
    """Has no text."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception, made anew each time: raising one leaves its traces in it."""

    number: int

    def made(self) -> Exception:
        """That exception."""
        name = f"fault {self.number}"
        return (
            GraphQLError(name, extensions={"code": "ODD"}),
            ValueError(name),
            AppError(ErrorCode.NOT_FOUND, name),
            _LoudError(),
            GraphQLError(name, path=["elsewhere", 1]),
            TypeError(name),
            KeyError(name),
            AttributeError(name),
            StopIteration(name),
            RecursionError(name),
        )[self.number]


FAULTS: Final = tuple(Fault(number) for number in range(10))


@strawberry.input
class Near:
    """An input in an input."""

    text: str = "near"
    hue: Hue | None = Hue.SEA


@strawberry.input
class Filter:
    """An input of most kinds of fields."""

    number: int
    numbers: list[int] | None = None
    near: Near | None = None
    name: strawberry.Maybe[str | None]
    rank: Rank = Rank.LOW
    unset: str | None = strawberry.UNSET


@strawberry.input
class Checked:
    """An input that not everything fits into."""

    number: int

    def __post_init__(self) -> None:
        if self.number == _UNLUCKY:
            message = f"{self.number} is not lucky."
            raise ValueError(message)


@strawberry.input(one_of=True)
class Either:
    """One of two."""

    number: strawberry.Maybe[int]
    text: strawberry.Maybe[str]


ARGUMENTS: Final[Mapping[str, tuple[Any, Any]]] = MappingProxyType(
    {
        "number": (int, 3),
        "needed": (int, ...),
        "text": (str | None, None),
        "unset": (str | None, strawberry.UNSET),
        "hue": (Hue, Hue.SEA),
        "ranks": (list[Rank] | None, None),
        "filter": (Filter | None, None),
        "checked": (Checked | None, None),
        "either": (Either | None, None),
        "filters": (list[Filter], ...),
        "grid": (list[list[int | None]] | None, None),
        "at": (datetime | None, None),
        "named": (Annotated[float | None, strawberry.argument(name="called")], 1.5),
        "json": (JSON | None, None),
        "flag": (bool, False),
        "id": (strawberry.ID | None, None),
    }
)
"""Arguments: the type, and the default value, or `...` where there is none."""
