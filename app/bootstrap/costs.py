"""What calls cost, and what may be spent a day."""

from collections.abc import Sequence
from decimal import Decimal

from app.costs.budgets import Budgets
from app.costs.prices import PriceList, PricesError, amount, micros
from app.database.document import utc_now
from app.generations.purse import settle_left_over
from app.generations.sweeper import Chore
from app.settings import Settings, SettingsError


def budgets_of(settings: Settings) -> Budgets:
    """The prices and the daily budgets that the settings mean.

    Raises:
        SettingsError: the prices can't be used, or there is a budget without any.
    """
    try:
        prices = PriceList.parse(settings.prices) if settings.prices else PriceList()
    except PricesError as error:
        raise SettingsError(f"PRICES is wrong: expected {error}.") from None
    budgets = Budgets(prices, _micros(settings.daily_budget_per_user), _micros(settings.daily_budget))
    if budgets.are_set and not prices.prices:
        raise SettingsError("A daily budget needs PRICES: without them nobody knows what a call would take from it.")
    return budgets


def described(budgets: Budgets, models: Sequence[str]) -> str:
    """In a line for people; `models` are those that take money."""
    prices = budgets.prices
    if not prices.prices:
        return "not known (set PRICES to what your providers charge)"
    limits = ((budgets.for_all, "for all"), (budgets.per_user, "for each user"))
    shown = [f"{amount(limit)} {prices.currency} a day {whom}" for limit, whom in limits if limit is not None]
    if unknown := unpriced(budgets, models):
        then = "is never called, because of the budget" if budgets.are_set else "costs nobody knows what"
        shown.append(f"NO PRICE for {', '.join(unknown)}, which {then} (add it to PRICES)")
    return "; ".join([f"prices in {prices.currency}", *shown])


def unpriced(budgets: Budgets, models: Sequence[str]) -> list[str]:
    """Those of the models that PRICES does not name."""
    return [one for one in dict.fromkeys(models) if not budgets.prices.has(one)]


def budget_chores(budgets: Budgets, every_s: float) -> tuple[Chore, ...]:
    """What keeps the budgets right after crashes; nothing where there are none."""
    if not budgets.are_set:
        return ()

    async def sweep() -> None:
        await settle_left_over()
        await budgets.forget_old(utc_now())

    return (Chore("budgets", every_s, sweep),)


def _micros(limit: Decimal | None) -> int | None:
    return None if limit is None else micros(limit)
