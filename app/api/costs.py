"""What calls to providers used and cost, as clients see it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Self

import strawberry

from app.costs.prices import amount
from app.costs.usage import Unit
from app.generations.attempts import Call
from app.generations.spending import Charge


@strawberry.type(description="An amount of money, by the prices that this server was told.")
class Cost:
    """Shown from micros."""

    amount: Decimal = strawberry.field(description="Exact, as text: `0.039`.")
    currency: str | None = strawberry.field(description="Like `USD`; null when nothing was charged.")

    @classmethod
    def of(cls, micros: int | None, currency: str | None) -> Self | None:
        """Null when the amount is."""
        return None if micros is None else cls(amount=amount(micros), currency=currency if micros else None)


@strawberry.type(description="What one call used, as the provider counts it.")
class CallUsage:
    """Shown from the ledger."""

    input_text_tokens: int = strawberry.field(description="Tokens of text that were sent.")
    input_image_tokens: int = strawberry.field(description="Tokens of pictures that were sent.")
    cached_input_tokens: int = strawberry.field(
        description="Tokens that were sent and that the provider had at hand; they are in neither of the two above."
    )
    output_text_tokens: int = strawberry.field(
        description="Tokens of text that were written, those of thinking included."
    )
    output_image_tokens: int = strawberry.field(description="Tokens of pictures that were made.")
    pictures: int = strawberry.field(description="Pictures that were made.")

    @classmethod
    def of(cls, usage: Mapping[Unit, int]) -> Self | None:
        """Null when nothing is known of it."""
        if not usage:
            return None
        return cls(
            input_text_tokens=usage.get(Unit.INPUT_TEXT_TOKENS, 0),
            input_image_tokens=usage.get(Unit.INPUT_IMAGE_TOKENS, 0),
            cached_input_tokens=usage.get(Unit.CACHED_INPUT_TOKENS, 0),
            output_text_tokens=usage.get(Unit.OUTPUT_TEXT_TOKENS, 0),
            output_image_tokens=usage.get(Unit.OUTPUT_IMAGE_TOKENS, 0),
            pictures=usage.get(Unit.PICTURES, 0),
        )


def cost_of(call: Call) -> Cost | None:
    """What a call cost; null while it runs and when that is not known."""
    return None if call.outcome is None else Cost.of(call.charged, call.currency)


def cost_of_all(calls: Sequence[Call]) -> Cost | None:
    """What those of the calls cost that have ended; null when that of one is not known."""
    charge = Charge.of(calls)
    return Cost.of(charge.cost, charge.currency)


def estimate_of(calls: Sequence[Call]) -> Cost | None:
    """What was held for the calls; null when nothing was."""
    held = [one.estimated for one in calls if one.estimated is not None]
    return Cost.of(sum(held), Charge.of(calls).currency) if held else None
