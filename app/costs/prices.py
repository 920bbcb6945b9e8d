"""What units of a model cost: the operator's own list; none is shipped.

Amounts of money are whole numbers of micros, millionths of the list's currency.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.costs.usage import Unit, Usage

_MICRO: Final = 10**6
_AMOUNT = r"^[0-9]{1,9}(\.[0-9]{1,12})?$"
_FLAT: Final = (Unit.CALLS, Unit.PICTURES)
_TOKENS: Final = frozenset(Unit) - frozenset(_FLAT)


class PricesError(Exception):
    """The list can't be used; the message is the end of a sentence for the operator."""


class Price(BaseModel):
    """One line: from `since` on (00:00 UTC), `per` units of the model cost `amount`, a decimal as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    unit: Unit
    amount: str = Field(pattern=_AMOUNT)
    per: int = Field(1, ge=1, strict=True)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    since: date


_LINES: Final = TypeAdapter(tuple[Price, ...])


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices, all of one currency (null when there are none)."""

    prices: tuple[Price, ...] = ()
    currency: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The list that a JSON text is.

        Raises:
            PricesError: it is none, it has several currencies, or two prices of a unit from the same day on.
        """
        try:
            prices = _LINES.validate_json(text)
        except ValidationError as error:
            raise PricesError(_explained(error)) from None
        currencies = sorted({one.currency for one in prices})
        if len(currencies) > 1:
            raise PricesError(f"one currency for all, not {' and '.join(currencies)}")
        keys = [(one.model, one.unit, one.since) for one in prices]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise PricesError(f"one price for {twice[1]} of {twice[0]} since {twice[2]}, not two")
        return cls(prices, currencies[0] if currencies else None)

    def cost(self, model: str, usage: Usage, at: datetime) -> int | None:
        """Micros that the usage costs at that moment; null when a price is missing: it is never guessed.

        It is known when each kind of token that was used has a price, or the model has one for each call or picture.
        """
        prices = self._valid(model, at)
        tokens = {unit for unit, count in usage.items() if unit in _TOKENS and count}
        is_flat = any(unit in prices and unit in usage for unit in _FLAT)
        if not is_flat and not (tokens and tokens <= prices.keys()):
            return None
        cost = sum((count * prices[unit] for unit, count in usage.items() if unit in prices), Fraction())
        return round(cost * _MICRO)

    def has(self, model: str) -> bool:
        """Whether anything of the model has a price, now or once."""
        return any(one.model == model for one in self.prices)

    def _valid(self, model: str, at: datetime) -> Mapping[Unit, Fraction]:
        """What one of each unit costs at that moment."""
        day = at.astimezone(UTC).date()
        known = sorted((one for one in self.prices if one.model == model and one.since <= day), key=_since)
        return {one.unit: Fraction(one.amount) / one.per for one in known}


def micros(amount: Decimal) -> int:
    """An amount of money, as it is counted here."""
    return round(amount * _MICRO)


def amount(micros: int) -> Decimal:
    """An amount of money, as people write it: without superfluous zeros."""
    shown = Decimal(micros).scaleb(-6).normalize()
    return shown.quantize(Decimal(1)) if shown == shown.to_integral() else shown


def _since(price: Price) -> date:
    return price.since


def _explained(error: ValidationError) -> str:
    """What was expected, and where the first fault is; never the value."""
    expected = 'a JSON list like [{"model": "…", "unit": "pictures", "amount": "0.04", "currency": "USD", '
    expected += '"since": "2026-11-01"}]'
    first = error.errors()[0]
    place = first["loc"]
    if not place:
        return expected
    names = f"entry {int(place[0]) + 1}" + "".join(f", {name}" for name in place[1:])
    return f"{expected}; in {names}: {_hint(str(place[-1]), first['msg'])}"


def _hint(field: str, said: str) -> str:
    hints = {
        "amount": 'a decimal as text, like "0.04"',
        "unit": f"one of {', '.join(Unit)}",
        "currency": "three capital letters, like USD",
        "since": "a date like 2026-11-01",
        "per": "a whole number from 1",
    }
    missing = "Field required"
    return hints[field] if field in hints and said != missing else said[0].lower() + said[1:]
