"""What the viewer's generations have used and cost."""

from typing import TypedDict

import strawberry
from beanie import PydanticObjectId

from app.api.context import Info
from app.api.costs import Cost
from app.api.enums import UsagePeriod
from app.generations.spending import Sum, by_model, calls_since


@strawberry.interface(description="What calls to providers came to.")
class UsageSum:
    """Shown from the ledgers."""

    generations: int = strawberry.field(description="Generations that made a call.")
    pictures: int = strawberry.field(description="Pictures that providers made.")
    calls: int = strawberry.field(description="Calls to providers, those under way included.")
    maybe_billed: int = strawberry.field(
        description="Calls that were cut off: nobody here knows whether the provider takes money for them."
    )
    unpriced_calls: int = strawberry.field(description="Calls that have ended and whose cost is not known.")
    cost: Cost | None = strawberry.field(
        description="What the calls that have ended cost; null when that of one is not known."
    )
    known_cost: Cost | None = strawberry.field(
        description="What those calls cost of which it is known; null when they are of two currencies."
    )


@strawberry.type(description="What calls to one model of a provider came to.")
class ProviderUsage(UsageSum):
    """A part of the whole."""

    provider: str = strawberry.field(description="Who was called: `gemini`, `local`.")
    model: str = strawberry.field(description="The model, as the provider calls it.")


@strawberry.type(description="What calls to all providers came to.")
class Usage(UsageSum):
    """The whole."""

    by_provider: list[ProviderUsage] = strawberry.field(
        description="The same for each model, by the names of the providers and models."
    )


class _Figures(TypedDict):
    generations: int
    pictures: int
    calls: int
    maybe_billed: int
    unpriced_calls: int
    cost: Cost | None
    known_cost: Cost | None


def _figures(found: Sum) -> _Figures:
    charge = found.charge
    return _Figures(
        generations=found.generations,
        pictures=found.pictures,
        calls=found.calls,
        maybe_billed=found.maybe_billed,
        unpriced_calls=charge.unpriced,
        cost=Cost.of(charge.cost, charge.currency),
        known_cost=Cost.of(charge.known, charge.currency),
    )


async def usage_of(info: Info, owner_id: PydanticObjectId, period: UsagePeriod) -> Usage:
    """What the owner's generations came to in that period; one read."""
    since = period.since(info.context.services.generations.clock.now())
    calls = await calls_since(owner_id, since)
    parts = [
        ProviderUsage(provider=provider, model=model, **_figures(part))
        for (provider, model), part in by_model(calls).items()
    ]
    return Usage(by_provider=parts, **_figures(Sum.of(calls)))
